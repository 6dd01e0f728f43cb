//! The cgroup of a lab with systemd: made below our own, and removed when the lab is gone, however it went.
//!
//! systemd keeps its units in cgroups, which outlive every process and every mount. So this is a process outside of the
//! lab, in a session of its own, as the one that thaws (`freezer`): its socket closes when the first process ends, killed or
//! not; then it kills what is left in the cgroup and removes it. Always version 2, on a machine with version 1 as well:
//! every kernel has that hierarchy, and systemd needs no controllers in it. Called by `cmd::helper`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::SigSet;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::Access;
use rustix::mount::MountFlags;

use crate::sys::clock::Stopwatch;
use crate::sys::spawn::{self, Program, Streams};
use crate::sys::{mount, space};

/// The name of the job among the helpers.
pub const KIND: &str = "lab-cgroup";
/// Where the tree is mounted, in the helper as in the lab.
const TREE: &str = "/sys/fs/cgroup";
/// More labs at once than any machine opens.
const LABS: u32 = 1_000;
/// What the helper answers when all are in.
const DONE: &str = "done";
/// How long the processes of a lab may take to die after SIGKILL.
const PATIENCE: Duration = Duration::from_secs(10);

/// The helper from the side of the process that opens the lab.
#[derive(Debug)]
pub(super) struct Keeper {
    socket: UnixStream,
    /// The helper itself.
    pub(super) pid: u32,
}

impl Keeper {
    /// Starts it.
    pub(super) fn start() -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let program = Program::new("/proc/self/exe", &["tmpmedic", "__helper", KIND], &[]);
        let pid = program.start(Streams::Nowhere, &[theirs.as_fd()])?;
        Ok(Self { socket: ours, pid })
    }

    /// The socket for the first process of the lab.
    pub(super) fn socket(&self) -> &UnixStream {
        &self.socket
    }

    /// Asks for these processes, as we count, to be moved into the cgroup. The answer is for the first process.
    pub(super) fn admit(mut self, pids: &[u32]) -> io::Result<()> {
        let words: Vec<String> = pids.iter().map(u32::to_string).collect();
        self.socket.write_all(format!("{}\n", words.join(" ")).as_bytes())
    }
}

/// Waits until this process, the first one of a lab, is in the cgroup, which then is the root of all that it sees.
pub(super) fn enter(keeper: &UnixStream) -> io::Result<()> {
    let mut answer = String::new();
    BufReader::new(keeper).read_line(&mut answer)?;
    if answer.trim_end() != DONE {
        return Err(io::Error::other(answer.trim_end().to_owned()));
    }
    space::leave(&[space::Kind::Cgroup])
}

/// Mounts the tree as far as this process sees it.
pub(super) fn show() -> io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount::attach("cgroup2", Path::new("cgroup2"), Path::new(TREE), flags, "")
}

/// Does what it is asked, and removes the cgroup when nobody is left who could ask.
///
/// # Errors
/// Where it was not started as it should be.
pub fn serve() -> io::Result<()> {
    rustix::process::setsid()?;
    SigSet::all().thread_block()?;
    let socket = UnixStream::from(spawn::inherited(3).ok_or(io::ErrorKind::NotConnected)?);
    let mut answers = socket.try_clone()?;
    let mut made = None;
    for line in BufReader::new(socket).lines().map_while(Result::ok) {
        let answer = match make(&mut made).and_then(|dir| admit(dir, &line)) {
            Ok(()) => DONE.to_owned(),
            Err(why) => why.to_string(),
        };
        // Whoever asked is gone; then the loop ends as well.
        answers.write_all(format!("{answer}\n").as_bytes()).ok();
    }
    made.map_or(Ok(()), |dir| remove(&dir))
}

/// Tries whether a cgroup could be made; nothing is.
pub(super) fn attempt() -> io::Result<()> {
    Ok(rustix::fs::access(&find()?, Access::WRITE_OK)?)
}

