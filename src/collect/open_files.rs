//! The descriptors and mappings of one process, as far as they concern temp dirs.
//!
//! Reads links and never follows one to a path; what is marked as deleted is looked at through the open file itself,
//! unless it lies where nothing may be touched. Called by `collect::holders`, by two threads at once.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::collect::owners;
use crate::collect::parse::maps;
use crate::collect::sightings::Sights;
use crate::model::holder::{Holding, How, Pinned};
use crate::model::process::Pid;
use crate::model::raw_path::RawPath;
use crate::model::units::Bytes;
use crate::sys::dirfd::{self, PATH_MAX};
use crate::sys::getdents::Listing;
use crate::sys::stat::{self, Stat};

/// The kernel's mark behind a link to an object without a name. A name may itself end so, so it is never proof.
const DELETED: &[u8] = b" (deleted)";
/// Objects without a file system that carry that mark all the same.
const NO_FILES: &[&[u8]] =
    &[b"/memfd:", b"/dev/zero", b"/SYSV", b"/[aio]", b"/anon_hugepage", b"/dmabuf:", b"/drm mm object"];
/// What every program has open.
const NULL: &[u8] = b"/dev/null";
/// Room for some thousand descriptors a call.
const PIECE: usize = 64 << 10;
/// Lines of a mapping that names a file are longer than this before the name begins.
const BEFORE_NAME: usize = 30;

/// What is looked for.
pub struct Wanted {
    /// File systems on which deleted files are of interest.
    pub devices: BTreeSet<(u32, u32)>,
    /// Names of bound sockets by the inode of the socket.
    pub sockets: std::collections::BTreeMap<u64, RawPath>,
    /// Whether the rest is to be told too: who has which socket open, what lies nowhere that is known, which namespaces are
    /// kept open.
    pub everything: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Haul {
    /// Holds in temp dirs, with the position of the temp dir.
    pub holdings: Vec<(Holding, usize)>,
    /// Deleted files kept open, by process and device.
    pub pinned: Vec<Pinned>,
    /// Open descriptors of each process.
    pub open_files: Vec<(Pid, u64)>,
    /// Who has which socket open, where that was asked.
    pub owners: Vec<(u64, Pid)>,
    /// Descriptors of files that no path puts into a temp dir, where that was asked; without a text where it is longer than
    /// the kernel shows.
    pub elsewhere: Vec<(Pid, u32, Option<RawPath>)>,
    /// Descriptors of namespaces, where that was asked, with the text of their links.
    pub namespaces: Vec<(Pid, u32, RawPath)>,
    /// Links that could not be read although their process could.
    pub unread: u64,
}

impl Haul {
    /// Takes over what another thread found.
    pub fn add(&mut self, other: Self) {
        self.holdings.extend(other.holdings);
        self.pinned.extend(other.pinned);
        self.open_files.extend(other.open_files);
        self.owners.extend(other.owners);
        self.elsewhere.extend(other.elsewhere);
        self.namespaces.extend(other.namespaces);
        self.unread += other.unread;
    }
}

/// Reads processes one after the other with the same buffers.
pub struct Reader<'a> {
    proc: BorrowedFd<'a>,
    wanted: &'a Wanted,
    piece: Vec<u8>,
    link: Vec<u8>,
    text: Vec<u8>,
}

/// The process at hand.
struct Subject<'a> {
    pid: Pid,
    sights: &'a Sights,
}

impl<'a> Reader<'a> {
    /// A reader for processes of that `/proc`.
    pub fn new(proc: BorrowedFd<'a>, wanted: &'a Wanted) -> Self {
        let (piece, link) = (Vec::with_capacity(PIECE), vec![0; PATH_MAX]);
        Self { proc, wanted, piece, link, text: vec![0; PIECE] }
    }

    /// Reads the descriptors and mappings of one process.
    ///
    /// # Errors
    /// EACCES without the right to trace it, ENOENT or ESRCH where it has ended, EMFILE without a descriptor left. What
    /// was found before stays in `haul`.
    pub fn read(&mut self, pid: Pid, sights: &Sights, haul: &mut Haul) -> io::Result<()> {
        let subject = Subject { pid, sights };
        self.descriptors(&subject, haul)?;
        self.mappings(&subject, haul)
    }

