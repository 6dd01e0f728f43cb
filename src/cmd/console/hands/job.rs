//! What a wish means: a job for a worker, or what can be said at once.

use crate::cmd::orders::{self, Job};
use crate::model::finding::{Action, Finding};
use crate::model::work::{Barred, Prospect, Told, Wish};
use crate::remedies::{self, CLEAN, GUIDE};
use crate::tui::msg::Look;
use crate::tui::tabs::triage::id_of;

/// What to do about a wish.
pub(super) enum Next {
    Ask(Box<Job>),
    Told(Box<Prospect>),
}

impl Next {
    pub(super) fn journal() -> Self {
        Self::Ask(Box::new(Job::Journal))
    }
}

/// Of what was seen last.
pub(super) fn job(wish: &Wish, look: Option<&Look>) -> Result<Next, String> {
    let job = match wish {
        Wish::Clean { root, wishes } => Job::Clean { root: root.clone(), wishes: wishes.clone() },
        Wish::Undo(id) => Job::Undo(*id),
        Wish::Purge(id) => Job::Purge(*id),
        Wish::Treat { finding, action } => {
            let look = look.ok_or("no look yet")?;
            let all = &look.diagnosis.found;
            let finding = all.iter().find(|found| id_of(found) == *finding || found.id == *finding);
            let finding = finding.ok_or("it is not found any more: look again")?;
            let action = finding.actions.iter().find(|offered| offered.id == *action);
            let action = action.ok_or("the finding does not offer that any more: look again")?;
            return treat(wish, look, finding, action);
        }
    };
    Ok(Next::Ask(Box::new(job)))
}

fn treat(wish: &Wish, look: &Look, finding: &Finding, action: &Action) -> Result<Next, String> {
    match action.id.as_str() {
        GUIDE => Ok(Next::Told(Box::new(guide(wish.clone(), finding, action)))),
        CLEAN => Err("a clean-up is planned for a directory: its row in the Entries tab, then f".to_owned()),
        _ => {
            let plan = remedies::plan(&look.snapshot, finding, action);
            let plan = plan.ok_or("what was seen does not allow it any more: look again")?;
            let asked = orders::asked(&look.snapshot, &plan);
            Ok(Next::Ask(Box::new(Job::Treat { finding: finding.clone(), plan, asked })))
        }
    }
}

/// What a person does: nothing is run.
fn guide(wish: Wish, finding: &Finding, action: &Action) -> Prospect {
    let steps = action.by_hand.iter().map(|line| Told { does: String::new(), by_hand: line.clone() });
    Prospect {
        wish,
        digest: String::new(),
        expires: None,
        title: format!("Fix: {}", finding.title),
        does: action.title.clone(),
        facts: Vec::new(),
        steps: steps.collect(),
        going: Vec::new(),
        staying: Vec::new(),
        ends: Vec::new(),
        notes: Vec::new(),
        word: None,
        barred: Some(Barred { why: "for a person: tmpmedic runs none of these".to_owned(), command: None }),
    }
}
