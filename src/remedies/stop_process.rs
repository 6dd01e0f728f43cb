//! `stop-process`: a process ends, by force where it does not end by itself.

use super::{Card, Remedy, draft};
use crate::model::finding::Finding;
use crate::model::snapshot::Snapshot;
use crate::model::treatment::Treatment;

/// See the module's header.
pub struct StopProcess;

static CARD: Card = Card {
    id: "stop-process",
    title: "end a process",
    reversible: false,
    verification: "the process has ended",
    page: "Takes hold of the process by a descriptor, looks whether start time, user and program are still those that were seen, then SIGTERM, a wait of ten seconds, then SIGKILL.",
};

impl Remedy for StopProcess {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, now: &Snapshot, finding: &Finding) -> Option<Treatment> {
        draft::ending(now, finding, &CARD, draft::Then::Kill)
    }
}
