//! The first lines: the host, the verdict, the clock, whose eyes, what is incomplete; and the row of tabs.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::app::App;
use super::lesson::Lesson;
use super::msg::Look;
use super::replay;
use super::tabs::TABS;
use super::text;
use super::theme::{Theme, Tone};
use super::work;

/// Where nothing but the verdict fits.
const TOO_SMALL: &str = "too small: 60x15; q quits";
/// Where only a list fits.
const MORE: &str = "60x15 shows more";

/// The line of the verdict.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    let width = usize::from(area.width);
    let mut right = facts(app);
    // The clock and whose eyes they are stay to the last; what is worth a word goes first where there is no room.
    let least = if app.replay.is_some() || app.works.under_way.is_some() { 3 } else { 2 };
    while right.len() > least && measure(&right) + 34 > width {
        right.remove(0);
    }
    let host = app.snapshot().and_then(|now| now.host.value()).map_or("tmpmedic", |host| host.name.as_str());
    let (symbol, word, tone, headline) = verdict(app);
    let lead = format!(" {}  ", text::safe(host));
    let mark = format!("{symbol} {word}  ").trim_start().to_owned();
    let room = width.saturating_sub(text::width(&lead) + text::width(&mark) + measure(&right) + 2);
    let theme = &app.theme;
    let line = Line::from(vec![
        Span::styled(lead, theme.style(Tone::Strong)),
        Span::styled(mark, theme.style(tone)),
        Span::styled(
            text::cut_end(&text::safe(&headline), room, theme.glyphs.ellipsis),
            theme.style(Tone::Plain),
        ),
    ]);
    buf.set_line(area.x, area.y, &line, area.width);
    let mut x = area.right().saturating_sub(text::columns(measure(&right)));
    for (fact, tone) in right {
        let shown = format!("{fact}  ");
        buf.set_stringn(x, area.y, &shown, usize::from(area.right().saturating_sub(x)), theme.style(tone));
        x = x.saturating_add(text::columns(text::width(&shown)));
    }
}

fn measure(facts: &[(String, Tone)]) -> usize {
    // Two columns behind each but the last, which has one.
    facts.iter().map(|(fact, _)| text::width(fact) + 2).sum::<usize>().saturating_sub(1)
}

/// Symbol, word, tone and headline of the verdict.
pub fn verdict(app: &App) -> (&'static str, &'static str, Tone, String) {
    if let Some(lesson) = app.teaching() {
        let title = lesson.scenario().title.clone();
        return (app.theme.glyphs.unknown, "LEARNING", Tone::Accent, title);
    }
    match app.look.as_deref() {
        None => {
            let dots = app.theme.glyphs.ellipsis;
            ("", "looking", Tone::Dim, format!("the first look at this machine is under way {dots}"))
        }
        Some(Look { diagnosis, .. }) => {
            let (symbol, tone) = app.theme.verdict(diagnosis.status);
            let word = match diagnosis.status {
                crate::model::finding::Status::Ok => "OK",
                crate::model::finding::Status::Warning => "WARNING",
                crate::model::finding::Status::Critical => "CRITICAL",
                crate::model::finding::Status::Unknown => "UNKNOWN",
            };
            (symbol, word, tone, diagnosis.headline.clone())
        }
    }
}

/// What stands on the right, the least important first.
fn facts(app: &App) -> Vec<(String, Tone)> {
    let mut facts = Vec::new();
    if app.settings.read_only && app.replay.is_none() {
        facts.push(("read-only".to_owned(), Tone::Dim));
    }
    let unknown = app.look.as_deref().map_or(0, super::overlays::gaps::count);
    if unknown > 0 {
        facts.push((format!("{unknown} not known"), Tone::Warning));
    }
    let staleness = if app.replay.is_some() { None } else { app.staleness() };
    match (app.frozen, staleness) {
        (true, Some(age)) => facts.push((format!("FROZEN {age} ago"), Tone::Accent)),
        (true, None) => facts.push(("FROZEN".to_owned(), Tone::Accent)),
        (false, Some(age)) => facts.push((format!("as of {age} ago"), Tone::Warning)),
        (false, None) => {}
    }
    if let Some(lesson) = app.teaching() {
        facts.extend(taught(app, lesson));
        return facts;
    }
    facts.extend(replay::sign(app).map(|sign| (sign, Tone::Accent)));
    facts.extend(work::sign(app).map(|sign| (sign, Tone::Accent)));
    facts.push((replay::date(app).unwrap_or_else(|| clock(app)), Tone::Dim));
    if let Some(now) = app.snapshot() {
        let uid = now.eyes.credentials.uid;
        let who =
            if uid == 0 { ("root".to_owned(), Tone::Dim) } else { (format!("uid {uid}"), Tone::Warning) };
        facts.push(who);
    }
    facts
}

/// In a lesson, what it has come to so far stands in place of the clock.
fn taught(app: &App, lesson: &Lesson) -> [(String, Tone); 3] {
    let now = app.now.or_else(|| app.snapshot().map(|now| now.taken));
    let guesses = super::words::count(lesson.guesses().len(), ("guess", "guesses"));
    [
        (guesses, Tone::Dim),
        (super::lesson::clock(lesson.elapsed(now)), Tone::Dim),
        (format!("{} points", lesson.score()), Tone::Strong),
    ]
}

/// Local time.
fn clock(app: &App) -> String {
    let taken = app.snapshot().map(|now| now.taken);
    let now = if app.replay.is_some() { taken } else { app.now.or(taken) };
    now.map_or_else(|| "--:--:--".to_owned(), |now| now.time_of_day(app.settings.utc_offset_s))
}

