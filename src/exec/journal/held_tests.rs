//! Tests of what is held of a journal: it says what all of it says, and no more than that.

use proptest::prelude::*;

use super::rotate_tests::{begin, end};
use super::*;
use crate::exec::{chronicle, undo};
use crate::model::errno::Errno;
use crate::model::journal::{Act, Came, Change, Done};
use crate::model::mount::Device;
use crate::model::plan::ObjectId;
use crate::model::raw_path::RawPath;
use crate::model::vantage::Kind;

const OBJECT: ObjectId =
    ObjectId { mount_id: 1, device: Device { major: 0, minor: 0 }, inode: 1, kind: Kind::File, born: None };

/// Something that is written of work `n`, about steps and names that others may be about too.
fn any_record() -> impl Strategy<Value = Record> {
    let slot = prop_oneof![
        (1_u64..4, 0_u64..6).prop_map(|(of, n)| format!("{of}-{n}")),
        Just("1-01".to_owned()),
        Just("odd".to_owned()),
    ];
    let change = (0_u8..8, slot).prop_map(move |(kind, slot)| {
        let slot = RawPath::from(slot.as_str());
        match kind {
            0..=3 => Change::Quarantine { name: "n".into(), object: OBJECT, slot, bytes: None },
            4 => Change::GiveBack { slot, object: OBJECT, name: "n".into() },
            5 | 6 => Change::Purge { slot, object: OBJECT },
            _ => Change::Call { line: "true".into() },
        }
    });
    let done = prop_oneof![
        4 => Just(Done::Done { changed: None }),
        1 => Just(Done::Kept { why: String::new() }),
        1 => (0_i32..4).prop_map(|n| Done::Failed {
            errno: Some(Errno(n)),
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
                chronicle::work_of(record) == WorkId(n) && frame(record)
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
    let slot = |step: u64| RawPath::from(format!("1-{step}").as_str());
    tell(1, &|step| Change::Quarantine { name: "n".into(), object: OBJECT, slot: slot(step), bytes: None });
    // All but the last.
    tell(2, &|step| Change::Purge { slot: slot(step.min(299_998)), object: OBJECT });
    let held = read(Some(&journal.file)).unwrap();
    let steps = held.records.iter().map(|record| match record {
        Record::Intent { steps, .. } => steps.len(),
        _ => 0,
    });
    assert_eq!((steps.sum::<usize>(), held.records.len()), (1, 6));
    assert_eq!(undo::still_taken(&held.records, WorkId(1)).len(), 1);
}
