//! A table as data: what a tab makes of a look, before anything is drawn.

use std::borrow::Cow;

use super::tabs::Pick;
use super::text;
use super::theme::Tone;

/// On which side a column lines up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// What a text loses where it has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Its end.
    End,
    /// Its middle: paths.
    Middle,
    /// Nothing: the column goes as a whole.
    Never,
}

/// One column.
#[derive(Clone, Debug)]
pub struct Column {
    /// What stands above it.
    pub title: Cow<'static, str>,
    /// On which side it lines up.
    pub align: Align,
    /// What its texts lose where there is no room.
    pub cut: Cut,
    /// Wider than this only where room is left.
    pub most: usize,
    /// Narrower than this it says nothing any more.
    pub least: usize,
    /// The greater, the earlier it goes where there is no room; 0 never.
    pub drop: u8,
    /// Whether one can sort by it.
    pub sorts: bool,
    /// Whether the greatest comes first when sorted.
    pub falls: bool,
}

impl Column {
    fn new(title: impl Into<Cow<'static, str>>, align: Align, cut: Cut) -> Self {
        Self {
            title: title.into(),
            align,
            cut,
            most: 24,
            least: 8,
            drop: 0,
            sorts: false,
            falls: align == Align::Right,
        }
    }

    /// Words that lose their end.
    pub fn text(title: impl Into<Cow<'static, str>>) -> Self {
        Self::new(title, Align::Left, Cut::End)
    }

    /// Paths that lose their middle.
    pub fn path(title: impl Into<Cow<'static, str>>) -> Self {
        Self::new(title, Align::Left, Cut::Middle)
    }

    /// Figures and symbols that lose nothing.
    pub fn fixed(title: impl Into<Cow<'static, str>>) -> Self {
        Self::new(title, Align::Left, Cut::Never)
    }

    /// Numbers.
    pub fn number(title: impl Into<Cow<'static, str>>) -> Self {
        Self::new(title, Align::Right, Cut::Never)
    }

    /// Wider than this only where room is left.
    pub fn at_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// Narrower than this it says nothing any more.
    pub fn at_least(self, least: usize) -> Self {
        Self { least, ..self }
    }

    /// Goes before those with a smaller number where there is no room.
    pub fn drops(self, drop: u8) -> Self {
        Self { drop, ..self }
    }

    /// One can sort by it.
    pub fn sorted(self) -> Self {
        Self { sorts: true, ..self }
    }
}

/// One cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// What stands in it.
    pub text: String,
    /// What that means.
    pub tone: Tone,
    /// What follows it, dim.
    pub note: String,
}

impl Cell {
    /// Plain text.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::toned(Tone::Plain, text)
    }

    /// Context.
    pub fn dim(text: impl Into<String>) -> Self {
        Self::toned(Tone::Dim, text)
    }

    /// Text with a meaning.
    pub fn toned(tone: Tone, text: impl Into<String>) -> Self {
        Self { text: text.into(), tone, note: String::new() }
    }

    /// With something dim behind it.
    pub fn noted(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// Columns that it takes.
    pub fn width(&self) -> usize {
        let note = text::width(&self.note);
        text::width(&self.text) + if note > 0 { note + 1 } else { 0 }
    }
}

/// By what a row is sorted in one column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// Nothing is known.
    Nothing,
    /// A number.
    Number(u64),
    /// A word.
    Text(String),
}

impl SortKey {
    /// The number, or nothing.
    pub fn maybe(number: Option<u64>) -> Self {
        number.map_or(Self::Nothing, Self::Number)
    }
}

/// Kinds of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// One thing.
    Item,
    /// A heading; its first cell goes through all columns.
    Section,
    /// Belongs to the row above it.
    Part,
}

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is, the same from look to look.
    pub id: String,
    /// What the keys act on when it is selected.
    pub pick: Pick,
    /// A thing, or a heading.
    pub kind: RowKind,
    /// One a column.
    pub cells: Vec<Cell>,
    /// One a column; may be shorter where no column sorts.
    pub keys: Vec<SortKey>,
}

impl Row {
    /// A thing.
    pub fn new(id: impl Into<String>, pick: Pick, cells: Vec<Cell>) -> Self {
        Self { id: id.into(), pick, kind: RowKind::Item, cells, keys: Vec::new() }
    }

    /// A heading.
    pub fn section(id: impl Into<String>, pick: Pick, title: Cell) -> Self {
        Self { kind: RowKind::Section, ..Self::new(id, pick, vec![title]) }
    }

    /// Everything that a filter looks at.
    pub fn text(&self) -> String {
        let parts = self.cells.iter().flat_map(|c| [c.text.as_str(), c.note.as_str()]);
        parts.collect::<Vec<_>>().join(" ")
    }
}

/// What a list shows.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, in the tab's own order.
    pub rows: Vec<Row>,
    /// What it is, for the title line.
    pub title: Vec<(String, Tone)>,
    /// What one of its rows is called: "vantage".
    pub noun: (&'static str, &'static str),
    /// Lines above the rows: sums, and what could not be seen.
    pub banner: Vec<(String, Tone)>,
    /// What stands there instead of rows where there are none.
    pub empty: Vec<(String, Tone)>,
    /// Whether the titles of the columns are drawn.
    pub headless: bool,
    /// For a matrix: which column is selected; the first column stays while the others scroll.
    pub column: Option<usize>,
    /// What is still being read, in place of a count.
    pub reading: Option<String>,
}

impl Table {
    /// An empty table with those columns.
    pub fn new(columns: Vec<Column>) -> Self {
        Self { columns, noun: ("row", "rows"), ..Self::default() }
    }

    /// The widest text of each column, its title included; the sorted one has an arrow behind its title.
    pub fn natural_widths(&self, sorted: Option<usize>) -> Vec<usize> {
        let title = |(position, column): (usize, &Column)| {
            let arrow = if sorted == Some(position) { 2 } else { 0 };
            if self.headless { 0 } else { text::width(&column.title) + arrow }
        };
        let mut widths: Vec<usize> = self.columns.iter().enumerate().map(title).collect();
        for row in self.rows.iter().filter(|row| row.kind != RowKind::Section) {
            for (width, cell) in widths.iter_mut().zip(&row.cells) {
                *width = (*width).max(cell.width());
            }
        }
        widths
    }

    /// How many things are in it, headings and parts apart.
    pub fn items(&self) -> usize {
        self.rows.iter().filter(|row| row.kind == RowKind::Item).count()
    }
}
