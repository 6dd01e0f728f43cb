//! Directories bound into a container, or a service's own namespace, from outside.
//!
//! An engine that makes a missing source itself makes it as root, and a source that is removed leaves a dead directory
//! inside; both stop the users in there. Pure: mount tables in, paths out. Called by `collect::claims`.

use std::collections::BTreeMap;

use crate::collect::claims::{Scene, lives};
use crate::model::mount::{Mount, MountNamespace};
use crate::model::process::{Pid, Process};
use crate::model::raw_path::RawPath;

/// One bound directory as one process sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The process.
    pub pid: Pid,
    /// Where it is mounted.
    pub path: RawPath,
}

/// More of them in one namespace than this are no list that anybody reads.
const MOST: usize = 32;

/// File systems of the kernel, in which nobody makes temp dirs.
#[rustfmt::skip]
const OF_KERNEL: &[&str] = &[
    "proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "devtmpfs", "securityfs", "debugfs", "tracefs", "bpf",
    "configfs", "efivarfs", "fusectl", "hugetlbfs", "pstore", "binfmt_misc", "rpc_pipefs", "autofs", "nsfs", "selinuxfs",
];

/// Where engines and service managers bind what is theirs.
#[rustfmt::skip]
const NOT_WORK: &[&str] = &[
    "/proc", "/sys", "/dev", "/run/secrets", "/run/credentials", "/run/systemd", "/etc/hosts", "/etc/hostname",
    "/etc/resolv.conf", "/boot", "/usr",
];

/// The bound directories of all namespaces but ours and of all containers, for each user there whom modes can stop.
pub fn of(scene: &Scene<'_>) -> Vec<Bound> {
    let host = scene.namespaces.iter().find(|ns| ns.ours);
    let mut found = Vec::new();
    for namespace in scene.namespaces {
        let members: Vec<&Process> = namespace.pids.iter().filter_map(|pid| scene.table.get(*pid)).collect();
        let members: Vec<&Process> = members.into_iter().filter(|p| lives(p)).collect();
        if namespace.ours && members.iter().all(|p| p.container.is_none()) {
            continue;
        }
        for mount in bound_mounts(namespace, host) {
            let concerned = members.iter().filter(|p| is_concerned(p, mount, namespace));
            found.extend(concerned.map(|p| Bound { pid: p.pid, path: mount.point.clone() }));
        }
    }
    found
}

fn is_concerned(process: &Process, mount: &Mount, namespace: &MountNamespace) -> bool {
    let outside = !namespace.ours || process.container.is_some();
    // The mount points of the table are paths inside this root only.
    let at_home = process.root.as_ref().is_ok_and(|root| root.path == "/".into());
    let can_be_stopped = process.credentials.as_ref().is_ok_and(|who| !who.overrides_modes());
    outside && at_home && (can_be_stopped || mount.root_deleted)
}

fn bound_mounts<'a>(namespace: &'a MountNamespace, host: Option<&MountNamespace>) -> Vec<&'a Mount> {
    let mut visible: BTreeMap<&RawPath, &Mount> = BTreeMap::new();
    for mount in namespace.mounts.items() {
        visible.insert(&mount.point, mount);
    }
    let wanted = |mount: &&Mount| is_from_outside(mount) && !host.is_some_and(|h| is_same_place(mount, h));
    visible.into_values().filter(wanted).take(MOST).collect()
}

/// Whether a mount brings a directory that lies elsewhere, to be written to.
fn is_from_outside(mount: &Mount) -> bool {
    let part_of_a_file_system = mount.root != "/".into();
    let disk = mount.device.major != 0 && mount.point != "/".into();
    let not_work = NOT_WORK.iter().any(|dir| mount.point.is_below(&(*dir).into()));
    let of_manager = mount.root.is_below(&"/systemd".into());
    let meant_read_only = mount.has_option("ro");
    (part_of_a_file_system || disk)
        && !OF_KERNEL.contains(&mount.fs_type.as_str())
        && !not_work
        && !of_manager
        && !meant_read_only
}

