//! Tests of [`super`]: what the functions of `vantages` promise.

use super::*;
use crate::collect::specimen::{self, process, with_variable};
use crate::model::errno::Errno;
use crate::model::process::MountNs;
use crate::model::vantage::Can;
use crate::sys::scratch;

/// Surveys processes of our own namespace, whose table is that of this test's own machine.
fn survey_of(processes: Vec<Process>) -> Reading<Vec<Vantage>> {
    let pids: Vec<Pid> = processes.iter().map(|p| p.pid).collect();
    let table = specimen::table(processes);
    let namespaces = [specimen::namespace(1, &pids, vec![])];
    survey(&table, &namespaces, &Asked::default(), &["TMPDIR", "TMP"], &mut Fence::new())
}

fn at(dir: &tempfile::TempDir, name: &str) -> RawPath {
    RawPath::from(scratch::bytes(dir)).join(name.as_bytes())
}

fn one(dir: RawPath, uid: u32) -> Vantage {
    let mut all = survey_of(vec![with_variable(process(7, uid), "TMPDIR", dir)]);
    assert_eq!(all.items().len(), 1);
    all.value_mut().unwrap().remove(0)
}

fn mode(path: &RawPath, mode: u32) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::File::open(path.as_path()).unwrap().set_permissions(mode).unwrap();
}

#[test]
fn walks_to_the_directory_and_tells_which_it_is() {
    let dir = scratch::dir();
    std::fs::create_dir(at(&dir, "tmp").as_path()).unwrap();
    mode(&at(&dir, "tmp"), 0o1777);
    let found = one(at(&dir, "tmp"), 0);
    assert_eq!(found.end().unwrap().path, at(&dir, "tmp"));
    assert_eq!(found.can_create.can, Can::Yes);
    assert_eq!(found.identity.unwrap().inode, found.walked.last().unwrap().facts.as_ref().unwrap().inode);
    assert_eq!((found.reasons, found.names), (vec![Reason::TmpDir], vec!["p7".to_owned()]));
}

#[test]
fn a_missing_directory_is_named_where_it_is_missing() {
    let dir = scratch::dir();
    let found = one(at(&dir, "none/deeper"), 0);
    assert_eq!(found.stops_at().unwrap().path, at(&dir, "none"));
    assert_eq!((found.can_create.can, found.can_create.errno), (Can::No, Some(Errno::ENOENT)));
    assert_eq!(found.identity, Err(GapWhy::Absent));
}

#[test]
fn the_way_ends_for_those_who_may_not_search() {
    let dir = scratch::dir();
    std::fs::create_dir_all(at(&dir, "closed/tmp").as_path()).unwrap();
    mode(&at(&dir, "closed/tmp"), 0o1777);
    mode(&at(&dir, "closed"), 0o700);
    // The directories above belong to whoever runs this test; the stranger is somebody else.
    let stranger = 4_242_424;
    let found = one(at(&dir, "closed/tmp"), stranger);
    let stop = found.stops_at().unwrap();
    assert_eq!(stop.error, Some(Errno::EACCES));
    assert_eq!((found.can_create.can, found.can_create.errno), (Can::No, Some(Errno::EACCES)));
    assert!(found.identity.is_err());
}

#[test]
fn worst_comes_first_and_builds_before_others() {
    let dir = scratch::dir();
    let good = with_variable(process(7, 0), "TMPDIR", at(&dir, ""));
    let mut bad = with_variable(process(8, 0), "TMPDIR", at(&dir, "none"));
    bad.role = Some(crate::model::process::Role {
        id: "x".into(),
        kind: crate::model::process::RoleKind::Runner,
        title: "x".into(),
    });
    let found = survey_of(vec![good, bad]);
    let first = &found.items()[0];
    assert_eq!((first.pids.clone(), first.can_create.can, first.is_build), (vec![8], Can::No, true));
    assert_eq!(found.items().last().unwrap().can_create.can, Can::Yes);
}

#[test]
fn another_namespace_that_cannot_be_entered_is_a_gap_and_no_guess() {
    let mut foreign = process(u32::MAX - 1, 1000);
    foreign.mount_ns = Ok(MountNs::Inode(2));
    let table = specimen::table(vec![foreign]);
    let namespaces = [specimen::namespace(1, &[1], vec![]), specimen::namespace(2, &[u32::MAX - 1], vec![])];
    let found = survey(&table, &namespaces, &Asked::default(), &[], &mut Fence::new());
    assert!(!found.is_whole());
    assert_eq!(found.items()[0].can_create.can, Can::Unknown);
    assert_eq!(found.items()[0].identity, Err(GapWhy::Vanished));
}

#[test]
fn a_dead_mount_is_proven_by_its_table_alone() {
    let mut foreign = process(u32::MAX - 1, 1000);
    foreign.mount_ns = Ok(MountNs::Inode(2));
    let table = specimen::table(vec![foreign]);
    let mut dead = specimen::mount(9, "/systemd-private-x/tmp", b"/tmp", "ext4");
    dead.root_deleted = true;
    let namespaces = [specimen::namespace(2, &[u32::MAX - 1], vec![dead])];
    let found = survey(&table, &namespaces, &Asked::default(), &[], &mut Fence::new());
    let vantage = &found.items()[0];
    assert_eq!((vantage.can_create.can, vantage.can_create.errno), (Can::No, Some(Errno::ENOENT)));
    assert_eq!(vantage.mount_id, Some(9));
}

#[test]
fn relative_paths_start_at_the_working_directory_of_the_process() {
    let own = Proc::open(Path::new("/proc")).unwrap().own_pid().unwrap();
    let mut process = with_variable(process(own, 0), "TMPDIR", "none-of-that-name");
    let cwd = std::env::current_dir().unwrap();
    process.cwd = Ok(specimen::place(cwd.to_str().unwrap()));
    let found = survey_of(vec![process]);
    let relative = found.items().iter().find(|v| v.based_on.is_some()).unwrap();
    assert_eq!(relative.walked.first().unwrap().path, RawPath::from(cwd.as_os_str()));
    assert_eq!(relative.can_create.errno, Some(Errno::ENOENT));
    assert_eq!(relative.stops_at().unwrap().path.file_name(), b"none-of-that-name");
}

#[test]
fn roots_are_taken_off_whole_components_only() {
    assert_eq!(inside(&"/srv/c".into(), &"/srv/c/work".into()), "/work".into());
    assert_eq!(inside(&"/srv/c".into(), &"/srv/c".into()), "/".into());
    assert_eq!(inside(&"/srv/c".into(), &"/srv/cc/work".into()), "/srv/cc/work".into());
    assert_eq!(inside(&"/".into(), &"/tmp".into()), "/tmp".into());
}
