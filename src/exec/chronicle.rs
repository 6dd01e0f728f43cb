//! The journals of all homes as one: while `/var/lib` cannot be written work is written down in `/run`, and whoever takes
//! something back asks for it by its number, not by where that is known.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::journal::{Begin, Record, WorkId};
use crate::model::units::WallNanos;

/// What the journal that is written now says, and what others say that can only be read, in the order of their beginnings.
///
/// Left out of the others is what has the number of another work (two homes that did not see each other), and what has not
/// ended and no lock of a quarantine protects: its owner may be at work. What became of a work of another home, found out
/// after it was interrupted, stands in ours, behind what that home says of it.
pub fn join(own: Vec<Record>, others: Vec<Vec<Record>>) -> Vec<Record> {
    let mut known: BTreeSet<WorkId> = own.iter().filter_map(begin_of).map(|begin| begin.work).collect();
    let mut all = Vec::new();
    for records in others {
        let fit = fit(&records, &known);
        all.extend(records.into_iter().filter(|record| fit.contains(&work_of(record))));
        known.extend(fit);
    }
    all.extend(own);
    let begun: BTreeMap<WorkId, WallNanos> =
        all.iter().filter_map(begin_of).map(|begin| (begin.work, begin.time)).collect();
    all.sort_by_key(|record| begun.get(&work_of(record)).copied());
    all
}

/// The works of another home that are not left out, where these are known.
pub fn fit(records: &[Record], known: &BTreeSet<WorkId>) -> BTreeSet<WorkId> {
    let ended: BTreeSet<WorkId> =
        records.iter().filter(|record| matches!(record, Record::End { .. })).map(work_of).collect();
    records
        .iter()
        .filter_map(begin_of)
        .filter(|begin| ended.contains(&begin.work) || begin.quarantine.is_some())
        .map(|begin| begin.work)
        .filter(|work| !known.contains(work))
        .collect()
}

/// The last number that a work has.
pub fn last<'r>(records: impl IntoIterator<Item = &'r Record>) -> WorkId {
    records.into_iter().map(work_of).max().unwrap_or_default()
}

fn begin_of(record: &Record) -> Option<&Begin> {
    match record {
        Record::Begin(begin) => Some(begin),
        Record::Intent { .. } | Record::Outcome { .. } | Record::End { .. } => None,
    }
}

/// The work to which a record belongs.
pub fn work_of(record: &Record) -> WorkId {
    match record {
        Record::Begin(begin) => begin.work,
        Record::Intent { work, .. } | Record::Outcome { work, .. } | Record::End { work, .. } => *work,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mount::Device;
    use crate::model::plan::ObjectId;
    use crate::model::vantage::Kind;

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum How {
        Ended,
        Open,
        OpenWithoutQuarantine,
    }

    fn work(number: u64, time: i64, how: How) -> Vec<Record> {
        let in_quarantine = how != How::OpenWithoutQuarantine;
        let object =
            ObjectId { mount_id: 1, device: Device::default(), inode: 1, kind: Kind::Directory, born: None };
        let work = WorkId(number);
        let begin = Begin {
            work,
            time: WallNanos(time),
            action: "clean".into(),
            title: String::new(),
            finding: None,
            digest: String::new(),
            boot_id: "b".into(),
            uid: 0,
            login_uid: None,
            undoes: None,
            place: in_quarantine.then(|| ("/tmp".into(), object)),
            quarantine: in_quarantine.then(|| (".q".into(), object)),
        };
        let end = Record::End { work, time: WallNanos(time), before: Vec::new(), after: Vec::new() };
        let mut records = vec![Record::Begin(begin), Record::Outcome { work, steps: Vec::new() }];
        records.extend((how == How::Ended).then_some(end));
        records
    }

    fn numbers(records: &[Record]) -> Vec<u64> {
        records.iter().filter_map(begin_of).map(|begin| begin.work.0).collect()
    }

    #[test]
    fn works_of_all_homes_stand_in_the_order_in_which_they_began() {
        let own = [work(1, 10, How::Ended), work(3, 30, How::Ended)].concat();
        let joined = join(own, vec![work(2, 20, How::Ended), work(4, 40, How::Ended)]);
        assert_eq!(numbers(&joined), [1, 2, 3, 4]);
        assert_eq!(joined.len(), 12, "with everything that belongs to them");
    }

    #[test]
    fn another_work_of_the_same_number_is_not_mixed_into_ours() {
        let own = work(1, 10, How::Ended);
        assert_eq!(join(own.clone(), vec![work(1, 20, How::Ended)]), own);
    }

    #[test]
    fn what_somebody_may_be_at_is_left_to_them() {
        let others = vec![work(1, 10, How::OpenWithoutQuarantine), work(2, 20, How::Open)];
        assert_eq!(numbers(&join(Vec::new(), others)), [2], "that one has a lock to be asked for");
    }

    #[test]
    fn what_was_found_out_about_an_interrupted_work_of_another_home_is_known_with_it() {
        let (theirs, whole) = (work(1, 10, How::Open), work(1, 10, How::Ended));
        let found: Vec<Record> = whole.iter().skip(1).cloned().collect();
        let own = [found, work(2, 20, How::Ended)].concat();
        let joined = join(own, vec![theirs.clone()]);
        assert_eq!(joined[..theirs.len()], theirs, "what was done comes before what became of it");
        assert!(matches!(joined[theirs.len() + 1], Record::End { work: WorkId(1), .. }));
        assert_eq!(numbers(&joined), [1, 2]);
    }
}
