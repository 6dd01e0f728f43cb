//! What changed between two looks: the data, and the command.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use serde_json::Value;
use tmpmedic::model::change::{Change, DirChange, Fate, Pair, What};
use tmpmedic::model::errno::Errno;
use tmpmedic::model::finding::Severity;
use tmpmedic::model::process::ProcessTable;
use tmpmedic::model::reading::{Gap, GapWhy, Reading};
use tmpmedic::model::snapshot::Snapshot;
use tmpmedic::model::units::{BootNanos, Entries};
use tmpmedic::model::vantage::Can;
use tmpmedic::tui::msg::Look;

use crate::replays::{at, tape};
use crate::sandbox::TMPMEDIC;
use crate::scenes;

fn between(before: &Look, after: &Look) -> Change {
    Change::between((&before.snapshot, &before.diagnosis), (&after.snapshot, &after.diagnosis))
}

fn changed(look: &Arc<Look>, how: impl FnOnce(&mut Look)) -> Look {
    let mut copy = Look::clone(look);
    how(&mut copy);
    copy
}

fn tmp(change: &Change) -> &DirChange {
    change.dirs.iter().find(|dir| dir.path.shown() == "/tmp" && dir.place == "host").expect("the host's /tmp")
}

#[test]
fn a_look_differs_in_nothing_from_itself() {
    for look in [scenes::two_dead_runners(), scenes::healthy(), scenes::all_blind(), scenes::hostile()] {
        let change = between(&look, &look);
        assert!(change.findings.iter().all(|finding| finding.fate == Fate::Stayed));
        assert!(change.dirs.iter().all(|dir| !dir.differs()), "{:?}", change.dirs);
        assert!(change.answers.is_empty() && change.runners.is_empty());
        assert_eq!(change.worsening(), None);
    }
}

#[test]
fn findings_come_go_and_stay_by_cause_and_subject() {
    let look = scenes::two_dead_runners();
    let after = changed(&look, |look| {
        look.diagnosis.found[0].subject.pids = vec![9999];
        look.diagnosis.found[1].subject.name = "forgejo-runner@5.service".into();
    });
    let change = between(&look, &after);
    let fates: Vec<(Fate, &str)> = change.findings.iter().map(|f| (f.fate, f.subject.as_str())).collect();
    assert_eq!(fates[0], (Fate::New, "forgejo-runner@5.service"));
    assert_eq!(fates[1], (Fate::Gone, "forgejo-runner@2.service"));
    assert_eq!(fates[2], (Fate::Stayed, "forgejo-runner@1.service"), "other processes, the same finding");
    assert_eq!(change.worsening(), Some(Severity::Critical));
}

#[test]
fn what_becomes_worse_is_worse_and_what_gets_better_is_not() {
    let look = scenes::two_dead_runners();
    let milder = changed(&look, |look| look.diagnosis.found[0].severity = Severity::Warning);
    assert_eq!(between(&milder, &look).worsening(), Some(Severity::Critical));
    assert_eq!(between(&look, &milder).worsening(), None);
    assert_eq!(between(&look, &scenes::healthy()).worsening(), None);
    let context = changed(&look, |look| look.diagnosis.found[4].subject.name = "another".into());
    assert_eq!(between(&look, &context).worsening(), None, "context is no worsening");
}

#[test]
fn counts_of_a_temp_dir_and_its_families_are_told_before_and_after() {
    let look = scenes::two_dead_runners();
    let after = changed(&look, |look| {
        let dir = &mut look.snapshot.temp_dirs.value_mut().unwrap()[0];
        dir.total.entries = Entries(879);
        dir.families.remove("go-build");
    });
    let change = between(&look, &after);
    let dir = tmp(&change);
    let entries = dir.figure(What::Entries);
    assert_eq!((entries, entries.delta()), (Pair::new(Some(1491), Some(879)), Some(-612)));
    let first = &dir.families[0];
    assert_eq!((first.id.as_str(), first.count), ("go-build", Pair::new(Some(612), Some(0))));
    assert!(!dir.families[1].differs() && !dir.replaced && dir.fate == Fate::Stayed);
}

