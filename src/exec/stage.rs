//! For tests: a private temp dir with a quarantine and a journal, and eyes that say what a test wants.

#![expect(clippy::disallowed_methods, reason = "a test looks at its own private directory by path")]

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::examine::{Budget, examine};
use super::journal::{self, Journal};
use super::object;
use super::quarantine::Quarantine;
use super::seal;
use super::sweep::{Eyes, Flow, Judge, Progress, Sweep, Swept};
use crate::model::journal::{Begin, Record, WorkId};
use crate::model::plan::{Candidate, Plan, Planned, Verdict};
use crate::model::raw_path::RawPath;
use crate::model::reading::Gap;
use crate::model::specimen;
use crate::model::surroundings::{About, Claim, Surroundings};
use crate::model::units::WallNanos;
use crate::sys::{dirfd, scratch};

/// What the eyes say.
#[derive(Default)]
pub struct Says {
    /// Of what lies in the temp dir.
    pub keeps: Keeps,
    /// Of what lies in the quarantine, by name there.
    pub claims: BTreeMap<RawPath, Vec<Claim>>,
    /// Of what was not seen, by whoever looks at the quarantine.
    pub gaps: Vec<Gap>,
    /// Of what was not seen of processes.
    pub unread: Vec<Gap>,
    /// How many entries each look was about.
    pub asked: Vec<(RawPath, usize)>,
    /// What somebody does while the temp dir is looked at, once.
    pub meanwhile: Option<Box<dyn FnOnce()>>,
}

/// Why some entries stay, by name.
pub type Keeps = BTreeMap<RawPath, String>;

impl Eyes for Says {
    fn surroundings(&mut self, _: BorrowedFd<'_>, path: &RawPath, about: About<'_>) -> Surroundings {
        let count = match about {
            About::All => usize::MAX,
            About::These(names) | About::Taken(names) => names.len(),
        };
        self.asked.push((path.clone(), count));
        if let Some(meanwhile) = self.meanwhile.take() {
            meanwhile();
        }
        let (claims, gaps, unread) = (self.claims.clone(), self.gaps.clone(), self.unread.clone());
        Surroundings { claims, gaps, unread, ..Surroundings::default() }
    }

    fn surroundings_while(
        &mut self,
        dir: BorrowedFd<'_>,
        path: &RawPath,
        about: About<'_>,
        goes_on: &dyn Fn() -> bool,
    ) -> Option<Surroundings> {
        goes_on().then(|| self.surroundings(dir, path, about))
    }
}

impl Judge for Keeps {
    fn judge(&self, candidate: Candidate, _: &Surroundings, _: WallNanos) -> Planned {
        let kept = self.get(&candidate.name).cloned();
        let verdict = if kept.is_some() { Verdict::Keep } else { Verdict::Remove };
        Planned { candidate, verdict, reason: kept.unwrap_or_default() }
    }
}

/// The temp dir `place` and the journal beside it.
pub struct Stage {
    dir: tempfile::TempDir,
    /// The temp dir.
    pub place: OwnedFd,
    /// Its quarantine.
    pub quarantine: Quarantine,
    state: OwnedFd,
    own: u32,
}

impl Stage {
    pub fn new() -> Self {
        let dir = scratch::dir();
        for (name, mode) in [("place", 0o1777), ("state", 0o700)] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
            std::fs::set_permissions(dir.path().join(name), PermissionsExt::from_mode(mode)).unwrap();
        }
        let top = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        let open = |name: &str| dirfd::open_listing(top.as_fd(), name.as_bytes()).unwrap();
        let (place, state) = (open("place"), open("state"));
        let own = rustix::process::geteuid().as_raw();
        let quarantine = Quarantine::open(place.as_fd(), b".q", own).unwrap();
        Self { dir, place, quarantine, state, own }
    }

    /// A path in the temp dir.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("place").join(name)
    }

    pub fn journal(&self) -> (Journal, Vec<Record>) {
        let opened = Journal::open(self.state.as_fd(), self.own).unwrap();
        (opened.journal, opened.records)
    }

    pub fn records(&self) -> Vec<Record> {
        journal::records(self.state.as_fd(), self.own).unwrap().records
    }

    /// A plan that removes these names.
    pub fn plan(&self, names: &[&str]) -> Plan {
        let mut plan = seal::tests::empty(object::of(self.place.as_fd()).unwrap().0);
        plan.entries = names
            .iter()
            .map(|name| {
                let candidate = examine(self.place.as_fd(), name.as_bytes(), Budget::default()).unwrap();
                Planned { candidate, verdict: Verdict::Remove, reason: String::new() }
            })
            .collect();
        seal::seal(plan)
    }

    pub fn begin(&self, journal: &mut Journal, work: WorkId) {
        let begin = Begin { uid: self.own, boot_id: "b".into(), ..specimen::begin(work, "clean") };
        journal.add(&Record::Begin(begin)).unwrap();
    }

    pub fn sweep(&self, plan: &Plan, says: &mut Says, step: &mut dyn FnMut(Progress) -> Flow) -> Swept {
        self.sweep_while(plan, says, step, &|| true)
    }

    pub fn sweep_while(
        &self,
        plan: &Plan,
        says: &mut Says,
        step: &mut dyn FnMut(Progress) -> Flow,
        goes_on: &dyn Fn() -> bool,
    ) -> Swept {
        let (mut journal, _) = self.journal();
        self.begin(&mut journal, WorkId(1));
        let sweep = Sweep {
            place: self.place.try_clone().unwrap(),
            quarantine: &self.quarantine,
            quarantine_path: "/q".into(),
            journal: &mut journal,
            work: WorkId(1),
            judge: &says.keeps.clone(),
            eyes: says,
            goes_on,
        };
        sweep.run(plan, step).unwrap()
    }
}
