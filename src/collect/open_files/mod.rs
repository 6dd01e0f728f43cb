//! The descriptors and mappings of one process, as far as they concern temp dirs.
//!
//! Reads links and never follows one to a path; what is marked as deleted is looked at through the open file itself,
//! unless it lies where nothing may be touched. Called by `collect::holders`, by two threads at once.

mod descriptors;
mod mappings;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};

use crate::collect::sightings::Sights;
use crate::model::holder::{Holding, Pinned};
use crate::model::process::Pid;
use crate::model::raw_path::RawPath;
use crate::sys::dirfd::{self, PATH_MAX};
use crate::sys::getdents::Listing;
use descriptors::{Pins, file, is_too_long, namespace, number, socket};
use mappings::{candidates, mapping};

/// The kernel's mark behind a link to an object without a name. A name may itself end so, so it is never proof.
const DELETED: &[u8] = b" (deleted)";
/// Room for some thousand descriptors a call.
const PIECE: usize = 64 << 10;

/// What is looked for.
pub struct Wanted {
    /// File systems on which deleted files are of interest.
    pub devices: BTreeSet<(u32, u32)>,
    /// Names of bound sockets by the inode of the socket.
    pub sockets: BTreeMap<u64, RawPath>,
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

    /// Reads the descriptors of one alone: a thread has the mappings of its process.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub fn read_descriptors(&mut self, pid: Pid, sights: &Sights, haul: &mut Haul) -> io::Result<()> {
        self.descriptors(&Subject { pid, sights }, haul)
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
