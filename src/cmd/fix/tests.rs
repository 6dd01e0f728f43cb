//! Plans from machines made of data: what a rule finds there, and what would be done about it.

use super::*;
use crate::model::errno::Errno;
use crate::model::finding::{Action, Confidence, Finding, Risk, Severity, Subject, SubjectKind};
use crate::model::thresholds::Thresholds;
use crate::model::treatment::{Aim, Inode, Rights, Step};
use crate::rules::stage::{Life, Stage};

/// The plan of the first finding of that cause, by its first action or a named one.
fn plan(stage: &Stage, cause: &str, action: Option<&str>) -> Option<Treatment> {
    let found = crate::rules::diagnose(&stage.now, None, &Thresholds::default()).found;
    let args = FixArgs {
        cause: Some(cause.to_owned()),
        whom: Whom::default(),
        action: action.map(str::to_owned),
        apply: false,
        yes: None,
        digest: None,
        no_undo: false,
        deadline: std::time::Duration::from_secs(1),
    };
    let plan = cases(&args, &stage.now, found).unwrap().remove(0).plan;
    for step in plan.iter().flat_map(|plan| &plan.steps) {
        assert!(!step.by_hand.is_empty() && !step.does.is_empty(), "{step:?}");
    }
    plan
}

fn dead() -> Stage {
    Stage::healthy().runner(4514, "forgejo-runner@1.service").private_tmp(4514, "/tmp", Life::Dead)
}

#[test]
fn a_dead_private_tmp_is_mounted_anew_and_nobody_ends() {
    let plan = plan(&dead(), "private-tmp-deleted", None).unwrap();
    assert_eq!((plan.action.as_str(), plan.risk, plan.reversible), ("rebind-private-tmp", Risk::None, false));
    assert!(plan.ends.is_empty());
    let Deed::Rebind { whom, mount_id, line, .. } = &plan.steps[1].deed else { panic!("{plan:?}") };
    assert_eq!((whom.pid, *mount_id), (4514, 9514));
    assert!(line.shown().contains("//deleted"));
    let notes = plan.notes.join(" ");
    assert!(
        notes.contains("Cleaning /tmp will not help") && notes.contains("will not help either"),
        "{notes}"
    );
    assert_eq!(plan.proofs.len(), 1);
    assert_eq!(plan.proofs[0].path, "/tmp".into());
}

#[test]
fn a_process_in_another_root_gets_no_rebind() {
    let stage = dead().change(4514, |p| p.root.as_mut().unwrap().path = "/srv/image".into());
    assert!(plan(&stage, "private-tmp-deleted", Some("rebind-private-tmp")).is_none());
}

#[test]
fn a_restart_says_who_ends() {
    let plan = plan(&dead(), "private-tmp-deleted", Some("restart-unit")).unwrap();
    assert_eq!(plan.ends.iter().map(|ends| ends.pid).collect::<Vec<_>>(), [4514]);
    assert_eq!(plan.risk, Risk::Interrupts);
    assert_eq!(plan.steps[0].by_hand, "systemctl restart -- forgejo-runner@1.service");
}

#[test]
fn a_unit_whose_name_is_an_option_gets_no_plan() {
    let stage = Stage::healthy().runner(7, "--host=evil.service").private_tmp(7, "/tmp", Life::Dead);
    assert!(plan(&stage, "private-tmp-deleted", Some("restart-unit")).is_none());
}

#[test]
fn a_missing_temp_dir_is_made_for_the_user_that_needs_it_and_in_its_root() {
    let stage = Stage::healthy().runner(41, "r@1.service").variable(41, "TMPDIR", "/srv/ci/tmp").stops(
        41,
        "/srv/ci/tmp",
        "/srv/ci",
        Errno::ENOENT,
    );
    let plan = plan(&stage, "tmpdir-missing", None).unwrap();
    let Deed::MakeDir { at, rights } = &plan.steps[0].deed else { panic!("{plan:?}") };
    assert_eq!(*rights, Rights { mode: 0o700, uid: 1000, gid: 1000 });
    assert_eq!(at.reached(), "/proc/41/root/srv/ci/tmp".into());
    assert!(plan.reversible);
}

#[test]
fn a_variable_is_taken_away_by_a_drop_in_that_interrupts_nothing() {
    let stage = Stage::healthy().runner(41, "r@1.service").variable(41, "TMPDIR", "t");
    let plan = plan(&stage, "tmpdir-relative", Some("set-override")).unwrap();
    let Deed::WriteDropIn { unit, file, after, .. } = &plan.steps[0].deed else { panic!("{plan:?}") };
    assert_eq!((unit.as_str(), file.as_str()), ("r@1.service", "zz-temp-dir.conf"));
    assert_eq!(*after, "[Service]\nUnsetEnvironment=TMPDIR\n".into());
    assert_eq!((plan.risk, &plan.steps[1].deed), (Risk::None, &Deed::ReloadManager));
}