/// Whether it shows what the host has at the same path: sandboxed services bind much onto itself.
fn is_same_place(mount: &Mount, host: &MountNamespace) -> bool {
    let Some(serving) = host.serving(&mount.point) else { return false };
    let below = mount.point.as_bytes().get(serving.point.as_bytes().len()..).unwrap_or_default();
    let below = below.strip_prefix(b"/").unwrap_or(below);
    let expected = if below.is_empty() { serving.root.clone() } else { serving.root.join(below) };
    serving.device == mount.device && expected == mount.root
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::specimen::{self, mount};
    use crate::model::asked::Asked;
    use crate::model::mount::Device;
    use crate::model::process::{Container, MountNs};

    fn container(pid: Pid, uid: u32) -> Process {
        let mut process = specimen::process(pid, uid);
        process.mount_ns = Ok(MountNs::Inode(2));
        process.container = Some(Container { engine: "docker".into(), id: "3f2a91".into(), name: None });
        process
    }

    fn find(processes: Vec<Process>, mounts: Vec<Mount>) -> Vec<(Pid, String)> {
        let pids: Vec<Pid> = processes.iter().map(|p| p.pid).collect();
        let table = specimen::table(processes);
        let namespaces = [specimen::namespace(1, &[1], vec![]), specimen::namespace(2, &pids, mounts)];
        let asked = Asked::default();
        let scene =
            Scene { table: &table, namespaces: &namespaces, asked: &asked, temp_names: &[], own: None };
        of(&scene).into_iter().map(|b| (b.pid, b.path.shown())).collect()
    }

    #[test]
    fn a_bind_source_is_seen_by_users_and_not_by_root() {
        let target = || mount(9, "/mnt/targets/17", b"/workspace/target", "ext4");
        let both = vec![container(5, 1000), container(6, 0)];
        assert_eq!(find(both, vec![target()]), [(5, "/workspace/target".into())]);
        let dead = Mount { root_deleted: true, ..target() };
        assert_eq!(find(vec![container(6, 0)], vec![dead]).len(), 1, "a dead source stops root too");
    }

    #[test]
    fn files_and_places_of_the_engine_are_no_work_dirs() {
        let own = [
            mount(9, "/containers/3f/hosts", b"/etc/hosts", "ext4"),
            mount(9, "/x", b"/proc/acpi", "ext4"),
            mount(9, "/x", b"/run/secrets/token", "ext4"),
            mount(9, "/user/1000", b"/sys/fs/cgroup", "cgroup2"),
            mount(9, "/systemd/inaccessible/dir", b"/home", "tmpfs"),
            Mount { options: "ro,relatime".into(), ..mount(9, "/conf", b"/conf", "ext4") },
            mount(9, "/srv", b"/srv", "ext4"),
        ];
        for one in own {
            let text = format!("{} at {}", one.root, one.point);
            assert_eq!(find(vec![container(5, 1000)], vec![one]), [], "{text}");
        }
    }

    #[test]
    fn a_disk_of_its_own_counts_and_a_fresh_tmpfs_does_not() {
        let disk = Mount { device: Device { major: 259, minor: 3 }, ..mount(9, "/", b"/cache", "xfs") };
        assert_eq!(find(vec![container(5, 1000)], vec![disk]).len(), 1);
        let memory = Mount { device: Device { major: 0, minor: 40 }, ..mount(9, "/", b"/cache", "tmpfs") };
        assert_eq!(find(vec![container(5, 1000)], vec![memory]), []);
    }

    #[test]
    fn what_is_hidden_by_a_later_mount_concerns_nobody() {
        let below = mount(9, "/mnt/a", b"/work", "ext4");
        let above = Mount { device: Device { major: 0, minor: 40 }, ..mount(10, "/", b"/work", "tmpfs") };
        assert_eq!(find(vec![container(5, 1000)], vec![below, above]), []);
    }
}
