//! What the mappings of a process tell: which files of temp dirs it has in its memory.

use std::os::fd::BorrowedFd;

use super::{DELETED, Haul, Subject};
use crate::collect::parse::maps;
use crate::collect::sightings::Sights;
use crate::model::holder::{Holding, How};
use crate::model::process::Pid;
use crate::model::raw_path::RawPath;
use crate::model::units::Bytes;
use crate::sys::stat::{self, Stat};

/// Lines of a mapping that names a file are longer than this before the name begins.
const BEFORE_NAME: usize = 30;

/// The lines of mappings whose file lies in a temp dir, by a look that costs less than parsing every line.
pub(super) fn candidates<'t>(lines: &'t [u8], sights: &'t Sights) -> impl Iterator<Item = &'t [u8]> {
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

pub(super) fn mapping(proc: BorrowedFd<'_>, subject: &Subject<'_>, line: &[u8], haul: &mut Haul) {
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
    use std::os::fd::AsFd;

    use super::*;
    use crate::collect::{sightings, specimen};
    use crate::sys::dirfd;

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
}
