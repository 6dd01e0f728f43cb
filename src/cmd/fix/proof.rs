//! That it helped: a temp dir made and removed as the processes concerned, before and after.

use std::time::Duration;

use crate::cmd::orders::Asked;
use crate::cmd::probe::main_process;
use crate::model::errno::Errno;
use crate::model::probe::{ProbeResult, Step};
use crate::model::process::Pid;
use crate::model::treatment::{Deed, Treatment};
use crate::probe::{self, ProbeRequest};

/// One probe takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// A temp dir and what a probe says of it.
#[derive(Clone, Debug)]
pub struct Proved {
    /// Where, as those processes name it.
    pub path: String,
    /// As whom.
    pub pid: Pid,
    /// The unit of that process.
    pub unit: Option<String>,
    /// How long it took.
    pub micros: u64,
    /// Where it does not work: the errno and the step; without an errno nobody knows.
    pub fails: Option<(Option<Errno>, String)>,
}

impl Proved {
    /// Whether a temp dir can be made, written and run from there.
    pub fn works(&self) -> bool {
        self.fails.is_none()
    }

    /// "yes" or the errno, as the journal keeps it.
    pub fn word(&self) -> String {
        match &self.fails {
            None => "yes".to_owned(),
            Some((Some(errno), _)) => errno.name(),
            Some((None, why)) => why.clone(),
        }
    }

    /// `pid 4514`, or its unit.
    pub fn who(&self) -> String {
        self.unit.clone().unwrap_or_else(|| format!("pid {}", self.pid))
    }
}

/// Before or after the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The processes are those that were seen.
    Before,
    /// Those of a restarted unit are other ones; one that was stopped is gone.
    After,
}

/// Probes one temp dir that must work; nothing where its process is one that the plan ends.
pub fn prove(asked: &Asked, plan: &Treatment, when: When) -> Option<Proved> {
    let proof = &asked.proof;
    let ended =
        plan.steps.iter().any(|step| matches!(&step.deed, Deed::Stop { whom, .. } if *whom == proof.whom));
    if when == When::After && ended {
        return None;
    }
    let restarted = plan
        .steps
        .iter()
        .any(|step| matches!(&step.deed, Deed::RestartUnit { unit } if proof.unit.as_ref() == Some(unit)));
    Some(one(asked, proof.unit.as_deref().filter(|_| when == When::After && restarted)))
}

/// `renewed` is the unit whose processes are other ones by now.
fn one(asked: &Asked, renewed: Option<&str>) -> Proved {
    let proof = &asked.proof;
    let shown = proof.path.shown();
    let unknown = |pid, why: &str| Proved {
        path: shown.clone(),
        pid,
        unit: proof.unit.clone(),
        micros: 0,
        fails: Some((None, why.to_owned())),
    };
    let pid = match renewed {
        Some(unit) => match main_process(unit) {
            Some(pid) => pid,
            None => return unknown(proof.whom.pid, "the unit has no process"),
        },
        None => proof.whom.pid,
    };
    let request = match &asked.request {
        Ok(request) => {
            let started = request.started.filter(|_| renewed.is_none());
            ProbeRequest { pid, started, ..request.clone() }
        }
        Err(why) => return unknown(pid, why),
    };
    let (result, _) = probe::probe_one(&request, PATIENCE);
    Proved { path: shown, pid, unit: proof.unit.clone(), micros: result.took().0, fails: fails(&result) }
}

fn fails(result: &ProbeResult) -> Option<(Option<Errno>, String)> {
    match result.failure() {
        _ if result.passed() => None,
        Some(step) if step.step == Step::Enter => {
            Some((step.errno, "its view could not be taken".to_owned()))
        }
        Some(step) => Some((step.errno, step.step.word().to_owned())),
        None => Some((Some(Errno::ETIMEDOUT), "no answer".to_owned())),
    }
}
