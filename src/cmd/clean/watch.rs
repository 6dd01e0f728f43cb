//! What a clean-up knows beside the entries: the same eyes when it is planned and when it is carried out.

use std::collections::BTreeSet;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::place::is_ours;
use crate::catalog::Catalog;
use crate::catalog::pattern::Pattern;
use crate::cmd::Refusal;
use crate::collect::surroundings::{Place, SurroundingsEyes};
use crate::exec::sweep::{Eyes, Judge};
use crate::model::plan::{Candidate, OTHER, ObjectId, Planned, Wishes};
use crate::model::raw_path::{RawPath, shown_bytes};
use crate::model::snapshot::Snapshot;
use crate::model::surroundings::{About, Surroundings};
use crate::model::units::WallNanos;
use crate::remedies::clean::{Guard, Scene, judge, judged_by};

/// How long one look at the rest of the machine may take; what was not seen by then keeps every entry.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything that judges the entries of one temp dir.
pub struct Watch {
    /// What is thought of them.
    pub jury: Jury,
    /// Who has to do with them.
    pub looks: Looks,
}

/// What looks at the rest of the machine.
pub struct Looks {
    /// When this boot began, by the clock of the first look.
    booted: Arc<OnceLock<WallNanos>>,
    around: SurroundingsEyes,
}

/// All that the guards ask for, but for what is around.
pub struct Jury {
    catalog: Arc<Catalog>,
    wishes: Wishes,
    keep: Vec<Pattern>,
    builders: BTreeSet<u32>,
    own: u32,
    place: ObjectId,
    /// As the eyes know it.
    booted: Arc<OnceLock<WallNanos>>,
}

impl Watch {
    /// For one directory, with these wishes.
    ///
    /// # Errors
    /// A pattern that is none, a family that nobody knows.
    pub fn new(
        catalog: &Arc<Catalog>,
        wishes: &Wishes,
        builders: &BTreeSet<u32>,
        own: u32,
        place: ObjectId,
    ) -> anyhow::Result<Self> {
        let parse = |text: &String| {
            Pattern::parse(text)
                .map_err(|why| Refusal::usage(format!("--keep `{}` {why}", shown_bytes(text.as_bytes()))))
        };
        let keep = wishes.keep.iter().map(parse).collect::<anyhow::Result<Vec<_>>>()?;
        for family in &wishes.families {
            if family != OTHER && catalog.families.get(family).is_none() {
                let known: Vec<&str> = catalog.families.iter().map(|family| family.id.as_str()).collect();
                return Err(Refusal::usage(format!(
                    "--family {}: there is no such family; {OTHER}, or one of {}",
                    shown_bytes(family.as_bytes()),
                    known.join(", ")
                )));
            }
        }
        let booted = Arc::<OnceLock<WallNanos>>::default();
        let jury = Jury {
            catalog: Arc::clone(catalog),
            wishes: wishes.clone(),
            keep,
            builders: builders.clone(),
            own,
            place,
            booted: Arc::clone(&booted),
        };
        Ok(Self { jury, looks: Looks { booted, around: SurroundingsEyes::open(Arc::clone(catalog)) } })
    }
}

impl Jury {
    /// What becomes of an entry, and which guard keeps it.
    pub fn judged(
        &self,
        candidate: Candidate,
        surroundings: &Surroundings,
        now: WallNanos,
    ) -> (Planned, Option<&'static Guard>) {
        self.scene(surroundings, now, |scene| judged_by(self.named(candidate), scene))
    }

    /// A family is told by the name, never by what a plan says of it.
    fn named(&self, candidate: Candidate) -> Candidate {
        let family = self.catalog.families.classify(candidate.name.as_bytes());
        Candidate { family: family.map(|family| family.id.clone()).unwrap_or_default(), ..candidate }
    }

    fn scene<T>(&self, surroundings: &Surroundings, now: WallNanos, ask: impl FnOnce(&Scene<'_>) -> T) -> T {
        let is_kept =
            |name: &[u8]| self.catalog.preserves(name) || self.keep.iter().any(|glob| glob.matches(name));
        ask(&Scene {
            now,
            booted_before: self.booted.get().copied().unwrap_or(surroundings.booted),
            place: self.place,
            surroundings,
            wishes: &self.wishes,
            min_age: self.catalog.clean.min_age_s,
            family: &|id| self.catalog.families.get(id),
            is_kept: &is_kept,
            is_ours: &is_ours,
            builders: &self.builders,
            own: self.own,
        })
    }
}

impl Eyes for Looks {
    fn surroundings(&mut self, dir: BorrowedFd<'_>, path: &RawPath, about: About<'_>) -> Surroundings {
        let found = self.around.look(&Place { path, dir, about }, PATIENCE);
        self.booted.get_or_init(|| found.booted);
        found
    }

    fn surroundings_while(
        &mut self,
        dir: BorrowedFd<'_>,
        path: &RawPath,
        about: About<'_>,
        goes_on: &dyn Fn() -> bool,
    ) -> Option<Surroundings> {
        let found = self.around.look_while(&Place { path, dir, about }, PATIENCE, goes_on)?;
        self.booted.get_or_init(|| found.booted);
        Some(found)
    }
}

impl Judge for Jury {
    fn judge(&self, candidate: Candidate, surroundings: &Surroundings, now: WallNanos) -> Planned {
        self.scene(surroundings, now, |scene| judge(self.named(candidate), scene))
    }
}

/// Users under whom something builds or runs jobs here.
pub fn builders(now: &Snapshot) -> BTreeSet<u32> {
    let builds = now.all_processes().filter(|process| process.is_build());
    builds.filter_map(|process| Some(process.credentials.as_ref().ok()?.uid)).collect()
}
