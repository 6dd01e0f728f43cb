//! Removes what probes that were killed in the middle have left: only what carries our mark, lies in the directory at
//! hand, belongs to the user as whom we look, and was made by a process that is no more.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, Statx, StatxFlags, openat, statx, unlinkat};
use rustix::io::Errno;
use rustix::process::{Pid, geteuid, test_kill_process};

use super::mark::Mark;
use super::steps::NAMES;
use crate::model::mode::GROUP_OTHERS;
use crate::sys::clock::{self, Stopwatch};
use crate::sys::namespace::{is_zombie, start_ticks};
use crate::sys::procfile::Proc;

/// No probe lives that long; by age alone are judged those of other boots and PID namespaces.
const OLD_SECONDS: i64 = 3600;
/// A directory of a million entries is not read to its end for this.
const BUDGET: Duration = Duration::from_millis(150);
/// More than that were not left by accidents.
const MOST: usize = 64;

/// What is needed to tell whether a mark is still alive; taken before the view of another process is entered.
#[derive(Debug)]
pub(super) struct Sweeper {
    proc: Proc,
    own: Mark,
}

impl Sweeper {
    /// Knows the living by `proc` and by our own mark.
    pub(super) fn new(proc: Proc, own: Mark) -> Self {
        Self { proc, own }
    }

    /// Our own mark.
    pub(super) fn own(&self) -> &Mark {
        &self.own
    }

    /// Removes the leftovers in a directory; gives the names of those that could not be removed.
    ///
    /// # Errors
    /// What listing the directory answers: EACCES where the user may not.
    pub(super) fn sweep(&self, dir: &OwnedFd) -> io::Result<Vec<String>> {
        let mut stuck = Vec::new();
        for name in self.dead_names(dir)? {
            match remove(dir.as_fd(), &name) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(_) => stuck.push(name),
            }
        }
        Ok(stuck)
    }

    fn dead_names(&self, dir: &OwnedFd) -> io::Result<Vec<String>> {
        let listing = open_listing(dir)?;
        let watch = Stopwatch::start();
        let mut names = Vec::new();
        let mut buffer = [MaybeUninit::<u8>::uninit(); 16 << 10];
        let mut entries = RawDir::new(&listing, &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if let Some(mark) = Mark::parse(name)
                && let Ok(name) = std::str::from_utf8(name)
                && self.is_dead(&mark, dir, name)
            {
                names.push(name.to_owned());
            }
            let at_end_of_piece = entries.is_buffer_empty();
            if names.len() >= MOST || at_end_of_piece && watch.micros() > budget_micros() {
                break;
            }
        }
        Ok(names)
    }

    fn is_dead(&self, mark: &Mark, dir: &OwnedFd, name: &str) -> bool {
        if *mark == self.own {
            return false;
        }
        if mark.is_comparable(&self.own) {
            return !self.lives(mark);
        }
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_DONT_SYNC;
        let found = statx(dir, name, flags, StatxFlags::MTIME);
        let now = clock::wall_nanos() / 1_000_000_000;
        // A time in the future is no age.
        found.is_ok_and(|found| now.saturating_sub(found.stx_mtime.tv_sec) > OLD_SECONDS)
    }

    /// Asks kill(2) without a signal, which hidepid does not blind; in doubt it lives.
    fn lives(&self, mark: &Mark) -> bool {
        let pid = i32::try_from(mark.pid).ok().and_then(Pid::from_raw);
        let Some(pid) = pid else { return false };
        if test_kill_process(pid) == Err(Errno::SRCH) {
            return false;
        }
        let stat = self.proc.pid(mark.pid).and_then(|dir| dir.read("stat", 4096));
        stat.ok().is_none_or(|stat| start_ticks(&stat) == Some(mark.ticks) && !is_zombie(&stat))
    }
}

fn budget_micros() -> u64 {
    u64::try_from(BUDGET.as_micros()).unwrap_or(u64::MAX)
}

/// Looking must not make the directory look used; only its owner may ask for that. Source: open(2), O_NOATIME.
fn open_listing(dir: &OwnedFd) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match openat(dir, ".", flags | OFlags::NOATIME, Mode::empty()) {
        Err(Errno::PERM) => Ok(openat(dir, ".", flags, Mode::empty())?),
        other => Ok(other?),
    }
}

