//! Unit and container of a process by its cgroups. Source: proc_pid_cgroup(5), systemd's cgroup delegation document.
//!
//! Works for v1, v2 and hybrid layouts. The last component that names a unit counts, not the first: a nested systemd, a
//! container that runs systemd, and a user manager all put their own units below somebody else's.

use crate::collect::parse::lines;
use crate::collect::parse::split_once;
use crate::model::process::Container;

/// Unit types whose cgroups hold processes.
const UNIT_TYPES: [&str; 5] = [".service", ".scope", ".socket", ".mount", ".swap"];
/// Longest unit name. Source: systemd.unit(5).
const UNIT_MAX: usize = 255;
/// The kernel's mark behind the path of a cgroup that was removed.
const DELETED: &[u8] = b" (deleted)";

/// What a process belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Belonging {
    /// The innermost unit; none for the container's own scope and for `init.scope`, which say nothing more.
    pub unit: Option<String>,
    /// The innermost container.
    pub container: Option<Container>,
}

/// Where the pids controller of a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PidsPath<'a> {
    /// In a hierarchy of version 1 that carries it.
    V1(&'a [u8]),
    /// In the unified hierarchy.
    V2(&'a [u8]),
}

/// Reads unit and container from the table; systemd's own hierarchy first, then the unified one, then any other.
pub fn belonging(table: &[u8]) -> Belonging {
    let rank = |controllers: &[u8]| match controllers {
        b"name=systemd" => 0,
        b"" => 1,
        _ => 2,
    };
    let mut paths: Vec<_> = entries(table).map(|(controllers, path)| (rank(controllers), path)).collect();
    paths.sort_by_key(|(rank, _)| *rank);
    let found = paths.into_iter().map(|(_, path)| judge(path));
    found.into_iter().find(|b| *b != Belonging::default()).unwrap_or_default()
}

/// The path by which the limit of tasks of a process is found.
pub fn pids_path(table: &[u8]) -> Option<PidsPath<'_>> {
    let v1 = entries(table).find(|(controllers, _)| controllers.split(|b| *b == b',').any(|c| c == b"pids"));
    match v1 {
        Some((_, path)) => Some(PidsPath::V1(path)),
        None => entries(table).find(|(controllers, _)| controllers.is_empty()).map(|e| PidsPath::V2(e.1)),
    }
}

/// `(controllers, path)` of each line.
fn entries(table: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    lines(table).filter_map(|line| {
        let (_hierarchy, rest) = split_once(line, b':')?;
        let (controllers, path) = split_once(rest, b':')?;
        Some((controllers, path.strip_suffix(DELETED).unwrap_or(path)))
    })
}

fn judge(path: &[u8]) -> Belonging {
    let Ok(path) = std::str::from_utf8(path) else { return Belonging::default() };
    let mut out = Belonging::default();
    let mut way: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != "..") {
        if let Some(container) = container_of(&way, part) {
            out = Belonging { unit: None, container: Some(container) };
        } else if part == "supervisor" && way.last().is_some_and(|last| machine_of(last).is_some()) {
            // systemd-nspawn itself, which lives outside of the container that it runs.
            out = Belonging { unit: way.last().map(|last| (*last).to_owned()), container: None };
        } else if let Some(unit) = unit_of(part) {
            out.unit = Some(unit.to_owned());
        }
        way.push(part);
    }
    out
}

/// The unit that a component names. `init.scope` holds only a manager, which is better known by its own name.
fn unit_of(part: &str) -> Option<&str> {
    // systemd puts `_` before names that the kernel could take for files of its own.
    let name = part.strip_prefix('_').unwrap_or(part);
    let sound = |c: char| c.is_ascii_alphanumeric() || ":_.\\@-".contains(c);
    let typed = UNIT_TYPES.iter().any(|suffix| name.len() > suffix.len() && name.ends_with(suffix));
    (typed && name != "init.scope" && name.len() <= UNIT_MAX && name.chars().all(sound)).then_some(name)
}

