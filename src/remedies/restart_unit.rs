//! `restart-unit`: a service is restarted; its running jobs die.

use super::{Card, Remedy, draft};
use crate::model::finding::Finding;
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::treatment::{Aim, Deed, Step, Treatment};
use crate::model::unit_name::is_unit_name;

/// See the module's header.
pub struct RestartUnit;

static CARD: Card = Card {
    id: "restart-unit",
    title: "restart a service",
    reversible: false,
    verification: "the unit is active again and a temp dir is made as its new main process",
    page: "Runs systemctl restart and waits for it. Everything that runs in the unit ends; with KillMode=process children of it live on in what they had.",
};

impl Remedy for RestartUnit {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, now: &Snapshot, finding: &Finding) -> Option<Treatment> {
        let (action, Aim::Unit(unit)) = draft::aim(finding, &CARD)? else { return None };
        if !is_unit_name(unit) {
            return None;
        }
        let mut plan = draft::frame(now, finding, action);
        plan.ends = draft::members(now, unit);
        plan.steps = vec![Step {
            does: format!("restart {unit}, and wait until it is up"),
            by_hand: format!("systemctl restart -- {}", RawPath::from(unit.as_str()).quoted()),
            deed: Deed::RestartUnit { unit: unit.clone() },
        }];
        Some(plan)
    }
}
