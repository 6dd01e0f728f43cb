//! From what is selected to what is wanted, or why that cannot be wanted here.

use crate::model::finding::{Action, Finding};
use crate::model::journal::WorkId;
use crate::model::plan::{Wishes, wished_family};
use crate::model::raw_path::RawPath;
use crate::model::temp_dir::TempDir;
use crate::model::units::Seconds;
use crate::model::work::{Wish, Worked};
use crate::tui::app::App;
use crate::tui::replay;
use crate::tui::tabs::{Pick, TabId, entries, triage};

/// The action of a rule that is a clean-up.
const CLEAN: &str = "clean";
/// Ages by which a clean-up can be narrowed, the youngest first: any, 1 h, 6 h, 1 d, 7 d, 30 d.
const AGES: [u64; 6] = [0, 3_600, 21_600, 86_400, 604_800, 2_592_000];
/// What was put aside longer ago than this is proposed to be removed for good.
pub const ASIDE_FOR: Seconds = Seconds(604_800);

/// How much of a temp dir is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What is picked, else the family under the marker.
    Chosen,
    /// All of it.
    Whole,
}

/// Why nothing can be changed from this screen at all.
pub fn why_never(app: &App) -> Option<String> {
    if app.replay.is_some() {
        return Some(replay::why_barred(app));
    }
    app.lesson.is_some().then(|| "a lesson: nothing is changed from here".to_owned())
}

/// The same, or that nobody wants it to be changed.
fn why_not_now(app: &App) -> Option<String> {
    let read_only = || app.settings.read_only.then(|| "read-only: nothing is changed".to_owned());
    why_never(app).or_else(read_only)
}

/// What `action` against `finding` is, where tmpmedic does it itself.
pub fn treat(app: &App, finding: &Finding, action: &Action) -> Option<Wish> {
    if why_never(app).is_some() {
        return None;
    }
    if action.id == CLEAN {
        let path = finding.subject.path.as_ref()?;
        let dirs = app.snapshot()?.temp_dirs.items();
        let dir = dirs.iter().find(|dir| dir.reached == *path && dir.path == *path)?;
        return Some(Wish::Clean { root: dir.reached.clone(), wishes: usual(app) });
    }
    action.aim.as_ref()?;
    Some(Wish::Treat { finding: triage::id_of(finding), action: action.id.clone() })
}

/// The first way against a finding that tmpmedic goes itself.
pub fn first(app: &App, finding: &Finding) -> Option<Wish> {
    finding.actions.iter().find_map(|action| treat(app, finding, action))
}

fn usual(app: &App) -> Wishes {
    Wishes { older_than: app.settings.catalog.thresholds.old_after, ..Wishes::default() }
}

/// A clean-up of what is chosen in the Entries tab.
///
/// # Errors
/// Why it cannot be planned from here.
pub fn clean(app: &App, extent: Extent) -> Result<Wish, String> {
    if let Some(why) = why_not_now(app) {
        return Err(why);
    }
    let dir = entries::current(app).ok_or("no temp dir to clean up")?;
    if dir.links == 0 {
        return Err(format!("{} is deleted: there is nothing in it to clean up", dir.path.shown()));
    }
    if dir.total.entries.0 == 0 && crate::tui::words::counting(dir).is_none() {
        return Err(format!("{} is empty: there is nothing in it to clean up", dir.path.shown()));
    }
    let mut wishes = usual(app);
    if extent == Extent::Chosen {
        choose(app, dir, &mut wishes)?;
    }
    Ok(Wish::Clean { root: dir.reached.clone(), wishes })
}

fn choose(app: &App, dir: &TempDir, wishes: &mut Wishes) -> Result<(), String> {
    if app.tabs.picked.is_empty() {
        let own = |family: &str| wished_family(family).to_owned();
        match (app.tabs.levels.as_slice(), app.pick()) {
            // In a directory: what lies in the temp dir and holds it.
            ([_, entry, ..], _) => wishes.names.push(RawPath::new(entry.wish.reached.file_name())),
            ([family], _) => wishes.families.extend(family.wish.family.as_deref().map(own)),
            ([], Pick::Family(family)) => wishes.families.push(own(&family)),
            ([], _) => {}
        }
        return Ok(());
    }
    for path in &app.tabs.picked {
        let name = RawPath::new(path.file_name());
        if dir.reached.join(name.as_bytes()) != *path {
            // The reason first: a line of a long path has no room for it.
            let name = name.shown();
            return Err(format!("only what lies directly in a temp dir goes, whole; picked deeper: {name}"));
        }
        wishes.names.push(name);
    }
    Ok(())
}

/// The same clean-up of what is at least so much older, the next age of the row; nothing at its end.
pub fn older(wishes: &Wishes) -> Option<Wishes> {
    let next = AGES.iter().copied().find(|age| *age > wishes.older_than.0);
    next.map(|age| Wishes { older_than: Seconds(age), ..wishes.clone() })
}

/// The same with younger entries too.
pub fn younger(wishes: &Wishes) -> Option<Wishes> {
    let next = AGES.iter().copied().rev().find(|age| *age < wishes.older_than.0);
    next.map(|age| Wishes { older_than: Seconds(age), ..wishes.clone() })
}

/// The undo that `z` means here: of the selected work on the Journal tab, else of the last one.
///
/// # Errors
/// Why nothing can be taken back.
pub fn undo(app: &App) -> Result<Wish, String> {
    if let Some(why) = why_not_now(app) {
        return Err(why);
    }
    if let Some(work) = selected(app) {
        return match work.undone_by {
            Some(WorkId(by)) => Err(format!("already taken back by #{by}")),
            None if work.can_undo => Ok(Wish::Undo(Some(work.work))),
            None => Err(format!("#{} cannot be taken back", work.work.0)),
        };
    }
    match app.works.journal.as_ref().and_then(|journal| journal.value()) {
        Some(all) if !all.iter().any(|work| work.can_undo) => {
            Err("nothing that was done here can be taken back".to_owned())
        }
        // What was not read yet is found out by whoever plans.
        _ => Ok(Wish::Undo(None)),
    }
}

/// The removal of what the selected work put aside.
///
/// # Errors
/// Why there is nothing to remove.
pub fn purge(app: &App) -> Result<Wish, String> {
    if let Some(why) = why_not_now(app) {
        return Err(why);
    }
    let work = selected(app).ok_or("no work is selected")?;
    if work.aside == 0 {
        return Err(format!("#{} has nothing put aside any more", work.work.0));
    }
    Ok(Wish::Purge(work.work))
}

/// The selected work of the Journal tab.
pub fn selected(app: &App) -> Option<&Worked> {
    let Pick::Work(wanted) = app.pick() else { return None };
    let all = app.works.journal.as_ref()?.items();
    (app.tab == TabId::Journal).then(|| all.iter().find(|work| work.work == wanted)).flatten()
}
