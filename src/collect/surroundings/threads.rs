//! Which threads of a process have something of their own: Samba gives each worker its own working directory, Go programs and
//! container engines put a locked thread into other namespaces, and some unshare the table of descriptors.
//!
//! kcmp(2) tells whether two threads share it, at the cost of one call. Where it says nothing (an old kernel, the filter of a
//! container) a thread is taken for one that shares nothing and read by itself, as far as that is not dear.

use crate::collect::parse::{labelled, lines, words};
use crate::model::process::Pid;
use crate::model::reading::{GapWhy, Seen};
use crate::sys::procfile::Proc;
use crate::sys::threads::{self, Part};

/// So many different ones of a process are known apart; what goes beyond is read twice.
const PARTS: usize = 5;
/// How many links of the threads of one process are read where nobody tells whether they are its own.
const OF_ONE: u64 = 1 << 15;
/// And of those of all processes: about 0.2 s.
const OF_ALL: u64 = 1 << 17;
const STATUS_MAX: usize = 64 << 10;

/// Compares threads.
#[derive(Clone, Debug)]
pub struct Kin {
    /// Whether the numbers in procfs are those that the kernel takes from us.
    is_ours: bool,
    /// What comparing may not save.
    pub purse: Purse,
}

/// How much is still read of threads of which nobody tells anything.
#[derive(Clone, Debug)]
pub struct Purse {
    in_all: u64,
    of_this: u64,
}

impl Kin {
    /// For processes of that procfs; it may be that of a pid namespace above ours.
    pub fn of(proc: &Proc) -> Self {
        let status = proc.own().and_then(|own| own.read("status", STATUS_MAX)).unwrap_or_default();
        let is_ours = proc.own_pid().is_ok_and(|pid| pid == std::process::id()) && is_innermost(&status);
        Self { is_ours, purse: Purse { in_all: OF_ALL, of_this: 0 } }
    }

    /// Whether two threads share that part.
    pub fn share(&self, one: Pid, other: Pid, part: Part) -> Seen<bool> {
        if !self.is_ours {
            return Err(GapWhy::Denied);
        }
        Ok(threads::share(one, other, part)?)
    }
}

impl Purse {
    /// For the next process.
    pub fn begin(&mut self) {
        self.of_this = OF_ONE.min(self.in_all);
    }

    /// Takes the price out of it; false where nothing is left.
    pub fn pays(&mut self, price: u64) -> bool {
        let is_left = self.of_this > 0;
        if is_left {
            self.of_this = self.of_this.saturating_sub(price.max(1));
            self.in_all = self.in_all.saturating_sub(price.max(1));
        }
        is_left
    }
}

/// Reads those threads whose part is not that of the first, which was read before, nor of another that was read. `read` is
/// told why, where nobody says whose it is, and says whether the part was read in full: only then it stands for others.
pub fn each_apart(
    (first, others): (Pid, &[Pid]),
    share: &dyn Fn(Pid, Pid) -> Seen<bool>,
    read: &mut dyn FnMut(Pid, Option<GapWhy>) -> bool,
) {
    let mut known = vec![first];
    for tid in others {
        let shared = is_one_of(*tid, &known, share);
        if shared != Ok(true) && read(*tid, shared.err()) && known.len() < PARTS {
            known.push(*tid);
        }
    }
}

/// One of the known may have ended meanwhile, which says nothing of the others.
fn is_one_of(tid: Pid, known: &[Pid], share: &dyn Fn(Pid, Pid) -> Seen<bool>) -> Seen<bool> {
    let mut said = Ok(false);
    for other in known {
        match share(*other, tid) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(why) => said = Err(why),
        }
    }
    said
}

/// Where our own process has one number only, this procfs is that of our pid namespace; a kernel without such has no line.
fn is_innermost(status: &[u8]) -> bool {
    let numbers = lines(status).find_map(|line| labelled(line, "NSpid"));
    numbers.is_none_or(|numbers| words(numbers).count() == 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Who is read, and whether for sure, where threads have these tables; what has none cannot be compared, 0 is that of
    /// one that has ended.
    fn read(tables: &[(Pid, Option<u32>)], ends: &[Pid]) -> Vec<(Pid, bool)> {
        let tables: BTreeMap<Pid, Option<u32>> = tables.iter().copied().collect();
        let share = |one: Pid, other: Pid| match (tables[&one], tables[&other]) {
            (Some(one), Some(other)) => Ok(one == other),
            _ => Err(GapWhy::Denied),
        };
        let others: Vec<Pid> = tables.keys().copied().filter(|tid| *tid != 1).collect();
        let mut seen = Vec::new();
        each_apart((1, &others), &share, &mut |tid, unsure| {
            seen.push((tid, unsure.is_none()));
            !ends.contains(&tid)
        });
        seen
    }

    #[test]
    fn whoever_shares_what_was_read_is_not_read() {
        assert_eq!(read(&[(1, Some(7)), (2, Some(7)), (3, Some(7))], &[]), []);
        assert_eq!(read(&[(1, Some(7)), (2, Some(8)), (3, Some(7))], &[]), [(2, true)]);
        let rest_elsewhere = [(1, Some(7)), (2, Some(8)), (3, Some(8)), (4, Some(8)), (5, Some(9))];
        assert_eq!(read(&rest_elsewhere, &[]), [(2, true), (5, true)]);
        let headless = [(1, Some(0)), (2, Some(8)), (3, Some(8))];
        assert_eq!(read(&headless, &[]), [(2, true)]);
    }

    #[test]
    fn what_ended_before_it_was_read_stands_for_nobody() {
        let both = [(1, Some(7)), (2, Some(8)), (3, Some(8)), (4, Some(8))];
        assert_eq!(read(&both, &[2]), [(2, true), (3, true)]);
    }

    #[test]
    fn whoever_cannot_be_compared_is_read_and_many_parts_are_read_twice_rather_than_never() {
        assert_eq!(read(&[(1, None), (2, None), (3, Some(7))], &[]), [(2, false), (3, false)]);
        assert_eq!(
            read(&[(1, Some(7)), (2, None), (3, Some(7)), (4, Some(8))], &[]),
            [(2, false), (4, false)]
        );
        let many: Vec<(Pid, Option<u32>)> = (1..=40).map(|tid| (tid, Some(tid.min(20)))).collect();
        assert_eq!(read(&many, &[]).len(), 39);
    }

    #[test]
    fn a_purse_is_empty_for_one_before_it_is_for_all() {
        let mut purse = Purse { in_all: OF_ALL, of_this: 0 };
        assert!(!purse.pays(1), "before it begins");
        purse.begin();
        let paid = (0..OF_ONE).take_while(|_| purse.pays(8)).count();
        assert_eq!(paid as u64, OF_ONE / 8);
        let processes = (0..100).take_while(|_| {
            purse.begin();
            purse.pays(OF_ONE)
        });
        assert_eq!(processes.count() as u64, OF_ALL / OF_ONE - 1);
    }

    #[test]
    fn numbers_of_a_namespace_above_ours_are_not_compared() {
        assert!(is_innermost(b"Name:\tx\nNSpid:\t70\n"));
        assert!(!is_innermost(b"Name:\tx\nNSpid:\t70\t1\n"));
        assert!(is_innermost(b"Name:\tx\n"));
    }
}
