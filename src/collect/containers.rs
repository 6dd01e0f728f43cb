//! The names that people gave their containers, by the files of the engines on this machine.
//!
//! No engine is asked: its socket may be what hangs. A file is read through the root of the engine's own process, and only
//! where the mount that serves it answers. Called by `collect::Eyes`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;

use crate::collect::places::{Ground, below};
use crate::model::mount::MountNamespace;
use crate::model::process::{Container, Pid, Process, ProcessTable};
use crate::model::raw_path::{RawPath, RawText};
use crate::sys::procfile::Proc;

/// Descriptions of containers are some kilobytes; podman lists all of them in one file.
const FILE_MAX: usize = 8 << 20;
/// A container without a name is looked up again after so many looks, because its file may not have been there yet.
const RETRY_AFTER: u32 = 8;
/// After so many looks every name is looked up again: `docker rename` changes it.
const STALE_AFTER: u32 = 60;

const DOCKER_ROOT: &str = "/var/lib/docker";
const PODMAN_LIST: &str = "/var/lib/containers/storage/overlay-containers/containers.json";
const CRI_STATE: &str = "/run/containerd/io.containerd.runtime.v2.task/k8s.io";

/// The names that are known, by container id.
#[derive(Debug, Default)]
pub struct ContainerNames {
    known: BTreeMap<String, Option<String>>,
    looks: u32,
}

impl ContainerNames {
    /// Gives every process in a container the name of that.
    pub fn settle(
        &mut self,
        proc: &Proc,
        processes: &mut ProcessTable,
        namespaces: &[MountNamespace],
        own: Pid,
    ) {
        self.looks += 1;
        let all: BTreeSet<Container> = processes.by_pid.values().filter_map(|p| unnamed(p)).collect();
        let is_stale = self.looks.is_multiple_of(STALE_AFTER);
        let is_retry = self.looks.is_multiple_of(RETRY_AFTER);
        self.known.retain(|id, name| {
            !is_stale && (name.is_some() || !is_retry) && all.iter().any(|container| container.id == *id)
        });
        let wanted: Vec<&Container> = all.iter().filter(|c| !self.known.contains_key(&c.id)).collect();
        if !wanted.is_empty() {
            let files = Files { proc, processes, ground: Ground::new(namespaces, processes), own };
            let found: Vec<(String, Option<String>)> = look_up(&files, &wanted);
            self.known.extend(found);
        }
        for process in processes.by_pid.values_mut() {
            let Some(container) = &process.container else { continue };
            let name = self.known.get(&container.id).and_then(Option::as_ref);
            if container.name.as_ref() != name
                && let Some(container) = &mut Arc::make_mut(process).container
            {
                container.name = name.cloned();
            }
        }
    }
}

/// The container of a process, without the name that it had at the last look.
fn unnamed(process: &Process) -> Option<Container> {
    process.container.as_ref().map(|container| Container { name: None, ..container.clone() })
}

fn look_up(files: &Files<'_>, wanted: &[&Container]) -> Vec<(String, Option<String>)> {
    let monitors = named_by_monitors(files.processes);
    let engines = docker_engines(files);
    let has_podman = wanted.iter().any(|c| c.engine == "podman" && !monitors.contains_key(&c.id));
    let podman = if has_podman { podman_names(files) } else { BTreeMap::new() };
    let name_of = |container: &Container| match container.engine.as_str() {
        "docker" => engines.iter().find_map(|engine| docker_name(files, engine, &container.id)),
        "podman" | "cri-o" => monitors.get(&container.id).or_else(|| podman.get(&container.id)).cloned(),
        "kubernetes" | "containerd" => {
            cri_name(files, &container.id).or_else(|| monitors.get(&container.id).cloned())
        }
        _ => None,
    };
    wanted.iter().map(|container| (container.id.clone(), name_of(container))).collect()
}

/// What is needed to read a file through the root of a process.
struct Files<'a> {
    proc: &'a Proc,
    processes: &'a ProcessTable,
    ground: Ground<'a>,
    own: Pid,
}

