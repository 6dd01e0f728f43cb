//! What each temp path is for the processes that see it alike, and whether a temp dir can be made there.
//!
//! Groups the processes (`collect::claims`), walks each way once (`collect::fenced`), and judges it for each group's
//! credentials (`collect::judged`, `collect::prediction`). Called by `collect`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::collect::claims::{self, Claim, Key, Place, Scene};
use crate::collect::fenced::{self, Fence};
use crate::collect::judged::judge;
use crate::collect::owners::{Mapped, Who};
use crate::collect::prediction::{self, Case};
use crate::collect::way::{End, Request, Way};
use crate::model::asked::Asked;
use crate::model::mount::{Mount, MountNamespace};
use crate::model::process::{Pid, Process, ProcessTable};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::units::{Entries, Micros};
use crate::model::vantage::{Component, Reason, Vantage};
use crate::sys::clock::Stopwatch;
use crate::sys::procfile::Proc;

/// Labels of a vantage beyond these are left out: they would not fit any screen.
const NAMES_MAX: usize = 8;
/// How many processes of a group are tried as starting points before the group counts as gone.
const TRIES: usize = 4;

/// Finds every vantage, worst first.
///
/// `temp_names` are the variables that name temp dirs. Bounds: helpers for doubtful mounts take 900 ms in all; everything
/// else is a few system calls a component.
pub fn survey(
    table: &ProcessTable,
    namespaces: &[MountNamespace],
    asked: &Asked,
    temp_names: &[&str],
    fence: &mut Fence,
) -> Reading<Vec<Vantage>> {
    let watch = Stopwatch::start();
    fence.learn(namespaces);
    let proc = Proc::open(Path::new("/proc")).ok();
    let own = proc.as_ref().and_then(|proc| proc.own_pid().ok());
    let scene = Scene { table, namespaces, asked, temp_names, own };
    let claims = claims::gather(&scene);
    let mut survey = Survey { scene, proc, ways: BTreeMap::new() };
    survey.walk_all(&claims.by_key, fence);
    let seen = claims.by_key.iter().filter_map(|(key, claim)| survey.vantage(key, claim));
    let mut vantages: Vec<Vantage> = seen.collect();
    vantages.sort_by(|a, b| rank(a).cmp(&rank(b)));
    let mut gaps = survey.gaps(&claims.by_key);
    gaps.extend(unread(claims.hidden, "temp dir"));
    let lost = u64::try_from(claims.lost.len()).unwrap_or(u64::MAX);
    gaps.extend(unread(lost, "mount namespace or credentials"));
    Reading::of(vantages, Micros(watch.micros()), gaps)
}

fn unread(count: u64, what: &str) -> Option<Gap> {
    let plural = if count == 1 { "process" } else { "processes" };
    (count > 0).then(|| Gap::new(format!("{what} of {} {plural}", Entries(count)), GapWhy::Denied))
}

/// Failing ones first, then those of builds.
fn rank(vantage: &Vantage) -> impl Ord + '_ {
    let place = (&vantage.path, vantage.mount_ns, &vantage.root, &vantage.based_on);
    (vantage.can_create.can, !vantage.is_build, place, &vantage.credentials)
}

struct Survey<'a> {
    scene: Scene<'a>,
    proc: Option<Proc>,
    /// Each place walked once, whoever asks.
    ways: BTreeMap<Place, Way>,
}

