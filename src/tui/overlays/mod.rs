//! Sheets over a tab: help, palette, a page of the runbook, commands, what helps, a plan, what is not known, a probe, a
//! lesson.
//!
//! A sheet is lines, and for some of them items among the lines that can be selected. Moving, scrolling, copying and drawing
//! are the same for all.

mod by_hand;
pub mod gaps;
pub mod guess;
mod help;
mod helps_sheet;
mod lesson;
mod page;
pub mod palette;
mod probe_result;
mod solution;
mod ways;
mod work_lots;
mod work_progress;
pub mod work_result;
pub mod work_sheet;

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::app::App;
use super::keys::KeyId;
use super::msg::ProbeWish;
use super::press::moved;
use super::tabs::{Command, triage};
use super::theme::{Focus, Tone};
use super::widgets::doc::Doc;
use super::widgets::frame::{self, Frame};
use super::widgets::rows;
use super::work::Sheet;
use crate::model::probe::ProbeResult;
use crate::model::work::Lot;

/// One sheet.
#[derive(Clone, Debug)]
pub struct Overlay {
    /// Which.
    pub kind: Kind,
    /// The selected item.
    pub at: usize,
    /// The first line on screen, where there are no items.
    pub scroll: usize,
}

/// Kinds of sheets.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Every key.
    Help,
    /// Every command, by name.
    Palette {
        /// What is typed.
        input: tui_input::Input,
    },
    /// A page of the runbook.
    Page {
        /// Of which cause.
        id: String,
    },
    /// The commands that show something by hand.
    ByHand {
        /// What.
        title: String,
        /// They.
        commands: Vec<Command>,
    },
    /// What helps against a finding.
    Helps {
        /// Which finding, from look to look.
        finding: String,
    },
    /// Every way against a finding.
    Ways {
        /// Which finding, from look to look.
        finding: String,
    },
    /// A plan, the work, what came of it.
    Work(Box<Sheet>),
    /// Some entries of a clean-up.
    Samples(Box<Lot>),
    /// What could not be seen.
    Gaps,
    /// A probe, step by step.
    Probe(Box<Probe>),
    /// Every answer that a learner can give, by name.
    Guess {
        /// What is typed.
        input: tui_input::Input,
    },
    /// Another sheet of a lesson.
    Lesson(LessonSheet),
}

/// Sheets of a lesson; guesses and hints by their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LessonSheet {
    /// What the next hint costs.
    NextHint,
    /// A hint that was taken.
    Hint(usize),
    /// What becomes of a wrong guess.
    Answer(usize),
    /// Whether to give up.
    GiveUp,
    /// What it was, and how one could have known.
    Solution,
}

/// A probe that was asked for.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Which.
    pub wish: ProbeWish,
    /// How it went, once that is known.
    pub outcome: Option<Outcome>,
}

/// How a probe went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It gave an answer.
    Done(Box<ProbeResult>),
    /// It could not be made.
    Failed(String),
}

/// What a sheet shows.
#[derive(Debug, Default)]
pub struct Content {
    /// On its frame.
    pub title: String,
    /// Its lines.
    pub lines: Vec<Line<'static>>,
    /// The lines of each item that can be selected.
    pub items: Vec<Range<usize>>,
    /// Where the cursor of a text field stands: in which line, and in which column.
    pub cursor: Option<(usize, u16)>,
    /// The last lines of the sheet, which stay where they are when the others are scrolled.
    pub foot: Vec<Line<'static>>,
}

impl Overlay {
    /// A sheet, at its beginning.
    pub fn new(kind: Kind) -> Self {
        Self { kind, at: 0, scroll: 0 }
    }

    fn content(&self, app: &App, width: usize) -> Content {
        let mut doc = Doc::new(&app.theme, width);
        match &self.kind {
            Kind::Help => help::content(app, doc),
            Kind::Palette { input } => palette::content(app, input, self.at, doc),
            Kind::Page { id } => page::content(id, doc),
            Kind::ByHand { title, commands } => by_hand::content(app, title, commands, doc),
            Kind::Helps { finding } => helps_sheet::content(app, finding, doc),
            Kind::Ways { finding } => ways::content(app, finding, doc),
            Kind::Work(sheet) => work_sheet::content(app, sheet, self.at, doc),
            Kind::Samples(lot) => work_lots::samples(lot, doc),
            Kind::Gaps => {
                gaps::draw(app, &mut doc);
                Content {
                    title: "What is not known".to_owned(),
                    lines: doc.into_lines(),
                    ..Content::default()
                }
            }
            Kind::Probe(probe) => probe_result::content(app, probe, doc),
            Kind::Guess { input } => guess::content(app, input, self.at, doc),
            Kind::Lesson(sheet) => lesson::content(app, *sheet, doc),
        }
    }

