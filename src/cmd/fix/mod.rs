//! `fix`: the guided actions without a terminal: what would be done about each finding, and with `--apply` that.
//!
//! Looks, probes and judges as `check` does, plans an action of each finding that matches, prints the plans. What is
//! applied is written down first (`work`), proved by a probe at every temp dir concerned, and printed before → after.

mod case;
mod document;
mod page;
mod proof;
pub mod told;
mod work;

use std::process::ExitCode;

use crate::catalog::runbook;
use crate::cli::{CheckArgs, FixArgs, Global, Whom};
use crate::cmd::clean::{Bar, StopSignal};
use crate::cmd::workshop::WithoutUndo;
use crate::cmd::{Refusal, check, config, near, orders, out};
use crate::exec::treat::Came;
use crate::exit::Exit;
use crate::model::raw_path::{RawPath, shown_bytes};
use crate::model::treatment::{Deed, Treatment};
use crate::remedies::{self, CLEAN, GUIDE, REMEDIES};
use crate::rules::RULES;
use case::{Case, cases, once, only_shown};
use proof::Proved;
pub use work::Sealed;

/// Done in part; each refusal is named.
const IN_PART: u8 = 1;
/// Failed or refused; nothing is lost.
const REFUSED: u8 = 2;

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Why it was not begun.
    refused: Option<(u8, String)>,
    /// Of each step that was begun.
    steps: Vec<Came>,
    before: Vec<Proved>,
    after: Vec<Proved>,
    /// Its number in the journal.
    work: Option<u64>,
    /// Whether that journal outlives us.
    has_journal: bool,
    /// Whether somebody stopped it between two steps.
    stopped: bool,
    /// Whether the journal does not know all of it.
    is_unwritten: bool,
    /// What was settled of an interrupted run.
    told: Vec<String>,
}

impl Outcome {
    fn refused(code: u8, why: impl Into<String>) -> Self {
        Self { refused: Some((code, why.into())), ..Self::default() }
    }

    /// 0 done and proved, 1 in part, 2 failed or refused; or the code of the refusal.
    fn code(&self, plan: Option<&Treatment>) -> u8 {
        if let Some((code, _)) = &self.refused {
            return *code;
        }
        let done = self.steps.iter().filter(|came| came.is_done()).count();
        let whole = plan.is_some_and(|plan| plan.steps.len() == done);
        let clean = self.steps.iter().all(|came| came.told.is_empty());
        match (whole, done) {
            _ if self.is_unwritten => IN_PART,
            (true, _) if clean && self.after.iter().all(Proved::works) => 0,
            (false, 0) => REFUSED,
            _ => IN_PART,
        }
    }
}

/// Runs the command.
pub fn run(args: &FixArgs, global: &Global) -> anyhow::Result<ExitCode> {
    verify(args)?;
    // Before any thread is made: none of them may be ended by a signal in the middle of a step.
    let stop = if args.apply { StopSignal::listen() } else { StopSignal::as_usual() };
    let look = CheckArgs { whom: args.whom.clone(), deadline: args.deadline, ..CheckArgs::default() };
    let found = check::examine(&look, global, crate::sys::clock::Stopwatch::start())?;
    let mut cases = cases(args, &found.now, found.diagnosis.found)?;
    let is_off = global.read_only || config::load(global)?.0.read_only;
    let off = is_off.then_some("every action is off (--read-only, or read_only in the configuration)");
    for case in &mut cases {
        if let Some(plan) = case.plan.take() {
            let asked = orders::asked(&found.now, &plan);
            let sealed = Sealed::of(&case.finding, plan, asked);
            (case.plan, case.asked) = (Some(sealed.plan), sealed.asked);
        }
    }
    only_shown(args, &mut cases)?;
    let mut cases = once(cases);
    let mut bar = Bar::new(&stop, global);
    for case in cases.iter_mut().filter(|_| args.apply) {
        case.outcome = Some(apply(args, case, off, &mut bar));
    }
    let text = if global.json {
        document::document(&cases, args)?
    } else {
        page::page(&cases, args, &check::options(global, Vec::new(), crate::model::units::Micros(0)))
    };
    out::write(&text)?;
    Ok(ExitCode::from(code(&cases)))
}

/// The gravest of all; where some are done and some are not, it is done in part.
fn code(cases: &[Case]) -> u8 {
    let codes: Vec<u8> =
        cases.iter().filter_map(|case| Some(case.outcome.as_ref()?.code(case.plan.as_ref()))).collect();
    let worst = codes.iter().copied().max().unwrap_or(0);
    if worst != 0 && codes.iter().any(|code| [0, IN_PART].contains(code)) { IN_PART } else { worst }
}

