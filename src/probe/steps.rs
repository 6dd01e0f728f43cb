//! The steps of a probe, from mkdir to remove, each the real call.
//!
//! Everything is done by descriptors: the directory is opened once, and what is made in it is reached through the
//! descriptor of our own new directory, so that nobody who exchanges names meanwhile leads us elsewhere.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{
    Access, AtFlags, CWD, Mode, OFlags, StatxAttributes, StatxFlags, accessat, fsync, mkdirat, openat,
    renameat, statx, unlinkat,
};
use rustix::io::Errno;
use rustix::process::{fchdir, geteuid};

use super::answer::{Line, Teller};
use super::program;
use crate::model::errno::Errno as Code;
use crate::model::mode::GROUP_OTHERS;
use crate::model::probe::{Step, StepResult};
use crate::model::raw_path::RawPath;
use crate::model::units::Micros;
use crate::sys::child;
use crate::sys::clock::Stopwatch;

/// The file of a probe before and after its renaming.
pub(super) const NAMES: [&str; 2] = ["written", "renamed"];

/// Opens a temp dir as the process names it; a relative path starts at its working directory, an empty one is that.
pub(super) fn open_dir(dir: &RawPath, cwd: &io::Result<OwnedFd>) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    if dir.is_absolute() {
        return Ok(openat(CWD, dir.as_path(), flags, Mode::empty())?);
    }
    let cwd = cwd.as_ref().map_err(|why| io::Error::from(why.kind()))?;
    let path = if dir.is_empty() { ".".as_ref() } else { dir.as_path() };
    Ok(openat(cwd, path, flags, Mode::empty())?)
}

/// Says what access(2) answers for reading, writing and searching: gcc and bash go by it.
pub(super) fn tell_access(dir: &RawPath, cwd: &io::Result<OwnedFd>, tell: &mut Teller<'_>) {
    let wanted = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    let path = if dir.is_empty() { ".".as_ref() } else { dir.as_path() };
    let answer = match cwd {
        Ok(cwd) => accessat(cwd, path, wanted, AtFlags::empty()),
        Err(_) if dir.is_absolute() => accessat(CWD, path, wanted, AtFlags::empty()),
        Err(_) => return,
    };
    tell.tell(&Line::Access(answer.err().map(|errno| Code(errno.raw_os_error()))));
}

/// Takes the steps in that directory under that name, and removes what was made whatever fails.
pub(super) fn take(dir: &RawPath, cwd: &io::Result<OwnedFd>, name: &str, tell: &mut Teller<'_>) {
    let path = dir.join(name.as_bytes());
    tell.tell(&Line::Making(path.clone()));
    if tell.is_alone() {
        return;
    }
    let watch = Stopwatch::start();
    let parent = open_dir(dir, cwd);
    let used = parent.as_ref().ok().and_then(identity);
    if parent.as_ref().is_ok_and(is_append_only) {
        // mkdir would work, rmdir would not: each probe would leave a directory behind for ever.
        tell.tell(&Line::NotImitated(vec![
            "making anything: in an append-only directory it would stay for ever".to_owned(),
        ]));
        tell.tell(&step(Step::Remove, Some(Code::EPERM), watch));
    } else {
        let made = parent.and_then(|parent| Scratch::make(parent, name));
        let (scratch, error) = match made {
            Ok(scratch) => (Some(scratch), None),
            Err(error) => (None, Some(error.into())),
        };
        tell.tell(&step(Step::Mkdir, error, watch));
        if let Some(scratch) = scratch {
            fill_and_remove(scratch, path, tell);
        }
    }
    if let Some(used) = used
        && let Some(why) = exchanged(dir, cwd, used)
    {
        tell.tell(&Line::NotImitated(vec![why]));
    }
    tell.tell(&Line::Gone);
}

/// Which directory it is.
fn identity(dir: &OwnedFd) -> Option<(u64, u64)> {
    rustix::fs::fstat(dir).ok().map(|found| (found.st_dev, found.st_ino))
}

/// What to say where the name leads elsewhere by now: the process resolves it anew each time, so what was found out about the
/// one directory says nothing of the other. Whoever may exchange it may be at work just now.
fn exchanged(dir: &RawPath, cwd: &io::Result<OwnedFd>, used: (u64, u64)) -> Option<String> {
    match open_dir(dir, cwd) {
        Ok(now) if identity(&now) == Some(used) => None,
        Ok(_) => Some("one and the same directory throughout: another one has that name by now".to_owned()),
        Err(error) => {
            Some(format!("one and the same directory throughout: that name leads nowhere by now ({error})"))
        }
    }
}

fn fill_and_remove(mut scratch: Scratch, path: RawPath, tell: &mut Teller<'_>) {
    fill(&mut scratch, tell);
    if !timed(Step::Remove, tell, || scratch.remove()) {
        tell.tell(&Line::LeftBehind(path));
    }
}

