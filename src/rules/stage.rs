//! A machine made of data, for the tests of rules: healthy at first, then broken in one way.
#![expect(clippy::missing_panics_doc, reason = "test support: a panic is its failure")]

use crate::model::errno::Errno;
use crate::model::mount::{Mount, MountNamespace};
use crate::model::process::{Credentials, MountNs, Pid, Process, Variable};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::snapshot::Snapshot;
use crate::model::specimen::{self, empty, user, whole};
use crate::model::thresholds::Thresholds;
use crate::model::units::Entries;
use crate::model::vantage::{Ability, Can, Reason, Vantage};
use crate::rules::{Rule, Verdict};

pub use crate::model::specimen::{HOST_NS, NOW, component, facts, runner_role as role, space, vantage};

/// Whether what lies behind a mount still has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It has.
    Alive,
    /// It was removed.
    Dead,
}

/// A snapshot under construction.
#[derive(Clone, Debug)]
pub struct Stage {
    /// What the rules will see; tests may change any of it.
    pub now: Snapshot,
}

impl Stage {
    /// A healthy machine: pid 1 and a shell (pid 100, uid 1000) on one ext4 with /tmp 1777, /var/tmp 1777.
    pub fn healthy() -> Self {
        let mut stage = Self { now: empty() };
        // No process of a stage is ours.
        stage.now.eyes.pid = 99_999;
        (stage.now.eyes.processes, stage.now.eyes.readable) = (Entries(2), Entries(2));
        stage.now.processes.value_mut().unwrap().read_whole = Entries(2);
        let root = mount(25, 1, "/", "/", "ext4", "/dev/vda1");
        let namespace = MountNamespace {
            id: HOST_NS,
            witness: 1,
            pids: vec![],
            ours: true,
            mounts: whole(vec![root]),
            overlays: vec![],
        };
        stage.now.namespaces = whole(vec![namespace]);
        stage.put(process(1, 0, "systemd", 0)).put(process(100, 1, "bash", 1000))
    }

    /// Adds a process to the host's namespace (or to the one it names) with vantages on /tmp and /var/tmp.
    pub fn put(mut self, process: Process) -> Self {
        let ns = process.mount_ns.clone().unwrap_or(HOST_NS);
        let pid = process.pid;
        if let Some(namespace) =
            self.now.namespaces.value_mut().and_then(|all| all.iter_mut().find(|n| n.id == ns))
        {
            namespace.pids.push(pid);
        }
        let named = process.variable("TMPDIR").ok().flatten().cloned().filter(|v| !v.is_empty());
        let reason = if named.is_some() { Reason::TmpDir } else { Reason::Default };
        let path = named.unwrap_or_else(|| "/tmp".into());
        let credentials = process.credentials.clone().unwrap_or_default();
        let is_build = process.is_build();
        self.now.processes.value_mut().unwrap().insert(process);
        self.see(pid, ns, path, credentials.clone(), (reason, is_build));
        self.see(pid, ns, "/var/tmp".into(), credentials, (Reason::Fallback, false));
        self
    }

    fn see(&mut self, pid: Pid, ns: MountNs, path: RawPath, credentials: Credentials, why: (Reason, bool)) {
        let mount_id = self.now.namespace(ns).and_then(|table| table.serving(&path)).map(|m| m.id);
        let vantages = self.now.vantages.value_mut().unwrap();
        let same = |v: &&mut Vantage| v.path == path && v.mount_ns == ns && v.credentials == credentials;
        if let Some(vantage) = vantages.iter_mut().find(same) {
            vantage.pids.push(pid);
            vantage.is_build |= why.1;
            return;
        }
        let mut vantage = vantage(path, ns, credentials, vec![pid]);
        vantage.mount_id = mount_id;
        vantage.reasons = vec![why.0];
        vantage.is_build = why.1;
        vantages.push(vantage);
    }

    /// Adds a runner (uid 1000) of that unit, in a mount namespace of its own that is a copy of the host's.
    pub fn runner(mut self, pid: Pid, unit: &str) -> Self {
        let mut runner = process(pid, 1, "forgejo-runner", 1000);
        runner.unit = Some(unit.to_owned());
        runner.role = Some(role());
        let ns = MountNs::Inode(4_026_532_000 + u64::from(pid));
        runner.mount_ns = Ok(ns);
        let mounts = whole(vec![mount(1000 + u64::from(pid), 1, "/", "/", "ext4", "/dev/vda1")]);
        let namespace =
            MountNamespace { id: ns, witness: pid, pids: vec![], ours: false, mounts, overlays: vec![] };
        self.now.namespaces.value_mut().unwrap().push(namespace);
        self.put(runner)
    }

    /// Changes a process.
    pub fn change(mut self, pid: Pid, how: impl FnOnce(&mut Process)) -> Self {
        how(self.now.processes.value_mut().unwrap().get_mut(pid).unwrap());
        self
    }

