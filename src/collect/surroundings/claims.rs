//! The list that all parts of a look write to.

use std::collections::BTreeMap;

use crate::model::process::{Pid, ProcessTable};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy};
use crate::model::surroundings::{Claim, ClaimKind, Stranger, Surroundings};
use crate::model::units::WallNanos;

/// One claim keeps an entry; a build holds its own by thousands of descriptors, and nobody reads more than a few.
const OF_ONE_KIND: usize = 8;

/// Claims and gaps of one look.
#[derive(Debug, Default)]
pub struct Claims {
    by_entry: BTreeMap<RawPath, Vec<Claim>>,
    gaps: Vec<Gap>,
    unread: Vec<Gap>,
    strangers: Vec<Stranger>,
    sockets: Vec<Gap>,
    /// Whether the directory lies in memory.
    pub in_memory: bool,
    /// Program and party of each process.
    known: BTreeMap<Pid, (String, Option<String>)>,
    /// Of which process a thread is.
    threads: BTreeMap<Pid, Pid>,
}

impl Claims {
    /// Takes note of how processes are called.
    pub fn know(&mut self, table: &ProcessTable) {
        let party = |p: &crate::model::process::Process| {
            p.container.as_ref().map(crate::model::process::Container::label).or_else(|| p.unit.clone())
        };
        self.known = table.by_pid.values().map(|p| (p.pid, (p.comm.shown(), party(p)))).collect();
    }

    /// Takes note of the process of a thread: what is claimed by its number is put down to that.
    pub fn belongs(&mut self, tid: Pid, pid: Pid) {
        self.threads.insert(tid, pid);
    }

    /// Adds a claim on the entry of that name. A thread is named where its process does not claim the same.
    pub fn add(&mut self, name: &[u8], kind: ClaimKind, pid: Option<Pid>, shown: &RawPath) {
        let thread = pid.filter(|number| self.threads.contains_key(number));
        let pid = thread.and_then(|tid| self.threads.get(&tid).copied()).or(pid);
        let claims = self.by_entry.entry(RawPath::from(name)).or_default();
        let same = |claim: &&Claim| claim.kind == kind;
        if claims.iter().filter(same).count() >= OF_ONE_KIND
            || claims.iter().any(|c| c.kind == kind && c.pid == pid && c.shown == *shown)
        {
            return;
        }
        let (program, party) = pid.and_then(|pid| self.known.get(&pid)).cloned().unzip();
        let program = match thread {
            Some(tid) => program.map(|program| format!("{program}, thread {tid}")),
            None => program,
        };
        claims.push(Claim { kind, pid, program, party: party.flatten(), shown: shown.clone() });
    }

    /// Adds something that could not be looked at.
    pub fn unseen(&mut self, gap: Gap) {
        add_once(&mut self.gaps, gap);
    }

    /// Adds what could not be looked at of processes. Where only we were too slow or too poor for it, whoever looks again sees
    /// it: that is nothing to be taken upon oneself.
    pub fn unread(&mut self, gap: Gap) {
        let is_ours = matches!(gap.why, GapWhy::OverBudget { .. } | GapWhy::NoDescriptor | GapWhy::NoThread);
        add_once(if is_ours { &mut self.gaps } else { &mut self.unread }, gap);
    }

    /// The same for many.
    pub fn unread_all<'a>(&mut self, gaps: impl IntoIterator<Item = &'a Gap>) {
        gaps.into_iter().for_each(|gap| self.unread(gap.clone()));
    }

    /// Names the processes of which something could not be looked at.
    pub fn meet(&mut self, strangers: impl IntoIterator<Item = Stranger>) {
        self.strangers.extend(strangers);
        self.strangers.sort();
    }

    /// Adds a table of bound sockets that could not be read.
    pub fn without_sockets(&mut self, gap: Gap) {
        add_once(&mut self.sockets, gap);
    }

    /// The same for many.
    pub fn unseen_all<'a>(&mut self, gaps: impl IntoIterator<Item = &'a Gap>) {
        gaps.into_iter().for_each(|gap| self.unseen(gap.clone()));
    }

    /// The end of a look.
    pub fn into_surroundings(mut self, taken: WallNanos, booted: WallNanos) -> Surroundings {
        self.by_entry.values_mut().for_each(|claims| claims.sort());
        let in_memory = self.in_memory;
        Surroundings {
            taken,
            booted,
            in_memory,
            claims: self.by_entry,
            gaps: self.gaps,
            unread: self.unread,
            strangers: self.strangers,
            sockets: self.sockets,
        }
    }
}

fn add_once(gaps: &mut Vec<Gap>, gap: Gap) {
    if !gaps.contains(&gap) {
        gaps.push(gap);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::specimen;

    #[test]
    fn names_the_party_and_stops_at_a_handful_of_each_kind() {
        let mut process = specimen::process(7, 0);
        process.unit = Some("runner@1.service".into());
        let mut claims = Claims::default();
        claims.know(&specimen::table(vec![process]));
        for number in 0..100 {
            claims.add(b"a", ClaimKind::Fd, Some(7), &RawPath::from(format!("/tmp/a/{number}").as_str()));
        }
        claims.add(b"a", ClaimKind::Cwd, Some(7), &"/tmp/a".into());
        claims.add(b"a", ClaimKind::Cwd, Some(7), &"/tmp/a".into());
        let found = claims.into_surroundings(WallNanos(1), WallNanos(0));
        let of_a = &found.claims[&"a".into()];
        assert_eq!(of_a.len(), OF_ONE_KIND + 1);
        assert_eq!((of_a[0].kind, of_a[0].party.as_deref()), (ClaimKind::Cwd, Some("runner@1.service")));
        assert_eq!(of_a[0].program.as_deref(), Some("p7"));
    }

    #[test]
    fn a_thread_claims_for_its_process_and_nothing_twice() {
        let mut claims = Claims::default();
        claims.know(&specimen::table(vec![specimen::process(7, 0)]));
        claims.belongs(9, 7);
        claims.add(b"a", ClaimKind::Fd, Some(7), &"/tmp/a/x".into());
        claims.add(b"a", ClaimKind::Fd, Some(9), &"/tmp/a/x".into());
        claims.add(b"b", ClaimKind::Fd, Some(9), &"/tmp/b".into());
        let found = claims.into_surroundings(WallNanos(1), WallNanos(0)).claims;
        let of =
            |name: &str| found[&name.into()].iter().map(|c| (c.pid, c.program.clone())).collect::<Vec<_>>();
        assert_eq!(of("a"), [(Some(7), Some("p7".to_owned()))]);
        assert_eq!(of("b"), [(Some(7), Some("p7, thread 9".to_owned()))]);
    }
}