impl Files<'_> {
    /// A file as that process names it; `None` where it cannot be read or might not answer.
    fn read(&self, pid: Pid, path: &RawPath) -> Option<Vec<u8>> {
        let process = self.processes.get(pid)?;
        let root = process.root.as_ref().ok()?;
        let namespace = process.mount_ns.as_ref().ok()?;
        let full = root.path.join(path.as_bytes().strip_prefix(b"/")?);
        if !self.ground.answers(*namespace, &full) {
            return None;
        }
        let inner = below(path, &RawPath::from("/"))?;
        self.proc.pid(pid).ok()?.read_inside(inner.as_path(), FILE_MAX).ok()
    }
}

/// A running dockerd and where it keeps its containers.
struct DockerEngine {
    pid: Pid,
    root: RawPath,
}

fn docker_engines(files: &Files<'_>) -> Vec<DockerEngine> {
    let daemons = files.processes.by_pid.values().filter(|p| p.comm.as_bytes() == b"dockerd");
    let mut engines: Vec<DockerEngine> =
        daemons.map(|daemon| DockerEngine { pid: daemon.pid, root: data_root(files, daemon) }).collect();
    // A dockerd that cannot be seen keeps to its default.
    engines.push(DockerEngine { pid: files.own, root: DOCKER_ROOT.into() });
    engines
}

/// `--data-root`, or `data-root` of its configuration, or the default. Source: dockerd(8).
fn data_root(files: &Files<'_>, daemon: &Process) -> RawPath {
    #[derive(Deserialize)]
    struct Configuration {
        #[serde(rename = "data-root")]
        data_root: Option<String>,
    }
    let arguments = daemon.arguments.as_deref().unwrap_or_default();
    if let Some(root) = ["--data-root", "-g", "--graph"].iter().find_map(|name| option(arguments, name)) {
        return root;
    }
    let path = option(arguments, "--config-file").unwrap_or_else(|| "/etc/docker/daemon.json".into());
    let text = files.read(daemon.pid, &path).unwrap_or_default();
    let configured = serde_json::from_slice(&text).ok().and_then(|c: Configuration| c.data_root);
    configured.map_or_else(|| DOCKER_ROOT.into(), |root| RawPath::from(root.as_str()))
}

/// The value of `NAME VALUE` or `NAME=VALUE`.
fn option(arguments: &[RawText], name: &str) -> Option<RawPath> {
    let joined =
        |word: &RawText| Some(word.as_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"=")?.into());
    let apart = || {
        let position = arguments.iter().position(|word| word.as_bytes() == name.as_bytes())?;
        arguments.get(position + 1).cloned()
    };
    arguments.iter().find_map(joined).or_else(apart)
}

fn docker_name(files: &Files<'_>, engine: &DockerEngine, id: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Description {
        #[serde(rename = "Name")]
        name: String,
    }
    let path = engine.root.join(format!("containers/{id}/config.v2.json").as_bytes());
    let description: Description = serde_json::from_slice(&files.read(engine.pid, &path)?).ok()?;
    let name = description.name.trim_start_matches('/');
    (!name.is_empty()).then(|| name.to_owned())
}

/// conmon, which watches each container of podman and CRI-O, carries id and name on its command line. Source: conmon(8).
fn named_by_monitors(processes: &ProcessTable) -> BTreeMap<String, String> {
    let monitors = processes.by_pid.values().filter(|p| p.comm.as_bytes() == b"conmon");
    let pairs = monitors.filter_map(|monitor| {
        let arguments = monitor.arguments.as_deref().ok()?;
        let id = option(arguments, "-c").or_else(|| option(arguments, "--cid"))?;
        let name = option(arguments, "-n").or_else(|| option(arguments, "--name"))?;
        Some((id.shown(), name.shown()))
    });
    pairs.collect()
}