/// Our own cgroup, in a tree that only this process has mounted.
fn find() -> io::Result<PathBuf> {
    space::leave(&[space::Kind::Mount])?;
    mount::make_all_private()?;
    show()?;
    let table = std::fs::read_to_string("/proc/self/cgroup")?;
    own(&table).ok_or_else(|| io::Error::other("our own cgroup cannot be seen from here"))
}

fn make(made: &mut Option<PathBuf>) -> io::Result<&Path> {
    if made.is_none() {
        *made = Some(make_free(
            &find()?,
            &format!("tmpmedic-lab-{}", rustix::process::getpid().as_raw_nonzero()),
        )?);
    }
    made.as_deref().ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Makes a directory of that name, or one that is like it and free: in another pid namespace another keeper has our number, and
/// one that was killed leaves its cgroup behind.
fn make_free(beside: &Path, name: &str) -> io::Result<PathBuf> {
    let names = std::iter::once(name.to_owned()).chain((1..LABS).map(|n| format!("{name}-{n}")));
    for name in names {
        let dir = beside.join(name);
        match std::fs::create_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| dir),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The directory of our own cgroup of version 2. Source: proc_pid_cgroup(5), cgroup_namespaces(7).
fn own(table: &str) -> Option<PathBuf> {
    let path = table.lines().find_map(|line| line.strip_prefix("0::/"))?;
    // Above the root of our cgroup namespace.
    (!path.starts_with("..")).then(|| Path::new(TREE).join(path))
}

fn admit(dir: &Path, pids: &str) -> io::Result<()> {
    pids.split(' ').try_for_each(|pid| std::fs::write(dir.join("cgroup.procs"), pid))
}

fn remove(dir: &Path) -> io::Result<()> {
    // Linux 5.14; before that the lab dies of the end of its first process alone.
    std::fs::write(dir.join("cgroup.kill"), "1").ok();
    wait_until_empty(dir)?;
    remove_tree(dir)
}

fn wait_until_empty(dir: &Path) -> io::Result<()> {
    let watch = Stopwatch::start();
    let mut events = File::open(dir.join("cgroup.events"))?;
    loop {
        let mut text = String::new();
        events.rewind()?;
        events.read_to_string(&mut text)?;
        let left = watch.left_of(PATIENCE);
        if text.lines().any(|line| line == "populated 0") || left.is_zero() {
            return Ok(());
        }
        let mut fds = [PollFd::from_borrowed_fd(events.as_fd(), PollFlags::PRI)];
        let seconds = i64::try_from(left.as_secs()).unwrap_or(i64::MAX);
        poll(&mut fds, Some(&Timespec { tv_sec: seconds, tv_nsec: left.subsec_nanos().into() }))?;
    }
}

/// Only directories can be removed; the files in them are the kernel's.
fn remove_tree(dir: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        }
    }
    Ok(rustix::fs::rmdir(dir)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch;

    #[test]
    fn a_name_that_another_lab_has_is_not_taken_from_it() {
        let dir = scratch::dir();
        let one = || make_free(dir.path(), "lab-7").unwrap();
        let made = [one(), one(), one()];
        assert_eq!(made, ["lab-7", "lab-7-1", "lab-7-2"].map(|name| dir.path().join(name)));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), made.len());
    }

    #[test]
    fn our_own_cgroup_is_that_of_version_2() {
        let hybrid = "4:memory:/x\n1:name=systemd:/y\n0::/user.slice/a.scope\n";
        assert_eq!(own(hybrid), Some(PathBuf::from("/sys/fs/cgroup/user.slice/a.scope")));
        assert_eq!(own("0::/\n"), Some(PathBuf::from("/sys/fs/cgroup/")));
        assert_eq!(own("0::/../x\n"), None, "outside of our namespace");
        assert_eq!(own("1:name=systemd:/\n"), None, "no version 2");
    }
}
