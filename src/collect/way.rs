//! The way to one directory as one process sees it: which root it starts from, and how it ends.
//!
//! Walks in this process as long as the fence lets it; the body of the helper for the rest is the same walk without a
//! fence. Permissions are not judged here. Called by `collect::fenced`, `collect::vantages` and `collect::caches`.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use serde::{Deserialize, Serialize};

use crate::model::errno::Errno;
use crate::model::mount::Device;
use crate::model::process::Pid;
use crate::model::raw_path::RawPath;
use crate::model::reading::GapWhy;
use crate::sys::dirfd;
use crate::sys::stat::{self, Room};
use crate::sys::walk::{Step, Walker};

/// Which directory is looked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Request {
    /// The process in whose root the way starts; `None` for our own.
    pub pid: Option<Pid>,
    /// The directory, as that process names it.
    pub path: RawPath,
    /// For a relative path: the working directory of that process, as a path inside its root.
    pub cwd: Option<RawPath>,
}

/// A way, as far as it was walked.
#[derive(Debug)]
pub struct Way {
    /// Its components.
    pub steps: Vec<Step>,
    /// How it ends.
    pub end: End,
}

/// How a way ends.
#[derive(Debug)]
pub enum End {
    /// At the directory, with room on its file system.
    Arrived(Result<Room, Errno>),
    /// At the last step, which carries its errno.
    Broken,
    /// Somewhere behind the last step, because nothing more could be seen.
    Unseen(GapWhy),
    /// Before a mount on which nothing may be touched in this process.
    Fenced(Device),
}

impl Way {
    /// A way of which nothing was seen.
    pub fn unseen(why: GapWhy) -> Self {
        Self { steps: Vec::new(), end: End::Unseen(why) }
    }

    /// Whether the directory itself was reached.
    pub fn arrived(&self) -> bool {
        matches!(self.end, End::Arrived(_))
    }
}

/// What may be touched.
pub trait Bounds {
    /// The device of the mount that forbids a look at that path inside the root, if one does.
    fn forbids(&self, path: &[u8]) -> Option<Device>;
    /// Whether nothing below an object of that device may be touched, whatever the mount table says.
    fn forbids_device(&self, device: (u32, u32)) -> bool;
    /// Whether that path lies on procfs, whose links mean another thing to each reader.
    fn is_procfs(&self, path: &[u8]) -> bool;
}

/// Everything may be touched: for the helper, and for paths of our own.
pub struct Unbounded;

impl Bounds for Unbounded {
    fn forbids(&self, _: &[u8]) -> Option<Device> {
        None
    }

    fn forbids_device(&self, _: (u32, u32)) -> bool {
        false
    }

    fn is_procfs(&self, _: &[u8]) -> bool {
        false
    }
}

/// Walks a way within bounds, telling each step as soon as it is known.
pub fn walk(request: &Request, bounds: &dyn Bounds, tell: &mut dyn FnMut(&Step)) -> Way {
    match enter(request) {
        Ok(walker) => walk_on(walker, bounds, tell).0,
        Err(error) => Way::unseen(error.into()),
    }
}

/// The same, and the directory itself, to look into.
pub fn walk_into(request: &Request, bounds: &dyn Bounds) -> (Way, Option<OwnedFd>) {
    match enter(request) {
        Ok(walker) => walk_on(walker, bounds, &mut |_| {}),
        Err(error) => (Way::unseen(error.into()), None),
    }
}

fn enter(request: &Request) -> io::Result<Walker> {
    let path = request.path.as_bytes();
    let Some(pid) = request.pid else {
        return Ok(Walker::from_root(dirfd::open_trusted_dir(b"/")?, path));
    };
    let proc = dirfd::open_trusted_dir(b"/proc")?;
    let root = dirfd::open_magic_dir(proc.as_fd(), format!("{pid}/root").as_bytes())?;
    match &request.cwd {
        Some(cwd) => {
            let dir = dirfd::open_magic_dir(proc.as_fd(), format!("{pid}/cwd").as_bytes())?;
            Ok(Walker::from_dir(root, dir, cwd.as_bytes(), path))
        }
        None => Ok(Walker::from_root(root, path)),
    }
}

fn walk_on(mut walker: Walker, bounds: &dyn Bounds, tell: &mut dyn FnMut(&Step)) -> (Way, Option<OwnedFd>) {
    let mut steps: Vec<Step> = Vec::new();
    let mut stopped = None;
    while let Some(ahead) = walker.ahead() {
        if let Some(device) = bounds.forbids(&ahead) {
            steps.push(Step { path: ahead, mounts: true, ..Step::default() });
            stopped = Some(End::Fenced(device));
            break;
        }
        let Some(mut step) = walker.step() else { break };
        let device = step.stat.as_ref().map(|s| s.device).filter(|d| bounds.forbids_device(*d));
        if device.is_none() && step.stat.as_ref().is_some_and(stat::Stat::is_directory) {
            (step.access_acl, step.default_acl) = walker.acls();
        }
        tell(&step);
        stopped = match (device, &step.link) {
            (Some((major, minor)), _) => Some(End::Fenced(Device { major, minor })),
            (None, Some(text)) if bounds.is_procfs(&step.path) => Some(End::Unseen(magic_link(text))),
            _ => own_lack_of_rights(&mut step),
        };
        steps.push(step);
        if stopped.is_some() {
            break;
        }
    }
    match stopped {
        Some(end) => (Way { steps, end }, None),
        None => finish(steps, walker),
    }
}

