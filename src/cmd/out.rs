//! Standard output and standard error: written straight, without the macros that panic or lose data in silence.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::sys::stdio;

/// Why output did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// The reader has gone; that is its right.
    #[error("the reader of the output has gone")]
    Pipe,
    /// Anything else: a full disk, a closed descriptor.
    #[error("cannot write the output")]
    Failed(#[source] io::Error),
}

/// Writes all of it to standard output.
///
/// # Errors
/// [`Lost`]; a part may have been written.
pub fn write(text: &str) -> Result<(), Lost> {
    if stdio::output_was_closed() {
        return Err(Lost::Failed(Errno::BADF.into()));
    }
    write_all(rustix::stdio::stdout(), text.as_bytes()).map_err(|errno| match errno {
        Errno::PIPE => Lost::Pipe,
        other => Lost::Failed(other.into()),
    })
}

/// Standard output for what is written as it is made, a piece at a time.
pub struct Stream;

impl io::Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if stdio::output_was_closed() {
            return Err(Errno::BADF.into());
        }
        Ok(write_some(rustix::stdio::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Why what was written as it was made did not arrive, if that is why it was not made whole.
pub fn lost(error: anyhow::Error) -> anyhow::Error {
    let kind = |error: &anyhow::Error| {
        let json = error.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        json.or_else(|| error.downcast_ref::<io::Error>().map(io::Error::kind))
    };
    match kind(&error) {
        Some(io::ErrorKind::BrokenPipe) => Lost::Pipe.into(),
        Some(kind) => Lost::Failed(error.downcast().unwrap_or_else(|_| kind.into())).into(),
        None => error,
    }
}

/// Says one line on standard error. Where that is closed or full, nobody can be told.
pub fn say(line: &str) {
    write_all(rustix::stdio::stderr(), format!("{line}\n").as_bytes()).ok();
}

/// Says something that a later line takes the place of.
pub fn say_unended(text: &str) {
    write_all(rustix::stdio::stderr(), text.as_bytes()).ok();
}

/// One write, of as much as the descriptor takes; waits where somebody else made it non-blocking.
pub fn write_some(fd: BorrowedFd<'_>, bytes: &[u8]) -> rustix::io::Result<usize> {
    loop {
        match rustix::io::retry_on_intr(|| rustix::io::write(fd, bytes)) {
            Err(Errno::AGAIN) => {
                poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::OUT)], None)?;
            }
            done => return done,
        }
    }
}

fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> rustix::io::Result<()> {
    while !bytes.is_empty() {
        let written = write_some(fd, bytes)?;
        bytes = bytes.get(written..).unwrap_or_default();
    }
    Ok(())
}
