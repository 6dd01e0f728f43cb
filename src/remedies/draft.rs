//! What every plan is made of: the finding's action, the processes concerned, and the frame around the steps.

use super::Card;
use crate::model::finding::{Action, Finding};
use crate::model::process::{Pid, Process};
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::treatment::{Aim, Deed, Ends, GOOD_FOR_NANOS, Proof, SCHEMA, Step, Treatment, Way, Whom};
use crate::model::units::WallNanos;

/// What a process gets to end by itself.
const PATIENCE_MS: u64 = 10_000;
/// Temp dirs that are proved afterwards.
const PROOFS: usize = 4;

/// The action of that id that a finding offers, with what it aims at.
pub fn aim<'a>(finding: &'a Finding, card: &Card) -> Option<(&'a Action, &'a Aim)> {
    let action = finding.actions.iter().find(|action| action.id == card.id)?;
    Some((action, action.aim.as_ref()?))
}

/// A plan without steps.
pub fn frame(now: &Snapshot, finding: &Finding, action: &Action) -> Treatment {
    let boot_id = now.host.value().and_then(|host| host.boot_id.clone().ok()).unwrap_or_default();
    Treatment {
        schema: SCHEMA.to_owned(),
        digest: String::new(),
        boot_id,
        made: now.taken,
        expires: WallNanos(now.taken.0.saturating_add(GOOD_FOR_NANOS)),
        action: action.id.clone(),
        finding: finding.id.clone(),
        subject: finding.subject.name.clone(),
        title: action.title.clone(),
        risk: action.risk,
        reversible: action.reversible,
        lasts: None,
        ends: Vec::new(),
        notes: Vec::new(),
        steps: Vec::<Step>::new(),
        proofs: proofs(now, finding),
    }
}

/// A process for good.
pub fn whom(now: &Snapshot, pid: Pid) -> Option<Whom> {
    now.process(pid).map(|process| Whom { pid, started: process.started })
}

/// A path through the root of a process, or through ours.
pub fn way(now: &Snapshot, by: Option<Pid>, path: &RawPath) -> Option<Way> {
    let by = match by {
        Some(pid) => Some(whom(now, pid)?),
        None => None,
    };
    Some(Way { by, path: path.clone() })
}

/// The processes of a service, which end when it is restarted.
pub fn members(now: &Snapshot, unit: &str) -> Vec<Ends> {
    let members = now.all_processes().filter(|process| process.service() == Some(unit));
    members.map(ends).collect()
}

/// A process that ends.
pub fn ends(process: &Process) -> Ends {
    Ends { pid: process.pid, program: process.comm.shown() }
}

/// One process for each temp dir that the finding is about: at each of them it must work afterwards.
fn proofs(now: &Snapshot, finding: &Finding) -> Vec<Proof> {
    let pids = &finding.subject.pids;
    let Some(path) = finding.subject.path.as_ref().filter(|path| path.is_absolute()) else {
        return Vec::new();
    };
    let seen = now.vantages.items().iter().filter(|v| v.pids.iter().any(|pid| pids.contains(pid)));
    let about = |v: &&crate::model::vantage::Vantage| v.path.is_below(path) || path.is_below(&v.path);
    let mut proofs: Vec<Proof> = Vec::new();
    for vantage in seen.filter(about) {
        let living = vantage.pids.iter().filter(|pid| pids.contains(pid)).filter_map(|pid| now.process(*pid));
        let witness = living.filter(|p| !matches!(p.state, 'Z' | 'X')).max_by_key(|p| p.is_build());
        let Some(process) = witness else { continue };
        let whom = Whom { pid: process.pid, started: process.started };
        let proof = Proof { whom, path: vantage.path.clone(), unit: process.service().map(str::to_owned) };
        if proofs.len() < PROOFS
            && !proofs.iter().any(|known| known.path == proof.path && known.unit == proof.unit)
        {
            proofs.push(proof);
        }
    }
    proofs
}

/// What becomes of a process that does not end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It is killed.
    Kill,
    /// It is left alone.
    Leave,
}

/// The plan that ends the process that an action aims at.
pub fn ending(now: &Snapshot, finding: &Finding, card: &Card, then: Then) -> Option<Treatment> {
    let (action, Aim::Process(pid)) = aim(finding, card)? else { return None };
    let mut plan = frame(now, finding, action);
    plan.ends = now.process(*pid).map(ends).into_iter().collect();
    plan.steps = vec![stop(now, *pid, then)?];
    // Nothing is proved as a process that has ended.
    plan.proofs.retain(|proof| proof.whom.pid != *pid);
    Some(plan)
}

/// The step that ends a process.
pub fn stop(now: &Snapshot, pid: Pid, then: Then) -> Option<Step> {
    let process = now.process(pid)?;
    let kill = then == Then::Kill;
    let seconds = PATIENCE_MS / 1000;
    let or = if kill { "; SIGKILL where it still runs then" } else { "" };
    Some(Step {
        does: format!("end pid {pid} ({}): SIGTERM, {seconds} s to end by itself{or}", process.comm.shown()),
        by_hand: if kill {
            format!("kill -TERM {pid}; timeout {seconds} tail --pid={pid} -f /dev/null || kill -KILL {pid}")
        } else {
            format!("kill -TERM {pid}")
        },
        deed: Deed::Stop {
            whom: whom(now, pid)?,
            uid: process.credentials.as_ref().ok()?.uid,
            exe: process.exe.as_ref().ok().map(|exe| exe.path.clone()),
            patience_ms: PATIENCE_MS,
            kill,
        },
    })
}