/// The row of tabs, the current one marked, and what there is to say until the next key.
pub fn draw_tabs(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let note = app.note.as_ref().map(|note| {
        let room = usize::from(area.width.saturating_sub(4));
        text::cut_end(&text::safe(note), room, theme.glyphs.ellipsis)
    });
    // A note goes before the tabs beside which it does not fit; it is gone with the next key.
    let taken = note.as_ref().map_or(0, |note| text::columns(text::width(note) + 3));
    let end = area.right().saturating_sub(taken);
    let mut x = area.x.saturating_add(1);
    let labels = labels(app, usize::from(area.width.saturating_sub(2)));
    for (label, is_current) in labels {
        let style = if is_current { theme.current_tab() } else { theme.style(Tone::Dim) };
        let next = x.saturating_add(text::columns(text::width(&label) + 2));
        if note.is_some() && next > end {
            let dots = theme.glyphs.ellipsis;
            buf.set_stringn(x, area.y, dots, usize::from(end.saturating_sub(x)), theme.style(Tone::Dim));
            break;
        }
        buf.set_stringn(x, area.y, &label, usize::from(area.right().saturating_sub(x)), style);
        x = next;
    }
    if let Some(note) = note {
        aside(&note, Tone::Accent, (area, theme), buf);
    } else if let Some(age) = replay::age(app)
        && text::width(&age) + 3 <= usize::from(area.right().saturating_sub(x))
    {
        aside(&age, Tone::Dim, (area, theme), buf);
    }
}

/// The tabs by number and name, and whether each is the current one. Where not all names have room, those that are furthest
/// from the current tab give theirs up: its number is what one presses.
fn labels(app: &App, room: usize) -> Vec<(String, bool)> {
    let cards: Vec<_> = TABS.iter().map(|tab| app.tab(tab.card().id).card()).collect();
    let current = cards.iter().position(|card| card.id == app.tab).unwrap_or_default();
    let mut labels: Vec<(String, bool)> =
        cards.iter().map(|card| (format!("{} {}", card.number, card.title), card.id == app.tab)).collect();
    let mut furthest: Vec<usize> = (0..cards.len()).collect();
    furthest.sort_by_key(|at| std::cmp::Reverse(at.abs_diff(current)));
    for at in furthest {
        let taken = labels.iter().map(|(label, _)| text::width(label) + 2).sum::<usize>();
        if taken <= room + 2 {
            break;
        }
        if let (Some((label, _)), Some(card)) = (labels.get_mut(at), cards.get(at)) {
            *label = card.number.to_string();
        }
    }
    labels
}

/// On the right of a line.
fn aside(words: &str, tone: Tone, (area, theme): (Rect, &Theme), buf: &mut Buffer) {
    let start = area.right().saturating_sub(text::columns(text::width(words)) + 1);
    buf.set_stringn(start, area.y, words, usize::from(area.width), theme.style(tone));
}

/// The verdict where there is little room: one line for it, two for the headline.
pub fn draw_compact(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let (symbol, word, tone, headline) = verdict(app);
    let host = app.snapshot().and_then(|now| now.host.value()).map_or("tmpmedic", |host| host.name.as_str());
    let line = Line::from(vec![
        Span::styled(format!("{symbol} {word}").trim_start().to_owned(), theme.style(tone)),
        Span::styled(format!("  {}", text::safe(host)), theme.style(Tone::Dim)),
    ]);
    buf.set_line(area.x, area.y, &line, area.width);
    if let Some(sign) = replay::sign(app) {
        let first = Rect { height: 1, ..area };
        let both = format!("  {sign} {}", clock(app));
        let fits = line.width() + text::width(&both) < usize::from(area.width);
        aside(if fits { &both } else { &sign }, Tone::Accent, (first, theme), buf);
    } else if line.width() + text::width(MORE) + 3 <= usize::from(area.width) {
        aside(MORE, Tone::Dim, (Rect { height: 1, ..area }, theme), buf);
    }
    let mut lines = text::wrap(&text::safe(&headline), usize::from(area.width));
    let room = usize::from(area.height.saturating_sub(1));
    if lines.len() > room {
        let rest = lines.split_off(room.saturating_sub(1)).join(" ");
        lines.push(text::cut_end(&rest, usize::from(area.width), theme.glyphs.ellipsis));
    }
    for (y, line) in (area.y + 1..area.bottom()).zip(lines) {
        buf.set_stringn(area.x, y, line, usize::from(area.width), theme.style(Tone::Plain));
    }
}

/// The verdict in one line, and below it what to do about that.
pub fn draw_line(app: &App, area: Rect, buf: &mut Buffer) {
    let (symbol, word, tone, headline) = verdict(app);
    let sign = replay::sign(app).map_or_else(String::new, |sign| format!("{sign} "));
    let line = format!("{sign}{symbol} {word} {headline}");
    let line =
        text::cut_end(&text::safe(line.trim_start()), usize::from(area.width), app.theme.glyphs.ellipsis);
    buf.set_stringn(area.x, area.y, line, usize::from(area.width), app.theme.style(tone));
    if area.height > 1 {
        let hint = text::cut_end(TOO_SMALL, usize::from(area.width), app.theme.glyphs.ellipsis);
        buf.set_stringn(area.x, area.y + 1, hint, usize::from(area.width), app.theme.style(Tone::Dim));
    }
}
