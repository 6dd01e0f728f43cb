//! A temp dir as one party uses it: the vantage, the processes, and the variable that names it.
//!
//! A vantage lists every path that is worth a look. A spot is a path that its processes really take for their temp
//! files, by the values that they got. Called by the rules about where a temp variable points.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::errno::Errno;
use crate::model::finding::{Confidence, Evidence, Finding, Severity};
use crate::model::process::{MountNs, Pid, Process};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::snapshot::Snapshot;
use crate::model::vantage::{Component, Vantage};
use crate::rules::party::Party;
use crate::rules::{evidence, place};

/// A directory that a party takes for its temp files.
#[derive(Clone, Debug)]
pub struct Spot<'a> {
    /// What it is for them; where they differ in credentials, one of theirs.
    pub vantage: &'a Vantage,
    /// The variable that names it; `None` for the default `/tmp` and for a directory that the caller asked about.
    pub variable: Option<&'static str>,
    /// Who takes it.
    pub party: Party<'a>,
    /// Whether the caller asked about this directory.
    pub asked: bool,
}

/// Why a process takes a path for its temp files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    /// This variable names it, and no other overrules that one.
    Variable(&'static str),
    /// No variable names any, so it is `/tmp`.
    Default,
}

/// The spots whose vantage is `wanted`, those that differ in credentials only taken together.
pub fn spots(now: &Snapshot, wanted: impl Fn(&Vantage) -> bool) -> Vec<Spot<'_>> {
    let mut places: BTreeMap<Place<'_>, (&Vantage, BTreeSet<Pid>)> = BTreeMap::new();
    for vantage in now.vantages.items().iter().filter(|v| wanted(v)) {
        let users = users_of(now, vantage);
        if users.is_empty() && !place::is_asked_dir(now, vantage) {
            continue;
        }
        let place = (vantage.mount_ns, &vantage.root, &vantage.path, vantage.based_on.as_ref());
        let entry = places.entry(place).or_insert_with(|| (vantage, BTreeSet::new()));
        if vantage.is_build && !entry.0.is_build {
            entry.0 = vantage;
        }
        entry.1.extend(users);
    }
    let spots = |(vantage, users): (_, BTreeSet<Pid>)| {
        Party::all_of(now, &users).into_iter().map(move |party| spot(now, vantage, party)).collect::<Vec<_>>()
    };
    // A daemon that locks itself into an empty root directory keeps its variables, and needs no temp dir there.
    let in_reach = |s: &Spot<'_>| s.party.is_weighty() || s.vantage.root == "/".into();
    places.into_values().flat_map(spots).filter(in_reach).collect()
}

type Place<'a> = (MountNs, &'a RawPath, &'a RawPath, Option<&'a RawPath>);

fn spot<'a>(now: &Snapshot, vantage: &'a Vantage, party: Party<'a>) -> Spot<'a> {
    let variable = match party.lead.and_then(|p| naming(p, &vantage.path)) {
        Some(Naming::Variable(name)) => Some(name),
        Some(Naming::Default) | None => None,
    };
    Spot { vantage, variable, party, asked: place::is_asked_dir(now, vantage) }
}

/// The processes of a vantage that take its path for their temp files; all of them where the caller asked about it.
pub fn users_of(now: &Snapshot, vantage: &Vantage) -> BTreeSet<Pid> {
    let asked = place::is_asked_dir(now, vantage);
    let takes = |pid: &Pid| asked || now.process(*pid).is_some_and(|p| naming(p, &vantage.path).is_some());
    vantage.pids.iter().copied().filter(takes).collect()
}

/// Why a process takes that path for its temp files, if it does; nobody knows where its environment is not readable.
fn naming(process: &Process, path: &RawPath) -> Option<Naming> {
    process.variables.as_ref().ok()?;
    let named = effective(process).into_iter().find(|(_, value)| place::is_same(value, path));
    if let Some((name, _)) = named {
        return Some(Naming::Variable(name));
    }
    let default = set(process, "TMPDIR").is_none() && place::is_same(path, &"/tmp".into());
    default.then_some(Naming::Default)
}

/// The temp variables of a process that decide for some tool: TMPDIR, or TMP and TEMP where it is unset (gcc, node and
/// python read those then), and GOTMPDIR, which the go command reads first. Empty ones count as unset, as for most.
pub fn effective(process: &Process) -> Vec<(&'static str, &RawText)> {
    let names: &[&'static str] =
        if set(process, "TMPDIR").is_some() { &["TMPDIR", "GOTMPDIR"] } else { &["GOTMPDIR", "TMP", "TEMP"] };
    names.iter().filter_map(|name| set(process, name).map(|value| (*name, value))).collect()
}

/// The value that libc's `getenv` gives, where it is not empty.
pub fn set<'a>(process: &'a Process, name: &str) -> Option<&'a RawText> {
    process.variable(name).ok().flatten().filter(|value| !value.is_empty())
}

