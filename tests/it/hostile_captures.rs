//! Captures of strangers: whatever the bytes are, the binary reads them within a memory cap, or refuses them in one line
//! that names the place.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use crate::captures::{looks, written};
use crate::sandbox::TMPMEDIC;

/// More than a reader needs by its own limits, far less than a bomb would take.
const MEMORY_KIB: u64 = 1_500_000;
const FIRST_LINE: &[u8] =
    b"tmpmedic.capture/1 {\"tool\":\"0\",\"host\":\"h\",\"redacted\":false,\"every\":null,\"begun\":1}\n";

/// Checks the capture with a cap on memory and time; `-` reads it from standard input.
fn check(bytes: &[u8], format: &str) -> Output {
    let script =
        format!("ulimit -v {MEMORY_KIB}; exec timeout 120 \"$0\" check -q --from - --format {format}");
    let mut child = Command::new("sh")
        .args(["-c", &script, TMPMEDIC])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may stop reading early; that is its right.
    child.stdin.take().unwrap().write_all(bytes).ok();
    child.wait_with_output().unwrap()
}

/// Either a report, or one line and 64; never a panic, a signal, or bytes that drive a terminal.
fn is_harmless(output: &Output, what: &str) {
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.signal(), None, "{what}: {talk}");
    let code = output.status.code().unwrap();
    assert!(matches!(code, 0..=3 | 64), "{what}: exit {code}: {talk}");
    if code == 64 {
        // Who asked for a document gets one.
        let document = String::from_utf8_lossy(&output.stdout);
        assert!(
            document.lines().count() <= 1 && !document.contains("\"status\":\"ok\""),
            "{what}: {document}"
        );
        assert_eq!(talk.lines().count(), 1, "{what}: {talk}");
        assert!(talk.starts_with("tmpmedic: cannot read the capture `-`: "), "{what}: {talk}");
    }
    for stream in [&output.stdout, &output.stderr] {
        assert!(!stream.iter().any(|b| *b < 0x20 && *b != b'\n'), "{what}: a control character");
    }
}

fn refused(bytes: &[u8], place: &str) {
    let output = check(bytes, "text");
    is_harmless(&output, place);
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(64), "{place}: {talk}");
    assert!(talk.contains(place), "expected `{place}`: {talk}");
}

fn frame(kind: u8, json: &[u8]) -> Vec<u8> {
    let mut packer = DeflateEncoder::new(vec![kind], Compression::best());
    packer.write_all(json).unwrap();
    let body = packer.finish().unwrap();
    let mut crc = Crc::new();
    crc.update(&body);
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    [&length[..], &crc.sum().to_le_bytes(), &body].concat()
}

fn capture(frames: &[(u8, &[u8])]) -> Vec<u8> {
    let frames = frames.iter().flat_map(|(kind, json)| frame(*kind, json));
    FIRST_LINE.iter().copied().chain(frames).collect()
}

/// A whole snapshot as JSON.
fn whole() -> serde_json::Value {
    serde_json::to_value(&looks(1)[0]).unwrap()
}

#[test]
fn a_hundred_mutated_captures_do_no_harm() {
    let (bytes, ends) = written(&looks(4));
    let mut mutated = 0;
    // Flipped bits all over, cuts, doubled and swapped stretches; by rule, so that a failure can be repeated.
    for n in 0..60_usize {
        let mut bad = bytes.clone();
        let at = n * 7919 % (bytes.len() * 8);
        bad[at / 8] ^= 1 << (at % 8);
        is_harmless(&check(&bad, ["text", "json"][n % 2]), &format!("bit {at}"));
        mutated += 1;
    }
    for n in 0..30_usize {
        let at = n * 104_729 % bytes.len();
        is_harmless(&check(&bytes[..at], "text"), &format!("cut at {at}"));
        mutated += 1;
    }
    for pair in ends.windows(2) {
        let twice = [&bytes[..pair[1]], &bytes[pair[0]..]].concat();
        let without = [&bytes[..pair[0]], &bytes[pair[1]..]].concat();
        let backwards = [&bytes[..ends[0]], &bytes[pair[0]..], &bytes[ends[0]..pair[0]]].concat();
        for bad in [twice, without, backwards] {
            is_harmless(&check(&bad, "markdown"), "frames in another order");
            mutated += 1;
        }
    }
    for tail in [&b"\0\0\0\0\0\0\0\0\0\0\0\0"[..], b"x", &[0xff; 64]] {
        is_harmless(&check(&[&bytes[..], tail].concat(), "text"), "a tail");
        mutated += 1;
    }
    assert!(mutated >= 100, "{mutated}");
}