/// EACCES here is the answer to our own credentials, and says nothing about the process.
fn own_lack_of_rights(step: &mut Step) -> Option<End> {
    let errno = Errno(step.errno?);
    if step.stat.is_none() && matches!(errno, Errno::EACCES | Errno::EPERM) {
        step.errno = None;
        return Some(End::Unseen(GapWhy::Denied));
    }
    let ours = matches!(errno, Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM);
    ours.then(|| {
        step.errno = None;
        End::Unseen(GapWhy::from_errno(errno))
    })
}

fn magic_link(text: &[u8]) -> GapWhy {
    GapWhy::Malformed { line: format!("a link of procfs, to {}", RawPath::from(text).shown()) }
}

fn finish(steps: Vec<Step>, walker: Walker) -> (Way, Option<OwnedFd>) {
    if steps.last().is_some_and(|step| step.errno.is_some()) {
        return (Way { steps, end: End::Broken }, None);
    }
    match walker.into_end() {
        Some(dir) => {
            let room = stat::room(dir.as_fd()).map_err(Errno::from);
            (Way { steps, end: End::Arrived(room) }, Some(dir))
        }
        None => (Way { steps, end: End::Unseen(GapWhy::Vanished) }, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch;

    struct Forbidden(Vec<u8>, Option<(u32, u32)>);

    impl Bounds for Forbidden {
        fn forbids(&self, path: &[u8]) -> Option<Device> {
            path.starts_with(&self.0).then_some(Device { major: 0, minor: 99 })
        }

        fn forbids_device(&self, device: (u32, u32)) -> bool {
            self.1 == Some(device)
        }

        fn is_procfs(&self, path: &[u8]) -> bool {
            path.starts_with(b"/proc")
        }
    }

    fn request(path: &[u8]) -> Request {
        Request { pid: None, path: RawPath::from(path), cwd: None }
    }

    #[test]
    fn nothing_behind_the_fence_is_touched() {
        let dir = scratch::dir();
        let path = [scratch::bytes(&dir), b"/mount/below"].concat();
        let fence = [scratch::bytes(&dir), b"/mount"].concat();
        let mut told = 0;
        let way = walk(&request(&path), &Forbidden(fence.clone(), None), &mut |_| told += 1);
        assert!(matches!(way.end, End::Fenced(Device { minor: 99, .. })));
        let last = way.steps.last().unwrap();
        assert_eq!((&last.path, &last.stat, last.mounts), (&fence, &None, true));
        assert_eq!(told, way.steps.len() - 1, "the mount point itself was not looked at");
    }

    #[test]
    fn a_mount_that_no_table_knows_is_left_at_its_root() {
        let dir = scratch::dir();
        let open = dirfd::open_resolved(scratch::bytes(&dir)).unwrap();
        let device = stat::of(open.as_fd()).unwrap().device;
        let nowhere = b"//".to_vec();
        let way = walk(&request(scratch::bytes(&dir)), &Forbidden(nowhere, Some(device)), &mut |_| {});
        assert!(matches!(way.end, End::Fenced(_)));
        assert_eq!(way.steps.last().unwrap().stat.as_ref().unwrap().device, device);
    }

    #[test]
    fn a_link_of_procfs_is_not_mistaken_for_a_path() {
        let way = walk(&request(b"/proc/self/cwd"), &Forbidden(b"//".to_vec(), None), &mut |_| {});
        assert!(matches!(way.end, End::Unseen(GapWhy::Malformed { .. })));
    }

    #[test]
    fn arrives_with_the_room_that_is_there() {
        let dir = scratch::dir();
        let (way, handle) = walk_into(&request(scratch::bytes(&dir)), &Unbounded);
        assert!(matches!(way.end, End::Arrived(Ok(Room { total: 1.., .. }))));
        assert!(handle.is_some());
        let way = walk(&request(b"/none-of-that-name/x"), &Unbounded, &mut |_| {});
        assert!(matches!(way.end, End::Broken));
        assert_eq!(way.steps.last().unwrap().errno, Some(2));
    }

    #[test]
    fn a_process_that_is_gone_has_no_way() {
        let gone = Request { pid: Some(u32::MAX), path: "/tmp".into(), cwd: None };
        assert!(matches!(walk(&gone, &Unbounded, &mut |_| {}).end, End::Unseen(GapWhy::Vanished)));
    }
}
