//! Mount namespaces: who is in which, and one mount table for each.
//!
//! A namespace is known by its inode where `/proc/PID/ns/mnt` is readable. Where it is not, mount ids tell: they are unique
//! on a machine, so a process that shows a mount of a known table is in that namespace. Called by `collect::Eyes`.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::collect::budget::Until;
use crate::collect::parse::mountinfo::{self, Table};

use crate::model::mount::{Mount, MountNamespace};
use crate::model::process::{MountNs, Pid, Process, ProcessTable};
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::units::{Entries, Micros};
use crate::sys::clock::Stopwatch;
use crate::sys::procfile::Proc;

/// A table of 100,000 mounts has about half of that.
const TABLE_MAX: usize = 32 << 20;
/// How many processes of a namespace are tried before it counts as unreadable.
const WITNESSES: usize = 8;

/// Finds the namespaces of all processes and reads one table for each.
///
/// Processes that were known only by a mount id get the namespace that has that mount, where it is known.
pub fn find(
    proc: &Proc,
    processes: &mut ProcessTable,
    own: Pid,
    until: Until<'_>,
) -> Reading<Vec<MountNamespace>> {
    let watch = Stopwatch::start();
    let mut found =
        Found { proc, until, own: own_namespace(processes, own), all: Vec::new(), of_mount: BTreeMap::new() };
    let (by_inode, by_mount) = group(processes);
    for (id, members) in by_inode {
        found.add(id, &members);
    }
    let mut moved: BTreeMap<MountNs, MountNs> = BTreeMap::new();
    for (id, members) in by_mount {
        let home = match id {
            MountNs::RootMount(mount) => found.of_mount.get(&mount).copied(),
            MountNs::Inode(_) => None,
        };
        if let Some(joined) =
            home.and_then(|index| found.join(index, &members)).or_else(|| found.add(id, &members))
        {
            moved.insert(id, joined);
        }
    }
    for process in processes.by_pid.values_mut() {
        if let Ok(id) = process.mount_ns
            && let Some(new) = moved.get(&id).filter(|new| **new != id)
        {
            Arc::make_mut(process).mount_ns = Ok(*new);
        }
    }
    let mut all = found.all;
    all.sort_by_key(|namespace| (Reverse(namespace.ours), namespace.id));
    Reading::of(all, Micros(watch.micros()), gaps_of(processes))
}

/// One process as a possible witness: best is one whose root is that of the namespace, then the oldest. The table of
/// another shows only the mounts below its own root, and their points relative to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Member {
    is_chrooted: bool,
    pid: Pid,
}

type Groups = Vec<(MountNs, Vec<Member>)>;

/// Members of each namespace, the best witness first; namespaces known only by a mount id come with the largest first.
fn group(processes: &ProcessTable) -> (Groups, Groups) {
    let mut groups: BTreeMap<MountNs, Vec<Member>> = BTreeMap::new();
    for process in processes.by_pid.values().filter(|p| !p.kernel) {
        if let Ok(id) = process.mount_ns {
            groups.entry(id).or_default().push(member(process));
        }
    }
    for members in groups.values_mut() {
        members.sort_unstable();
    }
    let (by_inode, mut by_mount): (Groups, Groups) =
        groups.into_iter().partition(|(id, _)| matches!(id, MountNs::Inode(_)));
    by_mount.sort_by_key(|(id, members)| (Reverse(members.len()), *id));
    (by_inode, by_mount)
}

fn member(process: &Process) -> Member {
    let is_chrooted = process.root.as_ref().is_ok_and(|place| place.path.as_bytes() != b"/");
    Member { is_chrooted, pid: process.pid }
}

fn own_namespace(processes: &ProcessTable, own: Pid) -> Option<MountNs> {
    processes.get(own).and_then(|process| process.mount_ns.clone().ok())
}

struct Found<'a> {
    proc: &'a Proc,
    until: Until<'a>,
    own: Option<MountNs>,
    all: Vec<MountNamespace>,
    /// Position in `all` by mount id.
    of_mount: BTreeMap<u64, usize>,
}

