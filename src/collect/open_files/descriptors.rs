//! What one descriptor tells: a file in a temp dir, one without a name, a socket, a namespace.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use super::{DELETED, Haul, Subject, Wanted};
use crate::collect::owners;
use crate::model::holder::{Holding, How, Pinned};
use crate::model::process::Pid;
use crate::model::raw_path::RawPath;
use crate::model::units::Bytes;
use crate::sys::stat::{self, Stat};

/// Objects without a file system that carry that mark all the same.
const NO_FILES: &[&[u8]] =
    &[b"/memfd:", b"/dev/zero", b"/SYSV", b"/[aio]", b"/anon_hugepage", b"/dmabuf:", b"/drm mm object"];
/// What every program has open.
const NULL: &[u8] = b"/dev/null";

/// Files on one file system that one process keeps open without a name.
#[derive(Default)]
pub(super) struct Pins {
    pub(super) by_device: Vec<Pinned>,
    /// A file may be open more than once.
    seen: BTreeSet<((u32, u32), u64)>,
    biggest: u64,
}

impl Pins {
    fn add(&mut self, pid: Pid, number: u32, path: &RawPath, stat: &Stat) {
        if !self.seen.insert((stat.device, stat.inode)) {
            return;
        }
        let device = owners::device(stat.device);
        let at = self.by_device.iter().position(|pinned| pinned.device == device);
        let Some(pinned) = at.and_then(|at| self.by_device.get_mut(at)) else {
            let (files, bytes, biggest) = (1, Bytes(stat.taken), path.clone());
            self.by_device.push(Pinned { pid, device, files, bytes, biggest, fd: number });
            self.biggest = stat.taken;
            return;
        };
        pinned.files += 1;
        pinned.bytes.0 = pinned.bytes.0.saturating_add(stat.taken);
        if stat.taken > self.biggest {
            self.biggest = stat.taken;
            pinned.biggest = path.clone();
            pinned.fd = number;
        }
    }
}

/// A descriptor whose link is a path.
pub(super) fn file(
    subject: &Subject<'_>,
    dir: &OwnedFd,
    name: &[u8],
    text: &[u8],
    (wanted, pins, haul): (&Wanted, &mut Pins, &mut Haul),
) {
    let lies_in = subject.sights.holding(text);
    let unmarked =
        text.strip_suffix(DELETED).filter(|_| !NO_FILES.iter().any(|other| text.starts_with(other)));
    let Some(number) = number(name) else { return };
    let is_file = text != NULL && !(unmarked.is_none() && text.ends_with(DELETED));
    if lies_in.is_none() && wanted.everything && is_file {
        haul.elsewhere.push((subject.pid, number, Some(RawPath::from(text))));
    }
    if lies_in.is_none() && unmarked.is_none() {
        return;
    }
    let gone = unmarked.and_then(|path| {
        let path = RawPath::from(path);
        if subject.sights.is_doubtful(&path) {
            return None;
        }
        let stat = stat::through_magic(dir.as_fd(), name).ok().filter(|stat| stat.links == 0)?;
        Some((path, stat))
    });
    if let Some((path, stat)) = &gone
        && stat.is_regular()
        && wanted.devices.contains(&stat.device)
    {
        pins.add(subject.pid, number, path, stat);
    }
    let Some((temp_dir, at)) = lies_in else { return };
    let deleted = gone.is_some();
    let (path, stat) = match gone {
        Some((path, stat)) => (path, Some(stat)),
        None => live(subject, dir, name, text),
    };
    let holding = Holding {
        pid: subject.pid,
        how: How::Fd(number),
        path,
        object: stat.as_ref().map(|stat| (owners::device(stat.device), stat.inode)),
        deleted,
        pins: stat.as_ref().filter(|stat| deleted && stat.is_regular()).map(|stat| Bytes(stat.taken)),
        temp_dir: temp_dir.clone(),
    };
    haul.holdings.push((holding, at));
}

/// A descriptor that keeps a namespace: `net:[4026532000]`.
pub(super) fn namespace(subject: &Subject<'_>, name: &[u8], text: &[u8], haul: &mut Haul) {
    if text.starts_with(b"net:[") || text.starts_with(b"mnt:[") {
        haul.namespaces.extend(number(name).map(|fd| (subject.pid, fd, RawPath::from(text))));
    }
}

/// What a descriptor holds that still has a name. Its device tells whether a later mount hides it from everybody else.
fn live(subject: &Subject<'_>, dir: &OwnedFd, name: &[u8], text: &[u8]) -> (RawPath, Option<Stat>) {
    let path = RawPath::from(text);
    let stat =
        if subject.sights.is_doubtful(&path) { None } else { stat::through_magic(dir.as_fd(), name).ok() };
    (path, stat)
}

/// A descriptor that is a socket: `socket:[12345]`.
pub(super) fn socket(subject: &Subject<'_>, text: &[u8], wanted: &Wanted, haul: &mut Haul) {
    if wanted.sockets.is_empty() && !wanted.everything {
        return;
    }
    let digits = text.strip_prefix(b"socket:[").and_then(|rest| rest.strip_suffix(b"]"));
    let inode = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u64>().ok());
    haul.owners.extend(inode.filter(|_| wanted.everything).map(|inode| (inode, subject.pid)));
    let Some(path) = inode.and_then(|inode| wanted.sockets.get(&inode)) else { return };
    let Some((temp_dir, at)) = subject.sights.holding(path.as_bytes()) else { return };
    let holding = Holding {
        pid: subject.pid,
        how: How::Socket,
        path: path.clone(),
        object: None,
        deleted: false,
        pins: None,
        temp_dir: temp_dir.clone(),
    };
    haul.holdings.push((holding, at));
}

pub(super) fn number(name: &[u8]) -> Option<u32> {
    std::str::from_utf8(name).ok()?.parse().ok()
}

pub(super) fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::NAMETOOLONG.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_pinned_file_is_named() {
        let mut pins = Pins::default();
        let stat = |inode, taken| Stat { taken, inode, ..Stat::default() };
        for (number, inode, taken) in [(3, 1, 10), (4, 2, 30), (5, 2, 30), (6, 3, 20)] {
            pins.add(7, number, &RawPath::from(format!("/f{inode}").as_str()), &stat(inode, taken));
        }
        let pinned = &pins.by_device[0];
        assert_eq!((pinned.files, pinned.bytes.0, pinned.fd), (3, 60, 4));
        assert_eq!(pinned.biggest, "/f2".into());
    }
}