    /// The first line on screen so that the selected item is whole, or as scrolled.
    fn first_line(&self, content: &Content, height: usize) -> usize {
        let last = frame::last_scroll(height, content.lines.len());
        let line = match content.items.get(self.at.min(content.items.len().saturating_sub(1))) {
            // The first item brings the lines above it along.
            Some(_) if self.at == 0 => 0,
            Some(item) => item.end.saturating_sub(height).min(item.start),
            None => 0,
        };
        // Below the last item it goes on as in a text.
        line.saturating_add(self.scroll).min(last)
    }
}

/// A sheet with its place on screen.
struct Placed {
    content: Content,
    outer: Rect,
    /// Lines of its text that are on screen.
    height: usize,
}

/// Below so many lines of text a sheet keeps nothing at its foot.
const LEAST_ABOVE_FOOT: usize = 4;

impl Placed {
    fn new(app: &App, overlay: &Overlay, area: Rect) -> Self {
        let width =
            frame::padded(Rect { width: frame::sheet(area, 1).width.saturating_sub(2), ..area }).width;
        let mut content = overlay.content(app, usize::from(width));
        let with_foot = |foot: usize| if foot == 0 { 0 } else { foot + 1 };
        let outer = frame::sheet(area, content.lines.len() + with_foot(content.foot.len()));
        let room = usize::from(outer.height.saturating_sub(2));
        let mut height = room.saturating_sub(with_foot(content.foot.len()));
        if height < LEAST_ABOVE_FOOT.min(content.lines.len()) {
            // Too low for that: it is the end of the text then.
            content.lines.push(Line::default());
            content.lines.append(&mut content.foot);
            height = room;
        }
        Self { content, outer, height }
    }

    fn draw_foot(&self, app: &App, first: usize, text: Rect, buf: &mut Buffer) {
        if self.content.foot.is_empty() {
            return;
        }
        let below = self.content.lines.len().saturating_sub(first + self.height);
        let foot = Rect {
            y: text.y.saturating_add(super::text::columns(self.height)),
            height: text.height.saturating_sub(super::text::columns(self.height)),
            ..text
        };
        let more = match below {
            0 if first > 0 => "↑ PgUp goes back up".to_owned(),
            0 => String::new(),
            below => format!("↓ {}: PgDn", super::words::count(below, ("more line", "more lines"))),
        };
        let more = Line::styled(more, app.theme.style(Tone::Dim));
        let lines: Vec<Line<'static>> =
            std::iter::once(more).chain(self.content.foot.iter().cloned()).collect();
        frame::text(&lines, 0, foot, buf);
    }
}

/// Draws a sheet; gives the place of the cursor where it has a text field.
pub fn draw(app: &App, overlay: &Overlay, area: Rect, buf: &mut Buffer) -> Option<(u16, u16)> {
    let placed = Placed::new(app, overlay, area);
    let Placed { content, outer, height } = &placed;
    let (outer, height) = (*outer, *height);
    buf.set_style(area, app.theme.behind());
    frame::clear(outer, buf);
    let first = overlay.first_line(content, height);
    let count = frame::window(first, height, content.lines.len());
    let inner =
        Frame { title: &content.title, count: &count, focus: Focus::Here }.draw(outer, buf, &app.theme);
    let text = frame::padded(inner);
    frame::text(&content.lines, first, Rect { height: super::text::columns(height), ..text }, buf);
    placed.draw_foot(app, first, text, buf);
    let selected = content.items.get(overlay.at.min(content.items.len().saturating_sub(1)));
    if let Some(item) = selected {
        for line in item.clone().filter(|line| *line >= first && *line < first + height) {
            let y = inner.y + super::text::columns(line - first);
            let place = Rect { y, height: 1, ..inner };
            if line == item.start {
                rows::mark(&app.theme, place, buf);
            } else {
                buf.set_style(place, app.theme.selected());
            }
        }
    }
    let (line, column) = content.cursor?;
    let row = line.checked_sub(first).filter(|row| *row < height)?;
    Some((text.x.saturating_add(column), text.y.saturating_add(super::text::columns(row))))
}