/// Removes one leftover: our two names in it, then itself. Whatever else is in there keeps it.
fn remove(dir: BorrowedFd<'_>, name: &str) -> rustix::io::Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let inner = openat(dir, name, flags, Mode::empty())?;
    let (outside, inside) = (look(dir)?, look(inner.as_fd())?);
    // Somebody may mount over it or exchange it: then it is not what a probe made.
    let same_mount =
        has_mount_id(&outside) && has_mount_id(&inside) && outside.stx_mnt_id == inside.stx_mnt_id;
    let ours = inside.stx_uid == geteuid().as_raw() && u32::from(inside.stx_mode) & GROUP_OTHERS == 0;
    let kind = FileType::from_raw_mode(inside.stx_mode.into());
    if !same_mount || !ours || kind != FileType::Directory {
        return Err(Errno::PERM);
    }
    for file in NAMES {
        match unlinkat(&inner, file, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
    unlinkat(dir, name, AtFlags::REMOVEDIR)
}

fn look(node: BorrowedFd<'_>) -> rustix::io::Result<Statx> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    statx(node, "", flags, StatxFlags::TYPE | StatxFlags::MODE | StatxFlags::UID | StatxFlags::MNT_ID)
}

fn has_mount_id(found: &Statx) -> bool {
    StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::MNT_ID)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{DirBuilderExt, symlink};
    use std::path::Path;

    use rustix::fs::CWD;

    use super::*;

    fn sweeper() -> Sweeper {
        let proc = Proc::open(Path::new("/proc")).unwrap();
        let own = Mark::own(&proc).unwrap();
        Sweeper::new(proc, own)
    }

    /// A pid that no process has: above the largest that Linux gives out. Source: proc_sys_kernel(5), pid_max.
    fn dead(own: &Mark) -> Mark {
        Mark { pid: (1 << 22) + 7, ..own.clone() }
    }

    fn make(home: &Path, name: &str) {
        std::fs::DirBuilder::new().mode(0o700).create(home.join(name)).unwrap();
    }

    fn open(home: &Path) -> OwnedFd {
        openat(CWD, home, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap()
    }

    fn names(home: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(home).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn removes_what_a_dead_probe_left_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let sweeper = sweeper();
        let (left, living) = (dead(sweeper.own()).new_name(), sweeper.own().new_name());
        make(home.path(), &left);
        std::fs::write(home.path().join(&left).join("renamed"), b"x").unwrap();
        make(home.path(), &living);
        make(home.path(), ".tmpmedic-probe-of-somebody-else");
        assert!(sweeper.sweep(&open(home.path())).unwrap().is_empty());
        let mut expected = vec![living, ".tmpmedic-probe-of-somebody-else".to_owned()];
        expected.sort();
        assert_eq!(names(home.path()), expected);
    }

    #[test]
    fn spares_a_living_probe_of_another_process() {
        let home = tempfile::tempdir().unwrap();
        let sweeper = sweeper();
        let parent = std::os::unix::process::parent_id();
        let stat = std::fs::read(format!("/proc/{parent}/stat")).unwrap();
        let mark = Mark { pid: parent, ticks: start_ticks(&stat).unwrap(), ..sweeper.own().clone() };
        make(home.path(), &mark.new_name());
        sweeper.sweep(&open(home.path())).unwrap();
        assert_eq!(names(home.path()).len(), 1);
        let reused = Mark { ticks: mark.ticks + 1000, ..mark };
        make(home.path(), &reused.new_name());
        sweeper.sweep(&open(home.path())).unwrap();
        assert_eq!(names(home.path()).len(), 1, "the number belongs to another process now");
    }

    #[test]
    fn spares_young_ones_of_another_boot() {
        let home = tempfile::tempdir().unwrap();
        let sweeper = sweeper();
        let mark = Mark { boot: "ffffffff".into(), ..dead(sweeper.own()) };
        make(home.path(), &mark.new_name());
        sweeper.sweep(&open(home.path())).unwrap();
        assert_eq!(names(home.path()).len(), 1);
    }

    #[test]
    fn follows_no_link_and_keeps_what_holds_more_than_ours() {
        let home = tempfile::tempdir().unwrap();
        let sweeper = sweeper();
        let precious = home.path().join("precious");
        std::fs::create_dir(&precious).unwrap();
        std::fs::write(precious.join("renamed"), b"x").unwrap();
        symlink(&precious, home.path().join(dead(sweeper.own()).new_name())).unwrap();
        let full = dead(sweeper.own()).new_name();
        make(home.path(), &full);
        std::fs::write(home.path().join(&full).join("other"), b"x").unwrap();
        let shared = dead(sweeper.own()).new_name();
        std::fs::DirBuilder::new().mode(0o777).create(home.path().join(&shared)).unwrap();
        let stuck = sweeper.sweep(&open(home.path())).unwrap();
        assert_eq!(stuck.len(), 3, "each refusal is told");
        assert_eq!(
            std::fs::read(precious.join("renamed")).unwrap(),
            b"x",
            "the link's target must still exist"
        );
        assert!(names(home.path()).contains(&full), "a directory with other content must still exist");
    }
}
