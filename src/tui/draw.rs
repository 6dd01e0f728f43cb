//! Draws the screen from the state, and changes nothing.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::app::{App, Pane};
use super::glyphs::twin;
use super::layout::{self, Helps, Panes, Screen, Set, Shape};
use super::tabs::{self, Pick, triage};
use super::text;
use super::theme::{Focus, Tone};
use super::widgets::doc::Doc;
use super::widgets::frame::{self, Frame as Box};
use super::widgets::matrix;
use super::widgets::rows::{GUTTER, Heads, Rows};
use super::{footer, header, overlays};
use crate::model::units::Entries;

/// What the hints and guesses of a lesson are called.
const NOTES: &str = "Your notes";

/// Draws one frame.
pub fn draw(app: &App, frame: &mut Frame<'_>) {
    let area = frame.area();
    if area.is_empty() {
        return;
    }
    let screen = layout::screen(area);
    let buf = frame.buffer_mut();
    match screen.shape {
        Shape::Line => header::draw_line(app, screen.header, buf),
        Shape::Compact => {
            header::draw_compact(app, screen.header, buf);
            draw_body(app, &screen, buf);
            footer::draw(app, screen.shape, screen.footer, buf);
        }
        Shape::Full => {
            header::draw(app, screen.header, buf);
            header::draw_tabs(app, screen.tabs, buf);
            draw_body(app, &screen, buf);
            footer::draw(app, screen.shape, screen.footer, buf);
        }
    }
    let mut cursor = None;
    if screen.shape != Shape::Line {
        cursor = footer::cursor(app, screen.footer);
        if let Some(overlay) = app.overlays.last() {
            let room = Rect { height: screen.footer.y.saturating_sub(area.y), ..area };
            cursor = overlays::draw(app, overlay, room, buf);
        }
    }
    if app.theme.is_ascii() {
        to_ascii(buf);
    }
    if let Some(place) = cursor {
        frame.set_cursor_position(place);
    }
}

fn draw_body(app: &App, screen: &Screen, buf: &mut Buffer) {
    let panes = layout::panes(app, screen);
    if let Some(area) = panes.list {
        draw_list(app, area, panes.set, buf);
    }
    if let Some(area) = panes.detail {
        draw_detail(app, screen, area, &panes, buf);
    }
    if let Some(area) = panes.dirs {
        draw_dirs(app, area, buf);
    }
    if let Some(area) = panes.helps {
        draw_helps(app, area, buf);
    }
}

fn focus(app: &App, pane: Pane) -> Focus {
    let has_keys = app.pane == pane || app.lesson_text().is_some();
    if has_keys && app.overlays.is_empty() { Focus::Here } else { Focus::Elsewhere }
}

fn draw_list(app: &App, area: Rect, set: Set, buf: &mut Buffer) {
    let (_, count) = counts(app);
    let mut body = match set {
        Set::Framed => {
            let title: String = app.view.table.title.iter().map(|(t, _)| t.as_str()).collect();
            Box { title: &title, count: &count, focus: focus(app, Pane::List) }.draw(area, buf, &app.theme)
        }
        Set::Titled => {
            draw_title(app, area, &count, buf);
            Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
        }
        Set::Bare => area,
    };
    for (line, tone) in layout::banner(app, set, area.width) {
        if body.height == 0 {
            return;
        }
        buf.set_stringn(body.x + GUTTER, body.y, line, usize::from(body.width), app.theme.style(tone));
        body = Rect { y: body.y + 1, height: body.height - 1, ..body };
    }
    let table = &app.view.table;
    if app.view.shown.is_empty() {
        return draw_empty(app, body, buf);
    }
    let view = &app.view;
    let state = app.list();
    let rows = Rows {
        table,
        shown: &view.shown,
        natural: &view.widths,
        state,
        at: Some(state.at),
        theme: &app.theme,
    };
    let heads = if set == Set::Bare { Heads::Hidden } else { Heads::Shown };
    if table.column.is_some() { matrix::draw(&rows, body, buf) } else { rows.draw(body, heads, buf) }
}

fn draw_title(app: &App, area: Rect, count: &str, buf: &mut Buffer) {
    let theme = &app.theme;
    let room = usize::from(area.width).saturating_sub(text::width(count) + 4);
    let mut doc = Doc::new(theme, room);
    let mut pieces = vec![(" ".to_owned(), Tone::Plain)];
    let mut used = 1;
    for (piece, tone) in &app.view.table.title {
        used += text::width(piece);
        // Whole facts or none; the first one always.
        if used > room && pieces.len() > 1 {
            break;
        }
        pieces.push((piece.clone(), *tone));
    }
    doc.pieces(&pieces);
    for line in doc.into_lines() {
        buf.set_line(area.x, area.y, &line, area.width);
    }
    let x = area.right().saturating_sub(text::columns(text::width(count)) + 1);
    buf.set_stringn(x, area.y, count, usize::from(area.width), theme.style(Tone::Dim));
}

/// How many rows are shown, as a number and in words: `6 vantages`, `2 of 6 vantages`.
pub fn counts(app: &App) -> (usize, String) {
    let table = &app.view.table;
    let all = table.items();
    let is_item = |i: &&usize| table.rows.get(**i).is_some_and(|row| row.kind == super::table::RowKind::Item);
    let shown = app.view.shown.iter().filter(is_item).count();
    let noun = if all == 1 { table.noun.0 } else { table.noun.1 };
    if all == 0 {
        return (0, String::new());
    }
    let figure = |count: usize| Entries(u64::try_from(count).unwrap_or(u64::MAX));
    let mut words = if shown == all {
        format!("{} {noun}", figure(all))
    } else {
        format!("{} of {} {noun}", figure(shown), figure(all))
    };
    let filter = &app.list().filter;
    if !filter.is_empty() && app.typing.is_none() {
        words = format!("{words} with \"{}\"", text::safe(filter));
    }
    if let (Some(column), false) = (table.column, table.columns.is_empty()) {
        words = format!("{words}, column {column} of {}", table.columns.len() - 1);
    }
    (shown, words)
}