#[test]
fn what_was_not_counted_is_not_known_and_not_zero() {
    let look = scenes::two_dead_runners();
    let after = changed(&look, |look| {
        let dir = &mut look.snapshot.temp_dirs.value_mut().unwrap()[0];
        dir.total.entries = Entries(10);
        dir.gaps = vec![Gap::new("/tmp", GapWhy::OverBudget { seen: Entries(10) })];
        look.snapshot.holders = Reading::Blind { gap: Gap::new("open files", GapWhy::Denied) };
        look.snapshot.processes = Reading::Blind { gap: Gap::new("processes", GapWhy::Denied) };
    });
    let change = between(&look, &after);
    let dir = tmp(&change);
    for what in [What::Entries, What::Bytes, What::HoldingProcesses, What::DeletedOpen] {
        assert_eq!((dir.figure(what).after, dir.figure(what).delta()), (None, None), "{what:?}");
    }
    assert!(change.runners.is_empty(), "none came and none went where none could be seen");
}

#[test]
fn a_directory_that_was_made_anew_under_the_same_name_is_told() {
    let look = scenes::two_dead_runners();
    let after = changed(&look, |look| {
        look.snapshot.temp_dirs.value_mut().unwrap()[0].identity.inode = 999_999;
        look.snapshot.temp_dirs.value_mut().unwrap().pop();
    });
    let change = between(&look, &after);
    assert!(tmp(&change).replaced);
    assert_eq!(change.dirs.iter().filter(|dir| dir.fate == Fate::Gone).count(), 1);
}

#[test]
fn answers_that_changed_are_told_with_their_errno() {
    let look = scenes::two_dead_runners();
    let after = changed(&look, |look| {
        for vantage in look.snapshot.vantages.value_mut().unwrap() {
            if vantage.names.first().is_some_and(|name| name == "forgejo-runner@1.service") {
                vantage.can_create.can = Can::Yes;
                vantage.can_create.errno = None;
                // A restart puts it into a new namespace.
                vantage.mount_ns = tmpmedic::model::process::MountNs::Inode(77);
            }
        }
    });
    let change = between(&look, &after);
    let [only] = change.answers.as_slice() else { panic!("{:?}", change.answers) };
    assert_eq!((only.path.shown().as_str(), only.who.as_str()), ("/tmp", "forgejo-runner@1.service"));
    let (before, after) = (only.answer.before.unwrap(), only.answer.after.unwrap());
    assert_eq!((before.can, before.errno, after.can), (Can::No, Some(Errno::ENOENT), Can::Yes));
}

#[test]
fn a_runner_that_was_restarted_went_and_came() {
    let look = scenes::two_dead_runners();
    let after = changed(&look, |look| {
        let table: &mut ProcessTable = look.snapshot.processes.value_mut().unwrap();
        let mut process = table.get(4514).unwrap().clone();
        table.by_pid.remove(&4514);
        process.pid = 9000;
        process.started = BootNanos(process.started.0 + 1);
        table.insert(process);
    });
    let change = between(&look, &after);
    let told: Vec<(u32, Fate)> = change.runners.iter().map(|it| (it.pid, it.fate)).collect();
    assert_eq!(told, [(9000, Fate::New), (4514, Fate::Gone)]);
}

/// A directory with a recording `rec` of three looks, and captures `sick` and `well` of one.
fn home() -> (tempfile::TempDir, impl Fn(&str) -> PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let (sick, well) = (scenes::two_dead_runners(), scenes::healthy());
    let write = |name: &str, looks: &[Snapshot]| std::fs::write(home.path().join(name), tape(looks)).unwrap();
    write("rec", &[at(&sick, 0, 1491), at(&sick, 2, 1400), at(&well, 4, 6)]);
    write("sick", &[at(&sick, 0, 1491)]);
    write("well", &[at(&well, 600, 6)]);
    let at = home.path().to_owned();
    (home, move |name| at.join(name))
}

