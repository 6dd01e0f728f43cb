//! `restart-daemon`: a compiler cache or build daemon ends; the next build starts it again where it builds.

use super::{Card, Remedy, draft};
use crate::model::finding::Finding;
use crate::model::snapshot::Snapshot;
use crate::model::treatment::Treatment;

/// See the module's header.
pub struct RestartDaemon;

static CARD: Card = Card {
    id: "restart-daemon",
    title: "stop a build daemon, which starts again on demand",
    reversible: false,
    verification: "the process has ended",
    page: "Takes hold of the process by a descriptor, looks whether it is still the one that was seen, and asks it to end (SIGTERM). What it does now fails once; the next client starts a new one in its own namespace and environment.",
};

impl Remedy for RestartDaemon {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, now: &Snapshot, finding: &Finding) -> Option<Treatment> {
        draft::ending(now, finding, &CARD, draft::Then::Leave)
    }
}
