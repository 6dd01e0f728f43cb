//! What lies aside for so long that nobody will miss it: said wherever it may be read.

use crate::cmd::clean::entries;
use crate::cmd::workshop::{begin_of, homes, journals, now};
use crate::exec::{journal, undo};
use crate::model::journal::{Begin, Record};
use crate::model::units::{Bytes, Seconds};
use crate::sys::dirfd;

/// How much lies aside for longer than the site lets it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    entries: u64,
    bytes: Bytes,
    after: Seconds,
}

impl Due {
    /// In one line; nothing where nothing is due.
    pub fn told(&self) -> Option<String> {
        let verb = if self.entries == 1 { "was" } else { "were" };
        let (count, Self { bytes, after, .. }) = (entries(self.entries), self);
        (self.entries > 0)
            .then(|| format!("{count}, {bytes}, {verb} put aside more than {after} ago: tmpmedic purge"))
    }

    fn and(self, other: Self) -> Self {
        Self {
            entries: self.entries.saturating_add(other.entries),
            bytes: Bytes(self.bytes.0.saturating_add(other.bytes.0)),
            after: other.after,
        }
    }
}

/// By one journal.
fn due(records: &[Record], after: Seconds) -> Due {
    let (aside, now) = (undo::all_aside(records), now());
    let is_due = |begin: &&Begin| begin.time.age_at(now).is_some_and(|age| age >= after) && is_there(begin);
    let due = records.iter().filter_map(begin_of).filter(|begin| aside.contains_key(&begin.work));
    let due = due.filter(is_due).filter_map(|begin| aside.get(&begin.work)).flatten();
    due.fold(Due { after, ..Due::default() }, |sum, aside| {
        sum.and(Due { entries: 1, bytes: aside.bytes.unwrap_or_default(), after })
    })
}

/// By the journals of this user, as far as they can be read.
pub fn due_here(own: u32, after: Seconds) -> Due {
    let records = journals(&homes(own), own, journal::records).filter_map(|(_, read)| read.ok());
    records.fold(Due::default(), |sum, content| sum.and(due(&content.records, after)))
}

/// A temp dir that went with the last boot took its quarantine with it.
fn is_there(begin: &Begin) -> bool {
    let (Some((place, _)), Some((name, _))) = (&begin.place, &begin.quarantine) else { return false };
    dirfd::open_resolved(place.join(name.as_bytes()).as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_due_is_worth_a_word() {
        assert_eq!(Due::default().told(), None);
        let one = Due { entries: 1, bytes: Bytes(4096), after: Seconds(7 * 86_400) };
        assert_eq!(
            one.told().as_deref(),
            Some("1 entry, 4.00 K, was put aside more than 7 d ago: tmpmedic purge")
        );
        let more = one.and(Due { entries: 688, bytes: Bytes(0), after: one.after });
        assert!(more.told().is_some_and(|text| text.starts_with("689 entries, 4.00 K, were put aside")));
    }
}
