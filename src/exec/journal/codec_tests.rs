//! Tests of [`super`].

use super::*;
use crate::model::errno::Errno;
use crate::model::journal::{Act, Came, Change, Done, Figures};
use crate::model::units::WallNanos;

fn record(n: u64) -> Record {
    let line = format!("systemctl restart runner@{n}.service");
    Record::Intent { work: WorkId(n), steps: vec![Act { step: 0, change: Change::Call { line } }] }
}

fn journal(count: u64) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut ends, mut tip) = (Vec::new(), vec![0], Tip::START);
    for n in 0..count {
        let (more, after) = encode(&record(n), tip).unwrap();
        bytes.extend(more);
        ends.push(bytes.len());
        tip = after;
    }
    (bytes, ends)
}

#[derive(Debug)]
struct Content {
    records: Vec<Record>,
    end: usize,
    torn: usize,
    tip: Tip,
    is_newer: bool,
}

fn read(bytes: &[u8]) -> Content {
    let mut records = Vec::new();
    let extent = decode(bytes, &|_| true, &mut |read, spot| {
        let from = usize::try_from(spot.at).unwrap();
        assert_eq!(super::record(&bytes[from..from + spot.length]).unwrap(), read, "it lies there");
        records.push(read);
    });
    let Extent { end, tip, torn, is_newer, .. } = extent.unwrap();
    Content { records, end, torn, tip, is_newer }
}

#[test]
fn what_is_written_is_read_back() {
    let (bytes, _) = journal(5);
    let content = read(&bytes);
    assert_eq!(content.records, (0..5).map(record).collect::<Vec<_>>());
    assert_eq!((content.end, content.torn, content.tip.sequence), (bytes.len(), 0, 5));
}

#[test]
fn a_record_written_before_has_the_same_bytes() {
    let (_, tip) = encode(&record(1), Tip::START).unwrap();
    let written = Written::new(record(2)).unwrap();
    assert_eq!(written.behind(tip).unwrap(), encode(written.record(), tip).unwrap());
}

#[test]
fn a_journal_cut_at_any_byte_holds_exactly_its_whole_records() {
    let (bytes, ends) = journal(6);
    for length in 0..=bytes.len() {
        let content = read(&bytes[..length]);
        let whole = ends.iter().rposition(|end| *end <= length).unwrap();
        assert_eq!(content.records.len(), whole, "cut at {length}");
        assert_eq!(content.end + content.torn, length);
    }
}

#[test]
fn no_flipped_bit_gives_another_record() {
    let (bytes, ends) = journal(4);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bad = bytes.clone();
            bad[at] ^= 1 << bit;
            let content = read(&bad);
            let before = ends.iter().rposition(|end| *end <= at).unwrap();
            assert_eq!(
                content.records,
                (0..before as u64).map(record).collect::<Vec<_>>(),
                "bit {bit} of {at}"
            );
        }
    }
}

#[test]
fn only_behind_damage_lies_a_whole_record() {
    let (bytes, ends) = journal(4);
    for length in 0..=bytes.len() {
        let end = read(&bytes[..length]).end;
        assert!(!has_whole_record(&bytes[end..length]), "cut at {length}");
    }
    for at in 0..ends[3] {
        let mut bad = bytes.clone();
        bad[at] ^= 4;
        assert!(has_whole_record(&bad[read(&bad).end..]), "flipped at {at}");
    }
}

#[test]
fn every_kind_of_record_is_read_back() {
    let done = [
        Done::Done { changed: Some(WallNanos(7)) },
        Done::Kept { why: "held".into() },
        Done::Failed { errno: Some(Errno(5)), why: "EIO".into() },
    ];
    let steps = done.into_iter().zip(0..).map(|(done, step)| Came { step, done }).collect();
    let figures = vec![Figures { path: "/tmp".into(), probe: Some("yes".into()), ..Figures::default() }];
    let records = [
        record(1),
        Record::Outcome { work: WorkId(1), steps },
        Record::End { work: WorkId(1), time: WallNanos(9), before: figures.clone(), after: figures },
    ];
    let (mut bytes, mut tip) = (Vec::new(), Tip::START);
    for record in &records {
        let (more, after) = encode(record, tip).unwrap();
        bytes.extend(more);
        tip = after;
    }
    assert_eq!(read(&bytes).records, records);
}

#[test]
fn a_whole_record_that_is_not_understood_is_no_torn_tail() {
    let (mut bytes, _) = journal(1);
    let tip = read(&bytes).tip;
    let text = br#"{"record":"of-tomorrow"}"#;
    let body = [&tip.sequence.to_le_bytes()[..], &tip.hash, text].concat();
    bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
    bytes.extend(crc32fast::hash(&body).to_le_bytes());
    bytes.extend(body);
    let content = read(&bytes);
    assert!(content.is_newer);
    assert_eq!(content.records.len(), 1);
}

#[test]
fn records_of_another_journal_do_not_continue_this_one() {
    let (bytes, ends) = journal(3);
    let (other, _) = encode(&record(9), Tip { sequence: 2, hash: [7; 32] }).unwrap();
    let spliced = [&bytes[..ends[2]], &other].concat();
    assert_eq!(read(&spliced).records.len(), 2);
}

#[test]
fn a_journal_longer_than_what_is_read_at_once_is_read_whole() {
    let line = "x".repeat(300 << 10);
    let long = |n| Record::Intent {
        work: WorkId(n),
        steps: vec![Act { step: 0, change: Change::Call { line: line.clone() } }],
    };
    let (mut bytes, mut tip) = (Vec::new(), Tip::START);
    for n in 0..20 {
        let (more, after) = encode(&long(n), tip).unwrap();
        bytes.extend(more);
        tip = after;
    }
    let whole = bytes.len();
    bytes.extend(vec![7; LARGEST + 9]);
    let content = read(&bytes);
    assert_eq!((content.records.len(), content.end, content.torn), (20, whole, LARGEST + 9));
}

#[test]
fn of_a_work_that_nobody_wants_only_its_steps_are_not_heard() {
    let steps = |n| [record(n), Record::Outcome { work: WorkId(n), steps: Vec::new() }];
    let over = |n| Record::End { work: WorkId(n), time: WallNanos(9), before: Vec::new(), after: Vec::new() };
    let all: Vec<Record> =
        [1, 12, 2].into_iter().flat_map(|n| steps(n).into_iter().chain([over(n)])).collect();
    let (mut bytes, mut tip) = (Vec::new(), Tip::START);
    for record in &all {
        let (more, after) = encode(record, tip).unwrap();
        bytes.extend(more);
        tip = after;
    }
    let mut heard = Vec::new();
    let extent = decode(&bytes[..], &|work| work == WorkId(12), &mut |record, _| heard.push(record)).unwrap();
    assert_eq!((extent.end, extent.tip), (bytes.len(), tip), "all of it is checked");
    assert_eq!(heard, [over(1)].into_iter().chain(steps(12)).chain([over(12), over(2)]).collect::<Vec<_>>());
}
