//! Which of the three standard descriptors were closed when the program began.
//!
//! Rust's runtime opens `/dev/null` in the place of a closed one before `main`, so that output written there is lost and
//! nobody learns of it. The loader runs the functions in `.init_array` before that; the one here looks and remembers.

use std::sync::atomic::{AtomicU8, Ordering};

use rustix::fd::BorrowedFd;
use rustix::io::Errno;

static CLOSED: AtomicU8 = AtomicU8::new(0);

/// Puts something without a path in the place of all three: what they lead to is then no business of this process any more.
///
/// # Errors
/// What eventfd(2) and dup2(2) answer.
pub fn let_go_of_streams() -> std::io::Result<()> {
    let nothing = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC)?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(&nothing)?;
    Ok(rustix::stdio::dup2_stderr(&nothing)?)
}

/// Whether standard output was closed at the start.
pub fn output_was_closed() -> bool {
    CLOSED.load(Ordering::Relaxed) & 2 != 0
}

#[expect(
    unsafe_code,
    reason = "the loader's list of functions to run before Rust's runtime; nothing is dereferenced"
)]
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK_FIRST: extern "C" fn() = look;

/// Runs before `main` and before Rust's runtime: system calls and an atomic, nothing else.
extern "C" fn look() {
    let standard = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
    let mut closed = 0;
    for (bit, fd) in standard.into_iter().enumerate() {
        if is_closed(fd) {
            closed |= 1 << bit;
        }
    }
    CLOSED.store(closed, Ordering::Relaxed);
}

fn is_closed(fd: BorrowedFd<'_>) -> bool {
    matches!(rustix::io::fcntl_getfd(fd), Err(Errno::BADF))
}
