//! The sheet of a plan: what it does, its steps, what it ends, what it takes and leaves; then how far it is; then what came
//! of it. Where it cannot be carried out it says why, and who may.

use std::ops::Range;

use super::{Content, Overlay, work_lots, work_progress, work_result};
use crate::model::plan::{OTHER, Wishes};
use crate::model::units::{Entries, Seconds};
use crate::model::work::{Barred, Lot, Prospect, Wish};
use crate::tui::app::App;
use crate::tui::keys::KeyId;
use crate::tui::overlays::{Kind, palette};
use crate::tui::text;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, Piece, piece};
use crate::tui::words;
use crate::tui::work::{Sheet, Stage, Word, ask, press};

/// The sheet, as far as it is.
pub fn content(app: &App, sheet: &Sheet, at: usize, mut doc: Doc<'_>) -> Content {
    let mut items = Vec::new();
    let mut cursor = None;
    let mut foot = Doc::new(doc.theme(), doc.width());
    match &sheet.stage {
        Stage::Planning(pace) => planning(pace.as_deref(), &mut doc),
        Stage::NotPlanned(why) => {
            doc.hang(&[piece(Tone::Warning, format!("{} ", doc.glyphs().unknown))], Tone::Strong, "No plan.");
            doc.text(Tone::Plain, why);
        }
        Stage::Planned(prospect) => {
            if let Some(word) = &sheet.word {
                cursor = Some(ask_for_word(prospect, word, &mut doc));
            } else {
                items = plan(app, prospect, at, &mut doc);
                match ask::barred(app, prospect) {
                    Some(_) => keys_where_closed(app, prospect, &mut foot),
                    None => keys_where_open(app, (sheet, prospect), &mut foot),
                }
            }
        }
        Stage::Working => work_progress::draw(app, &mut doc, &mut foot),
        Stage::Over(over) => {
            work_result::draw(&over.prospect, &over.outcome, &mut doc);
            keys_after(app, sheet, &mut foot);
        }
    }
    Content { title: title(app, sheet), lines: doc.into_lines(), items, cursor, foot: foot.into_lines() }
}

fn title(app: &App, sheet: &Sheet) -> String {
    let known = match &sheet.stage {
        Stage::Planned(prospect) => Some(&prospect.title),
        Stage::Over(over) => Some(&over.prospect.title),
        Stage::Working => app.works.under_way.as_ref().map(|work| &work.prospect.title),
        Stage::Planning(_) | Stage::NotPlanned(_) => None,
    };
    if let Some(title) = known {
        return title.clone();
    }
    match (&sheet.wish, &sheet.about) {
        (Wish::Treat { .. }, Some(about)) => format!("Fix: {about}"),
        (Wish::Treat { action, .. }, None) => format!("Fix: {action}"),
        (Wish::Clean { root, .. }, _) => format!("Clean up: {}", root.shown()),
        (Wish::Undo(None), _) => "Undo".to_owned(),
        (Wish::Undo(Some(work)), _) => format!("Undo #{}", work.0),
        (Wish::Purge(work), _) => format!("Remove for good what #{} put aside", work.0),
    }
}

fn planning(pace: Option<&crate::model::work::Pace>, doc: &mut Doc<'_>) {
    let dots = doc.glyphs().ellipsis;
    doc.text(Tone::Plain, &format!("planning {dots} nothing is changed by that"));
    if let Some(pace) = pace {
        doc.blank();
        work_progress::pace(pace, doc);
    }
}

fn plan(app: &App, prospect: &Prospect, at: usize, doc: &mut Doc<'_>) -> Vec<Range<usize>> {
    if ask::is_gone(app, prospect) {
        doc.text(Tone::Ok, "This finding is gone: the last look no longer shows it.");
        doc.blank();
    }
    head(prospect, doc);
    wishes(app, prospect, doc);
    if let Some(barred) = &ask::barred(app, prospect) {
        // Before everything that may not fit: why not, and by which command after all.
        doc.blank();
        closed(barred, doc);
        if let Some(age) = too_young(prospect) {
            doc.indented(2, Tone::Dim, &format!("- takes what was touched later than {age} ago, too"));
        }
    }
    if !prospect.steps.is_empty() {
        doc.blank();
    }
    let mut items = Vec::new();
    for (position, step) in prospect.steps.iter().enumerate() {
        let start = doc.len();
        doc.hang(&[piece(Tone::Accent, format!(" {:>2}  ", position + 1))], Tone::Plain, &step.does);
        items.push(start..doc.len());
    }
    if let Some(step) = prospect.steps.get(at).or_else(|| prospect.steps.first()) {
        doc.hang(&[piece(Tone::Dim, "by hand  ")], Tone::Dim, &step.by_hand);
    }
    items.extend(work_lots::draw(prospect, doc));
    ends(prospect, doc);
    for note in &prospect.notes {
        doc.blank();
        doc.text(Tone::Plain, note);
    }
    items
}

