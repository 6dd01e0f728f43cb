//! Tests of a journal that begins anew, and of whoever only looks.

#![expect(clippy::disallowed_methods, reason = "a test looks at its own private directory by path")]

use std::cell::Cell;

use super::tests::{place, record};
use super::*;
use crate::model::journal::{Begin, Came, Done};

pub(super) fn begin(n: u64) -> Record {
    Record::Begin(Begin {
        work: WorkId(n),
        time: crate::model::units::WallNanos(0),
        action: "clean".into(),
        title: "x".repeat(500),
        finding: None,
        digest: String::new(),
        boot_id: String::new(),
        uid: 0,
        login_uid: None,
        undoes: None,
        place: None,
        quarantine: None,
    })
}

pub(super) fn end(n: u64) -> Record {
    let time = crate::model::units::WallNanos(1);
    Record::End { work: WorkId(n), time, before: Vec::new(), after: Vec::new() }
}

fn work(n: u64) -> [Record; 3] {
    [begin(n), record(n), end(n)]
}

fn filled(handle: &OwnedFd, own: u32, works: std::ops::Range<u64>) -> Opened {
    let mut opened = Journal::open(handle.as_fd(), own).unwrap();
    for record in works.flat_map(work) {
        opened.journal.add(&record).unwrap();
        opened.records.push(record);
    }
    opened
}