impl Spot<'_> {
    /// The process to look at by hand.
    pub fn pid(&self) -> Option<Pid> {
        self.party.pid()
    }

    /// `TMPDIR=` where a variable names the directory, and nothing where none does.
    pub fn prefix(&self) -> String {
        self.variable.map(|name| format!("{name}=")).unwrap_or_default()
    }

    /// ` of LABEL`; nothing where it is only about a directory that the caller named.
    pub fn whose(&self) -> String {
        let only_asked = self.asked && self.variable.is_none();
        if only_asked { String::new() } else { format!(" of {}", self.party.label) }
    }

    /// How grave it is. TMP and TEMP alone stop only some tools (node), so they never make it critical.
    pub fn severity(&self) -> Severity {
        match self.variable {
            _ if self.asked => Severity::Critical,
            Some("TMP" | "TEMP") => Severity::Warning,
            _ => self.party.severity(),
        }
    }

    /// The variable as its process holds it, and where it came in.
    pub fn sources(&self, now: &Snapshot, means: &str) -> Vec<Evidence> {
        let value = |name| self.party.lead.and_then(|p| set(p, name)).map(|value| (name, value));
        let named = self.variable.and_then(value);
        named.map_or_else(Vec::new, |(name, value)| self.party.variable(now, name, value, means))
    }

    /// The path as a command of the host reaches it.
    pub fn reached(&self, path: &RawPath) -> RawPath {
        self.pid().map_or_else(|| path.clone(), |pid| evidence::inside(pid, path))
    }

    /// A component that the way stops at, as `stat` complains about it.
    pub fn stopped_at(&self, component: &Component, means: &str) -> Evidence {
        let reached = self.reached(&component.path);
        let told = component.error.unwrap_or(Errno::ENOENT).text();
        Evidence {
            source: reached.shown(),
            observed: RawText::from(told),
            means: means.to_owned(),
            by_hand: format!("stat {}", reached.quoted()),
        }
    }

    /// A finding about this spot, without actions; a probe that failed is added to what proves it.
    pub fn finding(&self, now: &Snapshot, id: &str, title: String, evidence: Vec<Evidence>) -> Finding {
        let mut evidence = evidence;
        evidence.extend(evidence::probe_of(now, self.vantage));
        Finding {
            id: id.to_owned(),
            severity: self.severity(),
            confidence: Confidence::Proven,
            subject: self.party.subject(&self.vantage.path),
            title,
            errno: self.vantage.can_create.errno,
            evidence,
            actions: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::stage::Stage;

    fn names(stage: &Stage, pid: Pid) -> Vec<&'static str> {
        effective(stage.now.process(pid).unwrap()).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn reads_tmp_and_temp_only_where_tmpdir_is_unset_or_empty() {
        let both = Stage::healthy().variable(100, "TMPDIR", "/var/tmp").variable(100, "TEMP", "/x");
        assert_eq!(names(&both, 100), ["TMPDIR"]);
        let empty = Stage::healthy().variable(100, "TMPDIR", "").variable(100, "TEMP", "/x");
        assert_eq!(names(&empty, 100), ["TEMP"]);
    }

    #[test]
    fn takes_the_default_only_where_no_tmpdir_names_another() {
        let stage = Stage::healthy().variable(100, "TMPDIR", "/srv/t/");
        let bash = stage.now.process(100).unwrap();
        assert_eq!(naming(bash, &"/tmp".into()), None);
        assert_eq!(naming(bash, &"/srv/t".into()), Some(Naming::Variable("TMPDIR")));
        assert_eq!(naming(stage.now.process(1).unwrap(), &"/tmp".into()), Some(Naming::Default));
    }

    #[test]
    fn leaves_out_daemons_in_a_root_of_their_own() {
        let chroot = |v: &mut Vantage| v.root = "/var/empty".into();
        let stage = Stage::healthy().change_vantages(|v| v.pids.contains(&100), chroot);
        let apart = |stage: &Stage| spots(&stage.now, |v| v.root == "/var/empty".into()).len();
        assert_eq!(apart(&stage), 0);
        assert_eq!(apart(&stage.asked(100)), 1);
    }

    #[test]
    fn joins_what_differs_only_in_credentials() {
        let stage = Stage::healthy();
        let all = spots(&stage.now, |v| v.path == "/tmp".into());
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].party.pids, [1, 100]);
    }
}
