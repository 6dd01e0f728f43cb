//! Reading procfs by descriptor: one for `/proc`, one for the process at hand, one for the file at hand.
//!
//! A [`PidDir`] stays with its process: once that has ended every read fails with ESRCH, even when the number belongs to
//! another process by then. Parsing is not done here. Called by `collect` and `probe`.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::buffer::spare_capacity;
use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RawDir, SeekFrom, StatxFlags, openat, readlinkat_raw, seek, statx,
};
use rustix::io::{Errno, read, retry_on_intr};

/// First read of a file of unknown length; most files of procfs fit.
const FIRST_READ: usize = 4096;
/// More than any `stat` line holds.
const LINE_MAX: usize = 4096;
/// Links of procfs are cut at a page by the kernel.
const LINK_MAX: usize = 4096;

/// How many clock ticks make a second in procfs: `starttime` counts in them. Source: sysconf(3).
pub fn clock_ticks_per_second() -> u64 {
    rustix::param::clock_ticks_per_second()
}

/// An open procfs root.
#[derive(Debug)]
pub struct Proc {
    dir: OwnedFd,
}

impl Proc {
    /// Opens a procfs root, `/proc` as a rule.
    ///
    /// # Errors
    /// What open(2) answers.
    pub fn open(root: &Path) -> io::Result<Self> {
        let dir = openat(CWD, root, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { dir })
    }

    /// Lists the process ids, in the order of the directory.
    ///
    /// # Errors
    /// What getdents(2) answers. Not for two threads at once: they would share the position in the directory.
    pub fn pids(&self) -> io::Result<Vec<u32>> {
        seek(&self.dir, SeekFrom::Start(0))?;
        let mut pids = Vec::new();
        numbers_in(self.dir.as_fd(), |pid| pids.push(pid))?;
        Ok(pids)
    }

    /// Opens the directory of a process; `O_PATH`, so that not even its mode matters.
    ///
    /// # Errors
    /// ENOENT where there is no such process or it is hidden.
    pub fn pid(&self, pid: u32) -> io::Result<PidDir> {
        let mut digits = [0_u8; 10];
        self.enter(decimal(pid, &mut digits))
    }

    /// Reads `PID/stat` in one go, without opening the directory of the process first.
    ///
    /// # Errors
    /// ENOENT or ESRCH where there is no such process.
    pub fn read_stat(&self, pid: u32, into: &mut Vec<u8>) -> io::Result<()> {
        let mut digits = [0_u8; 10];
        let digits = decimal(pid, &mut digits);
        let mut path = [0_u8; 16];
        let (head, rest) = path.split_at_mut(digits.len());
        head.copy_from_slice(digits);
        let rest = rest.get_mut(..5).ok_or(Errno::INVAL)?;
        rest.copy_from_slice(b"/stat");
        let length = digits.len() + 5;
        let file = open_file(self.dir.as_fd(), path.get(..length).unwrap_or_default())?;
        read_piece(&file, LINE_MAX, into)
    }

    /// Opens the directory of the calling process.
    ///
    /// # Errors
    /// ENOENT where this procfs belongs to a PID namespace that does not hold us.
    pub fn own(&self) -> io::Result<PidDir> {
        self.enter(b"self")
    }

    /// Our own pid as this procfs numbers it, which need not be what getpid(2) says.
    ///
    /// # Errors
    /// ENOENT where this procfs belongs to a PID namespace that does not hold us.
    pub fn own_pid(&self) -> io::Result<u32> {
        let mut buffer = [MaybeUninit::<u8>::uninit(); 16];
        let (digits, _) = readlinkat_raw(&self.dir, "self", &mut buffer)?;
        let pid = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        pid.ok_or_else(|| Errno::INVAL.into())
    }

    /// Reads a file such as `sys/fs/file-nr`, at most `cap` bytes of it.
    ///
    /// # Errors
    /// What open(2) and read(2) answer.
    pub fn read(&self, name: &str, cap: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        read_whole(self.dir.as_fd(), name, cap, &mut bytes)?;
        Ok(bytes)
    }

    /// The text of a link below it, `4515/ns/net`, as [`PidDir::link`] without opening the directory of the process first.
    ///
    /// # Errors
    /// As [`PidDir::link`]; ENOENT too where there is no such process.
    pub fn link(&self, path: &str) -> io::Result<Vec<u8>> {
        let mut buffer = [MaybeUninit::<u8>::uninit(); LINK_MAX];
        let (text, _) = readlinkat_raw(&self.dir, path, &mut buffer)?;
        Ok(text.to_vec())
    }

    fn enter(&self, name: &[u8]) -> io::Result<PidDir> {
        let dir = openat(&self.dir, name, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(PidDir { dir })
    }
}

/// The open directory of one process.
#[derive(Debug)]
pub struct PidDir {
    dir: OwnedFd,
}

impl PidDir {
    /// Reads a file to its end, at most `cap` bytes of it.
    ///
    /// # Errors
    /// ESRCH where the process has ended, EACCES or EPERM where we may not look.
    pub fn read(&self, name: &str, cap: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read_into(name, cap, &mut bytes)?;
        Ok(bytes)
    }

