//! Every scenario is built in a lab, and the binary is asked what it finds there.
//!
//! One test for each, so that they run side by side and fail by name. A story is judged after each of its chapters.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tmpmedic::catalog::scenarios as shelf;
use tmpmedic::lab;
use tmpmedic::model::finding::Severity;
use tmpmedic::model::scenario::step::Step;
use tmpmedic::model::scenario::{Expect, Scenario};

use crate::sandbox::{Checked, TMPMEDIC};
use crate::skip;

/// Building the largest takes some seconds on an idle machine.
const PATIENCE: Duration = Duration::from_mins(4);

/// `name`: the id of a scenario with `_` for `-`.
macro_rules! scenarios {
    ($($name:ident)*) => {
        $(#[test] fn $name() {
            let id = stringify!($name).replace('_', "-");
            let scenario = shelf::find(&id).expect("it is embedded");
            if let Some(later) = &scenario.later {
                eprintln!("not judged: {later}");
                return;
            }
            if let Some(reason) = objection(&id) {
                skip!("{reason}")
            }
            holds(&scenario, &[]);
        })*

        #[test]
        fn each_scenario_has_a_test_of_its_own() {
            let tested: BTreeSet<String> = [$(stringify!($name).replace('_', "-")),*].into();
            let all: BTreeSet<String> = shelf::all().into_iter().map(|s| s.id).collect();
            assert_eq!(tested, all);
        }
    };
}

scenarios! {
    acl_deny acl_deny_near_miss bind_source_deleted bind_source_deleted_near_miss cargo_cached_failure
    cargo_cached_failure_near_miss container_tmp container_tmp_near_miss cwd_deleted
    cwd_deleted_near_miss deleted_open_files deleted_open_files_near_miss dev_null_not_a_device
    dev_null_not_a_device_near_miss dir_too_many_entries dir_too_many_entries_near_miss disk_full
    disk_full_near_miss duplicate_env_entry duplicate_env_entry_near_miss emlink emlink_near_miss
    fd_or_task_limits fd_or_task_limits_near_miss foreign_mount_namespace
    foreign_mount_namespace_near_miss fs_frozen_or_hung fs_frozen_or_hung_near_miss immutable_or_append
    immutable_or_append_near_miss inodes_exhausted inodes_exhausted_near_miss leaked_temp_accumulation
    leaked_temp_accumulation_near_miss no_tmp_in_image no_tmp_in_image_near_miss noexec_tmp
    noexec_tmp_near_miss overlay_upper_gone overlay_upper_gone_near_miss overmounted_tmp
    overmounted_tmp_near_miss path_too_long path_too_long_near_miss private_tmp_deleted
    private_tmp_deleted_near_miss private_tmp_readonly_fallback private_tmp_readonly_fallback_near_miss
    reserved_blocks reserved_blocks_near_miss rlimit_fsize rlimit_fsize_near_miss ro_after_fs_error
    ro_after_fs_error_near_miss ro_mount ro_mount_near_miss root_owned_bind_dir
    root_owned_bind_dir_near_miss story_clean_up story_interrupted_builds story_shared_registry
    story_shared_target story_six_runners tmp_mount_missing tmp_mount_missing_near_miss
    tmp_wrong_mode_or_owner tmp_wrong_mode_or_owner_near_miss tmpdir_dangling_symlink
    tmpdir_dangling_symlink_near_miss tmpdir_empty_string tmpdir_empty_string_near_miss
    tmpdir_literal_syntax tmpdir_literal_syntax_near_miss tmpdir_missing tmpdir_missing_near_miss
    tmpdir_not_a_directory tmpdir_not_a_directory_near_miss tmpdir_relative tmpdir_relative_near_miss
    tmpdir_symlink_loop tmpdir_symlink_loop_near_miss tmpdir_temp_tmp_disagree
    tmpdir_temp_tmp_disagree_near_miss tmpfs_inodes tmpfs_inodes_near_miss tmpfs_size
    tmpfs_size_near_miss umask_hostile umask_hostile_near_miss var_tmp_full var_tmp_full_near_miss
}

/// Why a scenario cannot be built here, in the words of the binary.
fn objection(id: &str) -> Option<String> {
    static LISTED: OnceLock<Vec<Value>> = OnceLock::new();
    let listed = LISTED.get_or_init(|| {
        let output = Command::new(TMPMEDIC).args(["lab", "--json"]).stdin(Stdio::null()).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    });
    let row = listed.iter().find(|row| row["id"] == id).expect("every scenario is listed");
    let reason = row["reason"].as_str().map(str::to_owned);
    assert_eq!(row["buildable"].as_bool(), Some(reason.is_none()), "{row:#}");
    reason
}

/// One test for all: each boots a systemd after each of its chapters.
#[test]
fn what_has_a_service_is_found_with_systemd_as_well() {
    let services: Vec<Scenario> =
        shelf::all().into_iter().filter(|scenario| lab::objection_to_services(scenario).is_none()).collect();
    assert!(services.iter().any(|scenario| scenario.id == "story-six-runners"));
    let trial = Command::new(TMPMEDIC)
        .args(["lab", "story-six-runners", "--systemd", "--", "true"])
        .output()
        .unwrap();
    if trial.status.code() == Some(77) {
        skip!("{}", String::from_utf8_lossy(&trial.stderr))
    }
    for scenario in &services {
        holds(scenario, &["--systemd"]);
    }
}