    fn descriptors(&mut self, subject: &Subject<'_>, haul: &mut Haul) -> io::Result<()> {
        let dir = dirfd::open_procfs_listing(self.proc, format!("{}/fd", subject.pid).as_bytes())?;
        let mut pins = Pins::default();
        let (mut count, mut refused) = (0, None);
        let mut listing = Listing::new(dir.as_fd(), &mut self.piece);
        while let Some(entry) = listing.next() {
            let entry = entry?;
            if entry.is_dot() {
                continue;
            }
            count += 1;
            if refused.is_some() {
                continue;
            }
            let name = entry.name();
            match dirfd::read_link_into(dir.as_fd(), name, &mut self.link) {
                Ok(text) => match text.first() {
                    Some(b'/') => file(subject, &dir, name.to_bytes(), text, (self.wanted, &mut pins, haul)),
                    Some(b's') => socket(subject, text, self.wanted, haul),
                    Some(b'm' | b'n') if self.wanted.everything => {
                        namespace(subject, name.to_bytes(), text, haul);
                    }
                    _ => {}
                },
                // Closed since the directory was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // The directory may be listed where its links may not be read: then the count is all there is.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => refused = Some(error),
                Err(error) if self.wanted.everything && is_too_long(&error) => {
                    haul.elsewhere.extend(number(name.to_bytes()).map(|fd| (subject.pid, fd, None)));
                }
                Err(_) => haul.unread += 1,
            }
        }
        haul.open_files.push((subject.pid, count));
        haul.pinned.extend(pins.by_device);
        refused.map_or(Ok(()), Err)
    }

    fn mappings(&mut self, subject: &Subject<'_>, haul: &mut Haul) -> io::Result<()> {
        let mut file = dirfd::open_procfs_file(self.proc, format!("{}/maps", subject.pid).as_bytes())?;
        let mut held = 0;
        loop {
            let Some(room) = self.text.get_mut(held..).filter(|room| !room.is_empty()) else {
                // One line of more than 64 KiB: the kernel writes none.
                haul.unread += 1;
                return Ok(());
            };
            let got = file.read(room)?;
            if got == 0 {
                return Ok(());
            }
            held += got;
            let whole = self.text.get(..held).unwrap_or_default();
            let end = whole.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
            let lines = whole.get(..end).unwrap_or_default();
            for line in candidates(lines, subject.sights) {
                mapping(self.proc, subject, line, haul);
            }
            self.text.copy_within(end..held, 0);
            held -= end;
        }
    }
}

/// Files on one file system that one process keeps open without a name.
#[derive(Default)]
struct Pins {
    by_device: Vec<Pinned>,
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
fn file(
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

fn number(name: &[u8]) -> Option<u32> {
    std::str::from_utf8(name).ok()?.parse().ok()
}

fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::NAMETOOLONG.raw_os_error())
}

/// A descriptor that keeps a namespace: `net:[4026532000]`.
fn namespace(subject: &Subject<'_>, name: &[u8], text: &[u8], haul: &mut Haul) {
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
fn socket(subject: &Subject<'_>, text: &[u8], wanted: &Wanted, haul: &mut Haul) {
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

/// The lines of mappings whose file lies in a temp dir, by a look that costs less than parsing every line.
fn candidates<'t>(lines: &'t [u8], sights: &'t Sights) -> impl Iterator<Item = &'t [u8]> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let skip = rest.len().min(BEFORE_NAME);
            let end = rest.get(skip..)?.iter().position(|b| *b == b'\n').map_or(rest.len(), |at| skip + at);
            let (line, after) = rest.split_at_checked(end)?;
            rest = after.get(1..).unwrap_or_default();
            let name = line.iter().skip(skip).position(|b| *b == b'/').and_then(|at| line.get(skip + at..));
            if name.is_some_and(|name| sights.holding(name).is_some()) {
                return Some(line);
            }
        }
        None
    })
}