fn container_of(way: &[&str], part: &str) -> Option<Container> {
    let parent = way.last().copied().unwrap_or_default();
    let container =
        |engine: &str, id: &str| Some(Container { engine: engine.into(), id: id.into(), name: None });
    let in_pod = way.iter().any(|p| p.starts_with("kubepods"));
    let bare = part.strip_suffix(".scope").unwrap_or(part);
    if let Some((engine, id)) = engine_and_id(bare) {
        return container(if in_pod { "kubernetes" } else { engine }, id);
    }
    if is_long_id(part) {
        return container(if in_pod { "kubernetes" } else { engine_below(parent) }, part);
    }
    if let Some(name) = part.strip_prefix("lxc.payload.").filter(|name| !name.is_empty()) {
        return container("lxc", name);
    }
    if let Some(machine) = machine_of(part) {
        return container("nspawn", &machine);
    }
    match parent {
        "lxc" | "lxc.payload" if part != "monitor" => container("lxc", part),
        "buildkit" => container("buildkit", part),
        "garden" => container("garden", part),
        _ if part == "payload" => {
            let instance = parent.strip_prefix("systemd-nspawn@")?.strip_suffix(".service")?;
            container("nspawn", &unescaped(instance))
        }
        _ => None,
    }
}

/// `docker-<id>` and its like; the engine's helper processes (`libpod-conmon-<id>`) live outside of the container.
fn engine_and_id(name: &str) -> Option<(&'static str, &str)> {
    const PREFIXES: [(&str, &str); 6] = [
        ("docker-", "docker"),
        ("libpod-", "podman"),
        ("cri-containerd-", "containerd"),
        ("crio-", "cri-o"),
        ("nerdctl-", "containerd"),
        ("buildkit-", "buildkit"),
    ];
    PREFIXES.iter().find_map(|(prefix, engine)| {
        let id = name.strip_prefix(prefix)?;
        is_id(id).then_some((*engine, id))
    })
}

fn engine_below(parent: &str) -> &'static str {
    match parent {
        "libpod_parent" => "podman",
        "k8s.io" => "kubernetes",
        "default" => "containerd",
        _ => "docker",
    }
}

/// Ids are 64 hexadecimal digits, BuildKit's 25 letters and digits.
fn is_id(id: &str) -> bool {
    let base36 = id.len() == 25 && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    base36 || is_long_id(id)
}

