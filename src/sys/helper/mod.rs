//! One-shot helper processes: this binary, re-executed for calls that may never return or that change what we are.
//!
//! A helper gets its request on standard input and answers on standard output, so that what it had to say before it got
//! stuck is known. It holds none of our other descriptors (`sys::child` closes them on its side), no environment, and
//! `/` as working directory. A process in state D cannot be killed and may not be waited for: whoever is late is left to
//! itself, and with four of those no more are started. Called by `collect` and `probe`.

mod pending;
mod places;

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};

use crate::sys::standing::Standing;

pub use pending::{Pending, State, wait_any};
pub use places::has_room;

/// Why a helper gave no whole answer.
#[derive(Debug, thiserror::Error)]
pub enum HelperError {
    /// It could not be started.
    #[error("cannot start a helper process")]
    Spawn(#[source] io::Error),
    /// The deadline came first.
    #[error("the helper process gave no answer in time")]
    Late {
        /// What it said until then.
        partial: Vec<u8>,
        /// Where it stood in the kernel then, where that could be read.
        standing: Option<Standing>,
    },
    /// It ended without saying that all is well.
    #[error("the helper process {how}")]
    Died {
        /// "was killed by signal 9".
        how: String,
        /// What it said until then.
        partial: Vec<u8>,
    },
}

/// Asks a helper of that kind and waits for its answer, at most until the deadline.
///
/// # Errors
/// See [`HelperError`]; a late helper is killed.
pub fn ask(kind: &str, request: &[u8], deadline: Duration) -> Result<Vec<u8>, HelperError> {
    ask_while(kind, request, deadline, None)
}

/// Whether an answer is still wanted.
pub type Wanted<'a> = &'a dyn Fn() -> bool;

/// The same, for as long as the answer is wanted.
///
/// # Errors
/// See [`HelperError`]; one that is not wanted any more is late.
pub fn ask_while(
    kind: &str,
    request: &[u8],
    deadline: Duration,
    wanted: Option<Wanted<'_>>,
) -> Result<Vec<u8>, HelperError> {
    let mut pending = [Pending::start(kind, request, deadline)?];
    while pending.iter().all(|p| p.state() == State::Working) && wanted.is_none_or(|wanted| wanted()) {
        wait_any(&mut pending, wanted);
    }
    let [pending] = pending;
    pending.finish()
}

/// Runs a helper in the foreground with our own terminal, and waits for it however long it takes. The request travels in
/// its environment, as the only variable.
///
/// # Errors
/// What spawning answers.
pub fn run_attached(kind: &str, request: (&str, &str), output: Stdio) -> io::Result<ExitStatus> {
    let mut command = ourselves(kind);
    command.env_clear().env(request.0, request.1).stdout(output);
    command.status()
}

/// Starts a helper that outlives us if it has to, with pipes for its standard streams and just these variables. It is in our
/// process group until it begins a session of its own.
///
/// # Errors
/// What spawning answers.
pub fn start_apart<'v>(
    kind: &str,
    variables: impl Iterator<Item = (&'v str, String)>,
) -> io::Result<(Child, ChildStdin, ChildStdout)> {
    let mut command = ourselves(kind);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(nowhere()?);
    command.env_clear().envs(variables).current_dir("/");
    let mut child = command.spawn()?;
    match (child.stdin.take(), child.stdout.take()) {
        (Some(to), Some(from)) => Ok((child, to, from)),
        _ => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

/// Somewhere for the complaints that nobody reads: there need be no `/dev/null`, or it may be a file by now. It must answer
/// poll(2), or Rust's runtime takes it for closed and opens `/dev/null` after all.
fn nowhere() -> io::Result<Stdio> {
    Ok(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?.into())
}

/// `/proc/self/exe` reaches our program even where its file was deleted or replaced. Source: proc_pid_exe(5).
#[expect(clippy::disallowed_methods, reason = "the one place that re-executes tmpmedic")]
fn ourselves(kind: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("tmpmedic").args(["__helper", kind]);
    command
}