#[test]
fn a_bomb_is_refused_before_memory_is_eaten() {
    let deep = [b"[".repeat(1_000_000), b"]".repeat(1_000_000)].concat();
    refused(&capture(&[(b'W', &deep)]), "snapshot 1, at byte 83: byte 64 of its JSON lies more than 64 deep");
    refused(
        &capture(&[(b'W', format!("[{}0]", "0,".repeat(2_000_000)).as_bytes())]),
        "more than 1000000 values",
    );
    refused(
        &capture(&[(b'W', format!("\"{}\"", "x".repeat(5 << 20)).as_bytes())]),
        "longer than 4194304 bytes",
    );
    refused(&capture(&[(b'W', format!("[{}{{}}]", "{},".repeat(900_000)).as_bytes())]), "bytes of memory");
    refused(&capture(&[(b'W', &vec![b' '; 100 << 20])]), "inflates to more than");
    let whole = whole().to_string();
    let big = format!("[\"o\",{{}},{{\"NAME\":[{}0]}},[]]", "0,".repeat(400_000));
    let changes: Vec<String> = (0..6).map(|n| big.replace("NAME", &format!("x{n}"))).collect();
    let mut frames = vec![(b'W', whole.as_bytes())];
    frames.extend(changes.iter().map(|change| (b'C', change.as_bytes())));
    refused(&capture(&frames), "snapshot 4");
    let many = frame(b'C', b"[\"o\",{},{},[]]").repeat(60_000);
    refused(&[capture(&[(b'W', whole.as_bytes())]), many].concat(), "more than 50000 snapshots");
}

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    let whole = whole().to_string();
    let with = |json: &str| capture(&[(b'W', whole.as_bytes()), (b'C', json.as_bytes())]);
    refused(b"", "line 1");
    refused(b"PK\x03\x04", "line 1: it does not begin with `tmpmedic.capture/1`");
    refused(b"tmpmedic.capture/9 {}\n", "`tmpmedic.capture/9` is not known here");
    refused(b"tmpmedic.capture/1 {\"tool\":1}\n", "line 1: invalid type");
    refused(FIRST_LINE, "byte 83: it ends before its first snapshot");
    refused(&capture(&[(b'C', b"[]")]), "a change, and nothing that it could change");
    refused(&capture(&[(b'X', b"{}")]), "its kind 88 is not known");
    refused(&capture(&[(b'W', b"{}")]), "`taken`");
    refused(&capture(&[(b'W', b"{\"a\":[1,{\"b\":tru}]}")]), "snapshot 1, `a.1.b`: expected ident");
    refused(&with("[\"o\",{\"eyes\":[\"a\",[1]]},{},[]]"), "snapshot 2, `eyes`");
    refused(&with("[\"o\",{\"probes\":[\"a\",[-7]]},{},[]]"), "snapshot 2, `probes.0`");
    refused(
        &with("[\"o\",{\"eyes\":[\"o\",{\"pid\":[\"=\",\"x\"]},{},[]]},{},[]]"),
        "snapshot 2, `eyes.pid`: invalid type",
    );
    refused(&with("[\"=\",{\"taken\":1,\"schema\":\"tmpmedic.snapshot/99\"}]"), "tmpmedic.snapshot/99");
    let (mut bytes, ends) = written(&looks(2));
    bytes[ends[0] + 20] ^= 1;
    refused(&bytes, &format!("snapshot 2, at byte {}: its checksum is wrong", ends[0]));
}

