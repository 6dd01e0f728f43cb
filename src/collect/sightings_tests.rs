//! Tests of [`super`]: what the functions of `sightings` promise.

use super::*;
use crate::collect::specimen::{self, mount};
use crate::model::mount::Device;

fn seen(namespaces: &[MountNamespace], vantages: &[Vantage], dirs: &[TempDir]) -> Vec<Vec<String>> {
    let paths = |s: Sights| {
        let mut paths: Vec<String> = s.paths.iter().map(|(path, _)| path.shown()).collect();
        paths.sort();
        paths
    };
    sights(namespaces, vantages, dirs).into_values().map(paths).collect()
}

fn scene(mounts: Vec<Mount>) -> (Vec<MountNamespace>, Vec<Vantage>, Vec<TempDir>) {
    let host = specimen::namespace(1, &[1], vec![]);
    let mut other = specimen::namespace(2, &[7], mounts);
    // A root of its own, as a container has.
    let root = &mut other.mounts.value_mut().unwrap()[0];
    root.device = Device { major: 0, minor: 50 };
    let vantage = specimen::vantage("/tmp", 1, &[1]);
    let dir = specimen::temp_dir("/tmp", &[0]);
    (vec![host, other], vec![vantage], vec![dir])
}

#[test]
fn a_container_sees_the_hosts_tmp_under_another_name() {
    let (namespaces, vantages, dirs) = scene(vec![mount(9, "/tmp", b"/host-tmp", "ext4")]);
    assert_eq!(seen(&namespaces, &vantages, &dirs), [vec!["/tmp"], vec!["/host-tmp"]]);
}

#[test]
fn a_bind_of_something_above_shows_it_further_down() {
    let (namespaces, vantages, dirs) = scene(vec![mount(9, "/", b"/host", "ext4")]);
    assert_eq!(seen(&namespaces, &vantages, &dirs), [vec!["/tmp"], vec!["/host/tmp"]]);
    assert!(mount_sources(&namespaces, &vantages, &dirs).is_empty());
}

#[test]
fn another_file_system_or_a_hidden_mount_shows_nothing() {
    let elsewhere =
        Mount { device: Device { major: 254, minor: 2 }, ..mount(9, "/tmp", b"/host-tmp", "ext4") };
    let (namespaces, vantages, dirs) = scene(vec![elsewhere]);
    assert_eq!(seen(&namespaces, &vantages, &dirs), [vec!["/tmp"], vec![]]);
    let cover = Mount { device: Device { major: 0, minor: 51 }, ..mount(10, "/", b"/host-tmp", "tmpfs") };
    let (namespaces, vantages, dirs) = scene(vec![mount(9, "/tmp", b"/host-tmp", "ext4"), cover]);
    assert_eq!(seen(&namespaces, &vantages, &dirs), [vec!["/tmp"], vec![]]);
}

#[test]
fn a_private_tmp_holds_its_directory_in_the_hosts_tmp() {
    let private = mount(9, "/tmp/systemd-private-x/tmp", b"/tmp", "ext4");
    let (namespaces, vantages, dirs) = scene(vec![private]);
    let found = mount_sources(&namespaces, &vantages, &dirs);
    assert_eq!(found.len(), 1);
    let (holding, at) = &found[0];
    assert_eq!((holding.pid, holding.how, *at), (7, How::MountSource, 0));
    assert_eq!(holding.path, "/tmp/systemd-private-x/tmp".into());
    assert_eq!((&holding.temp_dir, holding.deleted), (&"/tmp".into(), false));
}

#[test]
fn a_mount_beside_the_temp_dir_is_no_source_inside() {
    let (namespaces, vantages, dirs) = scene(vec![mount(9, "/tmpx/a", b"/a", "ext4")]);
    assert!(mount_sources(&namespaces, &vantages, &dirs).is_empty());
}

#[test]
fn a_temp_dir_on_its_own_mount_is_found_by_what_is_mounted() {
    let own = Mount { device: Device { major: 0, minor: 60 }, ..mount(30, "/", b"/tmp", "tmpfs") };
    let copy = Mount { id: 31, point: "/shared".into(), ..own.clone() };
    let part = Mount { id: 32, point: "/part".into(), root: "/job".into(), ..own.clone() };
    let host = specimen::namespace(1, &[1], vec![own]);
    let other = specimen::namespace(2, &[7], vec![copy, part]);
    let mut vantage = specimen::vantage("/tmp", 1, &[1]);
    vantage.mount_id = Some(30);
    let dirs = [specimen::temp_dir("/tmp", &[0])];
    let namespaces = [host, other];
    let vantages = [vantage];
    assert_eq!(seen(&namespaces, &vantages, &dirs), [vec!["/tmp"], vec!["/shared"]]);
    let sources = mount_sources(&namespaces, &vantages, &dirs);
    assert_eq!(sources[0].0.path, "/tmp/job".into());
}

#[test]
fn a_dead_directory_is_still_named_by_those_in_it() {
    let dead = Mount { root_deleted: true, ..mount(9, "/tmp/systemd-private-x/tmp", b"/tmp", "ext4") };
    let (namespaces, mut vantages, _) = scene(vec![dead]);
    let mut inside = specimen::vantage("/tmp", 2, &[7]);
    inside.mount_id = Some(9);
    vantages.push(inside);
    let dirs = [specimen::temp_dir("/tmp", &[1])];
    assert_eq!(seen(&namespaces, &vantages, &dirs), [vec![], vec!["/tmp"]]);
}

#[test]
fn the_longest_temp_dir_that_fits_holds_a_path() {
    let sights = Sights {
        paths: vec![("/tmp".into(), 0), ("/tmp/job".into(), 1), ("/var/tmp".into(), 2)],
        doubtful: vec!["/tmp/fuse".into()],
    };
    let holding = |path: &str| sights.holding(path.as_bytes()).map(|(dir, _)| dir.shown());
    assert_eq!(holding("/tmp/job/x").as_deref(), Some("/tmp/job"));
    assert_eq!(holding("/tmp/jobs/x").as_deref(), Some("/tmp"));
    assert_eq!(holding("/tmp").as_deref(), Some("/tmp"));
    assert_eq!(holding("/tmpx"), None);
    assert_eq!(holding("socket:[1]"), None);
    assert!(sights.is_doubtful(&"/tmp/fuse/x".into()));
    assert!(!sights.is_doubtful(&"/tmp/fused".into()));
}