fn verify(args: &FixArgs) -> anyhow::Result<()> {
    if let Some(cause) = &args.cause
        && !RULES.iter().any(|rule| rule.card().id == cause)
    {
        let shown = shown_bytes(cause.as_bytes());
        let near = near::question(cause, RULES.iter().map(|rule| rule.card().id));
        return Err(Refusal::usage(format!(
            "no cause is called `{shown}`;{near} `tmpmedic explain` lists them"
        )));
    }
    let known = |id: &str| id == GUIDE || id == CLEAN || remedies::remedy(id).is_some();
    let yes = args.yes.as_ref().filter(|id| !id.is_empty());
    for id in args.action.iter().chain(yes) {
        if !known(id) {
            let ids: Vec<&str> = REMEDIES.iter().map(|remedy| remedy.card().id).collect();
            let shown = shown_bytes(id.as_bytes());
            let near = near::question(id, ids.iter().copied());
            return Err(Refusal::usage(format!(
                "no action is called `{shown}`;{near} there are {}",
                ids.join(", ")
            )));
        }
    }
    Ok(())
}

fn apply(args: &FixArgs, case: &Case, off: Option<&str>, bar: &mut Bar<'_>) -> Outcome {
    let id = &case.action.id;
    let Some(plan) = &case.plan else {
        let why = match id.as_str() {
            GUIDE => "this is for a person: the commands are above, tmpmedic runs none of them".to_owned(),
            CLEAN => "a clean-up has a plan of its own: tmpmedic clean".to_owned(),
            _ => format!("`{id}` cannot be planned from what was seen; look again"),
        };
        return Outcome::refused(REFUSED, why);
    };
    if let Some(why) = off {
        return Outcome::refused(Exit::Permission.code(), why);
    }
    if needs_root(plan) && !rustix::process::geteuid().is_root() {
        return Outcome::refused(Exit::Permission.code(), format!("this takes root: {}", again(args, plan)));
    }
    let agreed = args.yes.as_ref().is_some_and(|yes| yes.is_empty() || yes == id);
    if !plan.reversible && !agreed {
        let why = format!("it cannot be taken back; to do it all the same: {}", again(args, plan));
        return Outcome::refused(REFUSED, why);
    }
    let without = if args.no_undo { WithoutUndo::Accept } else { WithoutUndo::Refuse };
    Sealed { plan: plan.clone(), asked: case.asked.clone() }.carry_out(without, bar)
}

/// What only root can do; everything else is tried, and the kernel decides.
fn needs_root(plan: &Treatment) -> bool {
    plan.steps.iter().any(|step| {
        let system = matches!(
            step.deed,
            Deed::MakePrivateTmp { .. }
                | Deed::Rebind { .. }
                | Deed::RestartUnit { .. }
                | Deed::ReloadManager
        );
        // Only its owner changes the mode of an object, and only root its owner.
        let own = rustix::process::geteuid().as_raw();
        let foreign = match &step.deed {
            Deed::SetRights { from, to, .. } => from.uid != own || (from.uid, from.gid) != (to.uid, to.gid),
            Deed::Stop { uid, .. } => *uid != own,
            _ => false,
        };
        system || foreign || matches!(step.deed, Deed::WriteDropIn { .. } | Deed::GiveTree { .. })
    })
}

/// What does not help against a cause, by its runbook page.
fn in_vain(cause: &str) -> Vec<String> {
    runbook::page(cause).map(|page| page.in_vain()).unwrap_or_default()
}

/// The command that does exactly this, as root.
fn again(args: &FixArgs, plan: &Treatment) -> String {
    line_again(&args.whom, plan)
}

/// With the digest: where root, or a later moment, plans anything else, nothing is done.
fn line_again(whom: &Whom, plan: &Treatment) -> String {
    let sudo = if rustix::process::geteuid().is_root() { "" } else { "sudo " };
    let mut line = format!("{sudo}tmpmedic fix {}", plan.finding);
    for pid in &whom.pid {
        line.push_str(&format!(" --pid {pid}"));
    }
    for unit in &whom.unit {
        line.push_str(&format!(" --unit {}", RawPath::from(unit.as_str()).quoted()));
    }
    for user in &whom.user {
        line.push_str(&format!(" --user {}", RawPath::from(user.as_str()).quoted()));
    }
    for dir in &whom.dir {
        line.push_str(&format!(" --dir {}", RawPath::from(dir.as_os_str()).quoted()));
    }
    let digits: String = plan.digest.chars().take(page::DIGITS).collect();
    line.push_str(&format!(" --action {} --digest {digits} --apply", plan.action));
    if !plan.reversible {
        line.push_str(" --yes");
    }
    line
}

#[cfg(test)]
mod tests;