fn holds(scenario: &Scenario, options: &[&str]) {
    for (number, chapter) in (1..).zip(&scenario.chapters) {
        let checked = check(scenario, number, options);
        demand(scenario, &format!("after chapter {number}"), &chapter.expect, &checked);
    }
    let Some(last) = scenario.chapters.last() else { return };
    let recorded = capture(scenario, options);
    let dir = crate::sandbox::scratch();
    let file = dir.path().join("capture");
    std::fs::write(&file, &recorded).unwrap();
    demand(scenario, "replayed from a capture", &last.expect, &check_from(&file));
    if options.is_empty() && std::env::var_os("UPDATE").is_some() {
        std::fs::write(committed(&scenario.id), &recorded).unwrap();
    }
}

fn demand(scenario: &Scenario, when: &str, expect: &Expect, checked: &Checked) {
    let wrong = differences(expect, checked);
    assert!(
        wrong.is_empty(),
        "{} {when}: {wrong:#?}\nfindings: {:#}\nincomplete: {:#}",
        scenario.id,
        checked.json["findings"],
        checked.json["incomplete"]
    );
}

/// Where the capture lies that is shown where a scenario cannot be built.
fn committed(id: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets/captures").join(id).with_extension("tmpmedic")
}

#[test]
fn what_was_recorded_of_each_scenario_is_judged_as_the_scenario() {
    for scenario in shelf::all().into_iter().filter(|scenario| scenario.later.is_none()) {
        let bytes = shelf::recorded(&scenario.id);
        assert!(bytes.is_some(), "{} is not recorded; UPDATE=1 cargo test --test it scenarios", scenario.id);
        let last = scenario.chapters.last().expect("a law demands one");
        demand(&scenario, "as recorded", &last.expect, &check_from(&committed(&scenario.id)));
    }
}

/// The report of a capture.
fn check_from(file: &Path) -> Checked {
    let mut check = Command::new(TMPMEDIC);
    check.args(["check", "--json", "--from"]).arg(file).stdin(Stdio::null());
    Checked::from(&check.output().unwrap())
}

/// What is not as expected, in sentences.
fn differences(expect: &Expect, checked: &Checked) -> Vec<String> {
    let mut wrong = Vec::new();
    for expected in &expect.found {
        let severities: Vec<&str> =
            checked.of(&expected.id).map(|f| f["severity"].as_str().unwrap_or_default()).collect();
        if severities.first().copied() != Some(word(expected.severity)) {
            wrong.push(format!(
                "{} should be {}, it is {severities:?}",
                expected.id,
                word(expected.severity)
            ));
        }
        if expected.count.is_some_and(|count| usize::try_from(count) != Ok(severities.len())) {
            wrong.push(format!("{} is found {} times", expected.id, severities.len()));
        }
    }
    if let Some(first) = expect.found.first()
        && first.severity > Severity::Info
        && checked.findings().first().is_none_or(|f| f["id"] != first.id.as_str())
    {
        wrong.push(format!("{} does not lead", first.id));
    }
    let above = checked.above_info();
    let wanted = |id: &String| expect.also.contains(id) || expect.found.iter().any(|e| e.id == *id);
    wrong.extend(above.iter().filter(|(id, _)| !wanted(id)).map(|(id, _)| format!("{id} is said as well")));
    wrong.extend(
        expect.never.iter().filter(|id| checked.of(id).next().is_some()).map(|id| format!("{id} is said")),
    );
    let worst = above.iter().map(|(_, severity)| if severity == "critical" { 2 } else { 1 }).max();
    if checked.code != worst.unwrap_or(0) {
        wrong.push(format!("exit code {}: {:#}", checked.code, checked.json["verdict"]));
    }
    wrong
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

/// Builds a scenario up to that chapter and runs `check` in it.
fn check(scenario: &Scenario, chapter: usize, options: &[&str]) -> Checked {
    Checked::from(&in_lab(scenario, chapter, options, "check --json"))
}

/// Builds the whole scenario and takes it home.
fn capture(scenario: &Scenario, options: &[&str]) -> Vec<u8> {
    let output = in_lab(scenario, scenario.chapters.len(), options, "capture -o -");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Runs a command of ours in the lab of a scenario, about those whom the scenario asks about.
fn in_lab(scenario: &Scenario, chapter: usize, options: &[&str], command: &str) -> Output {
    let steps: Vec<&Step> = scenario.chapters.iter().flat_map(|chapter| &chapter.steps).collect();
    // What hangs is waited for in vain; everything else may take long on a busy machine.
    let hangs = steps.iter().any(|step| matches!(step, Step::Freeze { .. }));
    let deadline = if hangs { "4s" } else { "60s" };
    let asked: Vec<&str> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Start(cast) if scenario.asked.contains(&cast.name) => Some(cast.program.as_str()),
            _ => None,
        })
        .collect();
    // The kernel keeps 15 bytes of a name.
    let script = format!(
        "for want in {}; do for p in /proc/[0-9]*; do
            [ \"$(cat $p/comm)\" = \"$(printf %.15s $want)\" ] && set -- \"$@\" --pid ${{p#/proc/}}
         done; done 2>/dev/null
         exec tmpmedic {command} --deadline {deadline} \"$@\"",
        asked.join(" ")
    );
    let lab = Command::new(TMPMEDIC)
        .args(["lab", &scenario.id, "--chapter", &chapter.to_string()])
        .args(options)
        .args(["--", "sh", "-c", &script])
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = Pid::from_raw(i32::try_from(lab.id()).unwrap());
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || ended.send(lab.wait_with_output()));
    let Ok(output) = end.recv_timeout(PATIENCE) else {
        kill(pid, Signal::SIGKILL).ok();
        panic!("the lab of {} does not end", scenario.id);
    };
    output.unwrap()
}
