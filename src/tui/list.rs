//! Where one list stands: the selected row, what is filtered out, how it is sorted.
//!
//! The selection is the identity of a row, not its place, so it stays on the same thing while rows come and go.

use super::table::{RowKind, Table};

/// Which end of an order comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As the tab gives it: the worst, the greatest, the first by name.
    #[default]
    Usual,
    /// The other way round.
    Reversed,
}

/// Where one list stands.
#[derive(Clone, Debug, Default)]
pub struct ListState {
    /// The selected row.
    pub cursor: Option<String>,
    /// Its place among the rows shown.
    pub at: usize,
    /// The first row on screen.
    pub offset: usize,
    /// Words that a row must hold.
    pub filter: String,
    /// The column that it is sorted by; none is the tab's own order.
    pub sort: Option<usize>,
    /// Which end comes first.
    pub order: Order,
}

impl ListState {
    /// The rows of `table` that pass the filter, in their order.
    pub fn shown(&self, table: &Table) -> Vec<usize> {
        let mut shown = self.filtered(table);
        if let Some(column) = self.sort {
            let falls = table.columns.get(column).is_some_and(|c| c.falls);
            shown.sort_by(|a, b| {
                let key = |i: &usize| table.rows.get(*i).and_then(|row| row.keys.get(column));
                if falls { key(b).cmp(&key(a)) } else { key(a).cmp(&key(b)) }
            });
        }
        if self.order == Order::Reversed {
            shown.reverse();
        }
        shown
    }

    fn filtered(&self, table: &Table) -> Vec<usize> {
        let wanted: Vec<String> = self.filter.split_whitespace().map(str::to_lowercase).collect();
        if wanted.is_empty() {
            return (0..table.rows.len()).collect();
        }
        let mut shown = Vec::new();
        let mut section = None;
        for (position, row) in table.rows.iter().enumerate() {
            if row.kind == RowKind::Section {
                section = Some(position);
            }
            let text = row.text().to_lowercase();
            if wanted.iter().all(|word| text.contains(word)) {
                // A matching row brings the heading that it stands under.
                shown.extend(section.take().filter(|s| *s != position));
                shown.push(position);
                if row.kind == RowKind::Section {
                    section = None;
                }
            }
        }
        shown
    }

    /// Puts the selection back on its row after the rows have changed; where it is gone, its place stays.
    pub fn settle(&mut self, table: &Table, shown: &[usize]) {
        let id_at = |place: usize| shown.get(place).and_then(|i| table.rows.get(*i)).map(|row| &row.id);
        let found = self.cursor.as_ref().and_then(|id| (0..shown.len()).find(|p| id_at(*p) == Some(id)));
        self.at = found.unwrap_or_else(|| self.at.min(shown.len().saturating_sub(1)));
        // An empty list keeps the identity: a look that went blind for a moment does not lose the place.
        if let Some(id) = id_at(self.at) {
            self.cursor = Some(id.clone());
        }
    }

    /// Selects the row at that place.
    pub fn go_to(&mut self, place: usize, table: &Table, shown: &[usize]) {
        self.at = place.min(shown.len().saturating_sub(1));
        self.cursor = shown.get(self.at).and_then(|i| table.rows.get(*i)).map(|row| row.id.clone());
    }

    /// The first row to draw so that the selected one is among `height` rows.
    pub fn first_visible(&self, height: usize, count: usize) -> usize {
        let height = height.max(1);
        let lowest = (self.at + 1).saturating_sub(height);
        self.offset.clamp(lowest, self.at.max(lowest)).min(count.saturating_sub(height).max(lowest))
    }

    /// Sorts by the next column that can be sorted by, then by none.
    pub fn sort_next(&mut self, table: &Table) {
        let sortable = |i: &usize| table.columns.get(*i).is_some_and(|c| c.sorts);
        let from = self.sort.map_or(0, |column| column + 1);
        self.sort = (from..table.columns.len()).find(sortable);
        self.order = Order::Usual;
    }

    /// Turns the order round.
    pub fn reverse(&mut self) {
        self.order = match self.order {
            Order::Usual => Order::Reversed,
            Order::Reversed => Order::Usual,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::table::{Cell, Column, Row, SortKey};
    use crate::tui::tabs::Pick;

    fn table(rows: &[(&str, u64)]) -> Table {
        let mut table = Table::new(vec![Column::text("NAME").sorted(), Column::number("N").sorted()]);
        for (name, n) in rows {
            let keys = vec![SortKey::Text((*name).to_owned()), SortKey::Number(*n)];
            let cells = vec![Cell::plain(*name), Cell::plain(n.to_string())];
            table.rows.push(Row { keys, ..Row::new(*name, Pick::Nothing, cells) });
        }
        table
    }

    #[test]
    fn the_selection_stays_on_the_same_thing_while_rows_come_and_go() {
        let before = table(&[("a", 1), ("b", 2), ("c", 3)]);
        let mut state = ListState::default();
        let shown = state.shown(&before);
        state.go_to(1, &before, &shown);
        let after = table(&[("x", 9), ("y", 9), ("a", 1), ("b", 2)]);
        let shown = state.shown(&after);
        state.settle(&after, &shown);
        assert_eq!((state.cursor.as_deref(), state.at), (Some("b"), 3));
    }

    #[test]
    fn a_row_that_is_gone_leaves_the_selection_in_its_place() {
        let before = table(&[("a", 1), ("b", 2), ("c", 3)]);
        let mut state = ListState::default();
        let shown = state.shown(&before);
        state.go_to(2, &before, &shown);
        let after = table(&[("a", 1), ("b", 2)]);
        let shown = state.shown(&after);
        state.settle(&after, &shown);
        assert_eq!(state.cursor.as_deref(), Some("b"));
    }

    #[test]
    fn numbers_sort_as_numbers_the_greatest_first() {
        let table = table(&[("a", 9), ("b", 100), ("c", 20)]);
        let mut state = ListState { sort: Some(1), ..ListState::default() };
        assert_eq!(state.shown(&table), [1, 2, 0]);
        state.reverse();
        assert_eq!(state.shown(&table), [0, 2, 1]);
    }

    #[test]
    fn every_word_of_a_filter_must_occur_whatever_its_case() {
        let table = table(&[("go-build 1", 1), ("rustc 1", 2), ("GO other", 3)]);
        let state = ListState { filter: "go  1".into(), ..ListState::default() };
        assert_eq!(state.shown(&table), [0]);
    }

    #[test]
    fn a_match_brings_its_heading_along() {
        let mut table = table(&[("first", 1), ("a", 1), ("second", 1), ("b", 2)]);
        table.rows[0].kind = RowKind::Section;
        table.rows[2].kind = RowKind::Section;
        let state = ListState { filter: "b".into(), ..ListState::default() };
        assert_eq!(state.shown(&table), [2, 3]);
    }

    #[test]
    fn the_selected_row_is_always_among_those_drawn() {
        for (at, offset, height, count) in
            [(0, 9, 5, 20), (19, 0, 5, 20), (3, 0, 1, 4), (0, 0, 0, 0), (7, 7, 5, 8)]
        {
            let state = ListState { at, offset, ..ListState::default() };
            let first = state.first_visible(height, count);
            assert!(first <= at && at < first + height.max(1), "{at} {offset} {height} {count}: {first}");
        }
    }
}
