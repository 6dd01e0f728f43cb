//! Laws over all rules together: healthy machines stay quiet, and the most specific cause leads.

use crate::model::errno::Errno;
use crate::model::finding::{Diagnosis, Severity};
use crate::model::process::{Container, Pid};
use crate::model::thresholds::Thresholds;
use crate::model::units::{Bytes, Entries};
use crate::model::vantage::{Can, Reason, Space, Vantage};
use crate::rules::diagnose;
use crate::rules::stage::{Stage, mount, process, space};

fn diagnosis(stage: &Stage) -> Diagnosis {
    diagnose(&stage.now, None, &Thresholds::default())
}

fn assert_quiet(what: &str, stage: &Stage) {
    let loud: Vec<String> = diagnosis(stage)
        .found
        .into_iter()
        .filter(|f| f.severity > Severity::Info)
        .map(|f| format!("{}: {}", f.id, f.title))
        .collect();
    assert!(loud.is_empty(), "{what} is healthy, but: {loud:#?}");
}

fn service(stage: Stage, pid: Pid, unit: &str) -> Stage {
    let stage = stage.runner(pid, unit).change(pid, |p| p.role = None);
    stage.change_vantages(move |v| v.pids == [pid], |v| v.is_build = false)
}

fn container(stage: Stage, pid: Pid) -> Stage {
    service(stage, pid, "docker.service").change(pid, |p| {
        p.unit = None;
        p.container = Some(Container { engine: "docker".into(), id: "3f2a91c04b7d55".into(), name: None });
    })
}

fn root_of(mut stage: Stage, pid: Pid, fs_type: &str, options: &str) -> Stage {
    let mut root = mount(7000 + u64::from(pid), 1, "/", "/", fs_type, fs_type);
    root.options = options.to_owned();
    let id = root.id;
    stage = stage.mount(pid, root);
    stage.change_vantages(move |v| v.pids == [pid], move |v| v.mount_id = Some(id))
}

#[test]
fn an_idle_machine_and_one_that_builds_give_no_finding_at_all() {
    assert!(diagnosis(&Stage::healthy()).found.is_empty());
    let building = Stage::healthy().runner(70, "ci-1.service").runner(71, "ci-2.service");
    assert!(diagnosis(&building).found.is_empty());
}

#[test]
fn a_server_with_sandboxed_services_is_quiet() {
    let stage = root_of(service(Stage::healthy(), 70, "networkd.service"), 70, "ext4", "ro,relatime");
    let stage = stage.fails(70, "/tmp", Errno::EROFS, "mkdir").fails(70, "/var/tmp", Errno::EROFS, "mkdir");
    assert_quiet("ProtectSystem=strict without a private /tmp", &stage);
}

#[test]
fn a_docker_host_is_quiet() {
    let stage = root_of(container(Stage::healthy(), 70), 70, "overlay", "ro,relatime");
    assert_quiet("a read-only container", &stage.fails(70, "/tmp", Errno::EROFS, "mkdir"));
    let shut = container(Stage::healthy(), 70).change_vantages(
        |v| v.pids == [70],
        |v| v.walked.last_mut().unwrap().facts.as_mut().unwrap().mode = 0o755,
    );
    assert_quiet("a container that needs no /tmp", &shut.fails(70, "/tmp", Errno::EACCES, "mkdir"));
    let certs = container(Stage::healthy(), 70).change_vantages(
        |v| v.pids == [70] && v.path == "/var/tmp".into(),
        |v| {
            v.path = "/certs".into();
            v.reasons = vec![Reason::BindMount];
            v.walked.last_mut().unwrap().facts.as_mut().unwrap().mode = 0o755;
            v.can_create.can = Can::No;
            v.can_create.errno = Some(Errno::EACCES);
        },
    );
    assert_quiet("certificates bound read-write", &certs);
}