fn fill(scratch: &mut Scratch, tell: &mut Teller<'_>) {
    let mut file = None;
    let (bytes, runs) = program::bytes();
    let created = timed(Step::Create, tell, || {
        file = Some(scratch.create()?);
        Ok(())
    });
    let Some(file) = file.filter(|_| created) else { return };
    let kept =
        timed(Step::Write, tell, || write_all(&file, &bytes)) && timed(Step::Fsync, tell, || sync(&file));
    // A file that is open for writing cannot be run. Source: execve(2), ETXTBSY.
    drop(file);
    if !kept || !timed(Step::Rename, tell, || scratch.rename()) {
        return;
    }
    if !runs {
        tell.tell(&Line::NotImitated(vec![
            "running a program: none is known for this kind of machine".to_owned(),
        ]));
    } else if let Some(owner) = scratch.stranger() {
        // In a directory that others may rename in, ours may have been exchanged: never run what a stranger can write.
        let why = format!("running a program: the new directory belongs to uid {owner}");
        tell.tell(&Line::NotImitated(vec![why]));
    } else {
        timed(Step::Execute, tell, || scratch.execute());
    }
}

/// Takes one step and says how it went; a step is not taken when nobody listens any more, removal apart.
fn timed(step: Step, tell: &mut Teller<'_>, call: impl FnOnce() -> io::Result<()>) -> bool {
    if tell.is_alone() && step != Step::Remove {
        return false;
    }
    let watch = Stopwatch::start();
    let error = call().err().map(Code::from);
    tell.tell(&self::step(step, error, watch));
    error.is_none()
}

fn step(step: Step, errno: Option<Code>, watch: Stopwatch) -> Line {
    Line::Step(StepResult { step, errno, took: Micros(watch.micros()) })
}

/// The directory of a probe; removed at the latest when this is dropped.
struct Scratch {
    parent: OwnedFd,
    name: String,
    inner: Option<OwnedFd>,
    file: Option<&'static str>,
    exists: bool,
}

impl Scratch {
    fn make(parent: OwnedFd, name: &str) -> io::Result<Self> {
        mkdirat(&parent, name, Mode::RWXU)?;
        Ok(Self { parent, name: name.to_owned(), inner: None, file: None, exists: true })
    }

    fn create(&mut self) -> io::Result<OwnedFd> {
        let [first, _] = NAMES;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let inner = self.inner.insert(openat(&self.parent, self.name.as_str(), flags, Mode::empty())?);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(inner, first, flags, Mode::RWXU)?;
        self.file = Some(first);
        Ok(file)
    }

    fn rename(&mut self) -> io::Result<()> {
        let [first, second] = NAMES;
        let inner = self.inner()?;
        renameat(inner, first, inner, second)?;
        self.file = Some(second);
        Ok(())
    }

    fn execute(&self) -> io::Result<()> {
        let [_, second] = NAMES;
        fchdir(self.inner()?)?;
        let status = child::run_here(second)?;
        // It can only end with 0; anything else is a kernel or a security module that let it start and then stopped it.
        if status.success() { Ok(()) } else { Err(Errno::NOEXEC.into()) }
    }

    /// The owner of our directory, where it is not us alone who may write there.
    fn stranger(&self) -> Option<u32> {
        let found = self.inner().and_then(|inner| Ok(rustix::fs::fstat(inner)?));
        match found {
            Ok(found) if found.st_uid == geteuid().as_raw() && found.st_mode & GROUP_OTHERS == 0 => None,
            Ok(found) => Some(found.st_uid),
            Err(_) => Some(u32::MAX),
        }
    }

    fn remove(&mut self) -> io::Result<()> {
        if let (Some(inner), Some(file)) = (&self.inner, self.file) {
            unlinkat(inner, file, AtFlags::empty())?;
            self.file = None;
        }
        unlinkat(&self.parent, self.name.as_str(), AtFlags::REMOVEDIR)?;
        self.exists = false;
        Ok(())
    }

    fn inner(&self) -> io::Result<&OwnedFd> {
        self.inner.as_ref().ok_or_else(|| Errno::BADF.into())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.exists {
            // Only a panic or a failed removal leads here; the second attempt costs nothing and has nobody to report to.
            self.remove().ok();
        }
    }
}

fn write_all(file: &OwnedFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(file, bytes) {
            Ok(0) => return Err(Errno::IO.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// The file alone, never its file system. One that knows no fsync keeps its data as well as it ever does.
fn sync(file: &OwnedFd) -> io::Result<()> {
    match fsync(file) {
        Ok(()) | Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// `chattr +a`. Source: statx(2), STATX_ATTR_APPEND.
fn is_append_only(dir: &OwnedFd) -> bool {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    statx(dir.as_fd(), "", flags, StatxFlags::TYPE)
        .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::APPEND))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::sys::scratch;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "somebody exchanges a link by path")]
    fn a_temp_dir_that_is_exchanged_during_the_steps_is_told() {
        let place = scratch::dir();
        let path = place.path();
        for name in ["one", "other"] {
            std::fs::create_dir(path.join(name)).unwrap();
        }
        symlink("one", path.join("tmp")).unwrap();
        let dir = RawPath::from(path.join("tmp").as_os_str());
        let cwd = open_dir(&"/".into(), &Err(io::ErrorKind::NotFound.into()));
        let used = identity(&open_dir(&dir, &cwd).unwrap()).unwrap();
        assert_eq!(exchanged(&dir, &cwd, used), None, "a link that stays is nobody's trick");
        std::fs::remove_file(path.join("tmp")).unwrap();
        assert!(exchanged(&dir, &cwd, used).unwrap().contains("nowhere"));
        symlink("other", path.join("tmp")).unwrap();
        assert!(exchanged(&dir, &cwd, used).unwrap().contains("another one"));
    }
}
