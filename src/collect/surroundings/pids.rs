//! Names with the pid of a live process in them: `npm-4514-1f3c`, `.java_pid4514`, `ssh-XXXX/agent.4514`.
//!
//! A number counts where no letter or digit touches it, or `pid` stands before it. Its process must have started before the
//! entry was made: pids are used again. One or two digits say so little that the process must also own the entry. Makers in
//! other pid namespaces write their own numbers, so these count as well.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd};

use super::Scene;
use super::claims::Claims;
use crate::collect::claims::lives;
use crate::collect::parse::{decimal, labelled, lines, words};
use crate::model::process::{Pid, Process};
use crate::model::raw_path::RawPath;
use crate::model::surroundings::ClaimKind;
use crate::model::units::WallNanos;
use crate::sys::getdents::Listing;
use crate::sys::{enter, stat};

/// Directories whose children have the pids: of the JVM, and of ssh-agent and forwarded agents.
const PARENTS: &[&[u8]] = &[b"hsperfdata_", b"ssh-"];
/// How many children are looked at.
const CHILDREN: usize = 1024;
/// Numbers shorter than this occur everywhere.
const TELLING: usize = 3;
/// Process times are in clock ticks, and clocks are slewed.
const SLACK: i64 = 1_000_000_000;
const STATUS_MAX: usize = 64 << 10;

/// Live processes by every number that they may write.
#[derive(Debug, Default)]
pub struct Numbers {
    by_number: BTreeMap<u64, Vec<Pid>>,
}

/// What is remembered: the numbers of processes of other pid namespaces never change.
#[derive(Debug, Default)]
pub struct Memory {
    known: BTreeMap<(Pid, u64), Vec<u64>>,
}

impl Numbers {
    /// Of the processes that can see the directory.
    pub fn of(scene: &Scene<'_>, memory: &mut Memory) -> Self {
        let own = scene.table.get(scene.own).and_then(|process| process.pid_ns.clone().ok());
        let mut numbers = Self::default();
        let mut known = BTreeMap::new();
        for process in scene.table.by_pid.values().filter(|p| lives(p) && p.pid != scene.own) {
            let sees = |ns| scene.ground.paths_in(ns).next().is_some();
            if process.mount_ns.clone().is_ok_and(|ns| !sees(ns)) {
                continue;
            }
            numbers.add(process.pid.into(), process.pid);
            if process.pid_ns.is_ok() && process.pid_ns.clone().ok() == own {
                continue;
            }
            let key = (process.pid, process.started.0);
            let inner = memory.known.remove(&key).unwrap_or_else(|| inner_numbers(scene, process));
            for number in &inner {
                numbers.add(*number, process.pid);
            }
            known.insert(key, inner);
        }
        memory.known = known;
        numbers
    }

    fn add(&mut self, number: u64, pid: Pid) {
        let pids = self.by_number.entry(number).or_default();
        if !pids.contains(&pid) {
            pids.push(pid);
        }
    }

    /// Claims the entry where its name, or that of one of its children, says so.
    pub fn look(&self, scene: &Scene<'_>, dir: BorrowedFd<'_>, name: &[u8], claims: &mut Claims) {
        self.of_name(scene, (dir, name), name, claims);
        if PARENTS.iter().any(|parent| name.starts_with(parent)) {
            // What is no directory, or cannot be listed, has no children that could be looked at; its tree then is not
            // seen either, which keeps it.
            self.children(scene, dir, name, claims).unwrap_or_default();
        }
    }

    fn children(
        &self,
        scene: &Scene<'_>,
        dir: BorrowedFd<'_>,
        name: &[u8],
        claims: &mut Claims,
    ) -> Option<()> {
        let inner = enter::unnoticed(dir, name).ok()?;
        let mut buffer = Vec::with_capacity(16 << 10);
        let mut listing = Listing::new(inner.as_fd(), &mut buffer);
        for _ in 0..CHILDREN {
            let child = listing.next()?.ok()?;
            self.of_name(scene, (inner.as_fd(), child.name().to_bytes()), name, claims);
        }
        None
    }