fn diff(arguments: &[&str], input: &Path) -> Output {
    let mut command = Command::new(TMPMEDIC);
    command.arg("diff").args(arguments).env_clear().env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    let input = std::fs::File::open(input).map_or_else(|_| Stdio::null(), Stdio::from);
    command.stdin(input).output().expect("it starts")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_exit_code_says_whether_anything_got_worse() {
    let (_home, path) = home();
    let (sick, well) = (path("sick"), path("well"));
    let (sick, well) = (sick.to_str().unwrap(), well.to_str().unwrap());
    let none = Path::new("/nonexistent");
    let better = diff(&[sick, well], none);
    assert_eq!(better.status.code(), Some(0), "{}", text(&better));
    assert!(text(&better).contains("CRITICAL") && text(&better).contains("gone"), "{}", text(&better));
    assert_eq!(diff(&[well, sick], none).status.code(), Some(2));
    assert_eq!(diff(&[sick, sick], none).status.code(), Some(0));
}

#[test]
fn a_recording_alone_is_compared_from_its_first_look_to_its_last() {
    let (_home, path) = home();
    let rec = path("rec");
    let rec = rec.to_str().unwrap();
    let none = Path::new("/nonexistent");
    let read = |arguments: &[&str]| -> Value {
        serde_json::from_slice(&diff(arguments, none).stdout).expect("one document")
    };
    let entries = |document: &Value, side: &str| document["temp_dirs"][0]["figures"]["entries"][side].clone();
    let whole = read(&["--json", rec]);
    assert_eq!(whole["schema"], "tmpmedic.diff/1");
    assert_eq!(
        (whole["before"]["taken"].as_str(), whole["after"]["taken"].as_str()),
        (Some("2026-01-22T20:41:07Z"), Some("2026-01-22T20:41:11Z"))
    );
    for (one, other) in [("@1", "@2"), ("@20:41:07", "@20:41:09"), ("@#1", "@+2s"), ("@#1", "@-2s")] {
        let document = read(&["--json", &format!("{rec}{one}"), &format!("{rec}{other}")]);
        assert_eq!((entries(&document, "before"), entries(&document, "after")), (1491.into(), 1400.into()));
    }
}

#[test]
fn a_capture_may_come_through_a_pipe() {
    let (_home, path) = home();
    let output = diff(&["-", path("well").to_str().unwrap(), "--format", "markdown"], &path("sick"));
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text(&output).starts_with("## ci-3"), "{}", text(&output));
}

#[test]
fn bad_input_is_named_in_one_line_and_json_stays_one_document() {
    let (_home, path) = home();
    let file = |name: &str| path(name).to_str().unwrap().to_owned();
    let (rec, sick) = (file("rec"), file("sick"));
    let none = Path::new("/nonexistent");
    for (arguments, named) in [
        (vec![sick.clone()], "holds one look"),
        (vec![format!("{rec}@9"), sick.clone()], "there are 3 looks, no #9"),
        (vec![format!("{rec}@noon"), sick.clone()], "@noon"),
        (vec![format!("{rec}@03:00"), sick.clone()], "the recording ends at 20:41:11"),
        (vec!["/nonexistent".into(), sick.clone()], "/nonexistent"),
        (vec!["/dev/zero".into(), sick.clone()], "/dev/zero"),
        (vec!["/etc/passwd".into(), sick.clone()], "no capture of tmpmedic"),
        (vec!["-".into(), "-".into()], "standard input"),
    ] {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = diff(&words, none);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {told}");
        assert!(told.contains(named) && told.lines().count() == 1, "{arguments:?}: {told}");
        let json = diff(&[&words[..], &["--json"]].concat(), none);
        let document: Value = serde_json::from_slice(&json.stdout).expect("one document");
        assert!(document["error"].as_str().is_some_and(|error| error.contains(named)), "{document}");
    }
}
