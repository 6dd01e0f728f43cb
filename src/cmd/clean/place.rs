//! Which directories are cleaned: named by the user, or the temp dirs that our own process sees.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;

use crate::cmd::Refusal;
use crate::exec::object;
use crate::exit::Exit;
use crate::model::journal::Figures;
use crate::model::plan::ObjectId;
use crate::model::raw_path::RawPath;
use crate::model::units::{Bytes, Entries, WallNanos};
use crate::sys::getdents::{Listing, PIECE};
use crate::sys::{dirfd, stat};

/// What everybody's temporary files are in. Source: hier(7), file-hierarchy(7).
const USUAL: [&str; 2] = ["/tmp", "/var/tmp"];
/// What holds the system or the work of its users: old entries there are no leftovers.
const NEVER: [&str; 19] = [
    "/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/media", "/mnt", "/opt", "/proc",
    "/root", "/run", "/sbin", "/srv", "/sys", "/usr", "/var",
];
/// These too, with everything below.
const NEVER_BELOW: [&str; 9] = ["/bin", "/boot", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr"];
/// Names of our own in a temp dir.
const OURS: &[u8] = b".tmpmedic-";
/// So many entries are looked at between two questions whether to go on.
const SHARE: u64 = 1024;
/// When something counts as old in a table, as in the counts of `check`.
const OLD: u64 = 86_400;

/// A directory that is open.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its path.
    pub path: RawPath,
    /// It, to be listed.
    pub dir: Arc<OwnedFd>,
    /// Which one it is.
    pub id: ObjectId,
}

/// Whether an entry of a temp dir is a quarantine of ours, or what a probe of ours left.
pub fn is_ours(name: &[u8]) -> bool {
    name.starts_with(OURS)
}

/// The directories that the arguments name; without any, those of the machine that are there.
///
/// # Errors
/// A directory that cannot be opened, is reached through a link, or is no temp dir.
pub fn all(named: &[PathBuf]) -> anyhow::Result<Vec<Place>> {
    let mut places: Vec<Place> = Vec::new();
    let usual: Vec<PathBuf>;
    let wanted = if named.is_empty() {
        // Where a machine's own /var/tmp is a link, root made it.
        usual = USUAL.iter().filter_map(|path| std::fs::canonicalize(path).ok()).collect();
        &usual
    } else {
        named
    };
    for path in wanted {
        let place = open(&absolute(path)?)?;
        if places.iter().all(|known| (known.id.device, known.id.inode) != (place.id.device, place.id.inode)) {
            places.push(place);
        }
    }
    if places.is_empty() {
        return Err(Refusal::usage("neither /tmp nor /var/tmp is there; name a directory"));
    }
    Ok(places)
}

/// Opens one directory, component by component and through no link.
///
/// # Errors
/// A directory that is missing, no directory, not to be cleaned, or no longer the one it was.
pub fn open(path: &RawPath) -> anyhow::Result<Place> {
    let shown = path.shown();
    if is_of_the_system(path) {
        return Err(Refusal::usage(format!("{shown} is no temp dir: what lies there is no leftover")));
    }
    let opened = dirfd::open_resolved(path.as_bytes()).and_then(|node| dirfd::reopen_listing(node.as_fd()));
    let dir = opened.map_err(|why| {
        let message = match why.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::LOOP) => {
                format!(
                    "{shown}: the way leads through a symbolic link; name the directory itself (readlink -f)"
                )
            }
            _ => format!("{shown}: {why}"),
        };
        Refusal { exit: refused(&why), message }
    })?;
    let (id, _) = object::of(dir.as_fd()).map_err(|why| {
        let message = match why.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOSYS) => format!(
                "{shown}: this kernel does not tell mounts apart (Linux < 5.8), so nothing can be removed safely"
            ),
            _ => format!("{shown}: {why}"),
        };
        Refusal { exit: Exit::Failed, message }
    })?;
    Ok(Place { path: path.clone(), dir: Arc::new(dir), id })
}

fn refused(why: &std::io::Error) -> Exit {
    match why.kind() {
        std::io::ErrorKind::PermissionDenied => Exit::Permission,
        _ => Exit::Usage,
    }
}

fn is_of_the_system(path: &RawPath) -> bool {
    let known = |known: &str| RawPath::from(known);
    let is_it = |name: &&str| path.is_below(&known(name)) && known(name).is_below(path);
    NEVER.iter().any(is_it) || NEVER_BELOW.iter().any(|name| path.is_below(&known(name)))
}

