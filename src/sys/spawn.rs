//! Programs started with exactly these arguments and this environment, duplicates included, which
//! [`std::process::Command`] cannot do; and what becomes of children. Called by `lab`.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::fcntl::OFlag;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::SigSet;
use nix::sys::stat::Mode;
use rustix::process::{Pid, WaitOptions, WaitStatus};

/// A program to be started.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Its file.
    pub path: CString,
    /// Its arguments, with its name.
    pub arguments: Vec<CString>,
    /// Its environment block, in that order.
    pub environment: Vec<CString>,
}

/// What its standard streams are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streams {
    /// Ours.
    Ours,
    /// `/dev/null`, all three.
    Nowhere,
}

impl Program {
    /// From text; a NUL in it ends it there.
    pub fn new(path: &str, arguments: &[&str], environment: &[String]) -> Self {
        Self {
            path: c_text(path),
            arguments: arguments.iter().map(|text| c_text(text)).collect(),
            environment: environment.iter().map(|text| c_text(text)).collect(),
        }
    }

    /// Starts it. It gets those descriptors as 3, 4 …, and no signal blocked or ignored.
    ///
    /// # Errors
    /// What posix_spawn(3) answers.
    pub fn start(&self, streams: Streams, descriptors: &[BorrowedFd<'_>]) -> io::Result<u32> {
        let mut actions = PosixSpawnFileActions::init()?;
        if streams == Streams::Nowhere {
            for number in 0..3 {
                actions.add_open(number, c"/dev/null", OFlag::O_RDWR, Mode::empty())?;
            }
        }
        // Out of the way first, so that no descriptor is overwritten before it was moved.
        let mut moved = Vec::new();
        let above = i32::try_from(descriptors.len()).unwrap_or(i32::MAX).saturating_add(3);
        for fd in descriptors {
            moved.push(rustix::io::fcntl_dupfd_cloexec(fd, above)?);
        }
        for (number, fd) in (3..).zip(&moved) {
            actions.add_dup2(fd.as_raw_fd(), number)?;
        }
        let mut attributes = PosixSpawnAttr::init()?;
        attributes
            .set_flags(PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF)?;
        attributes.set_sigmask(&SigSet::empty())?;
        attributes.set_sigdefault(&SigSet::all())?;
        let child =
            posix_spawn(self.path.as_c_str(), &actions, &attributes, &self.arguments, &self.environment)?;
        Ok(child.as_raw().cast_unsigned())
    }

    /// Becomes it.
    ///
    /// # Errors
    /// Returns only where execve(2) fails.
    pub fn replace_us(&self) -> io::Error {
        match nix::unistd::execve(&self.path, &self.arguments, &self.environment) {
            Ok(never) => match never {},
            Err(errno) => errno.into(),
        }
    }
}

/// Takes over a descriptor that the program which started us has passed under that number.
pub fn inherited(number: i32) -> Option<OwnedFd> {
    #[expect(unsafe_code, reason = "a number from outside becomes a descriptor")]
    // SAFETY: only the first of a process that was started with `Program::start` comes here, once for each number; nobody
    // else in it knows them.
    let fd = unsafe {
        if nix::libc::fcntl(number, nix::libc::F_GETFD) < 0 {
            return None;
        }
        OwnedFd::from_raw_fd(number)
    };
    rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC).ok()?;
    Some(fd)
}

/// The path by which this program was executed. Source: getauxval(3), AT_EXECFN.
pub fn executed_as() -> &'static [u8] {
    rustix::param::linux_execfn().to_bytes()
}

/// Text for the kernel; it ends at a NUL.
pub fn c_text(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(text.get(..end).unwrap_or_default()).unwrap_or_default()
}

/// How a child ended or stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It ended with that code; killed by signal N it is 128 + N, as shells have it.
    Ended(u8),
    /// It was stopped.
    Stopped,
}

/// Waits for news of a child, or of any.
///
/// # Errors
/// ECHILD where there is none.
pub fn wait(child: Option<u32>, patience: Patience) -> io::Result<Option<(u32, Fate)>> {
    let pid = child.and_then(|pid| Pid::from_raw(pid.cast_signed()));
    let options = match patience {
        Patience::None => WaitOptions::UNTRACED | WaitOptions::NOHANG,
        Patience::Endless => WaitOptions::UNTRACED,
    };
    // waitpid(2) with no pid would only mean the children of our own process group.
    let news = rustix::io::retry_on_intr(|| match pid {
        Some(pid) => rustix::process::waitpid(Some(pid), options),
        None => rustix::process::wait(options),
    })?;
    Ok(news.map(|(pid, status)| (pid.as_raw_nonzero().get().cast_unsigned(), fate(status))))
}

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Not at all.
    None,
    /// Until something happens.
    Endless,
}

fn fate(status: WaitStatus) -> Fate {
    let number = |n: i32| u8::try_from(n).unwrap_or(u8::MAX);
    if status.stopped() {
        return Fate::Stopped;
    }
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Fate::Ended(number(code)),
        (None, Some(signal)) => Fate::Ended(number(128 + signal)),
        (None, None) => Fate::Ended(u8::MAX),
    }
}
