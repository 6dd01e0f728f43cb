//! Tests of [`super::FsFrozenOrHung`].

use super::*;
use crate::model::probe::{Step, StepResult};
use crate::model::standing::Standing;
use crate::model::units::{Micros, Millis, WallNanos};
use crate::rules::stage::Stage;

fn runner() -> Stage {
    Stage::healthy().runner(70, "ci.service")
}

fn asleep(stage: Stage, pid: Pid, functions: &[&str]) -> Stage {
    let stack: Vec<String> = functions.iter().map(|f| (*f).to_owned()).collect();
    stage.change(pid, |p| {
        p.state = 'D';
        p.wait_channel = stack.first().cloned();
        p.stack = stack;
    })
}

/// Linux 6.18: a mkdir on a frozen ext4.
const FREEZE: [&str; 3] = ["percpu_rwsem_wait", "mnt_want_write", "filename_create"];
/// A fork while a process is moved between cgroups.
const FORK: [&str; 3] = ["percpu_rwsem_wait", "cgroup_can_fork", "copy_process"];

fn standing(state: char, functions: &[&str]) -> Standing {
    let stack: Vec<String> = functions.iter().map(|f| (*f).to_owned()).collect();
    Standing { state, wait_channel: stack.first().cloned(), stack }
}

fn hung_probe_of(stage: &mut Stage, pid: Pid) {
    probe_of(stage, pid, standing('D', &FREEZE));
}

fn probe_of(stage: &mut Stage, pid: Pid, standing: Standing) {
    let vantage =
        stage.now.vantages.items().iter().find(|v| v.pids == [pid] && v.path == "/tmp".into()).unwrap();
    let probe = ProbeResult {
        path: vantage.path.clone(),
        based_on: vantage.based_on.clone(),
        pid: Some(pid),
        mount_ns: vantage.mount_ns,
        root: vantage.root.clone(),
        credentials: vantage.credentials.clone(),
        at: WallNanos(0),
        steps: vec![StepResult { step: Step::Enter, errno: None, took: Micros(90) }],
        not_imitated: vec![],
        hung: matches!(standing.wait(), Wait::Thaw | Wait::Server),
        standing: Some(standing),
        left_behind: vec![],
    };
    stage.now.probes.push(probe);
}

fn check(stage: &Stage, before: Option<&Stage>) -> Verdict {
    FsFrozenOrHung.check(&stage.now, before.map(|b| &b.now), &Thresholds::default())
}

#[test]
fn fires_where_a_probe_does_not_return() {
    let mut stage = runner();
    hung_probe_of(&mut stage, 70);
    let Verdict::Found(found) = check(&stage, None) else { panic!("must be found") };
    assert_eq!((found[0].severity, found[0].confidence), (Severity::Critical, Confidence::Likely));
    assert_eq!(found[0].title, "/tmp does not answer: calls of ci.service hang in it");
    let mut stage = asleep(runner(), 70, &FREEZE);
    hung_probe_of(&mut stage, 70);
    let Verdict::Found(found) = check(&stage, None) else { panic!("must be found") };
    assert_eq!((found.len(), found[0].confidence), (1, Confidence::Proven), "both records agree");
}

#[test]
fn takes_a_probe_that_was_awake_for_late_and_not_for_hung() {
    for late in [standing('R', &[]), standing('S', &["do_wait"]), standing('D', &FORK)] {
        let mut stage = runner();
        probe_of(&mut stage, 70, late);
        let before = stage.clone();
        stage.now.probes[0].at = WallNanos(1);
        for before in [None, Some(&before)] {
            let Verdict::Blind(gaps) = check(&stage, before) else { panic!("a busy machine") };
            assert_eq!((gaps.len(), gaps[0].what.as_str()), (1, "the answer of /tmp"));
        }
    }
}

#[test]
fn a_sync_that_takes_long_needs_a_second_look() {
    let mut stage = runner();
    probe_of(&mut stage, 70, standing('D', &["jbd2_log_wait_commit"]));
    assert!(matches!(check(&stage, None), Verdict::Blind(_)), "a busy disk syncs slowly");
    let before = stage.clone();
    assert!(matches!(check(&stage, Some(&before)), Verdict::Blind(_)), "that is the same probe");
    stage.now.probes[0].at = WallNanos(1);
    let Verdict::Found(found) = check(&stage, Some(&before)) else { panic!("two probes") };
    assert_eq!((found[0].severity, found[0].confidence), (Severity::Critical, Confidence::Proven));
}

#[test]
fn two_probes_that_the_kernel_holds_are_proof() {
    let mut stage = runner();
    hung_probe_of(&mut stage, 70);
    let before = stage.clone();
    stage.now.probes[0].at = WallNanos(1);
    let Verdict::Found(found) = check(&stage, Some(&before)) else { panic!("must be found") };
    assert_eq!(found[0].confidence, Confidence::Proven);
    let seen = found[0].evidence[0].observed.shown();
    assert_eq!(
        seen,
        "no answer in /tmp after enter; held in state D in percpu_rwsem_wait, called by mnt_want_write"
    );
}

