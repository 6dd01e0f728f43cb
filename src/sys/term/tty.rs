//! The terminal's descriptor: non-blocking both ways, and an outbox that holds what it did not take yet.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::termios::{QueueSelector, tcflush, tcgetwinsize};

/// A terminal, opened for ourselves.
#[derive(Debug)]
pub struct Tty {
    fd: OwnedFd,
}

impl Tty {
    /// Opens the terminal on standard output once more, or that on standard input where output goes elsewhere.
    ///
    /// A second open file description is needed because O_NONBLOCK belongs to the description (open(2)), which the shell
    /// shares. After `su` the device itself may not be ours to open; `/dev/tty` always is.
    ///
    /// # Errors
    /// ENOTTY where standard input is no terminal.
    pub fn open() -> io::Result<Self> {
        if !Self::can_be_typed_on() {
            return Err(Errno::NOTTY.into());
        }
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = |path: &str| rustix::fs::open(path, flags, Mode::empty());
        let own = if rustix::termios::isatty(rustix::stdio::stdout()) {
            "/proc/self/fd/1"
        } else {
            "/proc/self/fd/0"
        };
        let fd = open(own).or_else(|_| open("/dev/tty"))?;
        if !rustix::termios::isatty(&fd) {
            return Err(Errno::NOTTY.into());
        }
        Ok(Self { fd })
    }

    /// Whether standard input and output are both terminals.
    pub fn is_there() -> bool {
        rustix::termios::isatty(rustix::stdio::stdin()) && rustix::termios::isatty(rustix::stdio::stdout())
    }

    /// Whether standard output is a terminal, wherever the input comes from.
    pub fn is_for_output() -> bool {
        rustix::termios::isatty(rustix::stdio::stdout())
    }

    /// Makes the terminal on standard output the standard input too, once what came through that was read.
    ///
    /// # Errors
    /// What open(2) and dup2(2) answer.
    pub fn take_input() -> io::Result<()> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let open = |path: &str| rustix::fs::open(path, flags, Mode::empty());
        let fd = open("/proc/self/fd/1").or_else(|_| open("/dev/tty"))?;
        Ok(rustix::stdio::dup2_stdin(fd)?)
    }

    /// Whether standard input is a terminal, wherever output goes.
    pub fn can_be_typed_on() -> bool {
        rustix::termios::isatty(rustix::stdio::stdin())
    }

    /// Columns and rows of standard output, where that is a terminal that knows.
    pub fn output_size() -> Option<(u16, u16)> {
        size_of(rustix::stdio::stdout())
    }

    /// Columns and rows, where the terminal knows; a serial line does not.
    pub fn size(&self) -> Option<(u16, u16)> {
        size_of(self.fd.as_fd())
    }

    /// Reads what was typed. Nothing typed is `WouldBlock`; a terminal that went away is EIO or 0 bytes.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::io::read(&self.fd, &mut *buffer))?)
    }

    /// Writes as much as the terminal takes now.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::io::write(&self.fd, bytes))?)
    }

    /// Drops what was written and not yet read at the other end.
    pub fn drop_output(&self) -> io::Result<()> {
        Ok(tcflush(&self.fd, QueueSelector::OFlush)?)
    }
}

impl AsFd for Tty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn size_of(fd: BorrowedFd<'_>) -> Option<(u16, u16)> {
    let size = tcgetwinsize(fd).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

/// Bytes on their way to the terminal.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
}

impl Outbox {
    /// Puts more behind what waits.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether everything was taken.
    pub fn is_empty(&self) -> bool {
        self.sent >= self.bytes.len()
    }

    /// Hands over as much as the terminal takes without waiting.
    ///
    /// # Errors
    /// EIO where the terminal went away; a full one is no error.
    pub fn flush(&mut self, tty: &Tty) -> io::Result<()> {
        while let Some(rest) = self.bytes.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match tty.write(rest) {
                Ok(n) => self.sent += n,
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(why) => return Err(why),
            }
        }
        self.bytes.clear();
        self.sent = 0;
        Ok(())
    }
}