#[test]
fn the_same_look_gives_the_same_plan() {
    let one = crate::exec::treat::seal(plan(&dead(), "private-tmp-deleted", None).unwrap());
    let other = crate::exec::treat::seal(plan(&dead(), "private-tmp-deleted", None).unwrap());
    assert_eq!(one.digest, other.digest);
    assert_eq!(one.digest.len(), 64);
}

fn finding(id: &str, aim: Option<Aim>) -> Finding {
    let action = Action {
        id: id.to_owned(),
        title: "t".to_owned(),
        risk: Risk::None,
        reversible: true,
        by_hand: vec!["true".to_owned()],
        aim,
    };
    let subject =
        Subject { kind: SubjectKind::Unit, name: "a.service".to_owned(), pids: vec![7], path: None };
    Finding {
        id: "x".to_owned(),
        severity: Severity::Critical,
        confidence: Confidence::Proven,
        subject,
        title: "t".to_owned(),
        errno: None,
        evidence: Vec::new(),
        actions: vec![action],
    }
}

#[test]
fn no_remedy_plans_without_an_aim_for_another_one_s_or_for_a_process_that_was_not_seen() {
    let now = Stage::healthy().now;
    let path = "/srv/x".into();
    let inode = Inode { device: crate::model::mount::Device::default(), inode: 1 };
    let rights = Rights::SHARED;
    let by = Some(4514);
    let aims = [
        Aim::Unit("-H.service".to_owned()),
        Aim::DeadMount { pid: 4514, mount_id: 1 },
        Aim::Directory { by, path, rights },
        Aim::Rights { by, path: "/srv/x".into(), inode, from: rights, to: rights },
        Aim::Tree { by, path: "/srv/x".into(), inode, old_uid: 0, uid: 1, gid: 1 },
        Aim::Record { by, path: "/srv/x".into() },
        Aim::Process(4514),
        Aim::DropIn { unit: "a.service".to_owned(), name: "../x".to_owned(), settings: Vec::new() },
    ];
    for remedy in REMEDIES {
        let id = remedy.card().id;
        for aim in std::iter::once(None).chain(aims.iter().cloned().map(Some)) {
            let finding = finding(id, aim);
            assert_eq!(remedy.plan(&now, &finding), None, "{id}: {:?}", finding.actions[0].aim);
        }
    }
}

#[test]
fn every_card_says_what_it_does_and_how_it_is_proved() {
    for card in REMEDIES.iter().map(|remedy| remedy.card()) {
        assert!(
            remedies::remedy(card.id).is_some_and(|found| std::ptr::eq(found.card(), card)),
            "{} is there twice",
            card.id
        );
        for text in [card.title, card.verification, card.page] {
            assert!(!text.is_empty(), "{}", card.id);
        }
    }
}

#[test]
fn a_tree_is_given_by_a_command_that_leaves_out_what_the_hands_leave_out() {
    let stage = Stage::healthy().runner(41, "r@1.service");
    let inode = Inode { device: crate::model::mount::Device::default(), inode: 900 };
    let aim = Aim::Tree { by: Some(41), path: "/srv/target".into(), inode, old_uid: 0, uid: 1000, gid: 1000 };
    let finding = finding("give-to-runner", Some(aim));
    let plan = remedies::plan(&stage.now, &finding, &finding.actions[0]).unwrap();
    let by_hand = &plan.steps[0].by_hand;
    for word in
        ["/proc/41/root/srv/target", "-xdev", "-uid 0", "-links 1", "! -perm /6000", "--from=0 1000:1000"]
    {
        assert!(by_hand.contains(word), "{word}: {by_hand}");
    }
    assert!(needs_root(&plan) && plan.notes[0].contains("stay as they are"), "{plan:?}");
}

#[test]
fn a_daemon_that_clients_start_again_is_asked_and_never_killed() {
    let stage = Stage::healthy().runner(41, "r@1.service");
    let steps = |id| {
        let finding = finding(id, Some(Aim::Process(41)));
        remedies::plan(&stage.now, &finding, &finding.actions[0]).unwrap().steps
    };
    for (id, force) in [("restart-daemon", false), ("stop-process", true)] {
        let steps = steps(id);
        let [Step { by_hand, deed: Deed::Stop { whom, kill, patience_ms, .. }, does }] = &steps[..] else {
            panic!("{steps:?}")
        };
        assert_eq!(
            (whom.pid, *kill, by_hand.contains("KILL"), does.contains("SIGKILL")),
            (41, force, force, force)
        );
        assert!(*patience_ms == 10_000 && does.contains("10 s"), "the wait is shown: {does}");
    }
}