/// What it does, and on the right the facts, where both fit on a line.
fn head(prospect: &Prospect, doc: &mut Doc<'_>) {
    let dot = format!(" {} ", doc.glyphs().dot);
    let facts = text::safe(&prospect.facts.join(&dot)).into_owned();
    let does = text::safe(&prospect.does).into_owned();
    let taken = text::width(&does) + text::width(&facts);
    if taken + 3 <= doc.width() {
        let gap = " ".repeat(doc.width() - taken);
        doc.pieces(&[piece(Tone::Strong, does), piece(Tone::Plain, gap), piece(Tone::Dim, facts)]);
    } else {
        doc.text(Tone::Strong, &does);
        if !facts.is_empty() {
            doc.text(Tone::Dim, &facts);
        }
    }
}

/// By which wishes a clean-up was planned, and the keys that change them.
fn wishes(app: &App, prospect: &Prospect, doc: &mut Doc<'_>) {
    let Wish::Clean { wishes, .. } = &prospect.wish else { return };
    let (how, key) = if wishes.delete {
        (piece(Tone::Warning, "removed for good"), "d put aside")
    } else {
        (piece(Tone::Plain, "put aside"), "d for good")
    };
    let age = [vec![piece(Tone::Plain, asked(app, wishes))], vec![piece(Tone::Dim, "+ - age")]];
    let how = [vec![how], vec![piece(Tone::Dim, key)]];
    let width = |items: &[Vec<Piece>]| {
        items.iter().flatten().map(|(piece, _)| text::width(&text::safe(piece)) + 2).sum::<usize>()
    };
    if width(&age) + width(&how) <= doc.width() {
        let dot = piece(Tone::Dim, format!(" {} ", doc.glyphs().dot));
        let [[asked, plus], [how, key]] = [age, how];
        let gap = || piece(Tone::Plain, "  ");
        doc.flow(0, &[asked, vec![gap()], plus, vec![dot], how, vec![gap()], key].concat());
    } else {
        doc.items(2, &age);
        doc.items(2, &how);
    }
}

/// What was asked for: `go-build, untouched for 1 d`, `4 entries picked, of any age`.
fn asked(app: &App, wishes: &Wishes) -> String {
    let family = |id: &String| if id == OTHER { "in no family" } else { id }.to_owned();
    let mut what: Vec<String> = wishes.families.iter().map(family).collect();
    match wishes.names.as_slice() {
        [] => {}
        [name] => what.push(name.shown()),
        names => what.push(format!("{} picked", words::entries(Entries(names.len() as u64)))),
    }
    let owner = wishes.owner.map(|uid| format!("of {}", app.user(uid)));
    let age = match wishes.older_than.0 {
        0 => "of any age".to_owned(),
        _ => format!("untouched for {}", wishes.older_than),
    };
    let what = Some(what.join(", ")).filter(|what| !what.is_empty());
    let what = what.into_iter().chain(owner).collect::<Vec<_>>().join(" ");
    if what.is_empty() { age } else { format!("{what}, {age}") }
}

fn ends(prospect: &Prospect, doc: &mut Doc<'_>) {
    if prospect.ends.is_empty() {
        return;
    }
    doc.blank();
    let all: Vec<String> = prospect.ends.iter().map(|end| format!("{} ({})", end.program, end.pid)).collect();
    doc.hang(&[piece(Tone::Warning, "ends  ")], Tone::Plain, &all.join(", "));
}

/// The last line of a plan that can be carried out.
fn keys_where_open(app: &App, (sheet, prospect): (&Sheet, &Prospect), doc: &mut Doc<'_>) {
    // It lights up once it may be pressed.
    let tone = if app.can_confirm() { Tone::Accent } else { Tone::Dim };
    let yes = if prospect.word.is_some() { "do it (asks for a word)" } else { "do it" };
    let mut keys = vec![key_of(tone, "Enter ", yes)];
    if press::can_in_sheet(app, sheet, KeyId::OtherWays) {
        keys.push(key_of(Tone::Accent, "o ", "other ways"));
    }
    if press::can_in_sheet(app, sheet, KeyId::Right) {
        keys.push(key_of(Tone::Accent, &format!("{} ", doc.glyphs().arrow), "some of them"));
    }
    keys.push(key_of(Tone::Accent, "Esc ", "leave"));
    keys.extend(number(prospect, doc));
    doc.items(4, &keys);
}