    /// As [`PidDir::read`], into a buffer that is used again; what it held is forgotten.
    ///
    /// # Errors
    /// As [`PidDir::read`].
    pub fn read_into(&self, name: &str, cap: usize, into: &mut Vec<u8>) -> io::Result<()> {
        read_whole(self.dir.as_fd(), name, cap, into)
    }

    /// As [`PidDir::read_into`] for files that the kernel hands over in one piece: stat, status, cgroup, limits, cmdline,
    /// environ. A read that does not fill the buffer was the last one, which saves a call a file.
    ///
    /// # Errors
    /// As [`PidDir::read`].
    pub fn read_piece(&self, name: &str, cap: usize, into: &mut Vec<u8>) -> io::Result<()> {
        read_piece(&open_file(self.dir.as_fd(), name.as_bytes())?, cap, into)
    }

    /// Reads only the beginning of a file: one read(2) of at most `cap` bytes.
    ///
    /// # Errors
    /// As [`PidDir::read`].
    pub fn read_head(&self, name: &str, cap: usize, into: &mut Vec<u8>) -> io::Result<()> {
        let file = open_file(self.dir.as_fd(), name.as_bytes())?;
        into.clear();
        into.reserve(cap);
        retry_on_intr(|| read(&file, spare_capacity(into)))?;
        into.truncate(cap);
        Ok(())
    }

    /// The text of a link: `root`, `cwd`, `exe`, `ns/mnt`, `fd/3`. Never touches what it points to.
    ///
    /// # Errors
    /// ENOENT where the process has none (kernel threads, zombies), EACCES where we may not look.
    pub fn link(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut buffer = [MaybeUninit::<u8>::uninit(); LINK_MAX];
        let (text, _) = readlinkat_raw(&self.dir, name, &mut buffer)?;
        Ok(text.to_vec())
    }

    /// The numbers of its open descriptors, in the order of the directory.
    ///
    /// # Errors
    /// EACCES where we may not look.
    pub fn fds(&self) -> io::Result<Vec<u32>> {
        let mut fds = Vec::new();
        self.each_fd(|fd| fds.push(fd))?;
        Ok(fds)
    }

    /// How many descriptors it has open.
    ///
    /// The size of its `fd` directory tells it since Linux 6.2 (and shows it to everybody); before that they are counted.
    ///
    /// # Errors
    /// EACCES where we may not look.
    pub fn fd_count(&self) -> io::Result<u64> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_DONT_SYNC;
        if let Ok(found) = statx(&self.dir, "fd", flags, StatxFlags::SIZE)
            && found.stx_size > 0
        {
            return Ok(found.stx_size);
        }
        let mut count = 0;
        self.each_fd(|_| count += 1)?;
        Ok(count)
    }

    fn each_fd(&self, each: impl FnMut(u32)) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = openat(&self.dir, "fd", flags, Mode::empty())?;
        numbers_in(dir.as_fd(), each)
    }
}

impl AsFd for Proc {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }
}

impl AsFd for PidDir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }
}

fn open_file(dir: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<OwnedFd> {
    openat(dir, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

fn read_whole(dir: BorrowedFd<'_>, name: &str, cap: usize, into: &mut Vec<u8>) -> io::Result<()> {
    let file = open_file(dir, name.as_bytes())?;
    into.clear();
    read_to_end(&file, cap, into)
}

fn read_piece(file: &OwnedFd, cap: usize, into: &mut Vec<u8>) -> io::Result<()> {
    into.clear();
    loop {
        into.reserve(FIRST_READ);
        let room = into.capacity() - into.len();
        let got = retry_on_intr(|| read(file, spare_capacity(into)))?;
        if got < room || into.len() >= cap {
            into.truncate(cap);
            return Ok(());
        }
    }
}

pub(super) fn read_to_end(file: &OwnedFd, cap: usize, into: &mut Vec<u8>) -> io::Result<()> {
    loop {
        into.reserve(FIRST_READ);
        let got = retry_on_intr(|| read(file, spare_capacity(into)))?;
        if got == 0 || into.len() >= cap {
            into.truncate(cap);
            return Ok(());
        }
    }
}

pub(super) fn numbers_in(dir: BorrowedFd<'_>, mut each: impl FnMut(u32)) -> io::Result<()> {
    let mut buffer = [MaybeUninit::<u8>::uninit(); 16 << 10];
    let mut entries = RawDir::new(dir, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if let Some(number) = std::str::from_utf8(name).ok().and_then(|digits| digits.parse().ok()) {
            each(number);
        }
    }
    Ok(())
}

fn decimal(mut number: u32, digits: &mut [u8; 10]) -> &[u8] {
    let mut start = digits.len();
    for (position, slot) in digits.iter_mut().enumerate().rev() {
        *slot = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        start = position;
        if number == 0 {
            break;
        }
    }
    digits.get(start..).unwrap_or_default()
}

#[cfg(test)]
#[path = "procfile_tests.rs"]
mod tests;
