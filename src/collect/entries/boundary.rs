//! Where file systems that may never answer lie below a directory that somebody wants to see.
//!
//! Only the mount table is read: what lies there is neither looked at nor walked into. Called by [`super::list`].

use std::collections::BTreeSet;
use std::os::fd::AsFd;

use super::Wish;
use crate::collect::parse::mountinfo;
use crate::model::mount::Mount;
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy};
use crate::sys::dirfd;

/// How much of a mount table is read.
const TABLE_MAX: usize = 8 << 20;

/// Where doubtful file systems lie below the directory.
pub struct Boundary {
    /// Names of entries that are mount points of such: not even looked at.
    pub untouchable: BTreeSet<Vec<u8>>,
    /// Names of entries that hold one somewhere: not walked into.
    pub unmeasured: BTreeSet<Vec<u8>>,
}

impl Boundary {
    /// Refuses a directory that itself lies on a doubtful file system.
    pub fn around(dir: &RawPath) -> Result<Self, GapWhy> {
        let (table, inside) = table_of(dir)?;
        let serving = table.iter().filter(|m| inside.is_below(&m.point));
        let serving = serving.max_by_key(|m| (m.point.as_bytes().len(), m.order));
        if serving.is_none_or(Mount::is_doubtful) {
            return Err(GapWhy::NotAsked);
        }
        let mut boundary = Self { untouchable: BTreeSet::new(), unmeasured: BTreeSet::new() };
        for mount in table.iter().filter(|m| m.is_doubtful() && m.point.is_below(&inside)) {
            let below = mount.point.as_bytes().get(inside.as_bytes().len()..).unwrap_or_default();
            let mut parts = below.split(|b| *b == b'/').filter(|part| !part.is_empty());
            let (Some(name), deeper) = (parts.next(), parts.next()) else { continue };
            let set = if deeper.is_none() { &mut boundary.untouchable } else { &mut boundary.unmeasured };
            set.insert(name.to_vec());
        }
        Ok(boundary)
    }

    pub fn gap(&self, wish: &Wish) -> Option<Gap> {
        let names = self.untouchable.iter().map(|name| RawPath::from(name.as_slice()).shown());
        let names = names.collect::<Vec<_>>().join(", ");
        let what = format!("{names} in {}, a file system that may never answer", wish.dir.shown());
        (!self.untouchable.is_empty()).then(|| Gap::new(what, GapWhy::NotAsked))
    }
}

/// The mount table that names what is reached there, and the path as that table names it.
fn table_of(dir: &RawPath) -> Result<(Vec<Mount>, RawPath), GapWhy> {
    let below = dir.as_bytes().strip_prefix(b"/proc/").unwrap_or_default();
    let digits = below.iter().take_while(|b| b.is_ascii_digit()).count();
    let inside = below.get(digits..).and_then(|rest| rest.strip_prefix(b"/root"));
    let (who, inside) = match inside.filter(|rest| digits > 0 && (rest.is_empty() || rest.starts_with(b"/")))
    {
        Some(b"") => (below.get(..digits).unwrap_or_default(), RawPath::from("/")),
        Some(inside) => (below.get(..digits).unwrap_or_default(), RawPath::from(inside)),
        None => (&b"self"[..], dir.clone()),
    };
    let proc = dirfd::open_trusted_dir(b"/proc")?;
    let file = dirfd::open_procfs_file(proc.as_fd(), &[who, b"/mountinfo"].concat())?;
    let (text, _) = dirfd::read_bounded(&file, TABLE_MAX)?;
    Ok((mountinfo::parse(&text).mounts, inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_right_process_is_asked() {
        let (_, inside) =
            table_of(&format!("/proc/{}/root/tmp/x", std::process::id()).as_str().into()).unwrap();
        assert_eq!(inside, "/tmp/x".into());
        assert_eq!(table_of(&"/tmp/x".into()).unwrap().1, "/tmp/x".into());
        assert_eq!(table_of(&"/proc/self/root/x".into()).unwrap().1, "/proc/self/root/x".into());
        assert!(table_of(&format!("/proc/{}/root/x", u32::MAX).as_str().into()).is_err());
    }
}