fn area_of(app: &App) -> Rect {
    Rect::new(0, 0, app.size.0, app.size.1.saturating_sub(1))
}

/// Whether moving does anything in the topmost sheet: there are items to choose from, or lines that do not fit.
pub fn moves(app: &App) -> bool {
    let Some(overlay) = app.overlays.last() else { return false };
    let placed = Placed::new(app, overlay, area_of(app));
    placed.content.items.len() > 1 || placed.content.lines.len() > placed.height
}

/// Moves in the topmost sheet.
pub fn step(app: &mut App, id: KeyId) {
    let Some(overlay) = app.overlays.last() else { return };
    let Placed { content, height, .. } = Placed::new(app, overlay, area_of(app));
    let (at, first) = (overlay.at, overlay.first_line(&content, height));
    let (items, last) = (content.items.len(), frame::last_scroll(height, content.lines.len()));
    if let Some(overlay) = app.overlays.last_mut() {
        let is_last = items == 0 || at.min(items - 1) == items - 1;
        let up = matches!(id, KeyId::Up | KeyId::PageUp) && overlay.scroll > 0;
        let down = matches!(id, KeyId::Down | KeyId::PageDown);
        if items == 0 || is_last && (up || down) {
            // Of a text without items, all of it; else what lies below the last item.
            let above = first - overlay.scroll.min(first);
            overlay.scroll = moved(first, height, last, id).saturating_sub(above);
        } else {
            overlay.at = moved(at, height, items - 1, id);
            overlay.scroll = 0;
        }
    }
}

/// The sheet with the commands of the selected row.
pub fn by_hand(app: &App) -> Overlay {
    let pick = app.pick();
    let title = match triage::finding(app, &pick) {
        Some(finding) => finding.title.clone(),
        None => app.current().detail_title(app, &pick),
    };
    let title = format!("By hand: {title}");
    Overlay::new(Kind::ByHand { title, commands: app.current().commands(app, &pick) })
}

/// The page of the runbook about the selected row.
pub fn page_of_selected(app: &App) -> Option<Overlay> {
    let id = app.current().cause(app, &app.pick())?;
    Some(Overlay::new(Kind::Page { id }))
}

/// What `y` copies in the topmost sheet.
pub fn copy(app: &App) -> Option<String> {
    let overlay = app.overlays.last()?;
    match &overlay.kind {
        Kind::ByHand { commands, .. } => commands.get(overlay.at).map(|c| c.line.clone()),
        Kind::Helps { finding } => helps_sheet::copy(app, finding, overlay.at),
        Kind::Work(sheet) => match sheet.outcome() {
            Some(outcome) => Some(outcome.report.clone()).filter(|report| !report.is_empty()),
            None => work_sheet::copy(app, sheet.prospect()?, overlay.at),
        },
        Kind::Samples(lot) => lot.samples.get(overlay.at).map(|(path, _)| path.quoted()),
        Kind::Page { id } => crate::catalog::runbook::page(id).map(|page| page.body.to_owned()),
        Kind::Probe(probe) => probe_result::command(app, &probe.wish),
        Kind::Lesson(LessonSheet::Solution) => app.lesson.as_ref().and_then(solution::copy),
        Kind::Help
        | Kind::Palette { .. }
        | Kind::Ways { .. }
        | Kind::Gaps
        | Kind::Guess { .. }
        | Kind::Lesson(_) => None,
    }
}

/// What `y` copies on a tab: the paths that are picked, else the first command of the selected row.
pub fn copy_of_row(app: &App) -> Option<String> {
    if app.tab == super::tabs::TabId::Entries && !app.tabs.picked.is_empty() {
        let paths: Vec<String> =
            app.tabs.picked.iter().map(crate::model::raw_path::RawPath::quoted).collect();
        return Some(paths.join("\n"));
    }
    let commands = app.current().commands(app, &app.pick());
    commands.into_iter().next().map(|c| c.line)
}
