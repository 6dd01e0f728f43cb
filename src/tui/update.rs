//! The whole logic of the screen: a message in, effects out.

use std::sync::Arc;

use super::act;
use super::app::App;
use super::msg::{Effect, Listing, Look, Msg, ProbeWish};
use super::overlays::{Kind, Outcome};
use super::press;
use super::replay;
use super::tabs::entries;
use super::words;
use super::work;
use crate::model::probe::ProbeResult;
use crate::model::snapshot::Snapshot;

/// Changes the state by one message. What it cannot do itself it asks for.
pub fn update(app: &mut App, msg: Msg) -> Vec<Effect> {
    let mut effects = match msg {
        Msg::Key(event) => {
            // Terminals with the extended keyboard protocol tell releases too.
            if event.kind == crossterm::event::KeyEventKind::Release {
                Vec::new()
            } else {
                press::press(app, event)
            }
        }
        Msg::Paste(text) => {
            press::paste(app, &text);
            Vec::new()
        }
        Msg::Look(look) if !app.frozen => {
            let is_first = app.look.is_none();
            adopt(app, look);
            let mut effects = act::follow(app);
            // Whether there is anything to take back is known before somebody asks for it.
            effects.extend(act::journal(app).filter(|_| is_first));
            effects
        }
        Msg::Worked { digest, outcome } => work::take::worked(app, &digest, *outcome),
        Msg::Typing(company) => {
            app.works.company = company;
            return Vec::new();
        }
        // Clocks that move no row.
        Msg::Wake(now) => {
            work::ask::tell(app, now);
            return Vec::new();
        }
        Msg::Drawn(now) => {
            work::ask::drawn(app, now);
            return Vec::new();
        }
        other => {
            learn(app, other);
            Vec::new()
        }
    };
    effects.extend(work::ask::settle(app));
    app.refresh();
    effects
}

fn learn(app: &mut App, msg: Msg) {
    match msg {
        Msg::Key(_) | Msg::Paste(_) | Msg::Typing(_) | Msg::Worked { .. } | Msg::Wake(_) | Msg::Drawn(_) => {}
        Msg::Resize { width, height } => {
            app.size = (width, height);
            work::ask::begin_anew(app);
            app.mark_stale();
        }
        Msg::Tick(now) => app.now = Some(now),
        Msg::Reading(progress) => {
            app.progress = Some(progress);
            if app.look.is_none() {
                app.mark_stale();
            }
        }
        Msg::Look(look) => app.held_back = Some(look),
        Msg::Scene(scene) => replay::show(app, &scene),
        Msg::Wound(position) => app.replay.get_or_insert_default().position = position,
        Msg::Probing(wish) => {
            if !app.probing.contains(&wish) {
                app.probing.push(wish);
            }
            app.mark_stale();
        }
        Msg::Probed(result) => probed(app, result),
        Msg::NotProbed { wish, why } => settle_probe(app, &wish, &Outcome::Failed(why)),
        Msg::Listed(listing) => listed(app, &listing),
        Msg::Note(text) => app.note = Some(text),
        Msg::Planned { wish, prospect } => work::take::planned(app, &wish, prospect),
        Msg::Working { digest, pace } => work::take::working(app, &digest, pace),
        Msg::Journal(journal) => work::take::journal(app, journal),
    }
}

/// Makes a look the one on screen.
pub fn adopt(app: &mut App, look: Arc<Look>) {
    let now = &look.snapshot;
    app.history.take(now.taken, &counts(now));
    // A container has a passwd file of its own; where it says otherwise, that of the host wins.
    let (contained, own): (Vec<_>, Vec<_>) = now.all_processes().partition(|p| p.container.is_some());
    let known = contained.into_iter().chain(own).filter_map(|p| p.credentials.as_ref().ok());
    app.names = known.filter_map(|c| Some((c.uid, c.user.clone()?))).collect();
    if let Some(lesson) = &mut app.lesson {
        lesson.see(&look, app.now.unwrap_or(look.snapshot.taken));
    }
    act::keep_dir(app);
    app.look = Some(look);
    app.mark_stale();
}

/// How much lies in each temp dir; `None` where counting is not done.
pub fn counts(now: &Snapshot) -> Vec<(String, Option<u64>)> {
    let counts = now.temp_dirs.items().iter().map(|dir| {
        let counted = words::counting(dir).is_none();
        (entries::key_of(dir), counted.then_some(dir.total.entries.0))
    });
    counts.collect()
}

fn probed(app: &mut App, result: ProbeResult) {
    if let Some(look) = &mut app.look {
        // The next look will carry it too; until then this one does.
        Arc::make_mut(look).snapshot.take_probes(vec![result.clone()]);
    }
    let answered: Vec<ProbeWish> =
        app.probing.iter().filter(|wish| wish.is_answered_by(&result)).cloned().collect();
    let outcome = Outcome::Done(Box::new(result));
    for wish in answered {
        settle_probe(app, &wish, &outcome);
    }
    app.mark_stale();
}

fn settle_probe(app: &mut App, wish: &ProbeWish, outcome: &Outcome) {
    app.probing.retain(|other| other != wish);
    for overlay in &mut app.overlays {
        if let Kind::Probe(probe) = &mut overlay.kind
            && probe.wish == *wish
        {
            probe.outcome = Some(outcome.clone());
        }
    }
    app.mark_stale();
}

/// An answer to a question that was asked; those that came too late find no level any more.
fn listed(app: &mut App, listing: &Listing) {
    let picked = &mut app.tabs.picked;
    for level in app.tabs.levels.iter_mut().filter(|level| level.wish == listing.wish) {
        let before = level.listing.replace(listing.clone());
        // What was picked and is gone is picked no more; where something was not seen, nothing is known to be gone.
        if listing.entries.gaps().is_empty() {
            for entry in before.iter().flat_map(|before| before.entries.items()) {
                let path = listing.wish.reached.join(entry.name.as_bytes());
                if picked.contains(&path) && !listing.entries.items().iter().any(|e| e.name == entry.name) {
                    picked.remove(&path);
                }
            }
        }
    }
    app.mark_stale();
}
