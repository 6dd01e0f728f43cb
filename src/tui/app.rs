//! All state of the screen. Nothing here draws, and nothing but [`update`](super::update()) changes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::history::Histories;
use super::lesson::Lesson;
use super::list::ListState;
use super::msg::{ListWish, Listing, Look, ProbeWish, Progress};
use super::overlays::Overlay;
use super::replay::Replay;
use super::table::{Row, Table};
use super::tabs::{Pick, TABS, Tab, TabId};
use super::theme::{Background, Depth, Glyphs, Theme};
use super::work::Works;
use crate::catalog::Catalog;
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::units::{Seconds, WallNanos};

/// What the caller decides before the first frame.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many colours the terminal has.
    pub colors: Depth,
    /// What lies behind the text.
    pub background: Background,
    /// Which glyphs it can show.
    pub ascii: Glyphs,
    /// Nothing may touch the machine, probes included.
    pub read_only: bool,
    /// Seconds that local time is ahead of UTC.
    pub utc_offset_s: i32,
    /// Families, variables and runbook.
    pub catalog: Arc<Catalog>,
}

/// Which pane the keys move in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// The list.
    #[default]
    List,
    /// What stands beside, below or instead of it.
    Detail,
}

/// Which way the Holders tab reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// From processes to what they hold.
    #[default]
    ByProcess,
    /// From paths to who holds them.
    ByPath,
}

/// How much the Mounts tab shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// What matters to temp dirs.
    #[default]
    Relevant,
    /// Everything.
    All,
}

/// One level below a temp dir in the Entries tab.
#[derive(Clone, Debug)]
pub struct Level {
    /// What was asked for.
    pub wish: ListWish,
    /// What it is called in the path of levels.
    pub title: String,
    /// What came back; `None` while it is being read.
    pub listing: Option<Listing>,
    /// Where the list above it stood.
    pub above: ListState,
}

/// What the tabs keep from frame to frame.
#[derive(Clone, Debug, Default)]
pub struct TabsState {
    /// Triage: sections that were opened or closed by hand.
    pub toggled: BTreeSet<String>,
    /// Entries: which temp dir.
    pub dir: Option<String>,
    /// Entries: the levels below it.
    pub levels: Vec<Level>,
    /// Entries: picked with Space, by the path at which they are reached.
    pub picked: BTreeSet<RawPath>,
    /// Holders: which way it reads.
    pub direction: Direction,
    /// Mounts: how much it shows.
    pub extent: Extent,
    /// Env: the selected column.
    pub column: Option<String>,
    /// Env: its place.
    pub column_at: usize,
}

/// The rows of the current tab, made when something changed and not before.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// All rows.
    pub table: Table,
    /// Those that pass the filter, in their order.
    pub shown: Vec<usize>,
    /// The widest text of each column.
    pub widths: Vec<usize>,
}

/// Everything that the screen knows.
#[derive(Debug)]
pub struct App {
    /// What the caller decided.
    pub settings: Settings,
    /// How everything looks.
    pub theme: Theme,
    /// Size of the terminal.
    pub size: (u16, u16),
    /// The wall clock.
    pub now: Option<WallNanos>,
    /// The look on screen.
    pub look: Option<Arc<Look>>,
    /// The last one that came while frozen.
    pub held_back: Option<Arc<Look>>,
    /// Whether looks are held back.
    pub frozen: bool,
    /// How far the first look is.
    pub progress: Option<Progress>,
    /// The current tab.
    pub tab: TabId,
    /// Which pane the keys move in.
    pub pane: Pane,
    /// How far the detail is scrolled.
    pub scroll: usize,
    /// What the tabs keep.
    pub tabs: TabsState,
    /// Sheets over the tab, the topmost last.
    pub overlays: Vec<Overlay>,
    /// What is known about changes.
    pub works: Works,
    /// The filter being typed.
    pub typing: Option<tui_input::Input>,
    /// Probes under way.
    pub probing: Vec<ProbeWish>,
    /// A line to show until the next key.
    pub note: Option<String>,
    /// What is taught, or was.
    pub lesson: Option<Lesson>,
    /// Whether the report is to be printed after leaving.
    pub report_wanted: bool,
    /// Where the recording stands, where it is one and not this machine.
    pub replay: Option<Replay>,
    /// Counts of the temp dirs over time.
    pub history: Histories,
    /// Names of uids, as processes carry them.
    pub names: BTreeMap<u32, String>,
    /// The rows of the current tab.
    pub view: View,
    lists: BTreeMap<TabId, ListState>,
    stale: bool,
}

