//! Programs of the system, run to their end: by absolute path, with nothing of our environment, within a deadline.
//!
//! Called by `exec`, whose callers are root: a PATH, LD_PRELOAD or working directory of theirs must not choose what runs.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use super::clock::Stopwatch;
use super::pidfd::Pidfd;

/// What is kept of what it says on either stream; the rest is read and forgotten.
const TALK: usize = 4096;
/// What it makes is its user's alone, whatever the umask of whoever called us.
const UMASK: u32 = 0o077;

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it said on standard error.
    pub talk: Vec<u8>,
    /// What it printed.
    pub said: Vec<u8>,
}

/// Runs the first of these files that exists, and waits for it. It is in a process group of its own: a Ctrl-C or a hang-up
/// at the terminal is for us, who say then what became of it.
///
/// # Errors
/// ENOENT where none exists; `TimedOut` where it did not end in time. With an error it does not run any more.
#[expect(clippy::disallowed_methods, reason = "the one place that runs programs of the system")]
pub fn run(files: &[&str], arguments: &[&str], patience: Duration) -> io::Result<Ended> {
    let mut missing = io::Error::from(io::ErrorKind::NotFound);
    for file in files {
        let mut command = Command::new(file);
        command.args(arguments).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0);
        #[expect(
            unsafe_code,
            reason = "a umask that threads of ours do not share can only be set by the child"
        )]
        // SAFETY: between fork and exec only umask(2) is called, which takes no lock and no memory.
        unsafe {
            command.pre_exec(|| {
                rustix::process::umask(Mode::from_raw_mode(UMASK));
                Ok(())
            });
        }
        match command.spawn() {
            Ok(child) => return Running(Some(child)).wait(patience),
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing = error,
            Err(error) => return Err(error),
        }
    }
    Err(missing)
}

/// A program that does not outlive our interest in it.
struct Running(Option<Child>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            // It was not waited for, so its number is still its own.
            child.kill().ok();
            child.wait().ok();
        }
    }
}

impl Running {
    fn wait(mut self, patience: Duration) -> io::Result<Ended> {
        let watch = Stopwatch::start();
        let child = self.0.as_mut().ok_or(io::ErrorKind::NotFound)?;
        let pidfd = Pidfd::open(child.id())?;
        let mut said = Pipe::of(child.stdout.take().map(OwnedFd::from))?;
        let mut talk = Pipe::of(child.stderr.take().map(OwnedFd::from))?;
        loop {
            let left = watch.left_of(patience);
            let has_ended = wait_for(&pidfd, [&said, &talk], left)?;
            // In this order: what it said before it ended is read.
            said.drain()?;
            talk.drain()?;
            if has_ended {
                break;
            }
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        let code = child.wait()?.code();
        self.0 = None;
        Ok(Ended { code, talk: talk.kept, said: said.kept })
    }
}

/// Whether it has ended, when it has, or has said something, or the time is over, or a signal came.
fn wait_for(pidfd: &Pidfd, pipes: [&Pipe; 2], left: Duration) -> io::Result<bool> {
    let mut fds = vec![PollFd::new(pidfd, PollFlags::IN)];
    fds.extend(
        pipes.iter().filter_map(|pipe| pipe.from.as_ref()).map(|from| PollFd::new(from, PollFlags::IN)),
    );
    let timeout = Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(left.subsec_nanos()),
    };
    match poll(&mut fds, Some(&timeout)) {
        // No handler of ours ends the wait, and poll(2) is never restarted: signal(7).
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(fds.first().is_some_and(|fd| !fd.revents().is_empty())),
    }
}

/// One of its streams. Whatever the program left running may hold it open, so its end is not waited for.
struct Pipe {
    from: Option<OwnedFd>,
    kept: Vec<u8>,
}

impl Pipe {
    fn of(from: Option<OwnedFd>) -> io::Result<Self> {
        if let Some(from) = &from {
            fcntl_setfl(from.as_fd(), fcntl_getfl(from.as_fd())? | OFlags::NONBLOCK)?;
        }
        Ok(Self { from, kept: Vec::new() })
    }

    /// Reads what is there now.
    fn drain(&mut self) -> io::Result<()> {
        let mut piece = [0_u8; TALK];
        while let Some(from) = &self.from {
            match rustix::io::read(from, &mut piece) {
                Ok(0) => self.from = None,
                Ok(count) => {
                    let more = count.min(TALK.saturating_sub(self.kept.len()));
                    self.kept.extend_from_slice(piece.get(..more).unwrap_or_default());
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_code_and_the_complaint_and_nothing_of_our_environment() {
        let script = "echo \"$HOME$CARGO_PKG_NAME in $PWD\" >&2; echo yes; exit 7";
        let ended = run(&["/no/such", "/bin/sh"], &["-c", script], Duration::from_secs(10)).unwrap();
        assert_eq!((ended.code, &*ended.talk), (Some(7), &b" in /\n"[..]));
        assert_eq!(&*ended.said, b"yes\n");
    }

    #[test]
    fn what_does_not_end_is_killed() {
        let error = run(&["/bin/sleep"], &["600"], Duration::from_millis(20)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let none = run(&["/no/such"], &[], Duration::from_secs(1)).unwrap_err();
        assert_eq!(none.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_talker_is_read_while_it_talks_and_makes_what_is_nobodys_else() {
        let script = "yes | head -c 300000 >&2; yes | head -c 300000; umask >&2; exit 3";
        let ended = run(&["/bin/sh"], &["-c", script], Duration::from_mins(1)).unwrap();
        assert_eq!((ended.code, ended.talk.len(), ended.said.len()), (Some(3), TALK, TALK));
        let mask = run(&["/bin/sh"], &["-c", "umask"], Duration::from_mins(1)).unwrap();
        assert_eq!(&*mask.said, b"0077\n");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a signal goes to a thread of the test's own")]
    fn it_has_a_process_group_of_its_own_and_a_signal_to_us_does_not_end_the_wait() {
        use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
        use std::os::unix::thread::JoinHandleExt;
        extern "C" fn nothing(_: nix::libc::c_int) {}
        let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::SA_RESTART, SigSet::empty());
        #[expect(unsafe_code, reason = "only a handler makes poll(2) come back early")]
        // SAFETY: the handler does nothing at all, and nobody else uses this signal.
        unsafe {
            sigaction(Signal::SIGUSR2, &action).unwrap();
        }
        let script = "sleep 0.2; [ $(ps -o pgid= -p $$) = $$ ] && echo alone";
        let waits = std::thread::spawn(move || run(&["/bin/sh"], &["-c", script], Duration::from_mins(1)));
        while !waits.is_finished() {
            #[expect(unsafe_code, reason = "a signal to one thread")]
            // SAFETY: the thread was not joined yet, so its handle is still good.
            let sent = unsafe { nix::libc::pthread_kill(waits.as_pthread_t(), nix::libc::SIGUSR2) };
            assert_eq!(sent, 0);
            std::thread::yield_now();
        }
        let ended = waits.join().unwrap().unwrap();
        assert_eq!((ended.code, &*ended.said), (Some(0), &b"alone\n"[..]));
    }
}
