//! Unix sockets bound in temp dirs, by the inode under which their holders have them open.
//!
//! A hint: the table shows the name that was given to bind(2), which may be relative, forged or long gone. Called by
//! `collect::holders`.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::BorrowedFd;

use crate::collect::claims::lives;
use crate::collect::parse::unix_sockets;
use crate::collect::sightings::Sights;
use crate::model::process::{Pid, Process, ProcessTable};
use crate::model::raw_path::RawPath;
use crate::sys::dirfd;

/// A table larger than this belongs to no machine that we help.
const TABLE_MAX: usize = 16 << 20;

/// The sockets of all network namespaces whose names lie in some temp dir.
///
/// Namespaces of the network are not in the process table, so one process of each kind (namespaces, unit, container) is
/// asked for its own.
pub fn in_temp_dirs(proc: BorrowedFd<'_>, table: &ProcessTable, sights: &[Sights]) -> BTreeMap<u64, RawPath> {
    let mut seen = BTreeSet::new();
    let mut found = BTreeMap::new();
    for pid in witnesses(table) {
        let Ok(namespace) = dirfd::read_link(proc, format!("{pid}/ns/net").as_bytes()) else { continue };
        if seen.insert(namespace) {
            found.extend(sockets_of(proc, &pid.to_string(), sights));
        }
    }
    if seen.is_empty() {
        found.extend(sockets_of(proc, "self", sights));
    }
    found
}

fn witnesses(table: &ProcessTable) -> Vec<Pid> {
    let mut kinds = BTreeSet::new();
    let kind = |p: &Process| {
        let namespaces = (p.mount_ns.clone().ok(), p.pid_ns.clone().ok());
        (namespaces, p.unit.clone(), p.container.as_ref().map(|c| c.id.clone()))
    };
    table.by_pid.values().filter(|p| lives(p) && kinds.insert(kind(p))).map(|p| p.pid).collect()
}

fn sockets_of(proc: BorrowedFd<'_>, who: &str, sights: &[Sights]) -> Vec<(u64, RawPath)> {
    let table = dirfd::open_procfs_file(proc, format!("{who}/net/unix").as_bytes())
        .and_then(|file| dirfd::read_bounded(&file, TABLE_MAX));
    let Ok((table, _)) = table else { return Vec::new() };
    let lies_in = |path: &RawPath| sights.iter().any(|s| s.holding(path.as_bytes()).is_some());
    let named = unix_sockets::parse(&table).into_iter().filter(|socket| lies_in(&socket.path));
    named.map(|socket| (socket.inode, socket.path)).collect()
}
