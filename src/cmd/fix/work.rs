//! One piece of work: begun, carried out, proved and ended in the journal. The command line and the console's worker both
//! come here.

use super::proof::{self, When};
use super::{Outcome, Proved, REFUSED};
use crate::cmd::clean::{Bar, vain};
use crate::cmd::orders::Asked;
use crate::cmd::workshop::{Actor, WithoutUndo, Workshop, chain, now};
use crate::cmd::{Refusal, explain_failure};
use crate::exec::treat::{self, Came, Unwritten};
use crate::exit::Exit;
use crate::model::finding::Finding;
use crate::model::journal::{Begin, Done, Figures, Record};
use crate::model::treatment::Treatment;
use crate::model::work::Fate;

/// What the journal takes of a treatment; one that gives a large tree away takes more as it goes.
const ROOM: u64 = 64 << 10;

/// A plan with the probes that prove it: all that carrying it out takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The plan.
    pub plan: Treatment,
    /// How it is known whether it helped.
    pub asked: Vec<Asked>,
}

impl Sealed {
    /// Looks at what the plan will overwrite, says what a clean-up would not do for the finding, and seals it.
    pub fn of(finding: &Finding, mut plan: Treatment, asked: Vec<Asked>) -> Self {
        let says_so = plan.notes.iter().any(|note| note.contains("will not help"));
        plan.notes.extend(vain(finding).filter(|_| !says_so));
        Self { plan: treat::seal(treat::look(plan)), asked }
    }

    /// Carries the plan out, and proves afterwards what it was for.
    pub fn carry_out(&self, without: WithoutUndo, progress: &mut Bar<'_>) -> Outcome {
        let us = Actor::find();
        if let Err(stale) = treat::check(&self.plan, &us.boot_id, now()) {
            return Outcome::refused(Exit::NotNow.code(), stale.to_string());
        }
        progress.begin("looking", None);
        let before: Vec<Proved> =
            self.asked.iter().filter_map(|asked| proof::prove(asked, &self.plan, When::Before)).collect();
        let mut shop = match Workshop::open(us, ROOM, without, progress.stop()) {
            Ok(shop) => shop,
            Err(why) => {
                let code = why.downcast_ref::<Refusal>().map_or(REFUSED, |refusal| refusal.exit.code());
                return Outcome::refused(code, explain_failure(&why).1);
            }
        };
        let outcome = self.work(&mut shop, before, progress);
        progress.end();
        let mut outcome = outcome.unwrap_or_else(|error| Outcome::refused(REFUSED, chain(&error)));
        outcome.told.append(&mut shop.notes);
        outcome.has_journal = shop.home.is_some();
        outcome
    }

    fn work(
        &self,
        shop: &mut Workshop,
        before: Vec<Proved>,
        progress: &mut Bar<'_>,
    ) -> Result<Outcome, Unwritten> {
        let plan = &self.plan;
        let begin = Begin {
            finding: Some(plan.finding.clone()),
            digest: plan.digest.clone(),
            ..shop.begin(&plan.action, plan.title.clone())
        };
        let work = begin.work;
        shop.add(Record::Begin(begin)).map_err(|source| Unwritten { steps: Vec::new(), source })?;
        let (own, signal) = (shop.us.uid, progress.stop());
        progress.begin("working", None);
        progress.step(0, None);
        let worked = treat::treat_while(
            plan,
            (&mut shop.journal, work),
            own,
            &|| !signal.is_asked(),
            &mut |at, came| {
                progress.step(at, Some(fate(came)));
                if came.is_done() && at + 1 < plan.steps.len() {
                    progress.step(at + 1, None);
                }
            },
        );
        let (steps, broken) = match worked {
            Ok(steps) => (steps, None),
            Err(nothing) if nothing.steps.is_empty() => return Err(nothing),
            Err(Unwritten { steps, source }) => (steps, Some(source)),
        };
        let stopped = steps.len() < plan.steps.len() && signal.is_asked();
        let after = if stopped { Vec::new() } else { self.proved(progress) };
        let figures = |all: &[Proved]| all.iter().map(figures).collect();
        // What became of a step that was not written down is found out by the next run, if this work has no end.
        let broken = broken.or_else(|| {
            let end = Record::End { work, time: now(), before: figures(&before), after: figures(&after) };
            shop.add(end).err()
        });
        let told = broken.map(|why| {
            let (why, work) = (chain(&why), work.0);
            format!(
                "the journal cannot be written any more: {why}; the next run finds out what work {work} did"
            )
        });
        let is_unwritten = told.is_some();
        let told = told.into_iter().collect();
        Ok(Outcome {
            steps,
            before,
            after,
            work: Some(work.0),
            stopped,
            is_unwritten,
            told,
            ..Outcome::default()
        })
    }

    fn proved(&self, progress: &mut Bar<'_>) -> Vec<Proved> {
        progress.begin("proving", None);
        let mut all = Vec::new();
        for (at, asked) in
            self.asked.iter().enumerate().map(|(at, asked)| (self.plan.steps.len() + at, asked))
        {
            progress.step(at, None);
            let Some(proved) = proof::prove(asked, &self.plan, When::After) else {
                progress.step(at, Some(Fate::Kept("its process was ended".to_owned())));
                continue;
            };
            progress.step(at, Some(proof_fate(&proved)));
            all.push(proved);
        }
        all
    }
}

/// What became of a step, for a screen.
pub fn fate(came: &Came) -> Fate {
    match &came.done {
        Done::Done { .. } => Fate::Done,
        Done::Kept { why } => Fate::Kept(why.clone()),
        Done::Failed { why, .. } => Fate::Failed(why.clone()),
    }
}

/// The same of a proof.
pub fn proof_fate(proved: &Proved) -> Fate {
    if proved.works() { Fate::Done } else { Fate::Failed(proved.word()) }
}

/// Only what was looked at: whether a temp dir can be made there.
fn figures(proved: &Proved) -> Figures {
    Figures { path: proved.path.as_str().into(), probe: Some(proved.word()), ..Figures::default() }
}