fn podman_names(files: &Files<'_>) -> BTreeMap<String, String> {
    #[derive(Deserialize)]
    struct Listed {
        id: String,
        #[serde(default)]
        names: Vec<String>,
    }
    let text = files.read(files.own, &PODMAN_LIST.into()).unwrap_or_default();
    let listed: Vec<Listed> = serde_json::from_slice(&text).unwrap_or_default();
    listed.into_iter().filter_map(|c| Some((c.id, c.names.into_iter().next()?))).collect()
}

/// `pod/container` by the annotations that the kubelet's runtime keeps beside each container.
fn cri_name(files: &Files<'_>, id: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Bundle {
        #[serde(default)]
        annotations: BTreeMap<String, String>,
    }
    let path = RawPath::from(format!("{CRI_STATE}/{id}/config.json").as_str());
    let bundle: Bundle = serde_json::from_slice(&files.read(files.own, &path)?).ok()?;
    let note = |key: &str| bundle.annotations.get(key).map(String::as_str);
    let pod = note("io.kubernetes.cri.sandbox-name")?;
    Some(
        note("io.kubernetes.cri.container-name")
            .map_or_else(|| pod.to_owned(), |name| format!("{pod}/{name}")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::specimen;

    #[test]
    fn reads_options_in_both_spellings() {
        let of = |line: &str, name: &str| {
            let words: Vec<RawText> = line.split(' ').map(RawText::from).collect();
            option(&words, name).map(|value| value.shown())
        };
        assert_eq!(of("dockerd --data-root /srv/d -H x", "--data-root").as_deref(), Some("/srv/d"));
        assert_eq!(of("dockerd --data-root=/srv/d", "--data-root").as_deref(), Some("/srv/d"));
        assert_eq!(of("dockerd --data-root", "--data-root"), None);
        assert_eq!(of("dockerd --data-rooted=/x", "--data-root"), None);
    }

    const ID: &str = "3f2a91c04b7d3f2a91c04b7d3f2a91c04b7d3f2a91c04b7d3f2a91c04b7d0123";

    fn name_of(engine: &str, arguments: &[&str], comm: &str, fs_type: &str) -> Option<String> {
        let proc = Proc::open(std::path::Path::new("/proc")).unwrap();
        let own = std::process::id();
        let mut daemon = specimen::process(own, 0);
        daemon.comm = comm.into();
        daemon.arguments = Ok(arguments.iter().map(|a| RawText::from(*a)).collect());
        // Whoever runs the tests may be the first process of a namespace.
        let other = own + 1;
        let mut inside = specimen::process(other, 1000);
        inside.container = Some(Container { engine: engine.into(), id: ID.into(), name: None });
        let mut table = specimen::table(vec![daemon, inside]);
        let all = [specimen::namespace(1, &[own, other], vec![specimen::mount(2, "/", b"/", fs_type)])];
        ContainerNames::default().settle(&proc, &mut table, &all, own);
        table.get(other)?.container.clone()?.name
    }

    #[test]
    fn reads_the_name_below_the_data_root_that_dockerd_was_given() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("containers").join(ID);
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("config.v2.json"), r#"{"ID":"x","Name":"/web-1","State":{}}"#).unwrap();
        let root = home.path().to_str().unwrap();
        let daemon = ["dockerd", "--data-root", root];
        assert_eq!(name_of("docker", &daemon, "dockerd", "ext4").as_deref(), Some("web-1"));
        assert_eq!(name_of("docker", &daemon, "dockerd", "nfs4"), None, "what may hang is not read");
        std::fs::write(dir.join("config.v2.json"), "{").unwrap();
        assert_eq!(name_of("docker", &daemon, "dockerd", "ext4"), None);
    }

    #[test]
    fn knows_containers_of_podman_by_their_monitors() {
        let monitor = ["/usr/bin/conmon", "-c", ID, "-u", ID, "-n", "build-7"];
        assert_eq!(name_of("podman", &monitor, "conmon", "ext4").as_deref(), Some("build-7"));
    }
}