fn is_long_id(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The machine of systemd-machined's scope; virtual machines of libvirt are no containers.
fn machine_of(part: &str) -> Option<String> {
    let name = unescaped(part.strip_prefix("machine-")?.strip_suffix(".scope")?);
    (!name.is_empty() && !name.starts_with("qemu-")).then_some(name)
}

/// Undoes systemd's `\x2d`. Source: systemd-escape(1).
fn unescaped(name: &str) -> String {
    name.replace("\\x2d", "-")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "3f2a91c04b7d3f2a91c04b7d3f2a91c04b7d3f2a91c04b7d3f2a91c04b7d0123";

    fn of(path: &str) -> (Option<String>, Option<String>) {
        let found = belonging(format!("0::{}\n", path.replace("ID", ID)).as_bytes());
        let container = found.container.map(|c| format!("{} {}", c.engine, c.id.replace(ID, "ID")));
        (found.unit, container)
    }

    fn unit(name: &str) -> (Option<String>, Option<String>) {
        (Some(name.to_owned()), None)
    }

    fn container(name: &str) -> (Option<String>, Option<String>) {
        (None, Some(name.to_owned()))
    }

    #[test]
    fn names_the_innermost_unit() {
        assert_eq!(of("/system.slice/forgejo-runner@1.service"), unit("forgejo-runner@1.service"));
        assert_eq!(of("/system.slice/system-act.slice/act@a.service/job/2"), unit("act@a.service"));
        assert_eq!(of("/user.slice/user-1000.slice/session-3.scope"), unit("session-3.scope"));
        assert_eq!(
            of("/user.slice/user-1000.slice/user@1000.service/app.slice/ci.service"),
            unit("ci.service")
        );
        assert_eq!(of("/user.slice/user-1000.slice/user@1000.service/init.scope"), unit("user@1000.service"));
        assert_eq!(of("/../../system.slice/_cgroup.service"), unit("cgroup.service"));
        assert_eq!(
            of("/lab/init.scope/system.slice/x.service"),
            unit("x.service"),
            "a systemd below another"
        );
    }

    #[test]
    fn says_nothing_where_a_cgroup_names_nothing() {
        for path in [
            "/",
            "/init.scope",
            "/system.slice",
            "/.service",
            "/a b.service",
            "/x.slice",
            "/docker",
            "/../..",
        ] {
            assert_eq!(of(path), (None, None), "{path}");
        }
        assert_eq!(belonging(b"nonsense\n1:x\n0::/\xff.service\n"), Belonging::default());
    }

    #[test]
    fn names_the_innermost_container_and_drops_its_scope() {
        assert_eq!(of("/system.slice/docker-ID.scope"), container("docker ID"));
        assert_eq!(of("/docker/ID"), container("docker ID"));
        assert_eq!(of("/docker/ID/docker/ID"), container("docker ID"));
        assert_eq!(of("/actions_job/ID"), container("docker ID"));
        assert_eq!(of("/machine.slice/libpod-ID.scope/container"), container("podman ID"));
        assert_eq!(of("/kubepods/burstable/pod1234/ID"), container("kubernetes ID"));
        assert_eq!(
            of("/kubepods.slice/kubepods-pod1.slice/cri-containerd-ID.scope"),
            container("kubernetes ID")
        );
        assert_eq!(of("/system.slice/nerdctl-ID.scope"), container("containerd ID"));
        assert_eq!(
            of("/docker/buildkit/abcdefghijklmnopqrstuvwxy"),
            container("buildkit abcdefghijklmnopqrstuvwxy")
        );
        assert_eq!(
            of("/lxc.payload.web/system.slice/sshd.service"),
            (Some("sshd.service".into()), Some("lxc web".into()))
        );
        assert_eq!(of("/lxc/101/ns"), container("lxc 101"));
        assert_eq!(of("/machine.slice/machine-my\\x2dbox.scope/payload"), container("nspawn my-box"));
        assert_eq!(
            of("/machine.slice/systemd-nspawn@b.service/payload/x.service"),
            (Some("x.service".into()), Some("nspawn b".into()))
        );
        assert_eq!(of("/garden/5b9a"), container("garden 5b9a"));
    }

    #[test]
    fn leaves_what_only_serves_containers_outside_of_them() {
        let conmon = format!("libpod-conmon-{ID}.scope");
        assert_eq!(of(&format!("/machine.slice/{conmon}")), unit(&conmon));
        assert_eq!(of("/machine.slice/machine-b.scope/supervisor"), unit("machine-b.scope"));
        assert_eq!(
            of("/machine.slice/machine-qemu\\x2d1\\x2dvm.scope"),
            unit("machine-qemu\\x2d1\\x2dvm.scope")
        );
        assert_eq!(of("/lxc.monitor.web"), (None, None));
        assert_eq!(of("/system.slice/docker.service"), unit("docker.service"));
    }

    #[test]
    fn reads_all_three_layouts() {
        let hybrid = b"12:pids:/system.slice/a.service\n1:name=systemd:/system.slice/a.service/x\n0::/\n";
        assert_eq!(belonging(hybrid).unit.as_deref(), Some("a.service"));
        assert_eq!(pids_path(hybrid), Some(PidsPath::V1(b"/system.slice/a.service")));
        let v1 = format!("4:cpu,pids:/docker/{ID}\n1:name=systemd:/\n");
        assert_eq!(belonging(v1.as_bytes()).container.map(|c| c.id), Some(ID.to_owned()));
        let v2 = b"0::/user.slice/x:y.service (deleted)\n";
        assert_eq!(belonging(v2).unit.as_deref(), Some("x:y.service"));
        assert_eq!(pids_path(v2), Some(PidsPath::V2(b"/user.slice/x:y.service")));
        assert_eq!(pids_path(b"1:name=systemd:/\n"), None);
    }

    proptest! {
        #[test]
        fn never_panics(table: Vec<u8>) {
            belonging(&table);
            pids_path(&table);
        }

        #[test]
        fn reads_back_any_service(name in "[a-z][a-zA-Z0-9:_.@-]{0,40}", depth in 0_usize..4) {
            let path = format!("0::{}/{name}.service\n", "/a.slice".repeat(depth));
            prop_assert_eq!(belonging(path.as_bytes()).unit, Some(format!("{name}.service")));
        }
    }
}
