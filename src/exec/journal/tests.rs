//! Tests of [`super`]: whatever became of the file, nothing in it is lost and nothing is acted on that does not hold.

#![expect(clippy::disallowed_methods, reason = "a test looks at its own private directory by path")]

use std::cell::Cell;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;
use crate::exec::undo;
use crate::model::journal::{Act, Begin, Change, Done, WorkId};
use crate::sys::{dirfd, scratch};

fn place() -> (tempfile::TempDir, OwnedFd, u32) {
    let dir = scratch::dir();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o700)).unwrap();
    let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
    (dir, handle, rustix::process::geteuid().as_raw())
}

fn record(n: u64) -> Record {
    let change = Change::Call { line: "true".to_owned() };
    Record::Intent { work: WorkId(n), steps: vec![Act { step: 0, change }] }
}

#[test]
fn goes_on_where_the_last_one_stopped() {
    let (_dir, handle, own) = place();
    for n in 0..3 {
        let mut opened = Journal::open(handle.as_fd(), own).unwrap();
        assert_eq!(opened.records, (0..n).map(record).collect::<Vec<_>>());
        opened.journal.add(&record(n)).unwrap();
    }
    assert_eq!(records(handle.as_fd(), own).unwrap().records.len(), 3);
}

#[test]
fn a_torn_tail_is_cut_off_and_the_rest_goes_on() {
    let (dir, handle, own) = place();
    let mut opened = Journal::open(handle.as_fd(), own).unwrap();
    opened.journal.add(&record(0)).unwrap();
    opened.journal.add(&record(1)).unwrap();
    drop(opened);
    let path = dir.path().join(NAME);
    let length = std::fs::read(&path).unwrap().len() as u64;
    File::options().write(true).open(&path).unwrap().set_len(length - 3).unwrap();
    let mut opened = Journal::open(handle.as_fd(), own).unwrap();
    assert_eq!(opened.records, [record(0)]);
    assert!(opened.torn > 0);
    opened.journal.add(&record(2)).unwrap();
    assert_eq!(records(handle.as_fd(), own).unwrap().records, [record(0), record(2)]);
}

#[test]
fn whatever_byte_is_damaged_the_records_behind_it_are_kept_beside() {
    let (dir, handle, own) = place();
    let mut opened = Journal::open(handle.as_fd(), own).unwrap();
    for n in 0..3 {
        opened.journal.add(&record(n)).unwrap();
    }
    drop(opened);
    let path = dir.path().join(NAME);
    let whole = std::fs::read(&path).unwrap();
    for at in (0..whole.len() / 3 * 2).step_by(7) {
        let mut bad = whole.clone();
        bad[at] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        let opened = Journal::open(handle.as_fd(), own).unwrap();
        assert!(opened.records.len() < 2 + usize::from(at >= whole.len() / 3), "byte {at}");
        let copy = dir.path().join(opened.copy.expect("more than a tail is cut off"));
        assert_eq!(std::fs::read(copy).unwrap(), bad);
    }
}

#[test]
fn a_torn_tail_leaves_no_copy() {
    let (dir, handle, own) = place();
    let mut opened = Journal::open(handle.as_fd(), own).unwrap();
    opened.journal.add(&record(0)).unwrap();
    opened.journal.add(&record(1)).unwrap();
    drop(opened);
    let path = dir.path().join(NAME);
    let whole = std::fs::read(&path).unwrap();
    for length in (0..=whole.len()).rev() {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(Journal::open(handle.as_fd(), own).unwrap().copy, None, "cut at {length}");
    }
}

#[test]
fn what_could_not_be_read_again_is_not_begun() {
    let (dir, handle, own) = place();
    let mut opened = Journal::open(handle.as_fd(), own).unwrap();
    assert!(matches!(opened.journal.reserve(LARGEST + 1), Err(JournalError::TooLarge(_))));
    drop(opened);
    let path = dir.path().join(NAME);
    File::options().write(true).open(&path).unwrap().set_len(LARGEST + 1).unwrap();
    assert!(matches!(Journal::open(handle.as_fd(), own), Err(JournalError::TooLarge(_))));
    assert_eq!(std::fs::metadata(&path).unwrap().len(), LARGEST + 1, "nothing of it is cut off");
}

#[test]
fn two_instances_exclude_each_other() {
    let (_dir, handle, own) = place();
    let first = Journal::open(handle.as_fd(), own).unwrap();
    assert!(matches!(Journal::open(handle.as_fd(), own), Err(JournalError::Busy)));
    drop(first);
    assert!(Journal::open(handle.as_fd(), own).is_ok());
}

#[test]
fn a_directory_that_others_may_enter_is_refused() {
    let (dir, handle, own) = place();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let refused = Journal::open(handle.as_fd(), own).unwrap_err();
    assert!(matches!(refused, JournalError::NotOurs { mode: 0o755, .. }));
}

#[test]
fn a_link_in_its_place_is_not_followed() {
    let (dir, handle, own) = place();
    let target = dir.path().join("target");
    std::fs::write(&target, "kept").unwrap();
    std::os::unix::fs::symlink(&target, dir.path().join(NAME)).unwrap();
    assert!(Journal::open(handle.as_fd(), own).is_err());
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "kept");
}