impl App {
    /// A screen before the first look.
    pub fn new(settings: Settings) -> Self {
        let theme = Theme::new(settings.colors, settings.background, settings.ascii);
        let mut app = Self {
            settings,
            theme,
            size: (80, 24),
            now: None,
            look: None,
            held_back: None,
            frozen: false,
            progress: None,
            tab: TabId::Triage,
            pane: Pane::List,
            scroll: 0,
            tabs: TabsState::default(),
            overlays: Vec::new(),
            works: Works::default(),
            typing: None,
            probing: Vec::new(),
            note: None,
            lesson: None,
            report_wanted: false,
            replay: None,
            history: Histories::default(),
            names: BTreeMap::new(),
            view: View::default(),
            lists: TABS.iter().map(|tab| (tab.card().id, ListState::default())).collect(),
            stale: true,
        };
        app.refresh();
        app
    }

    /// What was seen, once something was.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.look.as_ref().map(|look| &look.snapshot)
    }

    /// The current tab.
    pub fn current(&self) -> &'static dyn Tab {
        self.tab(self.tab)
    }

    /// The tab of that id; a lesson stands where the findings stand.
    pub fn tab(&self, id: TabId) -> &'static dyn Tab {
        if id == TabId::Triage && self.teaching().is_some() {
            return &super::tabs::lesson::LessonTab;
        }
        super::tabs::tab(id)
    }

    /// Where its list stands.
    pub fn list(&self) -> &ListState {
        static NEW: std::sync::LazyLock<ListState> = std::sync::LazyLock::new(ListState::default);
        self.lists.get(&self.tab).unwrap_or(&NEW)
    }

    /// The same, to change it; the rows are made anew afterwards.
    pub fn list_mut(&mut self) -> &mut ListState {
        self.stale = true;
        self.lists.entry(self.tab).or_default()
    }

    /// The selected row.
    pub fn selected(&self) -> Option<&Row> {
        self.view.shown.get(self.list().at).and_then(|i| self.view.table.rows.get(*i))
    }

    /// What the keys act on.
    pub fn pick(&self) -> Pick {
        self.selected().map_or(Pick::Nothing, |row| row.pick.clone())
    }

    /// Selects the row at that place, and shows its detail from the top.
    pub fn go_to(&mut self, place: usize) {
        let list = self.lists.entry(self.tab).or_default();
        let before = list.cursor.clone();
        list.go_to(place, &self.view.table, &self.view.shown);
        if list.cursor != before {
            self.scroll = 0;
        }
    }

    /// Remembers that the rows no longer show what is known.
    pub fn mark_stale(&mut self) {
        self.stale = true;
    }

    /// Makes the rows of the current tab anew where something changed; those of hidden tabs are never made.
    pub fn refresh(&mut self) {
        if std::mem::take(&mut self.stale) {
            let table = self.current().table(self);
            let list = self.lists.entry(self.tab).or_default();
            let shown = list.shown(&table);
            list.settle(&table, &shown);
            let widths = table.natural_widths(list.sort);
            self.view = View { table, shown, widths };
        }
        let height = super::layout::list_height(self);
        let count = self.view.shown.len();
        let list = self.lists.entry(self.tab).or_default();
        list.offset = list.first_visible(height, count);
    }

    /// How old the look on screen is, where that is worth saying.
    pub fn staleness(&self) -> Option<Seconds> {
        let age = self.snapshot()?.taken.age_at(self.now?)?;
        // A calm machine is looked at every five seconds; what is younger than two such rests is as fresh as can be.
        (age.0 >= 10).then_some(age)
    }

    /// The name of a user, or its uid.
    pub fn user(&self, uid: u32) -> String {
        match self.names.get(&uid) {
            Some(name) => name.clone(),
            None if uid == 0 => "root".to_owned(),
            None => uid.to_string(),
        }
    }

    /// Whether we look with the rights of root.
    pub fn is_root(&self) -> bool {
        self.snapshot().is_some_and(|now| now.eyes.credentials.uid == 0)
    }
}