#[test]
fn hardened_and_well_filled_machines_are_quiet() {
    let mut hardened = mount(60, 25, "/", "/tmp", "tmpfs", "tmpfs");
    hardened.options = "rw,nosuid,nodev,noexec".into();
    let stage = Stage::healthy().mount(100, hardened);
    assert_quiet(
        "noexec /tmp",
        &stage.change_vantages(|v| v.path == "/tmp".into(), |v| v.mount_id = Some(60)),
    );
    let large = Space {
        total: Bytes(8 << 40),
        free: Bytes(400 << 30),
        available: Bytes(390 << 30),
        inodes: Entries(500_000_000),
        inodes_free: Entries(20_000_000),
        ..space()
    };
    let stage =
        Stage::healthy().runner(70, "ci.service").change_vantages(|_| true, move |v| v.space = Ok(large));
    assert_quiet("a large disk, 95 % full", &stage);
    let shm = Space { total: Bytes(64 << 20), free: Bytes(1 << 20), available: Bytes(1 << 20), ..space() };
    let stage = Stage::healthy().mount(100, mount(61, 25, "/", "/dev/shm", "tmpfs", "shm")).change_vantages(
        |v| v.path == "/var/tmp".into(),
        move |v| {
            v.path = "/dev/shm".into();
            v.mount_id = Some(61);
            v.space = Ok(shm);
        },
    );
    assert_quiet("a busy /dev/shm", &stage);
}

#[test]
fn a_private_temp_dir_of_its_user_is_quiet() {
    let own = |v: &mut Vantage| {
        let facts = v.walked.last_mut().unwrap().facts.as_mut().unwrap();
        (facts.mode, facts.uid, facts.gid) = (0o700, 1000, 1000);
    };
    let stage = Stage::healthy().runner(70, "ci.service").variable(70, "TMPDIR", "/home/ci/tmp");
    assert_quiet("a TMPDIR of mode 0700", &stage.change_vantages(|v| v.path == "/home/ci/tmp".into(), own));
}

#[test]
fn the_most_specific_cause_leads() {
    let ids = |stage: &Stage| diagnosis(stage).found.iter().map(|f| f.id.clone()).collect::<Vec<_>>();
    let reserve = Space { free: Bytes(5 << 30), available: Bytes(0), ..space() };
    let builder = || Stage::healthy().runner(70, "ci.service").put(process(300, 1, "rustc", 1001));
    let stage = builder().change_vantages(|_| true, move |v| v.space = Ok(reserve));
    assert_eq!(ids(&stage), ["reserved-blocks"]);
    let mut stage = builder();
    for namespace in stage.now.namespaces.value_mut().unwrap() {
        for mount in namespace.mounts.value_mut().unwrap() {
            mount.super_options = "ro,errors=remount-ro,emergency_ro".into();
        }
    }
    let dead = stage.change_vantages(
        |_| true,
        |v| {
            v.can_create.can = Can::No;
            v.can_create.errno = Some(Errno::EROFS);
        },
    );
    assert_eq!(ids(&dead), ["ro-after-fs-error"], "ro-mount is silent");
}

#[test]
fn every_finding_has_evidence_with_a_command_and_a_title_of_one_line() {
    let full = Space { free: Bytes(0), available: Bytes(0), inodes_free: Entries(0), ..space() };
    let stage = Stage::healthy().runner(70, "forgejo-runner@1.service").change_vantages(
        |v| v.path == "/tmp".into(),
        move |v| {
            v.space = Ok(full);
            v.walked.last_mut().unwrap().facts.as_mut().unwrap().immutable = true;
        },
    );
    let found = diagnosis(&stage).found;
    assert!(found.len() >= 3, "{found:#?}");
    for finding in &found {
        assert!(finding.title.chars().count() <= 78 && !finding.title.contains('\n'), "{}", finding.title);
        assert!(!finding.evidence.is_empty() && !finding.actions.is_empty(), "{}", finding.id);
        for evidence in &finding.evidence {
            assert!(!evidence.by_hand.is_empty() && !evidence.observed.is_empty(), "{}", finding.id);
        }
    }
}
