//! Which paths are temp dirs of whom: the processes of a table grouped by path, namespace, root and credentials.
//!
//! Pure: a table in, groups out; no path is looked at here. Called by `collect::vantages`.

use std::collections::{BTreeMap, BTreeSet};

use crate::collect::bind_mounts;
use crate::model::asked::Asked;
use crate::model::mount::MountNamespace;
use crate::model::process::{Credentials, MountNs, Pid, Process, ProcessTable};
use crate::model::raw_path::RawPath;
use crate::model::vantage::Reason;

/// What a survey starts from.
pub struct Scene<'a> {
    /// The processes.
    pub table: &'a ProcessTable,
    /// Their mount tables.
    pub namespaces: &'a [MountNamespace],
    /// What the caller wants to know about.
    pub asked: &'a Asked,
    /// Names of the variables that name temp dirs, TMPDIR among them.
    pub temp_names: &'a [&'a str],
    /// Our own process, which is looked at as closely as one that builds.
    pub own: Option<Pid>,
}

/// What tells one vantage from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Where the way starts.
    pub place: Place,
    /// Whose eyes.
    pub who: Who,
}

/// A path in a root of a namespace: all processes that share it find the same directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The directory as the processes name it.
    pub path: RawPath,
    /// The mount namespace.
    pub mount_ns: MountNs,
    /// The root directory of the processes.
    pub root: RawPath,
    /// For a relative path: what it is relative to.
    pub based_on: Option<RawPath>,
}

/// Credentials as far as they decide about files: services differ in many capabilities that do not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
    capabilities: u64,
}

/// CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_SYS_RESOURCE. Source: capabilities(7).
const DECISIVE: u64 = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 24;

/// How a helper of ours is started. See `sys::helper`.
const HELPER: (&[u8], &[u8]) = (b"tmpmedic", b"__helper");

impl Who {
    fn of(credentials: &Credentials) -> Self {
        Self {
            uid: credentials.uid,
            gid: credentials.gid,
            groups: credentials.groups.clone(),
            capabilities: credentials.capabilities & DECISIVE,
        }
    }
}

/// The processes of one vantage, and why they are there.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Why.
    pub reasons: BTreeSet<Reason>,
    /// Who.
    pub pids: BTreeSet<Pid>,
    /// Whether a process that builds uses the path as its temp dir.
    pub is_build: bool,
    /// The credentials of one of them, the lowest pid.
    pub credentials: Credentials,
}

/// All claims, and how many processes made none because too little of them could be read.
#[derive(Debug, Default)]
pub struct Claims {
    /// The groups.
    pub by_key: BTreeMap<Key, Claim>,
    /// Processes whose environment is not readable: their TMPDIR is unknown, and only the usual places were taken.
    pub hidden: u64,
    /// Processes whose namespace or credentials are not known.
    pub lost: BTreeSet<Pid>,
}

/// Groups the processes of a table.
pub fn gather(scene: &Scene<'_>) -> Claims {
    let mut claims = Claims::default();
    for process in scene.table.by_pid.values().filter(|p| lives(p) && !is_our_hand(p, scene)) {
        claims.add_process(process, scene);
    }
    for found in bind_mounts::of(scene) {
        let Some(process) = scene.table.get(found.pid) else { continue };
        claims.add(process, found.path, Reason::BindMount, Use::Passing);
    }
    // Where others see the same we are not one of them, unless somebody asks about us.
    if let Some(own) = scene.own.filter(|own| !scene.asked.pids.contains(own)) {
        for claim in claims.by_key.values_mut().filter(|claim| claim.pids.len() > 1) {
            claim.pids.remove(&own);
        }
    }
    claims
}