    /// Gives a process another variable, and rebuilds its vantages.
    pub fn variable(mut self, pid: Pid, name: &str, value: &str) -> Self {
        let mut process = self.now.process(pid).unwrap().clone();
        if let Ok(all) = &mut process.variables {
            all.push(Variable { name: name.to_owned(), value: value.into() });
        }
        let vantages = self.now.vantages.value_mut().unwrap();
        for vantage in vantages.iter_mut() {
            vantage.pids.retain(|p| *p != pid);
        }
        vantages.retain(|v| !v.pids.is_empty());
        for namespace in self.now.namespaces.value_mut().unwrap() {
            namespace.pids.retain(|p| *p != pid);
        }
        self.put(process)
    }

    /// Mounts a private temp dir of systemd for a process, dead or alive.
    pub fn private_tmp(self, pid: Pid, point: &str, life: Life) -> Self {
        self.bind(pid, "/tmp/systemd-private-0123456789abcdef0123456789abcdef-unit-AbCdEf/tmp", point, life)
    }

    /// Binds a directory into the namespace of a process, dead or alive.
    pub fn bind(mut self, pid: Pid, from: &str, point: &str, life: Life) -> Self {
        let mut bound = mount(5000 + u64::from(pid), 25, from, point, "ext4", "/dev/vda1");
        if life == Life::Dead {
            bound.root_deleted = true;
            bound.line =
                RawText::from(bound.line.shown().replace(from, &format!("{from}//deleted")).as_str());
        }
        let id = bound.id;
        self = self.mount(pid, bound);
        let ns = self.now.process(pid).unwrap().mount_ns.clone().unwrap();
        self.change_vantages(
            |v| v.mount_ns == ns && v.path.is_below(&point.into()),
            |v| {
                v.mount_id = Some(id);
                if life == Life::Dead {
                    for component in v.walked.iter_mut().filter(|c| c.path == point.into()) {
                        component.mount_point = true;
                        component.facts.as_mut().unwrap().links = 0;
                    }
                    v.can_create = Ability::predicted(Can::No, Some(Errno::ENOENT), Some("mkdir"));
                }
            },
        )
    }

    /// Adds a mount to the namespace of a process.
    pub fn mount(mut self, pid: Pid, mut mount: Mount) -> Self {
        let ns = self.now.process(pid).unwrap().mount_ns.clone().unwrap();
        let all = self.now.namespaces.value_mut().unwrap();
        let table = all.iter_mut().find(|n| n.id == ns).unwrap().mounts.value_mut().unwrap();
        mount.order = u32::try_from(table.len()).unwrap();
        table.push(mount);
        self
    }

    /// Changes the vantages for which `which` holds.
    pub fn change_vantages(mut self, which: impl Fn(&Vantage) -> bool, how: impl Fn(&mut Vantage)) -> Self {
        for vantage in self.now.vantages.value_mut().unwrap().iter_mut().filter(|v| which(v)) {
            how(vantage);
        }
        self
    }

    /// The way of a vantage of `pid` at `path` stops: the directory cannot be reached or used, with that errno.
    pub fn fails(self, pid: Pid, path: &str, errno: Errno, step: &str) -> Self {
        let step = step.to_owned();
        self.change_vantages(
            |v| v.pids.contains(&pid) && v.path == path.into(),
            |v| v.can_create = Ability::predicted(Can::No, Some(errno), Some(&step)),
        )
    }

    /// No mount table could be read.
    pub fn without_mounts(mut self) -> Self {
        self.now.namespaces = Reading::Blind { gap: Gap::new("mount tables", GapWhy::Denied) };
        self
    }

    /// No vantage is known.
    pub fn without_vantages(mut self) -> Self {
        self.now.vantages = Reading::Blind { gap: Gap::new("temp dirs of 5 processes", GapWhy::Denied) };
        self
    }

    /// The environment of a process is not readable.
    pub fn without_environment(self, pid: Pid) -> Self {
        self.change(pid, |p| p.variables = Err(GapWhy::Denied))
    }

    /// Asks one rule.
    pub fn check(&self, rule: &dyn Rule) -> Verdict {
        rule.check(&self.now, None, &Thresholds::default())
    }
}

/// A process of the host's namespace with an empty, readable environment.
pub fn process(pid: Pid, parent: Pid, comm: &str, uid: u32) -> Process {
    specimen::process(pid, parent, comm, user(uid))
}

/// A mount as a line of mountinfo would give it: rw,relatime on 254:1. It is the first of its table; [`Stage::mount`] counts on.
pub fn mount(id: u64, parent: u64, root: &str, point: &str, fs_type: &str, source: &str) -> Mount {
    Mount { order: 0, ..specimen::mount(id, parent, root, point, (fs_type, source)) }
}
