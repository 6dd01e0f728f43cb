//! Tests of [`super::FdOrTaskLimits`].

use super::*;
use crate::model::reading::Strain;
use crate::rules::stage::Stage;

fn found(stage: &Stage) -> Vec<Finding> {
    match stage.check(&FdOrTaskLimits) {
        Verdict::Found(found) => found,
        other => panic!("must be found, not {other:?}"),
    }
}

fn opened(open: u64, limit: Option<u64>) -> Stage {
    Stage::healthy().runner(70, "ci.service").change(70, |p| {
        p.open_files = Ok(Entries(open));
        p.limits.as_mut().unwrap().open_files = limit;
    })
}

fn tasks(current: u64, refused: u64) -> Stage {
    let mut stage = Stage::healthy().runner(70, "ci.service").change(70, |p| {
        p.cgroup = Ok("12:pids:/system.slice/ci.service\n0::/system.slice/ci.service/job".into());
    });
    let cgroup = "/system.slice/ci.service".into();
    stage.now.host.value_mut().unwrap().task_limits = vec![TaskLimit { cgroup, current, max: 500, refused }];
    stage
}

#[test]
fn fires_where_a_build_has_no_descriptor_left() {
    let found = found(&opened(1024, Some(1024)));
    assert_eq!((found[0].severity, found[0].confidence), (Severity::Critical, Confidence::Proven));
    assert_eq!(found[0].title, "ci.service has 1024 of 1024 descriptors open");
    assert_eq!(found[0].errno, Some(Errno::EMFILE));
}

#[test]
fn warns_before_that() {
    assert_eq!(found(&opened(1000, Some(1024)))[0].severity, Severity::Warning);
}

#[test]
fn is_ruled_out_with_its_figures() {
    let Verdict::RuledOut(because) = opened(12, Some(1024)).check(&FdOrTaskLimits) else {
        panic!("plenty left")
    };
    assert_eq!(because, "at most 12 of 1,024 descriptors in use; 1 % of the machine's open files");
    assert!(matches!(opened(900_000, None).check(&FdOrTaskLimits), Verdict::RuledOut(_)), "unlimited");
}

#[test]
fn leaves_processes_alone_that_build_nothing() {
    let stage = Stage::healthy().change(100, |p| p.open_files = Ok(Entries(1024)));
    assert!(matches!(stage.check(&FdOrTaskLimits), Verdict::RuledOut(_)));
}

#[test]
fn fires_where_the_machine_has_no_file_left() {
    let mut stage = Stage::healthy();
    stage.now.host.value_mut().unwrap().open_files = Ok((Entries(1000), Entries(1000)));
    assert_eq!(found(&stage)[0].errno, Some(Errno::ENFILE));
}

#[test]
fn fires_on_the_cgroup_of_a_build_that_is_at_its_limit() {
    let found = found(&tasks(500, 0));
    assert_eq!(found[0].severity, Severity::Critical);
    assert_eq!(found[0].title, "ci.service has 500 of 500 tasks: no room for more");
    assert_eq!(found[0].actions[0].by_hand, ["systemctl set-property --runtime ci.service TasksMax=1000"]);
    assert!(found[0].evidence[0].by_hand.contains("cat /sys/fs/cgroup/system.slice/ci.service/pids.max"));
}

#[test]
fn tells_an_old_refusal_from_one_that_happens_now() {
    let stage = tasks(20, 7);
    assert_eq!(found(&stage)[0].severity, Severity::Warning);
    let mut before = stage.now.clone();
    before.host.value_mut().unwrap().task_limits[0].refused = 3;
    let verdict = FdOrTaskLimits.check(&stage.now, Some(&before), &Thresholds::default());
    let Verdict::Found(found) = verdict else { panic!("must be found") };
    assert_eq!(found[0].severity, Severity::Critical);
}

#[test]
fn leaves_cgroups_alone_in_which_no_build_lives() {
    let stage = tasks(500, 9).change(70, |p| p.cgroup = Ok("0::/system.slice/ci.service-2".into()));
    assert!(matches!(stage.check(&FdOrTaskLimits), Verdict::RuledOut(_)));
}

#[test]
fn fires_where_a_user_has_no_process_left() {
    let stage = Stage::healthy()
        .runner(70, "ci.service")
        .change(70, |p| p.limits.as_mut().unwrap().processes = Some(2));
    assert_eq!(found(&stage)[0].title, "user 1000 has 2 of 2 processes");
}

#[test]
fn takes_its_own_failed_thread_as_evidence() {
    let mut stage = Stage::healthy();
    stage.now.strains = vec![Strain { asked: "a thread".into(), errno: Errno::EAGAIN }];
    let found = found(&stage);
    assert_eq!(found[0].severity, Severity::Warning);
    assert_eq!(found[0].title, "the machine refused a thread to tmpmedic itself");
}

#[test]
fn is_blind_where_descriptors_of_a_build_cannot_be_counted() {
    let stage = opened(12, Some(1024)).change(70, |p| p.open_files = Err(GapWhy::Denied));
    let Verdict::Blind(gaps) = stage.check(&FdOrTaskLimits) else { panic!("must be blind") };
    assert_eq!(gaps[0].what, "descriptors of process 70");
    assert_eq!(gaps[0].remedy.as_deref(), Some("run as root"));
}

#[test]
fn is_blind_where_the_limits_of_the_machine_were_not_seen() {
    let mut stage = opened(12, Some(1024));
    stage.now.host = crate::model::reading::Reading::Blind { gap: Gap::new("the host", GapWhy::Denied) };
    assert!(matches!(stage.check(&FdOrTaskLimits), Verdict::Blind(_)));
}