/// Whether it only works for us: a helper, or whoever holds the terminal of the console. Nobody needs its temp dir.
fn is_our_hand(process: &Process, scene: &Scene<'_>) -> bool {
    let Some(own) = scene.own.and_then(|own| scene.table.get(own)).filter(|own| own.pid != process.pid)
    else {
        return false;
    };
    let is_us = match (&process.arguments, &own.arguments) {
        (Ok(theirs), Ok(ours)) => {
            let is_helper = theirs.first().is_some_and(|name| name.as_bytes() == HELPER.0)
                && theirs.get(1).is_some_and(|word| word.as_bytes() == HELPER.1);
            is_helper || !theirs.is_empty() && theirs == ours
        }
        _ => false,
    };
    let above = || scene.table.ancestors(process.pid);
    is_us
        && !scene.asked.pids.contains(&process.pid)
        && (process.pid == own.parent || above().iter().any(|process| process.pid == own.pid))
}

/// Kernel threads have no files, and what has ended needs no temp dir any more.
pub fn lives(process: &Process) -> bool {
    !process.kernel && !matches!(process.state, 'Z' | 'X')
}

/// Whether a process takes a path for its temp files, or merely can see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Own,
    Passing,
}

impl Claims {
    fn add_process(&mut self, process: &Process, scene: &Scene<'_>) {
        let is_close =
            process.is_build() || scene.asked.pids.contains(&process.pid) || scene.own == Some(process.pid);
        if process.variables.is_err() {
            self.hidden += 1;
            self.add(process, "/tmp".into(), Reason::Fallback, Use::Passing);
        } else {
            let named = value(process, "TMPDIR");
            let reason = if named.is_some() { Reason::TmpDir } else { Reason::Default };
            let path = named.clone().unwrap_or_else(|| "/tmp".into());
            self.add(process, path, reason, Use::Own);
            let others = scene.temp_names.iter().filter(|name| is_close && **name != "TMPDIR");
            for name in others {
                let Some(path) = value(process, name) else { continue };
                self.add(process, path, Reason::Variable((*name).to_owned()), use_of(name, named.as_ref()));
            }
        }
        if is_close {
            for path in ["/var/tmp", "/dev/shm"] {
                self.add(process, path.into(), Reason::Fallback, Use::Passing);
            }
        }
        if scene.asked.pids.contains(&process.pid) || scene.own == Some(process.pid) {
            for dir in &scene.asked.dirs {
                self.add(process, dir.clone(), Reason::Asked, Use::Passing);
            }
        }
    }

    fn add(&mut self, process: &Process, path: RawPath, reason: Reason, used: Use) {
        let (Ok(mount_ns), Ok(credentials)) = (&process.mount_ns, &process.credentials) else {
            self.lost.insert(process.pid);
            return;
        };
        // Unreadable roots are taken for `/`: a mount table whose `/` is that of the namespace says so, and a way that
        // cannot be entered is said to be unseen.
        let root = process.root.as_ref().map_or_else(|_| "/".into(), |place| place.path.clone());
        let based_on =
            (!path.is_absolute()).then(|| process.cwd.as_ref().map(|c| c.path.clone()).unwrap_or_default());
        let place = Place { path, mount_ns: *mount_ns, root, based_on };
        let claim = self.by_key.entry(Key { place, who: Who::of(credentials) }).or_insert_with(|| Claim {
            reasons: BTreeSet::new(),
            pids: BTreeSet::new(),
            is_build: false,
            credentials: credentials.clone(),
        });
        claim.reasons.insert(reason);
        claim.pids.insert(process.pid);
        claim.is_build |= used == Use::Own && process.is_build();
    }
}

/// The first value, which is the one that getenv(3) gives; an empty one names no directory.
fn value(process: &Process, name: &str) -> Option<RawPath> {
    process.variable(name).ok().flatten().filter(|value| !value.is_empty()).cloned()
}

/// TMP and TEMP are second choices of some tools (node, gcc, python); hardly any reads TEMPDIR. All others (GOTMPDIR,
/// RUNNER_TEMP) are the first choice of somebody.
fn use_of(name: &str, tmpdir: Option<&RawPath>) -> Use {
    match name {
        "TMP" | "TEMP" if tmpdir.is_some() => Use::Passing,
        "TEMPDIR" => Use::Passing,
        _ => Use::Own,
    }
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