fn absolute(dir: &Path) -> anyhow::Result<RawPath> {
    let path = std::path::absolute(dir)
        .map_err(|why| Refusal::usage(format!("{}: {why}", RawPath::from(dir.as_os_str()).shown())))?;
    let path = RawPath::from(path.as_os_str());
    if path.as_bytes().split(|byte| *byte == b'/').any(|name| name == b"..") {
        return Err(Refusal::usage(format!("{}: name it without `..`", path.shown())));
    }
    Ok(path)
}

impl Place {
    /// What lies in it, and how full its file system is. Where somebody wants an end, entries are counted and no longer
    /// looked at, so that nothing is said of their age.
    pub fn figures(&self, now: WallNanos, goes_on: &dyn Fn() -> bool) -> Figures {
        let room = stat::room(self.dir.as_fd()).ok();
        let counted = self.counted(now, goes_on).ok();
        let old = counted.as_ref().filter(|counted| !counted.is_in_part);
        Figures {
            path: self.path.clone(),
            entries: counted.as_ref().map(|counted| counted.entries),
            old_directories: old.map(|counted| counted.old_directories),
            old_files: old.map(|counted| counted.old_files),
            used: room.map(|room| Bytes(room.total.saturating_sub(room.free))),
            inodes: room.map(|room| room.inodes.saturating_sub(room.inodes_free)),
            probe: None,
        }
    }

    fn counted(&self, now: WallNanos, goes_on: &dyn Fn() -> bool) -> std::io::Result<Counted> {
        // A handle of its own: another one may stand anywhere in the list.
        let dir = dirfd::reopen_listing(self.dir.as_fd())?;
        let mut buffer = Vec::with_capacity(PIECE);
        let mut listing = Listing::new(dir.as_fd(), &mut buffer);
        let mut counted = Counted::default();
        while let Some(entry) = listing.next() {
            let entry = entry?;
            if entry.is_dot() || is_ours(entry.name().to_bytes()) {
                continue;
            }
            if !counted.is_in_part && counted.entries.0.is_multiple_of(SHARE) {
                counted.is_in_part = !goes_on();
            }
            if counted.is_in_part {
                counted.entries.0 += 1;
                continue;
            }
            let found = match stat::brief_at(dir.as_fd(), entry.name()) {
                Ok(found) => found,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(_) => {
                    counted.entries.0 += 1;
                    counted.is_in_part = true;
                    continue;
                }
            };
            counted.entries.0 += 1;
            let is_old = WallNanos(found.newest).age_at(now).is_some_and(|age| age.0 >= OLD);
            let is_dir = rustix::fs::FileType::from_raw_mode(found.mode) == rustix::fs::FileType::Directory;
            match (is_old, is_dir) {
                (true, true) => counted.old_directories.0 += 1,
                (true, false) => counted.old_files.0 += 1,
                (false, _) => {}
            }
        }
        Ok(counted)
    }
}

/// What lies in a place.
#[derive(Default)]
struct Counted {
    entries: Entries,
    old_directories: Entries,
    old_files: Entries,
    /// Whether the age of one was not seen: then the others are only counted.
    is_in_part: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch;

    #[test]
    fn in_haste_entries_are_counted_and_their_ages_left_out() {
        let dir = scratch::dir();
        std::fs::write(dir.path().join("a"), b"").unwrap();
        std::fs::create_dir(dir.path().join("b")).unwrap();
        let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        let id = object::of(handle.as_fd()).unwrap().0;
        let place = Place { path: "/t".into(), dir: Arc::new(handle), id };
        let (later, two) = (WallNanos(i64::MAX), Some(Entries(2)));
        let whole = place.figures(later, &|| true);
        let one = Some(Entries(1));
        assert_eq!((whole.entries, whole.old_files, whole.old_directories), (two, one, one));
        let haste = place.figures(later, &|| false);
        assert_eq!((haste.entries, haste.old_files, haste.old_directories), (two, None, None));
    }

    #[test]
    fn what_holds_the_system_is_no_temp_dir() {
        for path in
            ["/", "/etc", "/etc/ssl", "/usr/lib/x", "/home", "/home/", "/var", "/proc/1/root/tmp", "/root"]
        {
            assert!(is_of_the_system(&path.into()), "{path}");
        }
        for path in ["/tmp", "/var/tmp", "/home/runner/tmp", "/dev/shm", "/run/user/1000", "/mnt/t", "/tmpx"]
        {
            assert!(!is_of_the_system(&path.into()), "{path}");
        }
    }
}
