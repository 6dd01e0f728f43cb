//! Where everything stands, from the size of the terminal and from nothing else that changes by itself.

use ratatui::layout::Rect;

use super::app::{App, Pane};
use super::lesson::Lesson;
use super::tabs::lesson::notes;
use super::tabs::{TabId, triage};
use super::text;
use super::widgets::doc::Doc;
use super::widgets::frame;

/// What fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Header, tabs, body, footer.
    Full,
    /// Verdict and list, nothing else.
    Compact,
    /// One line with the verdict.
    Line,
}

/// The parts of the screen.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// What fits.
    pub shape: Shape,
    /// The verdict.
    pub header: Rect,
    /// The row of tabs.
    pub tabs: Rect,
    /// Everything else.
    pub body: Rect,
    /// The keys.
    pub footer: Rect,
}

/// Divides the screen.
pub fn screen(area: Rect) -> Screen {
    let row =
        |y: u16, height: u16| Rect { y: area.y.saturating_add(y), height: height.min(area.height), ..area };
    if area.width < 30 || area.height < 8 {
        let none = Rect { height: 0, ..area };
        return Screen { shape: Shape::Line, header: row(0, 2), tabs: none, body: none, footer: none };
    }
    if area.width < 60 || area.height < 15 {
        let none = Rect { height: 0, ..area };
        return Screen {
            shape: Shape::Compact,
            header: row(0, 3),
            tabs: none,
            body: row(4, area.height - 5),
            footer: row(area.height - 1, 1),
        };
    }
    Screen {
        shape: Shape::Full,
        header: row(0, 1),
        tabs: row(1, 1),
        body: row(2, area.height - 3),
        footer: row(area.height - 1, 1),
    }
}

/// How a list is set off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// In a frame of its own.
    Framed,
    /// Below a line that names it.
    Titled,
    /// Not at all: there is no room for it.
    Bare,
}

/// The panes of a tab; those without room are not there.
#[derive(Clone, Copy, Debug)]
pub struct Panes {
    /// The list.
    pub list: Option<Rect>,
    /// How it is set off.
    pub set: Set,
    /// The detail of the selected row.
    pub detail: Option<Rect>,
    /// Triage: the temp dirs.
    pub dirs: Option<Rect>,
    /// Triage: what helps; in a lesson, the notes.
    pub helps: Option<Rect>,
}

/// Divides the body for the current tab.
pub fn panes(app: &App, screen: &Screen) -> Panes {
    let body = screen.body;
    let set = match (screen.shape, app.tab) {
        (Shape::Full, TabId::Triage) => Set::Framed,
        (Shape::Full, _) => Set::Titled,
        _ => Set::Bare,
    };
    let nothing = Panes { list: None, set, detail: None, dirs: None, helps: None };
    let single = match app.pane {
        Pane::List => Panes { list: Some(body), ..nothing },
        Pane::Detail => Panes { detail: Some(body), ..nothing },
    };
    if let Some(lesson) = app.lesson_text() {
        return lesson_panes(app, lesson, screen);
    }
    if screen.shape != Shape::Full {
        return single;
    }
    if app.view.shown.is_empty() && app.tab != TabId::Triage {
        return Panes { list: Some(body), ..nothing };
    }
    if app.tab == TabId::Triage {
        return triage_panes(app, body, single);
    }
    let wanted = text::columns(app.view.shown.len() + chrome(app, set, body.width) + 1);
    let upper = match body.height {
        // Little room: the detail stands below a short list, and goes over all of it once it has the keys.
        0..25 if app.pane == Pane::Detail || wanted + 9 > body.height => return single,
        0..25 => wanted,
        _ => wanted.clamp(body.height * 2 / 5, body.height * 3 / 5),
    };
    let (list, detail) = above_below(body, upper);
    Panes { list: Some(list), detail: Some(detail), ..nothing }
}

fn triage_panes(app: &App, body: Rect, single: Panes) -> Panes {
    let nothing_selected = app.view.shown.is_empty();
    if body.width >= 100 && body.height >= 16 {
        let left = Rect { width: body.width * 54 / 100, ..body };
        let right = Rect { x: left.right(), width: body.width - left.width, ..body };
        let known = triage::dirs(app).0.rows.len();
        let dirs = text::columns(known.max(1) + 3).min(body.height / 3);
        let (list, dirs) = above_below(left, body.height - dirs);
        let inside = frame::padded(Rect { width: right.width - 2, ..right });
        let helps = helps_lines(app, usize::from(inside.width));
        let helps = if helps == 0 { 0 } else { text::columns(helps + 2).min(body.height * 2 / 5) };
        let (detail, helps) = above_below(right, body.height - helps);
        let helps = (helps.height > 0).then_some(helps);
        return Panes { list: Some(list), set: Set::Framed, detail: Some(detail), dirs: Some(dirs), helps };
    }
    if nothing_selected {
        return Panes { list: Some(body), detail: None, ..single };
    }
    if app.pane == Pane::Detail || body.height < 14 {
        return single;
    }
    let wanted = text::columns(app.view.shown.len() + 2).max(5);
    let (list, detail) = above_below(body, wanted.min(body.height * 2 / 5));
    Panes { list: Some(list), detail: Some(detail), ..single }
}

