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
pub fn looks(count: i64) -> Vec<Snapshot> {
    let gap = Gap::new("this machine", GapWhy::NotAsked);
    let look = |n: i64| Snapshot { taken: WallNanos(n * 2_000_000_000), ..nothing(Asked::default(), &gap) };
    (0..count).map(look).collect()
}

pub fn written(looks: &[Snapshot]) -> (Vec<u8>, Vec<usize>) {
    let mut writer = Writer::begin(Vec::new(), header()).unwrap();
    let ends = looks.iter().map(|look| usize::try_from(writer.add(look).unwrap().bytes).unwrap()).collect();
    (writer.finish().unwrap(), ends)
}

/// Machines with everything that a snapshot can hold.
pub fn machines() -> Vec<Snapshot> {
    let all = [crate::scenes::two_dead_runners(), crate::scenes::healthy(), crate::scenes::hostile()];
    all.into_iter().map(|look| look.snapshot.clone()).collect()
}

/// What the labs of the scenarios showed, one look each.
pub fn recorded() -> Vec<(String, Snapshot)> {
    let scenarios = tmpmedic::catalog::scenarios::all().into_iter().filter_map(|scenario| {
        let bytes = tmpmedic::catalog::scenarios::recorded(&scenario.id)?;
        let capture = Capture::read(bytes, &Limits::default()).unwrap();
        Some((scenario.id, capture.snapshot(0).unwrap().as_ref().clone()))
    });
    scenarios.collect()
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

/// A sandbox with planted names and secrets, and a script that captures there.
fn in_planted_box(script: &str) -> std::process::Output {
    let setup = r"
        # In pieces, because this text is an argument of the shell.
        secret=$(printf '%s%s' hunt er2hunt); home=/home/$(printf '%s%s' zebe dee)
        mkdir -p /mnt/work/falconproject/tmp; touch /tmp/quarterlynumbers.xls; chmod 1777 /mnt/work/falconproject/tmp
        start forgejo-runner TMPDIR=/mnt/work/falconproject/tmp AWS_SECRET_ACCESS_KEY=$secret DATABASE_URL=$home
        set +e; cd /mnt";
    crate::sandbox::run(&format!("{setup}\n{script}"))
}

/// Everything that a capture says, as text.
fn text_of(bytes: &[u8]) -> String {
    let capture = Capture::read(bytes, &Limits::default()).unwrap();
    let snapshots =
        (0..capture.len()).map(|n| serde_json::to_string(&*capture.snapshot(n).unwrap()).unwrap());
    serde_json::to_string(capture.header()).unwrap() + &snapshots.collect::<String>()
}

#[test]
fn no_capture_holds_a_secret_and_a_redacted_one_no_name() {
    crate::needs!("unshare", "setpriv");
    for (how, names_stay) in [("", true), ("--redact", false)] {
        let output =
            in_planted_box(&format!("/mnt/bin/tmpmedic capture -q -o - {how} --for 600ms --every 200ms"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = text_of(&output.stdout);
        assert!(text.contains("TMPDIR") && text.contains("/tmp"), "what is needed is there: {text}");
        assert!(!text.contains("hunter2"), "a variable that is not on the list");
        assert!(!text.contains("zebedee"), "another");
        for name in ["falconproject", "quarterlynumbers"] {
            assert_eq!(text.contains(name), names_stay, "{name} {how}");
        }
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        assert_eq!(text.contains(&format!("\"{host}\"")), names_stay, "{host} {how}");
    }
}

#[test]
fn a_capture_overwrites_nothing_follows_nothing_and_is_private() {
    crate::needs!("unshare", "setpriv");
    let output = in_planted_box(
        r"umask 0; echo precious > there; ln -s nowhere link
        for name in there link /mnt; do /mnt/bin/tmpmedic capture -o $name --no-probe; echo $?; done
        cat there; ls nowhere; /mnt/bin/tmpmedic capture -q -o new; stat -c %a new
        /mnt/bin/tmpmedic capture --json --no-probe | grep -c tmpmedic.captured/1; ls *.tmpmedic | wc -l
        /mnt/bin/tmpmedic capture -o - --json; echo $?; /mnt/bin/tmpmedic capture -o /nonexistent/x; echo $?",
    );
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        told.lines().collect::<Vec<_>>(),
        ["64", "64", "64", "precious", "600", "1", "1", "64", "74"],
        "{output:?}"
    );
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(talk.contains("`there` exists") && talk.contains("`link` exists"), "{talk}");
}

#[test]
fn a_recorder_that_is_killed_leaves_what_it_wrote_and_one_that_is_asked_ends_cleanly() {
    crate::needs!("unshare", "setpriv");
    let output = in_planted_box(
        r"grown() { [ -s $1 ] && [ $(stat -c %s $1) -gt 6000 ]; }
        for signal in KILL INT TERM; do
          /mnt/bin/tmpmedic capture -o $signal --for 1h --every 50ms --no-probe & recorder=$!
          awaits $recorder grown $signal
          kill -$signal $recorder; wait $recorder; echo $?
          /mnt/bin/tmpmedic check -q --json --from $signal | grep -c 'tmpmedic.check/1'
        done",
    );
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(told.lines().collect::<Vec<_>>(), ["137", "1", "0", "1", "0", "1"], "{output:?}");
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(talk.matches("ended by a signal").count(), 2, "{talk}");
}

#[test]
fn a_full_disk_is_said_and_what_was_written_can_be_read() {
    crate::needs!("unshare", "setpriv");
    let output = in_planted_box(
        r"mkdir small; mount -t tmpfs -o size=16k small small
        /mnt/bin/tmpmedic capture -o small/x --for 1h --every 20ms --no-probe; echo $?
        /mnt/bin/tmpmedic check -q --json --from small/x | grep -c 'cut off'; rm small/x
        dd if=/dev/zero of=small/ballast bs=1k 2>/dev/null
        /mnt/bin/tmpmedic capture -o small/y; echo $?",
    );
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(told.lines().collect::<Vec<_>>(), ["74", "0", "74"], "{output:?}");
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(talk.contains("No space left on device"), "{talk}");
    assert!(talk.contains("what was written before can be read"), "{talk}");
}

#[test]
fn every_form_that_was_ever_written_can_be_read() {
    for schema in tmpmedic::store::SCHEMAS {
        let name = schema.replace(['/', '.'], "-");
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("tests/data/captures/{name}.tmpmedic"));
        let bytes = std::fs::read(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        let capture = Capture::read(bytes.as_slice(), &Limits::default()).unwrap();
        assert_eq!(capture.header().host, "box", "{schema}");
        let last = capture.snapshot(capture.len() - 1).unwrap();
        assert!(
            !last.vantages.items().is_empty() && last.all_processes().count() > 3,
            "{schema}: it holds a machine"
        );
    }
}

/// Writes the capture of today's form, for whoever changes the form: `TMPMEDIC_FIXTURE=FILE cargo test -- fixture`.
#[test]
fn a_fixture_is_written_where_somebody_wants_one() {
    let (bytes, _) = written(&machines());
    assert_eq!(Capture::read(bytes.as_slice(), &Limits::default()).unwrap().len(), machines().len());
    if let Some(path) = std::env::var_os("TMPMEDIC_FIXTURE") {
        std::fs::write(path, bytes).unwrap();
    }
}