#[test]
fn text_that_drives_a_terminal_is_shown_escaped() {
    let mut snapshot = whole();
    snapshot["asked"]["dirs"] = serde_json::json!(["/tmp/\u{1b}]52;c;eA==\u{7}\u{202e}"]);
    let output = check(&capture(&[(b'W', snapshot.to_string().as_bytes())]), "text");
    is_harmless(&output, "in a path");
    assert_ne!(output.status.code(), Some(64), "a path may hold any byte");
    snapshot["asked"]["units"] = serde_json::json!(["\u{1b}[2J.service"]);
    let output = check(&capture(&[(b'W', snapshot.to_string().as_bytes())]), "text");
    is_harmless(&output, "in a name");
    assert_ne!(output.status.code(), Some(64), "nobody makes a capture unreadable by his name");
}

/// Every number of a snapshot set to what makes sums overflow: judged and reported in every form without a panic.
#[test]
fn no_number_is_too_large_or_too_small_for_a_report() {
    for number in [
        serde_json::json!(u64::MAX),
        serde_json::json!(0),
        serde_json::json!(i64::MAX),
        serde_json::json!(u32::MAX),
    ] {
        for case in crate::captures::machines() {
            let mut snapshot = serde_json::to_value(&case).unwrap();
            replace(&mut snapshot, &number);
            let bytes = capture(&[(b'W', snapshot.to_string().as_bytes())]);
            for format in ["text", "json", "markdown", "github", "openmetrics"] {
                let output = check(&bytes, format);
                is_harmless(&output, &format!("{number} in {format}"));
                let talk = String::from_utf8_lossy(&output.stderr).into_owned();
                assert_ne!(output.status.code(), Some(64), "{number} is a number: {talk}");
            }
        }
    }
}

/// Replaces sizes, counts and times wherever the type takes the number.
fn replace(value: &mut serde_json::Value, number: &serde_json::Value) {
    let big = number.as_u64().unwrap_or(0);
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                let takes = match name.as_str() {
                    "taken" | "boot" | "newest" | "oldest" | "modified" | "at" | "changed" => {
                        i64::try_from(big).is_ok()
                    }
                    "bytes" | "total" | "free" | "available" | "inodes" | "inodes_free" | "entries"
                    | "old" | "links" | "size" | "open_files" | "count" | "current" | "max" | "files"
                    | "took" | "cpus" | "seen" | "memory_total" | "memory_available" | "refused" | "held"
                    | "unknown" | "directories" => true,
                    _ => false,
                };
                match value {
                    serde_json::Value::Number(_) if takes => *value = number.clone(),
                    other => replace(other, number),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| replace(item, number)),
        _ => {}
    }
}

#[test]
fn only_a_regular_file_is_read_and_nothing_else_keeps_it_waiting() {
    let dir = crate::sandbox::scratch();
    let fifo = dir.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let fifo = fifo.to_str().unwrap().to_owned();
    for (path, why) in [
        ("/dev/zero", "not a regular file"),
        ("/proc", "not a regular file"),
        (fifo.as_str(), "not a regular file"),
        ("/nonexistent", "No such file"),
        ("/proc/self/mem", "line 1"),
    ] {
        let output =
            Command::new("timeout").args(["20", TMPMEDIC, "check", "--from", path]).output().unwrap();
        let talk = String::from_utf8_lossy(&output.stderr).into_owned();
        if path == "/proc/self/mem" {
            // A regular file by its type whose first byte cannot be read.
            assert_eq!((output.status.code(), talk.lines().count()), (Some(64), 1), "{talk}");
        } else {
            assert_eq!(output.status.code(), Some(64), "{path}: {talk}");
            assert!(talk.contains(why) && talk.contains(path), "{path}: {talk}");
        }
    }
}
