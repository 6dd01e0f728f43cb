//! Captures through the library: what is written is read again, in any order, up to the last whole snapshot.

use tmpmedic::model::asked::Asked;
use tmpmedic::model::reading::{Gap, GapWhy};
use tmpmedic::model::snapshot::Snapshot;
use tmpmedic::model::units::WallNanos;
use tmpmedic::source::nothing::nothing;
use tmpmedic::store::{Capture, Header, Limits, Writer};

fn header() -> Header {
    Header { tool: "0.1.0".into(), host: "box".into(), redacted: false, every: None, begun: WallNanos(1) }
}

/// Looks that differ in more than their time.
fn looks(count: i64) -> Vec<Snapshot> {
    let gap = Gap::new("this machine", GapWhy::NotAsked);
    let look = |n: i64| Snapshot { taken: WallNanos(n * 2_000_000_000), ..nothing(Asked::default(), &gap) };
    (0..count).map(look).collect()
}

fn written(looks: &[Snapshot]) -> (Vec<u8>, Vec<usize>) {
    let mut writer = Writer::begin(Vec::new(), header()).unwrap();
    let ends = looks.iter().map(|look| usize::try_from(writer.add(look).unwrap().bytes).unwrap()).collect();
    (writer.finish().unwrap(), ends)
}

#[test]
fn a_recording_is_read_forwards_backwards_and_in_jumps() {
    let looks = looks(20);
    let (bytes, _) = written(&looks);
    let capture = Capture::read(bytes.as_slice(), &Limits::default()).unwrap();
    assert_eq!((capture.len(), capture.header(), capture.torn()), (20, &header(), None));
    for index in (0..20).chain((0..20).rev()).chain([3, 17, 4, 19, 0, 11]) {
        assert_eq!(*capture.snapshot(index).unwrap(), looks[index], "{index}");
        assert_eq!(capture.taken(index), looks[index].taken);
    }
    assert!(capture.snapshot(20).is_err());
}

#[test]
fn a_recording_cut_anywhere_is_whole_up_to_the_last_whole_snapshot() {
    let (bytes, ends) = written(&looks(4));
    for length in 0..bytes.len() {
        let whole = ends.iter().filter(|end| **end <= length).count();
        match Capture::read(&bytes[..length], &Limits::default()) {
            Ok(capture) => {
                assert_eq!(capture.len(), whole, "cut at {length}");
                assert_eq!(capture.torn().is_none(), ends.contains(&length), "cut at {length}");
            }
            Err(_) => assert_eq!(whole, 0, "cut at {length}"),
        }
    }
}