fn mapping(proc: BorrowedFd<'_>, subject: &Subject<'_>, line: &[u8], haul: &mut Haul) {
    let Some(mapping) = maps::files(line).next() else { return };
    let Some((temp_dir, at)) = subject.sights.holding(mapping.text) else { return };
    let marked = mapping.is_marked_deleted();
    let path = mapping.path();
    let stat = (marked && !subject.sights.is_doubtful(&path))
        .then(|| look_at_mapping(proc, subject.pid, line))
        .flatten();
    let is_named = stat.as_ref().is_some_and(|stat| stat.links > 0);
    let holding = Holding {
        pid: subject.pid,
        how: How::Map,
        path: if marked && is_named { RawPath::new([path.as_bytes(), DELETED].concat()) } else { path },
        object: Some((mapping.device, mapping.inode)),
        deleted: marked && !is_named,
        pins: stat.filter(|stat| marked && stat.links == 0).map(|stat| Bytes(stat.taken)),
        temp_dir: temp_dir.clone(),
    };
    let repeated = haul.holdings.last().is_some_and(|(last, _)| *last == holding);
    if !repeated {
        haul.holdings.push((holding, at));
    }
}

/// The mapped file itself, by its link in `map_files`, whose names have no leading zeros. Source: proc_pid_map_files(5).
fn look_at_mapping(proc: BorrowedFd<'_>, pid: Pid, line: &[u8]) -> Option<Stat> {
    let range = line.split(|b| *b == b' ').next()?;
    let mut bounds = range.split(|b| *b == b'-').map(|digits| {
        let zeros = digits.iter().take_while(|b| **b == b'0').count();
        String::from_utf8_lossy(digits.get(zeros..).unwrap_or_default()).into_owned()
    });
    let name = format!("{pid}/map_files/{}-{}", bounds.next()?, bounds.next()?);
    stat::through_magic(proc, name.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::sightings;
    use crate::collect::specimen;

    fn sights() -> Sights {
        let (namespaces, vantages) =
            ([specimen::namespace(1, &[1], vec![])], [specimen::vantage("/tmp", 1, &[1])]);
        let dirs = [specimen::temp_dir("/tmp", &[0])];
        sightings::sights(&namespaces, &vantages, &dirs).into_values().next().unwrap()
    }

    const MAPS: &[u8] = b"00400000-00452000 r-xp 00000000 08:02 173521      /usr/bin/dbus-daemon\n\
        00e03000-00e24000 rw-p 00000000 00:00 0           [heap]\n\
        35b1800000-35b1820000 r-xp 00000000 08:02 135522  /tmp/job 1/libx.so\n\
        35b1a21000-35b1a22000 rw-p 00000000 00:00 0\n\
        7f5b7c200000-7f5b7c400000 rw-s 00000000 00:01 25  /tmpx/other\n\
        7ffce0000000-7ffce0021000 rw-s 00000000 fe:01 9   /tmp/gone\\012x (deleted)\n";

    #[test]
    fn only_mappings_in_temp_dirs_are_parsed() {
        let sights = sights();
        let lines: Vec<&[u8]> = candidates(MAPS, &sights).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].ends_with(b"/tmp/job 1/libx.so"));
        assert!(lines[1].ends_with(b"(deleted)"));
        assert_eq!(candidates(b"", &sights).count(), 0);
        assert_eq!(candidates(b"x\n\ny", &sights).count(), 0, "short lines are no mappings");
    }

    #[test]
    fn a_mapping_becomes_a_hold_with_its_object() {
        let (sights, mut haul) = (sights(), Haul::default());
        let proc = dirfd::open_trusted_dir(b"/proc").unwrap();
        let subject = Subject { pid: u32::MAX, sights: &sights };
        for line in candidates(MAPS, &sights) {
            mapping(proc.as_fd(), &subject, line, &mut haul);
            mapping(proc.as_fd(), &subject, line, &mut haul);
        }
        assert_eq!(haul.holdings.len(), 2, "repeated mappings are one hold");
        let (first, second) = (&haul.holdings[0].0, &haul.holdings[1].0);
        assert_eq!((&first.path, first.deleted), (&"/tmp/job 1/libx.so".into(), false));
        assert_eq!(first.object.unwrap().1, 135_522);
        assert_eq!((&second.path, second.deleted), (&"/tmp/gone\nx".into(), true));
    }

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