fn key_of(tone: Tone, key: &str, what: &str) -> Vec<Piece> {
    vec![piece(tone, key), piece(Tone::Plain, what)]
}

/// The last line of what came of it.
fn keys_after(app: &App, sheet: &Sheet, doc: &mut Doc<'_>) {
    let can_copy = super::copy(app).is_some();
    let keys = [
        ("z ", "take it back", press::can_in_sheet(app, sheet, KeyId::Undo)),
        ("r ", "plan again", press::can_in_sheet(app, sheet, KeyId::Rescan)),
        ("y ", "copy the report", can_copy),
        ("Esc ", "close", true),
    ];
    let can = keys.into_iter().filter(|(.., can)| *can);
    let mut keys: Vec<_> = can.map(|(key, what, _)| key_of(Tone::Accent, key, what)).collect();
    let work = sheet.outcome().and_then(|outcome| outcome.work);
    keys.extend(work.map(|work| vec![piece(Tone::Dim, format!("#{}", work.0))]));
    doc.items(3, &keys);
}

/// Why it cannot be carried out, and the command by which it can.
fn closed(barred: &Barred, doc: &mut Doc<'_>) {
    doc.hang(&[piece(Tone::Warning, format!("{} ", doc.glyphs().warning))], Tone::Plain, &barred.why);
    if let Some(command) = &barred.command {
        doc.indented(2, Tone::Accent, command);
    }
}

/// The age for which nothing goes although younger entries are there: a clean-up of those is one key away.
fn too_young(prospect: &Prospect) -> Option<Seconds> {
    let Wish::Clean { wishes, .. } = &prospect.wish else { return None };
    let is_young = |lot: &Lot| lot.oldest.is_some_and(|oldest| oldest < wishes.older_than);
    let can_help = prospect.going.is_empty() && prospect.staying.iter().any(is_young);
    can_help.then_some(wishes.older_than)
}

/// The last line of a plan that cannot.
fn keys_where_closed(app: &App, prospect: &Prospect, doc: &mut Doc<'_>) {
    let copy = copy(app, prospect, 0).map(|_| "y copy");
    let keys = ["(Enter do it)"].into_iter().chain(copy).chain(["Esc leave"]);
    let mut keys: Vec<_> = keys.map(|key| vec![piece(Tone::Dim, key)]).collect();
    keys.extend(number(prospect, doc));
    doc.items(4, &keys);
}

fn number(prospect: &Prospect, doc: &Doc<'_>) -> Option<Vec<Piece>> {
    let digest: String = prospect.digest.chars().take(4).collect();
    let dots = doc.glyphs().ellipsis;
    // The keys go before it where there is little room.
    (!digest.is_empty() && doc.width() >= 60).then(|| vec![piece(Tone::Dim, format!("plan {digest}{dots}"))])
}

/// The word for what cannot be taken back; gives the place of the cursor.
fn ask_for_word(prospect: &Prospect, word: &Word, doc: &mut Doc<'_>) -> (usize, u16) {
    let wanted = prospect.word.as_deref().unwrap_or_default();
    doc.text(Tone::Strong, &prospect.does);
    ends(prospect, doc);
    doc.blank();
    doc.text(Tone::Warning, "This cannot be taken back.");
    doc.text(Tone::Plain, &format!("Type {wanted} and press Enter. Esc goes back to the plan."));
    doc.blank();
    let line = doc.len();
    let column = palette::field(&word.input, doc);
    if word.wrong {
        doc.text(Tone::Warning, &format!("That was another word; the one that does it is {wanted}."));
    }
    (line, column)
}

/// The lot of a clean-up under the marker.
pub fn lot(app: &App) -> Option<&Lot> {
    let Overlay { kind: Kind::Work(sheet), at, .. } = app.overlays.last()? else { return None };
    let prospect = sheet.prospect().filter(|_| sheet.word.is_none())?;
    let place = at.checked_sub(prospect.steps.len())?;
    prospect.going.iter().chain(&prospect.staying).nth(place)
}

/// What `y` copies: the command for whoever may, else the command of the marked step.
pub fn copy(app: &App, prospect: &Prospect, at: usize) -> Option<String> {
    if let Some(command) = ask::barred(app, prospect).and_then(|barred| barred.command) {
        return Some(command);
    }
    let step = prospect.steps.get(at).or_else(|| prospect.steps.first())?;
    (!step.by_hand.is_empty()).then(|| step.by_hand.clone())
}