impl Found<'_> {
    /// Reads the table of a namespace; one that shares mounts with a known one is a part of that, which is returned.
    fn add(&mut self, id: MountNs, members: &[Member]) -> Option<MountNs> {
        let (witness, mounts) = self.read(members);
        let ids: Vec<u64> = mounts.items().iter().map(|m| m.id).collect();
        let home = ids.iter().find_map(|mount| self.of_mount.get(mount)).copied();
        if let Some(index) = home.filter(|_| matches!(id, MountNs::RootMount(_))) {
            return self.join(index, members);
        }
        let index = self.all.len();
        for mount in ids {
            self.of_mount.entry(mount).or_insert(index);
        }
        let mut pids: Vec<Pid> = members.iter().map(|m| m.pid).collect();
        pids.sort_unstable();
        let ours = self.own == Some(id);
        self.all.push(MountNamespace { id, witness, pids, ours, mounts, overlays: Vec::new() });
        Some(id)
    }

    /// Adds processes to a namespace that is known already.
    fn join(&mut self, index: usize, members: &[Member]) -> Option<MountNs> {
        let namespace = self.all.get_mut(index)?;
        namespace.pids.extend(members.iter().map(|m| m.pid));
        namespace.pids.sort_unstable();
        Some(namespace.id)
    }

    /// The table of the first member that shows one; a member that has ended is passed over for the next.
    fn read(&self, members: &[Member]) -> (Pid, Reading<Vec<Mount>>) {
        let first = members.first().map_or(0, |m| m.pid);
        let blind =
            |pid: Pid, why| Reading::Blind { gap: Gap::new(format!("mount table of pid {pid}"), why) };
        if self.until.is_over() {
            return (first, blind(first, GapWhy::OverBudget { seen: Entries(0) }));
        }
        let mut last = (first, blind(first, GapWhy::Absent));
        for member in members.iter().take(WITNESSES) {
            match read_table(self.proc, member.pid) {
                // Without a single mount in sight: chrooted into a plain directory, or about to end.
                Ok(table) if table.value().is_none_or(Vec::is_empty) => {
                    if last.1.value().is_none() {
                        last = (member.pid, table);
                    }
                }
                Ok(table) => return (member.pid, table),
                Err(why) => {
                    if last.1.value().is_none() {
                        last = (member.pid, blind(member.pid, why));
                    }
                }
            }
        }
        last
    }
}

fn read_table(proc: &Proc, pid: Pid) -> Result<Reading<Vec<Mount>>, GapWhy> {
    let watch = Stopwatch::start();
    let text = proc.pid(pid)?.read("mountinfo", TABLE_MAX)?;
    let is_cut = text.len() >= TABLE_MAX;
    let Table { mut mounts, malformed, bad_lines, beyond } = mountinfo::parse(&text);
    let mut gaps: Vec<Gap> = malformed
        .into_iter()
        .map(|line| Gap::new(format!("a line of the mount table of pid {pid}"), GapWhy::Malformed { line }))
        .collect();
    let unquoted = bad_lines.saturating_sub(gaps.len());
    if unquoted > 0 {
        let line = format!("{unquoted} more lines");
        gaps.push(Gap::new(format!("the mount table of pid {pid}"), GapWhy::Malformed { line }));
    }
    if is_cut || beyond > 0 {
        let seen = Entries(u64::try_from(mounts.len()).unwrap_or(u64::MAX));
        gaps.push(Gap::new(format!("the rest of the mount table of pid {pid}"), GapWhy::OverBudget { seen }));
    }
    mounts.shrink_to_fit();
    Ok(Reading::of(mounts, Micros(watch.micros()), gaps))
}

/// Processes of which not even the mount namespace is known.
fn gaps_of(processes: &ProcessTable) -> Vec<Gap> {
    let mut counts: BTreeMap<GapWhy, u64> = BTreeMap::new();
    for process in processes.by_pid.values().filter(|p| !p.kernel) {
        match &process.mount_ns {
            Ok(_) | Err(GapWhy::Absent | GapWhy::Vanished) => {}
            Err(why) => *counts.entry(why.clone()).or_default() += 1,
        }
    }
    let worded = |(why, count): (GapWhy, u64)| {
        let plural = if count == 1 { "" } else { "es" };
        Gap::new(format!("mount namespace of {count} process{plural}"), why)
    };
    counts.into_iter().map(worded).collect()
}
