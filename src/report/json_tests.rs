//! Tests of [`super`]: what the functions of `json` promise.

use serde_json::Value;

use super::*;
use crate::model::raw_path::RawPath;
use crate::model::units::Micros;
use crate::report::sample;

fn read(now: &Snapshot, diagnosis: &Diagnosis) -> Value {
    let options = Options { elapsed: Micros(11_001), ..Options::default() };
    serde_json::from_str(&render(now, diagnosis, &options)).unwrap()
}

#[test]
fn has_exactly_the_keys_of_the_contract() {
    let (now, diagnosis) = sample::sick();
    let document = read(&now, &diagnosis);
    let keys = |v: &Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(
        keys(&document),
        "blind elapsed_ms findings host incomplete log ruled_out schema tool vantages verdict"
    );
    assert_eq!(keys(&document["host"]), "boot_id kernel name now");
    assert_eq!(keys(&document["findings"][0]), "actions confidence errno evidence id severity subject title");
    assert_eq!(keys(&document["findings"][0]["subject"]), "kind name path pids");
    assert_eq!(keys(&document["findings"][0]["evidence"][0]), "by_hand means observed source");
    assert_eq!(keys(&document["findings"][0]["actions"][0]), "by_hand id reversible risk title");
    assert_eq!(
        keys(&document["vantages"][0]),
        "backing can_create errno how_known identity mount_ns names path pids uid"
    );
    assert_eq!(keys(&document["log"][0]), "errno line means path replayed tool");
    assert_eq!(keys(&document["incomplete"][0]), "reason remedy what");
}

#[test]
fn says_what_the_snapshot_says() {
    let (now, diagnosis) = sample::sick();
    let document = read(&now, &diagnosis);
    assert_eq!(document["schema"], "tmpmedic.check/1");
    assert_eq!(document["verdict"]["status"], "critical");
    assert_eq!(document["host"]["now"], "2026-01-22T20:41:07Z");
    assert_eq!(document["findings"][0]["errno"], "ENOENT");
    assert_eq!(document["findings"][0]["actions"][0]["risk"], "interrupts");
    assert_eq!(document["vantages"][0]["can_create"], "no");
    assert_eq!(document["vantages"][0]["how_known"], "predicted");
    assert_eq!(document["elapsed_ms"], 12);
}

#[test]
fn keeps_the_bytes_of_a_path_that_is_not_text() {
    let (mut now, diagnosis) = sample::sick();
    now.vantages.value_mut().unwrap()[0].path = RawPath::new(&b"/tmp/\xff\x1b"[..]);
    let document = read(&now, &diagnosis);
    assert_eq!(document["vantages"][0]["path"], "/tmp/\\xff\\x1b");
    assert_eq!(document["vantages"][0]["path_hex"], "2f746d702fff1b");
    now.vantages.value_mut().unwrap()[0].path = "/tmp/\u{1b}[2J\u{202e}".into();
    let text = render(&now, &diagnosis, &Options::default());
    assert!(text.is_ascii() || !text.contains(['\u{1b}', '\u{202e}']));
    assert_eq!(read(&now, &diagnosis)["vantages"][0]["path"], "/tmp/\u{1b}[2J\u{202e}");
}
