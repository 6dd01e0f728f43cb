//! Where a capture goes: a new file that only its owner reads, or standard output.
//!
//! The file is made, never opened: no name is followed and nothing is overwritten. What a full disk cut off is cut away
//! again, so that the file ends with its last whole snapshot.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::cmd::{Refusal, out};
use crate::exit::Exit;
use crate::model::errno;
use crate::model::raw_path::RawPath;
use crate::model::units::WallNanos;
use crate::sys::stdio;

/// Nobody but the owner: a capture names users, paths and command lines.
const MODE: Mode = Mode::RUSR.union(Mode::WUSR);
/// How much of a host name goes into the name of a file.
const MAX_HOST: usize = 64;

/// An open target.
#[derive(Debug)]
pub enum Target {
    /// A file, with its name.
    File(File, RawPath),
    /// Standard output.
    Output,
}

impl Target {
    /// Makes the file, or takes standard output for `-`.
    ///
    /// # Errors
    /// A file of that name, a terminal, or what the file system answers.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        if path.as_os_str() == "-" {
            return Self::output();
        }
        let name = RawPath::from(path.as_os_str());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::open(path, flags, MODE) {
            Ok(fd) => Ok(Self::File(fd.into(), name)),
            Err(Errno::EXIST) => {
                let why =
                    format!("`{name}` exists; a capture overwrites nothing, so name another file with -o");
                Err(Refusal::usage(why))
            }
            Err(why) => {
                let why = errno::Errno(why.raw_os_error());
                Err(lost(format!("cannot make the capture `{name}`: {}", why.text())))
            }
        }
    }

    /// A capture is no text, so a terminal does not get one.
    fn output() -> anyhow::Result<Self> {
        refuse_terminal()?;
        if stdio::output_was_closed() {
            return Err(lost("cannot write the capture: standard output is closed".to_owned()));
        }
        Ok(Self::Output)
    }

    /// The name of the file.
    pub fn name(&self) -> Option<&RawPath> {
        match self {
            Self::File(_, name) => Some(name),
            Self::Output => None,
        }
    }

    /// Puts what was written on the disk.
    ///
    /// # Errors
    /// What the file system answers: only now does it tell some of what went wrong before.
    pub fn sync(&self) -> io::Result<()> {
        match self {
            Self::File(file, _) => file.sync_all(),
            Self::Output => Ok(()),
        }
    }

    /// Cuts off what was not written whole. Where that fails, a reader finds the torn end by itself.
    pub fn cut(&self, whole: u64) {
        if let Self::File(file, _) = self {
            file.set_len(whole).ok();
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::File(file, _) => file.as_fd(),
            Self::Output => rustix::stdio::stdout(),
        }
    }
}

impl Write for &Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        out::write_some(self.fd(), bytes).map_err(io::Error::from)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Refuses `-o -` where standard output is a terminal.
pub fn refuse_terminal() -> anyhow::Result<()> {
    if rustix::termios::isatty(rustix::stdio::stdout()) {
        let why = "a capture is no text for a terminal; send it somewhere: tmpmedic capture -o - | ssh …";
        return Err(Refusal::usage(why));
    }
    Ok(())
}

/// A failure of the output.
pub fn lost(message: String) -> anyhow::Error {
    Refusal { exit: Exit::Output, message }.into()
}

/// `tmpmedic-HOST-20260122T204000Z.tmpmedic`, with nothing of the host's name that a shell would read.
pub fn default_name(host: &str, at: WallNanos) -> PathBuf {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let host: String = host.chars().take(MAX_HOST).map(plain).collect();
    let host = if host.is_empty() { "unknown" } else { &host };
    let time = jiff::Timestamp::from_second(at.0.div_euclid(1_000_000_000));
    let time = time.map_or_else(|_| "0".to_owned(), |time| time.strftime("%Y%m%dT%H%M%SZ").to_string());
    PathBuf::from(OsStr::new(&format!("tmpmedic-{host}-{time}.tmpmedic")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_of_the_machine_and_the_time_and_safe_to_paste() {
        let at = WallNanos(1_769_114_400_000_000_000);
        assert_eq!(default_name("ci-3", at), Path::new("tmpmedic-ci-3-20260122T204000Z.tmpmedic"));
        assert_eq!(default_name("../$(x)", at), Path::new("tmpmedic-..---x--20260122T204000Z.tmpmedic"));
        assert_eq!(default_name("", at), Path::new("tmpmedic-unknown-20260122T204000Z.tmpmedic"));
    }
}
