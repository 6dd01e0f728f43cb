//! What is known from probes while the console runs, and which are due.
//!
//! A probe overrules the prediction of its vantage for as long as that prediction stays the same: when the way to the
//! directory changes, what was tried on the old way says nothing any more, and it is tried again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::catalog::Catalog;
use crate::model::errno::Errno;
use crate::model::probe::ProbeResult;
use crate::model::process::{Credentials, MountNs};
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::vantage::{Can, Identity, Vantage};
use crate::probe::{self, ProbeRequest};
use crate::rules;
use crate::source::looker::{Judge, Judged, News};
use crate::tui::msg::Look;

/// A vantage by what makes it one.
type Place = (RawPath, Option<RawPath>, MountNs, RawPath, Credentials);
/// What is known of it without trying.
type Prediction = (Can, Option<Errno>, Option<Identity>);

/// Probes made so far, shared with the thread that judges.
#[derive(Clone, Debug, Default)]
pub struct Probes {
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    predictions: BTreeMap<Place, Prediction>,
    results: BTreeMap<Place, (ProbeResult, Prediction)>,
    /// Asked for and not answered yet, or answered without a result.
    asked: BTreeMap<Place, Prediction>,
}

impl Probes {
    /// Keeps a result.
    pub fn add(&self, result: ProbeResult) {
        let mut known = self.lock();
        let place = place_of_result(&result);
        if let Some(prediction) = known.predictions.get(&place).copied() {
            known.results.insert(place, (result, prediction));
        }
    }

    /// Tells a new look what was tried before it, where that still says something.
    pub fn recall(&self, now: &mut Snapshot) {
        self.lock().predict(now);
        now.take_probes(self.results());
    }

    /// Forgets all results, so that everything is tried again.
    pub fn forget(&self) {
        let mut known = self.lock();
        known.results.clear();
        known.asked.clear();
    }

    /// The probes that nobody has made or asked for yet.
    pub fn due(&self, now: &Snapshot) -> Vec<ProbeRequest> {
        let mut known = self.lock();
        let mut due = probe::requests(now);
        due.retain(|request| {
            let ProbeRequest { path, based_on, mount_ns, root, credentials, .. } = request;
            let place = (path.clone(), based_on.clone(), *mount_ns, root.clone(), credentials.clone());
            let Some(prediction) = known.predictions.get(&place).copied() else { return false };
            known.asked.insert(place, prediction) != Some(prediction)
        });
        due
    }

    /// Judges snapshots with what is known from probes.
    pub fn judge(&self, catalog: Arc<Catalog>) -> Judge<Arc<Look>> {
        let probes = self.clone();
        let (mut last, mut earlier): (Option<Arc<Look>>, Option<Arc<Look>>) = (None, None);
        Box::new(move |fresh| {
            let mut now = match fresh {
                Some(now) => {
                    probes.lock().predict(&now);
                    earlier = last.take();
                    now
                }
                None => last.as_ref()?.snapshot.clone(),
            };
            now.take_probes(probes.results());
            let before = earlier.as_deref().map(|look| &look.snapshot);
            let diagnosis = rules::diagnose(&now, before, &catalog.thresholds);
            let news =
                if before.is_some_and(|before| is_same(before, &now)) { News::None } else { News::Some };
            let look = Arc::new(Look { snapshot: now, diagnosis });
            last = Some(Arc::clone(&look));
            Some(Judged { result: look, news })
        })
    }

    fn results(&self) -> Vec<ProbeResult> {
        self.lock().results.values().map(|(result, _)| result.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Whole entries are put in and taken out, so a panic elsewhere leaves none half.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Takes the predictions of a new look, and drops what was tried under others.
    fn predict(&mut self, now: &Snapshot) {
        self.predictions = now.vantages.items().iter().map(|v| (place_of(v), prediction_of(v))).collect();
        let Self { predictions, results, asked } = self;
        results.retain(|place, (_, then)| predictions.get(place) == Some(then));
        asked.retain(|place, then| predictions.get(place) == Some(then));
    }
}

fn place_of(vantage: &Vantage) -> Place {
    let Vantage { path, based_on, mount_ns, root, credentials, .. } = vantage;
    (path.clone(), based_on.clone(), *mount_ns, root.clone(), credentials.clone())
}

fn place_of_result(result: &ProbeResult) -> Place {
    let ProbeResult { path, based_on, mount_ns, root, credentials, .. } = result;
    (path.clone(), based_on.clone(), *mount_ns, root.clone(), credentials.clone())
}

fn prediction_of(vantage: &Vantage) -> Prediction {
    (vantage.can_create.can, vantage.can_create.errno, vantage.identity.as_ref().ok().copied())
}

/// Whether two looks show the same but for the time: processes, mounts, who can create where, what is in the temp dirs.
fn is_same(before: &Snapshot, now: &Snapshot) -> bool {
    let processes = |of: &Snapshot| of.all_processes().map(|p| (p.pid, p.started)).collect::<Vec<_>>();
    let mounts = |of: &Snapshot| {
        of.namespaces.items().iter().map(|ns| (ns.id, ns.mounts.items().len())).collect::<Vec<_>>()
    };
    let vantages = |of: &Snapshot| of.vantages.items().iter().map(prediction_of).collect::<Vec<_>>();
    let dirs = |of: &Snapshot| {
        of.temp_dirs.items().iter().map(|dir| (dir.identity, dir.total.clone())).collect::<Vec<_>>()
    };
    processes(before) == processes(now)
        && mounts(before) == mounts(now)
        && vantages(before) == vantages(now)
        && dirs(before) == dirs(now)
}
