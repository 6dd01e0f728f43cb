//! What a helper process does to itself, and the programs that it starts. Called by `cmd::helper` and `probe`.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus};

use nix::sys::signal::SigSet;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit};

/// Where `/proc/self/fd` cannot be read: the usual limit of descriptors.
const USUAL_LIMIT: i32 = 1024;

/// Closes every descriptor but the standard three.
///
/// Ours are closed at exec; those that whoever started tmpmedic left open (`3>log`, a make jobserver) are not, and a
/// helper stuck in the kernel would keep them, and with them somebody's pipeline, open for ever.
pub fn close_inherited() {
    let listed = std::fs::read_dir("/proc/self/fd").map(|entries| {
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter_map(|name| name.parse().ok()).collect::<Vec<i32>>()
    });
    let numbers = listed.unwrap_or_else(|_| (3..USUAL_LIMIT).collect());
    for number in numbers.into_iter().filter(|number| *number > 2) {
        // Bad numbers are expected: the one of the listing itself, gaps in the guess.
        nix::unistd::close(number).ok();
    }
}

/// Blocks all signals, so that only SIGKILL ends this process before it has cleaned up, and so that writing beyond
/// RLIMIT_FSIZE gives EFBIG instead of death by SIGXFSZ. Source: setrlimit(2). Programs that it starts get none of this.
///
/// # Errors
/// What pthread_sigmask(3) answers.
pub fn hold_signals() -> io::Result<()> {
    Ok(SigSet::all().thread_block()?)
}

/// Takes as many descriptors as the hard limit allows: a helper of a console that has few left needs a dozen of its own.
pub fn take_all_descriptors() {
    let hard = getrlimit(Resource::Nofile).maximum;
    // Where that is refused, what there is has to do.
    setrlimit(Resource::Nofile, Rlimit { current: hard, maximum: hard }).ok();
}

/// Dies with its parent: for work that is of no use to anybody else.
///
/// # Errors
/// What prctl(2) answers.
pub fn die_with_parent() -> io::Result<()> {
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Begins a session of its own: no terminal's hang-up or Ctrl-C reaches it.
///
/// # Errors
/// EPERM where it leads a process group. Source: setsid(2).
pub fn begin_session() -> io::Result<()> {
    Ok(rustix::process::setsid().map(|_id| ())?)
}

/// Gives this process its name in ps: without this the kernel calls it `exe`, after `/proc/self/exe`.
pub fn take_name() {
    // A name is a courtesy; its failure must not stop the work.
    rustix::thread::set_name(c"tmpmedic").ok();
}

/// Runs the program of that name in the working directory, and waits for it.
///
/// # Errors
/// What execve(2) answers: EACCES on a `noexec` mount; what clone(2) answers: EAGAIN at a limit of tasks.
#[expect(
    clippy::disallowed_methods,
    reason = "the program of a probe; only a single-threaded helper comes here"
)]
pub fn run_here(name: &str) -> io::Result<ExitStatus> {
    Command::new(format!("./{name}")).env_clear().status()
}

/// Becomes that command, with exactly that environment.
///
/// # Errors
/// Returns only where execve(2) fails.
#[expect(
    clippy::disallowed_methods,
    reason = "the command that the user wants to run in the view of a process"
)]
pub fn become_command(
    program: &OsString,
    arguments: &[OsString],
    variables: Vec<(OsString, OsString)>,
) -> io::Error {
    Command::new(program).args(arguments).env_clear().envs(variables).exec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_why_a_program_cannot_run() {
        let error = run_here("no such program, surely").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn comes_back_where_a_command_cannot_be_found() {
        let error = become_command(&"/no/such/command".into(), &[], Vec::new());
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
