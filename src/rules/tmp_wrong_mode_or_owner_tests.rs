//! Tests of [`super::TmpWrongModeOrOwner`].

use super::*;
use crate::model::process::Container;
use crate::model::vantage::{Acl, Can};
use crate::rules::stage::Stage;

fn found(stage: &Stage) -> Vec<Finding> {
    match stage.check(&TmpWrongModeOrOwner) {
        Verdict::Found(found) => found,
        other => panic!("must be found, not {other:?}"),
    }
}

/// `/tmp` gets that mode and owner, and whom the mode keeps out cannot create.
fn tmp(stage: Stage, mode: u32, uid: u32) -> Stage {
    stage.change_vantages(|v| v.path == "/tmp".into(), move |v| set(v, mode, uid))
}

fn set(vantage: &mut Vantage, mode: u32, uid: u32) {
    let facts = vantage.walked.last_mut().unwrap().facts.as_mut().unwrap();
    (facts.mode, facts.uid, facts.gid) = (mode, uid, uid);
    let who = &vantage.credentials;
    if !who.overrides_modes() && !rights::mode_allows(facts, who, rights::WRITE_SEARCH) {
        vantage.can_create =
            crate::model::vantage::Ability::predicted(Can::No, Some(Errno::EACCES), Some("mkdir"));
    }
}

fn contained(stage: Stage, pid: u32) -> Stage {
    stage.change(pid, |p| {
        p.container = Some(Container { engine: "docker".into(), id: "3f2a91c04b7d".into(), name: None });
    })
}

#[test]
fn fires_where_users_may_not_create_and_spares_root() {
    let stage = tmp(Stage::healthy().runner(70, "ci.service"), 0o755, 0);
    let found = found(&stage);
    assert_eq!(found.len(), 1, "one directory, however many see it");
    assert_eq!((found[0].severity, found[0].confidence), (Severity::Critical, Confidence::Proven));
    assert_eq!(found[0].subject.pids, [70, 100], "pid 1 is root");
    assert_eq!(found[0].title, "/tmp has mode 0755, owner 0: ci.service cannot create in it");
    assert_eq!(found[0].actions[0].by_hand[0], "chown 0:0 /proc/70/root/tmp && chmod 1777 /proc/70/root/tmp");
}

#[test]
fn is_a_warning_on_a_host_where_no_build_lives() {
    assert_eq!(found(&tmp(Stage::healthy(), 0o755, 0))[0].severity, Severity::Warning);
}

#[test]
fn fires_without_search_permission() {
    let found = found(&tmp(Stage::healthy().runner(70, "ci.service"), 0o1666, 0));
    assert!(found[0].title.starts_with("/tmp has mode 1666"));
}

#[test]
fn names_the_directory_on_the_way_that_bars_it() {
    let stage =
        Stage::healthy().runner(70, "ci.service").variable(70, "TMPDIR", "/srv/ci/tmp").change_vantages(
            |v| v.path == "/srv/ci/tmp".into(),
            |v| {
                let ci = &mut v.walked[2];
                ci.facts.as_mut().unwrap().mode = 0o700;
                ci.search = Some(false);
                v.can_create =
                    crate::model::vantage::Ability::predicted(Can::No, Some(Errno::EACCES), Some("mkdir"));
            },
        );
    let found = found(&stage);
    assert_eq!(found[0].title, "/srv/ci has mode 0700, owner 0: no way to /srv/ci/tmp for ci.service");
    assert_eq!(found[0].actions[0].by_hand[0], "chmod o+x /proc/70/root/srv/ci");
}

#[test]
fn warns_without_the_sticky_bit_though_creating_works() {
    let found = found(&tmp(Stage::healthy().runner(70, "ci.service"), 0o777, 0));
    assert_eq!((found[0].severity, found[0].errno), (Severity::Warning, None));
    assert_eq!(found[0].title, "/tmp has mode 0777: everybody may remove everybody's entries");
}

#[test]
fn tells_of_a_foreign_owner_as_context() {
    let found = found(&tmp(Stage::healthy(), 0o1777, 1000));
    assert_eq!((found.len(), found[0].severity), (1, Severity::Info));
}

#[test]
fn is_ruled_out_with_its_figures() {
    let Verdict::RuledOut(because) = Stage::healthy().check(&TmpWrongModeOrOwner) else {
        panic!("all is well")
    };
    assert_eq!(because, "modes: /tmp 1777 owner 0, /var/tmp 1777 owner 0");
}

#[test]
fn leaves_a_private_temp_dir_of_its_user_alone() {
    let stage = Stage::healthy()
        .runner(70, "ci.service")
        .variable(70, "TMPDIR", "/home/ci/tmp")
        .change_vantages(|v| v.path == "/home/ci/tmp".into(), |v| set(v, 0o700, 1000));
    assert!(matches!(stage.check(&TmpWrongModeOrOwner), Verdict::RuledOut(_)));
}

#[test]
fn leaves_an_empty_dir_of_a_container_alone() {
    let stage = tmp(contained(Stage::healthy().runner(70, "x"), 70), 0o1777, 0)
        .change_vantages(|v| v.pids == [70], |v| set(v, 0o777, 0));
    assert!(matches!(stage.check(&TmpWrongModeOrOwner), Verdict::RuledOut(_)));
}

#[test]
fn leaves_containers_alone_that_build_nothing() {
    let stage = contained(Stage::healthy().runner(70, "x").change(70, |p| p.role = None), 70)
        .change_vantages(
            |v| v.pids == [70],
            |v| {
                v.is_build = false;
                set(v, 0o755, 0);
            },
        );
    assert!(matches!(stage.check(&TmpWrongModeOrOwner), Verdict::RuledOut(_)));
}

#[test]
fn leaves_what_the_acl_decides_to_its_own_rule() {
    let stage = Stage::healthy().fails(100, "/tmp", Errno::EACCES, "mkdir").change_vantages(
        |v| v.path == "/tmp".into(),
        |v| v.walked.last_mut().unwrap().facts.as_mut().unwrap().acl = Some(Acl::default()),
    );
    assert!(matches!(stage.check(&TmpWrongModeOrOwner), Verdict::RuledOut(_)));
}

#[test]
fn leaves_a_refusal_to_execute_to_its_own_rule() {
    let stage = Stage::healthy().fails(100, "/tmp", Errno::EACCES, "execute");
    assert!(matches!(stage.check(&TmpWrongModeOrOwner), Verdict::RuledOut(_)));
}

#[test]
fn is_blind_without_vantages() {
    assert!(matches!(Stage::healthy().without_vantages().check(&TmpWrongModeOrOwner), Verdict::Blind(_)));
}
