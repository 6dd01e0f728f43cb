//! The machine around the directories that are cleaned: what is seen once, for every plan and every step.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::apply::{self, Job};
use super::document::Totals;
use super::draft::{Draft, draft};
use super::outcome::Outcome;
use super::place::Place;
use super::progress::{Progress, Stop};
use super::proof;
use super::watch::{self, Watch};
use crate::catalog::Catalog;
use crate::cmd::Refusal;
use crate::cmd::workshop::{Actor, WithoutUndo};
use crate::model::plan::{Plan, Wishes};
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;

/// The machine around the directories that are cleaned. The command line and the console's worker both stand on it.
pub struct Ground {
    pub(super) catalog: Arc<Catalog>,
    pub(super) us: Actor,
    now: Snapshot,
    builders: BTreeSet<u32>,
    /// What a clean-up will not help against.
    pub no_help: Vec<String>,
}

/// Where a plan comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Made by us a moment ago: what changed since stays, and is named.
    Made,
    /// Read from a file: where anything changed since, nothing is done.
    File,
}

impl Ground {
    /// Looks around.
    ///
    /// # Errors
    /// It was stopped.
    pub fn look(catalog: Arc<Catalog>, us: Actor, roots: &[RawPath], stop: &Stop) -> anyhow::Result<Self> {
        let roots = roots.to_vec();
        let look = move || {
            let now = proof::look(&catalog, &roots);
            let (builders, no_help) = (watch::builders(&now), proof::no_help(&now, &catalog, &roots));
            Self { catalog, us, now, builders, no_help }
        };
        stop.unless_asked("look", look)
    }

    /// Plans for these directories.
    ///
    /// # Errors
    /// A directory that cannot be listed, a family that nobody knows; or it was stopped.
    pub fn drafts(
        &self,
        places: &[Place],
        wishes: &Wishes,
        progress: &mut Progress<'_>,
    ) -> anyhow::Result<Vec<Draft>> {
        places.iter().map(|place| draft(self, wishes, place, progress)).collect()
    }

    /// The eyes of a clean-up of one directory.
    ///
    /// # Errors
    /// A pattern that is none, a family that nobody knows.
    pub(super) fn watch(&self, wishes: &Wishes, place: &Place) -> anyhow::Result<Watch> {
        Watch::new(&self.catalog, wishes, &self.builders, self.us.uid, place.id)
    }

    /// Carries plans out.
    ///
    /// # Errors
    /// Where nothing was changed: a stale plan, no journal, no quarantine.
    pub fn carry_out(
        &self,
        plans: &[Plan],
        origin: Origin,
        without: WithoutUndo,
        progress: &mut Progress<'_>,
    ) -> anyhow::Result<Outcome> {
        let (stop, asked) = (progress.stop(), Vec::new());
        let mut job = Job { ground: self, stop, without, asked };
        if origin == Origin::File {
            for plan in plans {
                apply::refuse_changes(plan, &job, progress)?;
            }
        }
        if Totals::of(plans).remove > 0 {
            let known: Vec<_> = plans.iter().map(|plan| (plan.root.clone(), plan.place)).collect();
            let goes_on = || !stop.is_asked();
            job.asked = proof::before(&self.now, &known, &goes_on).ok_or_else(Refusal::stopped)?;
        }
        job.run(plans, progress)
    }
}