    fn of_name(&self, scene: &Scene<'_>, at: (BorrowedFd<'_>, &[u8]), entry: &[u8], claims: &mut Claims) {
        for (number, digits) in numbers_in(at.1) {
            for pid in self.by_number.get(&number).into_iter().flatten() {
                let Some(process) = scene.table.get(*pid) else { continue };
                if is_maker(scene, process, at, digits) {
                    claims.add(entry, ClaimKind::NamedPid, Some(*pid), &RawPath::from(at.1));
                }
            }
        }
    }
}

/// `NSpid:` of its status lists its numbers from the outermost namespace that we see to its own.
fn inner_numbers(scene: &Scene<'_>, process: &Process) -> Vec<u64> {
    let mut text = Vec::new();
    let read = scene.proc.pid(process.pid).and_then(|dir| dir.read_piece("status", STATUS_MAX, &mut text));
    if read.is_err() {
        return Vec::new();
    }
    let found = lines(&text).find_map(|line| labelled(line, "NSpid"));
    found.into_iter().flat_map(|value| words(value).filter_map(decimal).collect::<Vec<_>>()).collect()
}

fn is_maker(
    scene: &Scene<'_>,
    process: &Process,
    (dir, name): (BorrowedFd<'_>, &[u8]),
    digits: usize,
) -> bool {
    let found = enter::node(dir, name).and_then(|node| stat::of(node.as_fd()));
    // What cannot be looked at may be its own.
    let Ok(found) = found else { return true };
    let started = scene.booted.0.saturating_add(i64::try_from(process.started.0).unwrap_or(i64::MAX));
    let is_older = found.born.is_none_or(|born| WallNanos(born.saturating_add(SLACK)) >= WallNanos(started));
    let owns = || process.credentials.as_ref().is_ok_and(|who| who.uid == found.uid);
    is_older && (digits >= TELLING || owns())
}

/// The numbers of a name that may be pids, with the count of their digits.
fn numbers_in(name: &[u8]) -> Vec<(u64, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = name.get(at..).and_then(|rest| rest.iter().position(u8::is_ascii_digit)) {
        let start = at + start;
        let digits = name.get(start..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit()).count();
        at = start + digits;
        let before = name.get(..start).unwrap_or_default();
        let bare = before.last().is_none_or(|b| !b.is_ascii_alphanumeric()) || before.ends_with(b"pid");
        let ends = name.get(at).is_none_or(|b| !b.is_ascii_alphanumeric());
        let number = name.get(start..at).filter(|_| bare && ends).and_then(decimal);
        found.extend(number.filter(|number| *number > 0).map(|number| (number, digits)));
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn takes_numbers_that_stand_alone() {
        assert_eq!(numbers_in(b"npm-4514-1f3c"), [(4514, 4)]);
        assert_eq!(numbers_in(b"agent.7358"), [(7358, 4)]);
        assert_eq!(numbers_in(b".java_pid4514"), [(4514, 4)]);
        assert_eq!(numbers_in(b"clr-debug-pipe-77-9123-in"), [(77, 2), (9123, 4)]);
        assert_eq!(numbers_in(b"812"), [(812, 3)]);
        for none in [&b"go-build4514"[..], b"rustc4514ab", b"x86", b"-0-", b"99999999999999999999999", b""] {
            assert_eq!(numbers_in(none), [], "{}", String::from_utf8_lossy(none));
        }
    }

    proptest! {
        #[test]
        fn never_panics(name: Vec<u8>) {
            numbers_in(&name);
        }

        #[test]
        fn finds_any_pid_between_blanks_of_a_name(pid in 1_u32.., before in "[a-z]{0,5}[-._]", after in "([-._][a-z]{0,5})?") {
            let name = format!("{before}{pid}{after}");
            prop_assert_eq!(numbers_in(name.as_bytes()), [(u64::from(pid), pid.to_string().len())]);
        }
    }
}