#[test]
fn steps_with_names_that_are_all_escapes_are_written_down_in_as_many_records_as_it_takes() {
    let (_dir, handle, own) = place();
    let act = |step: u64| {
        let line = format!("{}{step:06}", "\u{1}".repeat(249));
        Act { step, change: Change::Call { line } }
    };
    let steps: Vec<Act> = (0..6_000).map(act).collect();
    let mut opened = Journal::open(handle.as_fd(), own).unwrap();
    opened.journal.add(&Record::Intent { work: WorkId(1), steps: steps.clone() }).unwrap();
    opened.journal.add(&record(2)).unwrap();
    let read = records(handle.as_fd(), own).unwrap().records;
    assert!(read.len() > 2, "it fits into one");
    let all = read.iter().flat_map(|record| match record {
        Record::Intent { work: WorkId(1), steps } => steps.clone(),
        _ => Vec::new(),
    });
    assert_eq!(all.collect::<Vec<_>>(), steps);
}

fn begin(n: u64) -> Record {
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

fn end(n: u64) -> Record {
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

/// Something that is written of work `n`, about steps and names that others may be about too.
fn any_record() -> impl Strategy<Value = Record> {
    let object = crate::model::plan::ObjectId {
        mount_id: 1,
        device: crate::model::mount::Device::default(),
        inode: 1,
        kind: crate::model::vantage::Kind::File,
        born: None,
    };
    let slot = prop_oneof![
        (1_u64..4, 0_u64..6).prop_map(|(of, n)| format!("{of}-{n}")),
        Just("1-01".to_owned()),
        Just("odd".to_owned()),
    ];
    let change = (0_u8..8, slot).prop_map(move |(kind, slot)| {
        let slot = crate::model::raw_path::RawPath::from(slot.as_str());
        match kind {
            0..=3 => Change::Quarantine { name: "n".into(), object, slot, bytes: None },
            4 => Change::GiveBack { slot, object, name: "n".into() },
            5 | 6 => Change::Purge { slot, object },
            _ => Change::Call { line: "true".into() },
        }
    });
    let done = prop_oneof![
        4 => Just(Done::Done { changed: None }),
        1 => Just(Done::Kept { why: String::new() }),
        1 => (0_i32..4).prop_map(|n| Done::Failed {
            errno: Some(crate::model::errno::Errno(n)),
            why: String::new()
        }),
    ];
    let act = (0_u64..6, change).prop_map(|(step, change)| Act { step, change });
    // Of one step a record says one thing.
    let came = proptest::collection::btree_map(0_u64..6, done, 0..6)
        .prop_map(|all| all.into_iter().map(|(step, done)| Came { step, done }).collect());
    (1_u64..5).prop_flat_map(move |n| {
        let work = WorkId(n);
        prop_oneof![
            1 => Just(begin(n)),
            1 => Just(end(n)),
            3 => proptest::collection::vec(act.clone(), 0..6)
                .prop_map(move |steps| Record::Intent { work, steps }),
            3 => came.clone().prop_map(move |steps| Record::Outcome { work, steps }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_held_of_a_journal_says_what_all_of_it_says(
        all in proptest::collection::vec(any_record(), 0..40),
    ) {
        let mut journal = Journal::in_memory().unwrap();
        for record in &all {
            journal.add(record).unwrap();
        }
        let held = read(Some(&journal.file)).unwrap();
        prop_assert_eq!(&held.tally, journal.tally());
        let aside = undo::all_aside(&all);
        prop_assert_eq!(&undo::all_aside(&held.records), &aside);
        let counted = held.tally.aside(&|_| true).into_iter().map(|(work, steps)| (work, steps.count()));
        prop_assert_eq!(
            counted.collect::<Vec<_>>(),
            aside.iter().map(|(work, aside)| (*work, aside.len() as u64)).collect::<Vec<_>>()
        );
        for n in 1..5 {
            let is = |record: &Record, frame: fn(&Record) -> bool| {
                crate::exec::chronicle::work_of(record) == WorkId(n) && frame(record)
            };
            let has = |frame| all.iter().any(|record| is(record, frame));
            let is_over = has(|it| matches!(it, Record::Begin(_))) && has(|it| matches!(it, Record::End { .. }));
            if !is_over {
                prop_assert_eq!(undo::steps_of(&held.records, WorkId(n)), undo::steps_of(&all, WorkId(n)));
            }
        }
    }
}

#[test]
fn of_hundreds_of_thousands_of_steps_that_are_settled_none_is_held() {
    let object = crate::model::plan::ObjectId {
        mount_id: 1,
        device: crate::model::mount::Device::default(),
        inode: 1,
        kind: crate::model::vantage::Kind::File,
        born: None,
    };
    let mut journal = Journal::in_memory().unwrap();
    let mut tell = |n: u64, change: &dyn Fn(u64) -> Change| {
        let work = WorkId(n);
        journal.add(&begin(n)).unwrap();
        for first in (0..300_000).step_by(10_000) {
            let steps = first..first + 10_000;
            let acts = steps.clone().map(|step| Act { step, change: change(step) }).collect();
            journal.add(&Record::Intent { work, steps: acts }).unwrap();
            let came = steps.map(|step| Came { step, done: Done::Done { changed: None } }).collect();
            journal.add(&Record::Outcome { work, steps: came }).unwrap();
        }
        journal.add(&end(n)).unwrap();
    };
    let slot = |step: u64| crate::model::raw_path::RawPath::from(format!("1-{step}").as_str());
    tell(1, &|step| Change::Quarantine { name: "n".into(), object, slot: slot(step), bytes: None });
    // All but the last.
    tell(2, &|step| Change::Purge { slot: slot(step.min(299_998)), object });
    let held = read(Some(&journal.file)).unwrap();
    let steps = held.records.iter().map(|record| match record {
        Record::Intent { steps, .. } => steps.len(),
        _ => 0,
    });
    assert_eq!((steps.sum::<usize>(), held.records.len()), (1, 6));
    assert_eq!(undo::still_taken(&held.records, WorkId(1)).len(), 1);
}
