//! What a worker does: each job planned, and carried out, by the functions of its command.

use std::sync::Arc;

use super::aside::{self, Aside};
use super::report;
use crate::catalog::Catalog;
use crate::cli::{ColorChoice, Global};
use crate::cmd::clean::{self, Bar, Ground, Origin, StopSignal};
use crate::cmd::fix::{self, Sealed};
use crate::cmd::orders::{Job, Request, refused};
use crate::cmd::workshop::{Actor, WithoutUndo, refuse_where_read_only};
use crate::cmd::{Refusal, config, explain_failure};
use crate::model::plan::Plan;
use crate::model::work::{Barred, Ending, Outcome, Pace, Prospect};

/// What hears how far it is, and says whether anybody listens.
pub type Listener<'a> = dyn FnMut(&Pace) -> bool + 'a;

/// A job that was planned.
pub struct Planned {
    /// What is shown of it.
    pub prospect: Prospect,
    catalog: Arc<Catalog>,
    work: Work,
}

enum Work {
    /// Only told: it has to be done from somewhere else.
    Elsewhere,
    Treat(Sealed),
    Clean(Plan),
    Undo(Aside),
    Purge(Aside),
}

/// Says what would be done; nothing is changed.
pub fn plan(request: Request, stop: &StopSignal, listener: &mut Listener<'_>) -> Result<Planned, String> {
    planned(request, stop, listener).map_err(|why| explain_failure(&why).1)
}

fn planned(request: Request, stop: &StopSignal, listener: &mut Listener<'_>) -> anyhow::Result<Planned> {
    let Request { wish, job, config, read_only } = request;
    let wish = wish.ok_or_else(|| anyhow::anyhow!("nothing was wished for"))?;
    let global = Global {
        json: false,
        color: ColorChoice::Never,
        ascii: false,
        config: config.as_path().to_path_buf(),
        read_only,
        verbose: false,
        quiet: true,
    };
    let (catalog, _gaps) = config::load(&global)?;
    let (prospect, work) = match job {
        Job::Treat { finding, plan, asked } => {
            let sealed = Sealed::of(&finding, plan, asked);
            (fix::told::prospect(wish, &finding, &sealed), Work::Treat(sealed))
        }
        Job::Clean { root, wishes } => {
            if let Some(prospect) = clean::told::elsewhere(wish.clone(), &root, &wishes) {
                return Ok(Planned { prospect, catalog, work: Work::Elsewhere });
            }
            let place = clean::open(&root)?;
            let mut bar = Bar::for_screen(stop, listener);
            bar.begin("looking", None);
            let roots = std::slice::from_ref(&root);
            let ground = Ground::look(Arc::clone(&catalog), Actor::find(), roots, stop)?;
            let drafts = ground.drafts(std::slice::from_ref(&place), &wishes, &mut bar)?;
            let draft = drafts.into_iter().next().ok_or_else(|| anyhow::anyhow!("nothing was planned"))?;
            stop.unless_asked("prospect", move || {
                let prospect = clean::told::prospect(wish, &draft, &place, &ground.no_help);
                (prospect, Work::Clean(draft.plan))
            })?
        }
        Job::Undo(id) => {
            let (prospect, aside) = stop.unless_asked("undo", move || aside::undo(wish, id))??;
            (prospect, Work::Undo(aside))
        }
        Job::Journal => return Err(anyhow::anyhow!("the journal is no work")),
        Job::Purge(id) => {
            let (prospect, aside) = stop.unless_asked("purge", move || aside::purge(wish, id))??;
            (prospect, Work::Purge(aside))
        }
    };
    let off = refuse_where_read_only(&global, &catalog).err();
    let off = off.map(|why| Barred { why: explain_failure(&why).1, command: None });
    let barred = off.or(prospect.barred);
    Ok(Planned { prospect: Prospect { barred, ..prospect }, catalog, work })
}

impl Planned {
    /// Does it.
    pub fn apply(self, stop: &StopSignal, listener: &mut Listener<'_>) -> Outcome {
        if let Some(barred) = self.prospect.barred {
            return refused(barred.why);
        }
        let mut bar = Bar::for_screen(stop, listener);
        let done = match &self.work {
            Work::Elsewhere => Ok(refused("it is cleaned from somewhere else".to_owned())),
            Work::Treat(sealed) => {
                Ok(fix::told::outcome(sealed, &sealed.carry_out(WithoutUndo::Refuse, &mut bar)))
            }
            Work::Clean(plan) => {
                bar.step(0, None);
                bar.begin("looking", None);
                let plans = std::slice::from_ref(plan);
                let ground =
                    Ground::look(self.catalog, Actor::find(), std::slice::from_ref(&plan.root), stop);
                let done = ground
                    .and_then(|ground| ground.carry_out(plans, Origin::Made, WithoutUndo::Refuse, &mut bar));
                done.map(|outcome| clean::told::outcome(&outcome))
            }
            Work::Undo(aside) => aside.take_back(&mut bar),
            Work::Purge(aside) => aside.free(&mut bar),
        };
        let mut outcome = done.unwrap_or_else(|why| {
            let ending = if Refusal::is_stop(&why) { Ending::Stopped } else { Ending::Refused };
            Outcome { ending, ..refused(explain_failure(&why).1) }
        });
        if outcome.work.is_none() && outcome.headline.starts_with("the plan ") {
            return refused(format!("{}; f plans again", outcome.headline));
        }
        if outcome.report.is_empty() {
            outcome.report = report::markdown(&self.prospect, &outcome);
        }
        outcome
    }
}
