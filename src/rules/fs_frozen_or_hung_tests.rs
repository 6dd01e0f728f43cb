//! Tests of [`super::FsFrozenOrHung`].

use super::*;
use crate::model::probe::{Step, StepResult};
use crate::model::units::{Micros, Millis, WallNanos};
use crate::rules::stage::Stage;

fn runner() -> Stage {
    Stage::healthy().runner(70, "ci.service")
}

fn asleep(stage: Stage, pid: Pid, channel: &str) -> Stage {
    let channel = channel.to_owned();
    stage.change(pid, |p| {
        p.state = 'D';
        p.wait_channel = Some(channel);
    })
}

fn hung_probe_of(stage: &mut Stage, pid: Pid) {
    let vantage = stage.now.vantages.items().iter().find(|v| v.pids == [pid] && v.path == "/tmp".into()).unwrap();
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
        hung: true,
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
    assert_eq!(found[0].title, "/tmp does not answer: ci.service hangs in it");
    let mut stage = asleep(runner(), 70, "percpu_rwsem_wait");
    hung_probe_of(&mut stage, 70);
    let Verdict::Found(found) = check(&stage, None) else { panic!("must be found") };
    assert_eq!((found.len(), found[0].confidence), (1, Confidence::Proven), "both records agree");
}

#[test]
fn fires_where_a_mount_gives_no_figures() {
    let hung = GapWhy::Hung { after: Millis(300) };
    let stage = runner().change_vantages(|v| v.pids == [70] && v.path == "/tmp".into(), move |v| v.space = Err(hung.clone()));
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
    let stage = asleep(runner(), 70, "percpu_rwsem_wait");
    assert_eq!(check(&stage, None), Verdict::Wait);
    let Verdict::Found(found) = check(&stage, Some(&stage)) else { panic!("seen twice") };
    assert_eq!((found[0].severity, found[0].confidence), (Severity::Critical, Confidence::Likely));
    assert_eq!(found[0].title, "ci.service sleeps in percpu_rwsem_wait: a frozen file system");
}

#[test]
fn only_warns_of_a_slow_server() {
    let stage = asleep(runner(), 70, "rpc_wait_bit_killable");
    let Verdict::Found(found) = check(&stage, Some(&stage)) else { panic!("seen twice") };
    assert_eq!(found[0].severity, Severity::Warning);
}

#[test]
fn leaves_processes_alone_that_moved_on_or_only_wait_for_a_disk() {
    let stage = asleep(runner(), 70, "percpu_rwsem_wait");
    assert!(matches!(check(&stage, Some(&runner())), Verdict::RuledOut(_)), "it was awake before");
    let reused = asleep(runner(), 70, "percpu_rwsem_wait").change(70, |p| p.started.0 += 1);
    assert!(matches!(check(&stage, Some(&reused)), Verdict::RuledOut(_)), "another process had that pid");
    let busy = asleep(runner(), 70, "io_schedule");
    let Verdict::RuledOut(because) = check(&busy, Some(&busy)) else { panic!("a busy disk answers") };
    assert_eq!(because, "0 probes answered, 1 processes in state D, none stays on a dead file system");
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