impl Survey<'_> {
    fn walk_all(&mut self, claims: &BTreeMap<Key, Claim>, fence: &mut Fence) {
        let mut starts: BTreeMap<&Place, Vec<Pid>> = BTreeMap::new();
        for (key, claim) in claims {
            starts.entry(&key.place).or_default().extend(&claim.pids);
        }
        for (place, mut pids) in starts {
            pids.sort_by_key(|pid| (!self.is_build(*pid), *pid));
            let way = self.walk(place, &pids, fence);
            self.ways.insert(place.clone(), way);
        }
    }

    fn is_build(&self, pid: Pid) -> bool {
        self.scene.table.get(pid).is_some_and(Process::is_build)
    }

    fn walk(&self, place: &Place, pids: &[Pid], fence: &mut Fence) -> Way {
        let namespace = self.namespace(place);
        let root = self.root_in_table(place);
        let ours = namespace.is_some_and(|ns| ns.ours) && place.root == "/".into();
        if ours && place.based_on.is_none() {
            let request = Request { pid: None, path: place.path.clone(), cwd: None };
            return fence.walk(&request, namespace, &root);
        }
        let mut way = Way::unseen(GapWhy::Vanished);
        for pid in pids.iter().take(TRIES) {
            let cwd = place.based_on.as_ref().map(|cwd| inside(&place.root, cwd));
            let request = Request { pid: Some(*pid), path: place.path.clone(), cwd };
            way = fence.walk(&request, namespace, &root);
            let gone = way.steps.is_empty() && matches!(way.end, End::Unseen(GapWhy::Vanished));
            if !gone {
                break;
            }
        }
        way
    }

    fn namespace(&self, place: &Place) -> Option<&MountNamespace> {
        self.scene.namespaces.iter().find(|ns| ns.id == place.mount_ns)
    }

    /// The root directory of a place as the mount table of its namespace names it: the table was read by a witness, whose
    /// own root it is relative to.
    fn root_in_table(&self, place: &Place) -> RawPath {
        let witness = self.namespace(place).and_then(|ns| self.scene.table.get(ns.witness));
        match witness.map(|w| &w.root) {
            Some(Ok(root)) => inside(&root.path, &place.root),
            _ => place.root.clone(),
        }
    }

    fn vantage(&self, key: &Key, claim: &Claim) -> Option<Vantage> {
        let place = &key.place;
        let way = self.ways.get(place)?;
        let mapped = self.mapped(claim);
        let who = Who { credentials: &claim.credentials, mapped: &mapped };
        let judged = judge(way, who);
        let only_bound = claim.reasons.iter().all(|reason| *reason == Reason::BindMount);
        if only_bound && judged.is_file() {
            return None;
        }
        let mount = self.mount(place, &judged.walked, way);
        let space = judged.space(way);
        let path = fenced::in_namespace(&self.root_in_table(place), place.path.as_bytes());
        let (walked, arrived) = (&judged.walked, judged.arrived);
        let overlays = self.namespace(place).map(|ns| ns.overlays.as_slice()).unwrap_or_default();
        let overlay = overlays.iter().find(|o| mount.is_some_and(|m| m.id == o.mount_id));
        let case = Case { path: &path, walked, arrived, mount, overlay, space: &space, who };
        let can_create = prediction::predict(&case);
        Some(Vantage {
            path: place.path.clone(),
            reasons: claim.reasons.iter().cloned().collect(),
            mount_ns: place.mount_ns,
            root: place.root.clone(),
            based_on: place.based_on.clone(),
            credentials: claim.credentials.clone(),
            pids: claim.pids.iter().copied().collect(),
            names: self.names(claim),
            is_build: claim.is_build,
            identity: judged.identity(way),
            mount_id: mount.map(|m| m.id),
            space,
            can_create,
            walked: judged.walked,
        })
    }

    /// The mount at the end of the way: the one that the kernel named there, else the one that the table shows.
    fn mount(&self, place: &Place, walked: &[Component], way: &Way) -> Option<&Mount> {
        let namespace = self.namespace(place)?;
        let last = walked.len().checked_sub(1).and_then(|at| way.steps.get(at));
        let named = last.and_then(|step| step.stat.as_ref()).and_then(|stat| stat.mount_id);
        let by_id = || namespace.mounts.items().iter().find(|m| Some(m.id) == named);
        let path = last.map_or(place.path.as_bytes(), |step| step.path.as_slice());
        let by_path = || namespace.serving(&fenced::in_namespace(&self.root_in_table(place), path));
        by_id().or_else(by_path)
    }

    /// Which ids the capabilities of a group reach; only asked where it has any that matter.
    fn mapped(&self, claim: &Claim) -> Mapped {
        const DAC: u64 = 1 << 1 | 1 << 2;
        if claim.credentials.capabilities & DAC == 0 {
            return Mapped::default();
        }
        let witness = claim.pids.first().zip(self.proc.as_ref());
        let maps = witness.and_then(|(pid, proc)| {
            let dir = proc.pid(*pid).ok()?;
            Some((dir.read("uid_map", 4096).ok()?, dir.read("gid_map", 4096).ok()?))
        });
        maps.map_or_else(Mapped::all, |(uids, gids)| Mapped::parse(&uids, &gids))
    }

    fn names(&self, claim: &Claim) -> Vec<String> {
        let mut members: Vec<&Process> =
            claim.pids.iter().filter_map(|pid| self.scene.table.get(*pid)).collect();
        members.sort_by_key(|p| (!p.is_build(), p.pid));
        let mut names: Vec<String> = Vec::new();
        for member in members {
            let label = member.label();
            if !names.contains(&label) {
                names.push(label);
            }
            if names.len() == NAMES_MAX {
                break;
            }
        }
        names
    }

    /// What stopped the walks that came to no end, refusals counted together.
    fn gaps(&self, claims: &BTreeMap<Key, Claim>) -> Vec<Gap> {
        let mut denied = 0;
        let mut gaps = Vec::new();
        for (place, way) in &self.ways {
            let End::Unseen(why) = &way.end else { continue };
            let members = claims.iter().filter(|(key, _)| key.place == *place);
            let members: u64 = members.map(|(_, claim)| u64::try_from(claim.pids.len()).unwrap_or(0)).sum();
            match why {
                GapWhy::Denied => denied += members,
                GapWhy::Hung { .. } => {
                    gaps.push(Gap::new(format!("{} not answering", place.path.shown()), why.clone()));
                }
                _ => gaps.push(Gap::new(format!("the way to {}", place.path.shown()), why.clone())),
            }
        }
        gaps.extend(unread(denied, "the way to the temp dir"));
        gaps
    }
}

/// A path of a namespace as seen from a root in it; one outside of that root stays as it is.
fn inside(root: &RawPath, path: &RawPath) -> RawPath {
    if !path.is_below(root) || *root == "/".into() {
        return path.clone();
    }
    let rest = path.as_bytes().get(root.as_bytes().len()..).unwrap_or_default();
    if rest.is_empty() { "/".into() } else { RawPath::from(rest) }
}

#[cfg(test)]
#[path = "vantages_tests.rs"]
mod tests;
