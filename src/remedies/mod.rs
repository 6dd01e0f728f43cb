//! Floor 1: proposals. Pure: from what was seen to a plan that says each step before it is done.
//!
//! [`clean`] plans which entries of a temp dir may go; its guards are asked again by `exec` at the moment of acting. Every
//! other action that a rule offers is a [`Remedy`]: one file and one line in [`REMEDIES`]. A remedy makes a [`Treatment`] of a
//! finding, its steps each with the command that does the same by hand; the hands are `exec::treat`.

pub mod clean;
mod draft;

use crate::model::finding::{Action, Finding};
use crate::model::snapshot::Snapshot;
use crate::model::treatment::Treatment;

/// The action that is only told: commands for a person, nothing is run.
pub const GUIDE: &str = "guide-only";
/// The action that `tmpmedic clean` plans and carries out.
pub const CLEAN: &str = "clean";
/// The action that gives a tree away; its undo finds each directory as it was left.
pub const GIVE: &str = "give-to-runner";

/// What is known about a remedy before it looks.
#[derive(Debug)]
pub struct Card {
    /// The id of the action.
    pub id: &'static str,
    /// In one line, for lists.
    pub title: &'static str,
    /// Whether it can be taken back.
    pub reversible: bool,
    /// How it is known afterwards that it helped.
    pub verification: &'static str,
    /// What it does and what to mind, for the runbook.
    pub page: &'static str,
}

/// One action.
pub trait Remedy: Sync {
    /// What is known before looking.
    fn card(&self) -> &'static Card;
    /// What would be done about a finding that offers it; nothing where what was seen does not allow it any more.
    fn plan(&self, now: &Snapshot, finding: &Finding) -> Option<Treatment>;
}

/// Declares the modules of the actions and the registry of their remedies in one list.
macro_rules! registry {
    ($($module:ident::$remedy:ident,)*) => {
        $(mod $module;)*
        /// Every remedy.
        pub const REMEDIES: &[&dyn Remedy] = &[$(&$module::$remedy),*];
    };
}

registry! {
    rebind_private_tmp::RebindPrivateTmp,
    restart_unit::RestartUnit,
    make_temp_dir::MakeTempDir,
    repair_mode::RepairMode,
    give_to_runner::GiveToRunner,
    heal_cargo_replay::HealCargoReplay,
    restart_daemon::RestartDaemon,
    stop_process::StopProcess,
    set_override::SetOverride,
}

/// The remedy of an action.
pub fn remedy(id: &str) -> Option<&'static dyn Remedy> {
    REMEDIES.iter().copied().find(|remedy| remedy.card().id == id)
}

/// The plan of an action of a finding.
pub fn plan(now: &Snapshot, finding: &Finding, action: &Action) -> Option<Treatment> {
    remedy(&action.id)?.plan(now, finding)
}