fn names(dir: &tempfile::TempDir) -> Vec<String> {
    let names =
        std::fs::read_dir(dir.path()).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn one_that_begins_anew_holds_what_matters_and_goes_on_and_its_archive_keeps_the_rest() {
    let (dir, handle, own) = place();
    let mut opened = filled(&handle, own, 1..20);
    let matters = BTreeSet::from([WorkId(3), WorkId(7)]);
    assert!(opened.journal.begin_anew(handle.as_fd(), (&mut opened.records, &matters), &|| true).unwrap());
    let kept: Vec<Record> = work(3).into_iter().chain(work(7)).chain([begin(19), end(19)]).collect();
    assert_eq!(opened.records, kept);
    opened.journal.add(&begin(20)).unwrap();
    drop(opened);
    assert_eq!(names(&dir), ["journal", "journal-0-56", "lock"]);
    let again = Journal::open(handle.as_fd(), own).unwrap();
    assert_eq!((again.torn, &again.records[..kept.len()]), (0, &kept[..]));
    assert_eq!(again.records.last(), Some(&begin(20)));
    assert_eq!(again.journal.tip.sequence, 57 + 9, "the chain goes on");
    let all: Vec<Record> = (1..20).flat_map(work).chain([begin(20)]).collect();
    assert_eq!(History::read(handle.as_fd(), own).unwrap().records, all);
}

#[test]
fn one_that_begins_anew_still_knows_each_quarantine_and_whose_removal_left_something_there() {
    let (_dir, handle, own) = place();
    let mut opened = filled(&handle, own, 1..20);
    let began = |n, quarantine: &str| match begin(n) {
        Record::Begin(plain) => {
            let object = crate::exec::object::of(handle.as_fd()).unwrap().0;
            let inside = Some((quarantine.into(), object));
            Record::Begin(Begin { place: Some(("/tmp".into(), object)), quarantine: inside, ..plain })
        }
        other => other,
    };
    let gone = Done::Failed { errno: Some(crate::model::errno::Errno(2)), why: String::new() };
    let rests = Record::Outcome { work: WorkId(20), steps: vec![Came { step: 0, done: gone }] };
    let before = [began(20, "q"), record(20), rests.clone(), end(20), began(21, "q"), record(21), end(21)];
    let after = [began(22, "q"), record(22), end(22), began(23, "r"), record(23), end(23)];
    for record in before.into_iter().chain(after).chain(work(24)) {
        opened.journal.add(&record).unwrap();
        opened.records.push(record);
    }
    assert!(
        opened.journal.begin_anew(handle.as_fd(), (&mut opened.records, &BTreeSet::new()), &|| true).unwrap()
    );
    let kept = [began(20, "q"), rests, end(20), began(22, "q"), end(22), began(23, "r"), end(23)];
    assert_eq!(opened.records, kept.into_iter().chain([begin(24), end(24)]).collect::<Vec<_>>());
}

#[test]
fn where_hardly_anything_could_stay_behind_it_goes_on() {
    let (dir, handle, own) = place();
    let mut opened = filled(&handle, own, 1..20);
    let matters: BTreeSet<WorkId> = (1..15).map(WorkId).collect();
    assert!(!opened.journal.begin_anew(handle.as_fd(), (&mut opened.records, &matters), &|| true).unwrap());
    assert_eq!(names(&dir), ["journal", "lock"]);
}

#[test]
fn a_kill_at_any_change_leaves_one_whole_journal_that_goes_on() {
    let matters = BTreeSet::from([WorkId(3)]);
    let mut points = 0_u32;
    loop {
        let (dir, handle, own) = place();
        let mut opened = filled(&handle, own, 1..20);
        let old = opened.records.clone();
        let mut left: u32 = points;
        let mut step = || {
            left = left.checked_sub(1).ok_or_else(|| io::Error::other("killed"))?;
            Ok(())
        };
        let mut records = old.clone();
        let done = rotate::rotate(
            &mut opened.journal,
            handle.as_fd(),
            (&mut records, &matters),
            &|| true,
            &mut step,
        )
        .is_ok();
        drop(opened);
        // What a kill in the middle of writing leaves.
        if points == 2 {
            std::fs::write(dir.path().join("journal-new"), "half").unwrap();
        }
        let mut again = Journal::open(handle.as_fd(), own).unwrap();
        assert!(again.records == old || again.records == records, "killed at {points}");
        assert_eq!((again.torn, &again.copy), (0, &None), "killed at {points}");
        again.journal.add(&begin(20)).unwrap();
        assert!(!names(&dir).contains(&"journal-new".to_owned()));
        let all: Vec<Record> = old.into_iter().chain([begin(20)]).collect();
        assert_eq!(History::read(handle.as_fd(), own).unwrap().records, all, "killed at {points}");
        again.records.push(begin(20));
        again.journal.begin_anew(handle.as_fd(), (&mut again.records, &matters), &|| true).unwrap();
        assert_eq!(History::read(handle.as_fd(), own).unwrap().records, all, "and again");
        points += 1;
        if done && points > 7 {
            break;
        }
        assert!(points < 20);
    }
}

#[test]
fn only_the_newest_archives_are_kept() {
    let (dir, handle, own) = place();
    for round in 0..12 {
        let mut opened = filled(&handle, own, round * 10 + 1..round * 10 + 11);
        let none = BTreeSet::new();
        let begun = opened.journal.begin_anew(handle.as_fd(), (&mut opened.records, &none), &|| true);
        assert!(begun.unwrap(), "{round}");
    }
    assert_eq!(names(&dir).len(), 8 + 2, "{:?}", names(&dir));
    let known = History::read(handle.as_fd(), own).unwrap().records;
    assert!(known.contains(&record(120)) && !known.contains(&record(1)));
    assert_eq!(Journal::open(handle.as_fd(), own).unwrap().records, [begin(120), end(120)]);
}

#[test]
fn the_last_room_is_for_those_who_free_some() {
    let (dir, handle, own) = place();
    drop(filled(&handle, own, 1..2));
    let path = dir.path().join(NAME);
    let mut opened = Journal::open(handle.as_fd(), own).unwrap();
    opened.journal.file.seek(SeekFrom::Start(LARGEST - SPARE)).unwrap();
    let refused = opened.journal.reserve(1).unwrap_err();
    assert!(refused.to_string().contains("tmpmedic purge"), "{refused}");
    opened.journal.use_spare_room();
    opened.journal.reserve(4096).unwrap();
    drop(opened);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn whoever_only_looked_has_changed_nothing() {
    let (dir, handle, own) = place();
    drop(filled(&handle, own, 1..20));
    let path = dir.path().join(NAME);
    let mut torn = std::fs::read(&path).unwrap();
    torn.truncate(torn.len() - 3);
    std::fs::write(&path, &torn).unwrap();
    std::fs::write(dir.path().join("journal-new"), "half").unwrap();
    let before = names(&dir);
    let found = Found::look(handle.as_fd(), own).unwrap();
    assert!(matches!(Found::look(handle.as_fd(), own), Err(JournalError::Busy)), "it is ours");
    drop(found);
    assert_eq!((std::fs::read(&path).unwrap(), names(&dir)), (torn, before));
    let opened = Found::look(handle.as_fd(), own).unwrap().take_up(handle.as_fd()).unwrap();
    assert!(opened.torn > 0);
    assert_eq!(names(&dir), ["journal", "lock"]);
}

#[test]
fn a_stop_at_any_question_leaves_the_journal_as_it_was_or_begun_anew() {
    let matters = BTreeSet::from([WorkId(3)]);
    for questions in 0_u32.. {
        let (dir, handle, own) = place();
        let mut opened = filled(&handle, own, 1..20);
        let (old, before) = (opened.records.clone(), std::fs::read(dir.path().join(NAME)).unwrap());
        let left = Cell::new(questions);
        let goes_on = || left.replace(left.get().saturating_sub(1)) > 0;
        let begun = opened.journal.begin_anew(handle.as_fd(), (&mut opened.records, &matters), &goes_on);
        let begun = begun.unwrap();
        opened.journal.add(&begin(20)).unwrap();
        drop(opened);
        let all: Vec<Record> = old.iter().cloned().chain([begin(20)]).collect();
        if begun {
            assert_eq!(History::read(handle.as_fd(), own).unwrap().records, all);
            assert!(questions > 3, "it was asked");
            break;
        }
        assert_eq!(names(&dir), ["journal", "lock"], "stopped at {questions}");
        assert!(std::fs::read(dir.path().join(NAME)).unwrap().starts_with(&before));
        assert_eq!(Journal::open(handle.as_fd(), own).unwrap().records, all);
    }
}