fn draw_empty(app: &App, area: Rect, buf: &mut Buffer) {
    let table = &app.view.table;
    let width = usize::from(area.width.saturating_sub(2 * GUTTER)).max(1);
    let mut doc = Doc::new(&app.theme, width);
    doc.text(Tone::Plain, "");
    if table.rows.is_empty() {
        for (line, tone) in &table.empty {
            doc.text(*tone, line);
        }
    } else {
        doc.text(Tone::Plain, &format!("No row holds \"{}\".", app.list().filter));
        doc.text(Tone::Dim, "Esc shows all of them again.");
    }
    let inner = Rect { x: area.x + GUTTER.min(area.width), width: area.width.saturating_sub(GUTTER), ..area };
    frame::text(&doc.into_lines(), 0, inner, buf);
}

/// The detail of the selected row, for that width; with what helps at its end where that has no pane of its own.
pub fn detail(app: &App, width: usize, helps: Helps) -> Vec<Line<'static>> {
    let pick = app.pick();
    let mut doc = Doc::new(&app.theme, width);
    app.current().detail(app, &pick, &mut doc);
    if let (Some(lesson), Helps::Within) = (app.lesson_text(), helps) {
        doc.heading(NOTES);
        tabs::lesson::notes(app, lesson, &mut doc);
    }
    if let (Some(finding), Helps::Within) = (triage::finding(app, &pick), helps) {
        doc.heading("What helps");
        triage::helps(finding, &mut doc);
    }
    doc.into_lines()
}

fn draw_detail(app: &App, screen: &Screen, area: Rect, panes: &Panes, buf: &mut Buffer) {
    let inner = layout::detail_inner(area, screen);
    let lines = detail(app, usize::from(inner.width), panes.helps_stand());
    let height = usize::from(inner.height);
    let scroll = app.scroll.min(frame::last_scroll(height, lines.len()));
    if screen.shape == Shape::Full {
        let pick = app.pick();
        let title =
            if pick == Pick::Nothing { String::new() } else { app.current().detail_title(app, &pick) };
        let count = frame::window(scroll, height, lines.len());
        Box { title: &title, count: &count, focus: focus(app, Pane::Detail) }.draw(area, buf, &app.theme);
    }
    frame::text(&lines, scroll, inner, buf);
}

fn draw_dirs(app: &App, area: Rect, buf: &mut Buffer) {
    let (table, state) = triage::dirs(app);
    let inner_height = usize::from(area.height.saturating_sub(2));
    let all = table.rows.len();
    let fitting = inner_height.saturating_sub(1);
    let count = match all {
        0 => String::new(),
        all if all > fitting => format!("{fitting} of {all} temp dirs"),
        all => super::words::count(all, table.noun),
    };
    let inner =
        Box { title: "Temp dirs", count: &count, focus: Focus::Elsewhere }.draw(area, buf, &app.theme);
    if table.rows.is_empty() {
        let line = if app.look.is_some() { "none could be reached" } else { app.theme.glyphs.ellipsis };
        buf.set_stringn(
            inner.x + GUTTER,
            inner.y,
            line,
            usize::from(inner.width),
            app.theme.style(Tone::Dim),
        );
        return;
    }
    let shown: Vec<usize> = (0..all.min(fitting)).collect();
    let natural = table.natural_widths(None);
    let rows =
        Rows { table: &table, shown: &shown, natural: &natural, state: &state, at: None, theme: &app.theme };
    // The gutter of rows without selection is one column too wide beside the frame.
    let inner = Rect { x: inner.x.saturating_sub(1), width: inner.width + 1, ..inner };
    rows.draw(inner, Heads::Shown, buf);
}

fn draw_helps(app: &App, area: Rect, buf: &mut Buffer) {
    let pick = app.pick();
    let title = if app.lesson_text().is_some() { NOTES } else { "What helps" };
    let inner = Box { title, count: "", focus: Focus::Elsewhere }.draw(area, buf, &app.theme);
    let inner = frame::padded(inner);
    let mut doc = Doc::new(&app.theme, usize::from(inner.width));
    if let Some(lesson) = app.lesson_text() {
        tabs::lesson::notes(app, lesson, &mut doc);
    } else if let Some(finding) = triage::finding(app, &pick) {
        triage::helps(finding, &mut doc);
    }
    let lines = doc.into_lines();
    if lines.len() > usize::from(inner.height) {
        let more = Span::styled(" f shows all ", app.theme.style(Tone::Dim));
        let x = area.right().saturating_sub(text::columns(more.width()) + 2);
        buf.set_span(x, area.bottom().saturating_sub(1), &more, area.width);
    }
    frame::text(&lines, 0, inner, buf);
}

/// Where only ASCII may be drawn, the last few signs that came with names and texts get their twins.
fn to_ascii(buf: &mut Buffer) {
    for cell in &mut buf.content {
        if let Some(first) = cell.symbol().chars().next()
            && !cell.symbol().is_ascii()
        {
            cell.set_char(twin(first));
        }
    }
}