/// A text, and beside it the notes where they have room there; else they stand at its end.
fn lesson_panes(app: &App, lesson: &Lesson, screen: &Screen) -> Panes {
    let body = screen.body;
    let whole = Panes { list: None, set: Set::Bare, detail: Some(body), dirs: None, helps: None };
    if screen.shape != Shape::Full || body.width < 100 {
        return whole;
    }
    let left = Rect { width: body.width * 58 / 100, ..body };
    let right = Rect { x: left.right(), width: body.width - left.width, ..body };
    let inside = detail_inner(right, screen);
    let mut doc = Doc::new(&app.theme, usize::from(inside.width));
    notes(app, lesson, &mut doc);
    if doc.len() > usize::from(inside.height) {
        return whole;
    }
    Panes { detail: Some(left), helps: Some(right), ..whole }
}

fn helps_lines(app: &App, width: usize) -> usize {
    let pick = app.pick();
    let Some(finding) = triage::finding(app, &pick) else { return 0 };
    let mut doc = Doc::new(&app.theme, width);
    triage::helps(finding, &mut doc);
    doc.len()
}

fn above_below(area: Rect, upper: u16) -> (Rect, Rect) {
    let upper = upper.min(area.height);
    let above = Rect { height: upper, ..area };
    (above, Rect { y: area.y + upper, height: area.height - upper, ..area })
}

/// Lines of a list pane that are not rows.
fn chrome(app: &App, set: Set, width: u16) -> usize {
    let table = &app.view.table;
    let titles = usize::from(!table.headless && set != Set::Bare);
    let banner: usize = banner(app, set, width).len();
    titles
        + banner
        + match set {
            Set::Framed => 2,
            Set::Titled => 1,
            Set::Bare => 0,
        }
}

/// The banner of the current table, wrapped.
pub fn banner(app: &App, set: Set, width: u16) -> Vec<(String, super::theme::Tone)> {
    if set == Set::Bare {
        return Vec::new();
    }
    let room = usize::from(width.saturating_sub(4)).max(20);
    let wrapped = app.view.table.banner.iter().flat_map(|(line, tone)| {
        let lines = text::wrap(&text::safe(line), room).into_iter();
        lines.map(|l| (l, *tone)).collect::<Vec<_>>()
    });
    wrapped.collect()
}

/// What fits.
pub fn shape(app: &App) -> Shape {
    whole(app).shape
}

fn whole(app: &App) -> Screen {
    screen(Rect::new(0, 0, app.size.0, app.size.1))
}

/// How many rows of the list are on screen.
pub fn list_height(app: &App) -> usize {
    let panes = panes(app, &whole(app));
    let Some(list) = panes.list else { return 1 };
    usize::from(list.height).saturating_sub(chrome(app, panes.set, list.width)).max(1)
}

/// Where it is said what helps against a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Helps {
    /// In a pane of its own.
    Apart,
    /// At the end of the detail.
    Within,
}

impl Panes {
    /// Where it is said what helps.
    pub fn helps_stand(&self) -> Helps {
        if self.helps.is_some() { Helps::Apart } else { Helps::Within }
    }
}

/// Columns and rows inside the detail, and where it is said what helps.
pub fn detail_size(app: &App) -> (usize, usize, Helps) {
    let screen = whole(app);
    let panes = panes(app, &screen);
    let inner = panes.detail.map_or_else(Rect::default, |area| detail_inner(area, &screen));
    (usize::from(inner.width), usize::from(inner.height), panes.helps_stand())
}

/// What is left inside the frame of the detail.
pub fn detail_inner(area: Rect, screen: &Screen) -> Rect {
    match screen.shape {
        Shape::Full => {
            let inner = Rect {
                x: area.x + 1.min(area.width),
                y: area.y + 1.min(area.height),
                width: area.width.saturating_sub(2),
                height: area.height.saturating_sub(2),
            };
            frame::padded(inner)
        }
        _ => area,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shapes_change_where_the_design_says() {
        let shape = |w, h| screen(Rect::new(0, 0, w, h)).shape;
        assert_eq!(shape(80, 24), Shape::Full);
        assert_eq!(shape(60, 15), Shape::Full);
        assert_eq!(shape(59, 15), Shape::Compact);
        assert_eq!(shape(60, 14), Shape::Compact);
        assert_eq!(shape(40, 15), Shape::Compact);
        assert_eq!(shape(29, 15), Shape::Line);
        assert_eq!(shape(40, 7), Shape::Line);
        assert_eq!(shape(0, 0), Shape::Line);
    }

    #[test]
    fn the_parts_fill_the_screen_and_do_not_overlap() {
        for (w, h) in [(140, 40), (80, 24), (60, 15), (40, 15), (30, 8)] {
            let parts = screen(Rect::new(0, 0, w, h));
            assert_eq!(parts.body.bottom(), parts.footer.y);
            assert_eq!(parts.footer.bottom(), h);
            assert!(parts.header.bottom() <= parts.body.y);
        }
    }
}
