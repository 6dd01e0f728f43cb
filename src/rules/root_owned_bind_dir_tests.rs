//! Tests of [`super::RootOwnedBindDir`].

use super::*;
use crate::model::process::{Container, Place, Variable};
use crate::model::vantage::Ability;
use crate::rules::stage::{Life, NOW, Stage, mount};

const HOST_DIR: &str = "/srv/targets/1792";

/// A container's user (pid 70) with a directory of the host bound to `point`, owned by root, long ago and full.
fn bound(point: &'static str) -> Stage {
    let stage = Stage::healthy().runner(70, "x").change(70, |p| {
        p.container = Some(Container { engine: "docker".into(), id: "3f2a91c04b7d55".into(), name: None });
        p.unit = None;
    });
    let stage = stage.bind(70, HOST_DIR, point, Life::Alive);
    let mut dir = stage
        .now
        .vantages
        .items()
        .iter()
        .find(|v| v.pids == [70] && v.path == "/tmp".into())
        .unwrap()
        .clone();
    dir.path = point.into();
    dir.reasons = vec![Reason::BindMount];
    dir.is_build = false;
    dir.mount_id = Some(5070);
    dir.identity.as_mut().unwrap().inode = 900;
    let end = dir.walked.last_mut().unwrap();
    end.path = point.into();
    let facts = end.facts.as_mut().unwrap();
    (facts.mode, facts.links) = (0o755, 5);
    dir.can_create = Ability::predicted(Can::No, Some(Errno::EACCES), Some("mkdir"));
    let mut stage = stage;
    stage.now.vantages.value_mut().unwrap().push(dir);
    stage
}

fn change_dir(stage: Stage, how: impl Fn(&mut Vantage)) -> Stage {
    stage.change_vantages(|v| v.reasons == [Reason::BindMount], how)
}

fn found(stage: &Stage) -> Vec<Finding> {
    match stage.check(&RootOwnedBindDir) {
        Verdict::Found(found) => found,
        other => panic!("must be found, not {other:?}"),
    }
}

/// Born with the container's first process and never filled.
fn fresh(vantage: &mut Vantage) {
    let facts = vantage.walked.last_mut().unwrap().facts.as_mut().unwrap();
    let ago = 9 * 86_400_000_000_000 - 70_000_000_000;
    facts.born = Some(WallNanos(NOW.0 - ago - 2_000_000_000));
    facts.modified = facts.born.unwrap();
    facts.links = 2;
}

#[test]
fn is_critical_where_a_build_is_told_to_write_there() {
    let stage = bound("/workspace/target").change(70, |p| {
        p.variables =
            Ok(vec![Variable { name: "CARGO_TARGET_DIR".into(), value: "/workspace/target".into() }]);
    });
    let found = found(&stage);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].severity, found[0].confidence), (Severity::Critical, Confidence::Proven));
    assert_eq!(found[0].subject.kind, SubjectKind::Container);
    assert_eq!(found[0].title, "/workspace/target in docker 3f2a91c04b7d is root's: uid 1000 cannot write");
    assert!(
        found[0]
            .evidence
            .iter()
            .any(|e| e.means.contains("/srv/targets/1792 on the host is /workspace/target"))
    );
    assert_eq!(found[0].actions[0].by_hand[1], "chown -hR --from=0 1000:1000 /srv/targets/1792");
}

#[test]
fn is_critical_where_a_build_stands_in_it() {
    let cwd = Place { path: "/workspace/repo".into(), deleted: false };
    let stage = bound("/workspace").change(70, move |p| p.cwd = Ok(cwd));
    assert_eq!(found(&stage)[0].severity, Severity::Critical);
}

#[test]
fn fires_where_a_probe_was_refused_in_a_work_dir() {
    let probed = |v: &mut Vantage| v.can_create.how = HowKnown::Probed;
    assert_eq!(found(&change_dir(bound("/workspace"), probed))[0].confidence, Confidence::Proven);
    let elsewhere = change_dir(bound("/config"), probed);
    assert!(matches!(elsewhere.check(&RootOwnedBindDir), Verdict::RuledOut(_)), "nobody works in /config");
}

#[test]
fn warns_where_the_engine_made_it_and_nobody_builds() {
    let stage = change_dir(bound("/data").change(70, |p| p.role = None), fresh);
    let found = found(&stage);
    assert_eq!((found[0].severity, found[0].confidence), (Severity::Warning, Confidence::Likely));
    assert!(found[0].evidence.iter().any(|e| e.observed.shown().starts_with("born ")));
}

#[test]
fn leaves_old_directories_with_content_alone() {
    let Verdict::RuledOut(because) = bound("/data/certs").check(&RootOwnedBindDir) else {
        panic!("old and full")
    };
    assert!(because.starts_with("1 directory bound"), "{because}");
}

#[test]
fn leaves_a_service_alone_that_starts_as_root_and_drops_it() {
    let mut root = crate::rules::stage::process(71, 70, "nginx", 0);
    root.container = Some(Container { engine: "docker".into(), id: "3f2a91c04b7d55".into(), name: None });
    let stage = change_dir(bound("/data").change(70, |p| p.role = None).put(root), fresh);
    assert!(matches!(stage.check(&RootOwnedBindDir), Verdict::RuledOut(_)));
}

#[test]
fn leaves_a_service_alone_that_only_stands_there() {
    let cwd = Place { path: "/app".into(), deleted: false };
    let stage = bound("/app").change(70, move |p| {
        p.role = None;
        p.cwd = Ok(cwd);
    });
    assert!(matches!(stage.check(&RootOwnedBindDir), Verdict::RuledOut(_)));
}

#[test]
fn leaves_read_only_mounts_and_system_places_alone() {
    let mut ro = mount(5070, 25, HOST_DIR, "/workspace", "ext4", "/dev/vda1");
    ro.options = "ro,relatime".into();
    let mut stage = change_dir(bound("/workspace"), fresh);
    for namespace in stage.now.namespaces.value_mut().unwrap() {
        let mounts = namespace.mounts.value_mut().unwrap();
        for mount in mounts.iter_mut().filter(|m| m.id == 5070) {
            *mount = ro.clone();
        }
    }
    assert!(matches!(stage.check(&RootOwnedBindDir), Verdict::RuledOut(_)));
    let stage = change_dir(bound("/etc/ssl/certs").change(70, |p| p.role = None), fresh);
    assert!(matches!(stage.check(&RootOwnedBindDir), Verdict::RuledOut(_)));
}

#[test]
fn leaves_directories_alone_that_are_dead_or_whose_user_may_write() {
    let stage = change_dir(bound("/workspace"), |v| {
        fresh(v);
        v.walked.last_mut().unwrap().facts.as_mut().unwrap().links = 0;
    });
    assert!(matches!(stage.check(&RootOwnedBindDir), Verdict::RuledOut(_)), "ENOENT, not EACCES");
    let stage = change_dir(bound("/workspace"), |v| {
        v.walked.last_mut().unwrap().facts.as_mut().unwrap().uid = 1000;
    });
    assert!(matches!(stage.check(&RootOwnedBindDir), Verdict::RuledOut(_)));
}

#[test]
fn is_blind_without_vantages() {
    assert!(matches!(Stage::healthy().without_vantages().check(&RootOwnedBindDir), Verdict::Blind(_)));
}