#[test]
fn takes_no_fork_for_a_frozen_file_system() {
    let fork = asleep(runner(), 70, &FORK);
    assert!(matches!(check(&fork, None), Verdict::RuledOut(_)));
    assert!(
        matches!(check(&fork, Some(&fork)), Verdict::RuledOut(_)),
        "fork and exec sleep in the same function"
    );
    let mut unclear = asleep(runner(), 70, &["percpu_rwsem_wait"]).change(70, |p| p.stack.clear());
    unclear.now.eyes.credentials.uid = 1000;
    let Verdict::Blind(gaps) = check(&unclear, Some(&unclear)) else {
        panic!("the channel alone proves nothing")
    };
    assert_eq!(gaps[0], Gap::new("what pid 70 waits for: /proc/70/stack", GapWhy::Denied));
}

#[test]
fn leaves_itself_and_its_helpers_out() {
    let mut stage = asleep(runner(), 70, &FREEZE);
    stage.now.eyes.pid = 70;
    assert!(matches!(check(&stage, Some(&stage)), Verdict::RuledOut(_)));
    let mut stage = asleep(runner(), 70, &FREEZE).change(70, |p| p.parent = 900);
    stage.now.eyes.pid = 900;
    assert!(matches!(check(&stage, Some(&stage)), Verdict::RuledOut(_)));
}

#[test]
fn a_look_that_came_to_no_end_says_nothing_of_file_systems() {
    let mut stage = runner();
    let gap = Gap::new("this machine", GapWhy::Hung { after: Millis(100) });
    stage.now.vantages = crate::model::reading::Reading::Blind { gap };
    assert!(matches!(check(&stage, None), Verdict::Blind(_)));
}

#[test]
fn fires_where_a_mount_gives_no_figures() {
    let hung = GapWhy::Hung { after: Millis(300) };
    let stage = runner()
        .change_vantages(|v| v.pids == [70] && v.path == "/tmp".into(), move |v| v.space = Err(hung.clone()));
    let Verdict::Found(found) = check(&stage, None) else { panic!("must be found") };
    assert_eq!(found[0].evidence[0].observed, "no answer in 300 ms".into());
}

#[test]
fn says_what_it_knows_of_a_place_that_only_a_gap_names() {
    let mut stage = runner();
    let value = stage.now.vantages.items().to_vec();
    let gap = Gap::new("statfs of /mnt/nfs/tmp", GapWhy::Hung { after: Millis(300) });
    stage.now.vantages = crate::model::reading::Reading::Part { value, took: Micros(1), gaps: vec![gap] };
    let Verdict::Found(found) = check(&stage, None) else { panic!("must be found") };
    assert_eq!((found[0].severity, found[0].confidence), (Severity::Warning, Confidence::Possible));
    assert_eq!(found[0].title, "statfs of /mnt/nfs/tmp: no answer in 300 ms");
}

#[test]
fn waits_for_a_second_look_at_a_sleeping_writer() {
    let stage = asleep(runner(), 70, &FREEZE);
    assert_eq!(check(&stage, None), Verdict::Wait);
    let Verdict::Found(found) = check(&stage, Some(&stage)) else { panic!("seen twice") };
    assert_eq!((found[0].severity, found[0].confidence), (Severity::Critical, Confidence::Likely));
    assert_eq!(found[0].title, "calls of ci.service hang in percpu_rwsem_wait: a frozen file system");
}

#[test]
fn only_warns_of_a_slow_server() {
    let stage = asleep(runner(), 70, &["rpc_wait_bit_killable"]);
    let Verdict::Found(found) = check(&stage, Some(&stage)) else { panic!("seen twice") };
    assert_eq!(found[0].severity, Severity::Warning);
}

#[test]
fn leaves_processes_alone_that_moved_on_or_only_wait_for_a_disk() {
    let stage = asleep(runner(), 70, &FREEZE);
    assert!(matches!(check(&stage, Some(&runner())), Verdict::RuledOut(_)), "it was awake before");
    let reused = asleep(runner(), 70, &FREEZE).change(70, |p| p.started.0 += 1);
    assert!(matches!(check(&stage, Some(&reused)), Verdict::RuledOut(_)), "another process had that pid");
    let busy = asleep(runner(), 70, &["io_schedule"]);
    let Verdict::RuledOut(because) = check(&busy, Some(&busy)) else { panic!("a busy disk answers") };
    assert_eq!(because, "0 probes answered, 1 process in state D, none stays on a dead file system");
}

#[test]
fn is_blind_without_processes() {
    let mut stage = runner();
    let gap = Gap::new("/proc", GapWhy::Denied);
    stage.now.processes = crate::model::reading::Reading::Blind { gap };
    assert!(matches!(check(&stage, None), Verdict::Blind(_)));
}

#[test]
fn is_blind_where_no_temp_dir_was_looked_at() {
    assert!(matches!(check(&runner().without_vantages(), None), Verdict::Blind(_)));
}

#[test]
fn takes_a_slow_probe_of_memory_for_a_busy_machine() {
    let mut tmpfs = crate::rules::stage::mount(60, 25, "/", "/tmp", "tmpfs", "tmpfs");
    tmpfs.device.major = 0;
    let mut stage = runner()
        .mount(70, tmpfs)
        .change_vantages(|v| v.pids == [70] && v.path == "/tmp".into(), |v| v.mount_id = Some(60));
    hung_probe_of(&mut stage, 70);
    let Verdict::Blind(gaps) = check(&stage, None) else { panic!("tmpfs cannot hang") };
    assert_eq!(gaps[0].what, "the answer of /tmp, which is memory and cannot hang");
}
