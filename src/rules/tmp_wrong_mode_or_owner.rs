//! `tmp-wrong-mode-or-owner`: a temp dir, or a directory above it, whose mode or owner keeps processes out of it, or lets
//! everybody remove everybody's entries.

use crate::model::errno::Errno;
use crate::model::finding::{Action, Confidence, Evidence, Finding, Risk, Severity};
use crate::model::mode::{OTHERS_WRITE, STICKY};
use crate::model::process::{Credentials, MountNs};
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::treatment::{Aim, Inode, Rights};
use crate::model::vantage::{Facts, HowKnown, Kind, Vantage};
use crate::rules::cohort::{self, Cohort};
use crate::rules::rights::{self, Denial};
use crate::rules::{Rule, RuleCard, Verdict, place, unseen};

/// What the directories that everybody shares must have.
const SHARED_MODE: u32 = 0o1777;
/// What an owner looks like that the user namespace of the observer does not map. Source: user_namespaces(7).
const OVERFLOW_UID: u32 = 65_534;

/// See the module's header.
pub struct TmpWrongModeOrOwner;

static CARD: RuleCard = RuleCard {
    id: "tmp-wrong-mode-or-owner",
    title: "The mode or owner of a temp dir keeps processes out",
    yields_to: &["acl-deny", "root-owned-bind-dir", "private-tmp-readonly-fallback"],
};

impl Rule for TmpWrongModeOrOwner {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let refused = |v: &Vantage| matters(now, v) && by_mode(v).is_some();
        let mut found: Vec<Finding> =
            cohort::gather(now, refused, refusing_dir).iter().filter_map(denied).collect();
        let open = |v: &Vantage| !refused(v) && is_open_to_removal(now, v);
        found.extend(cohort::by_directory(now, open).iter().map(not_sticky));
        let owned = |v: &Vantage| !refused(v) && !open(v) && is_owned_by_somebody(now, v);
        found.extend(cohort::by_directory(now, owned).iter().map(owner));
        unseen::verdict(now, found, unseen::vantages_that_matter(now), || figures(now))
    }
}

/// A container that builds nothing may well do without a temp dir; a service on the host whose `/tmp` is shut may not.
fn matters(now: &Snapshot, vantage: &Vantage) -> bool {
    let vital = vantage.is_build || place::is_asked(now, vantage);
    vital || place::is_temp_dir(now, vantage) && !place::is_contained(now, vantage)
}

fn by_mode(vantage: &Vantage) -> Option<Denial<'_>> {
    rights::denial(vantage).filter(|denial| denial.is_by_mode(&vantage.credentials))
}

type DirKey = (MountNs, RawPath, u64);

fn refusing_dir(vantage: &Vantage) -> DirKey {
    let found = by_mode(vantage).map(|d| (d.component.path.clone(), d.facts.inode));
    let (path, inode) = found.unwrap_or_else(|| (vantage.path.clone(), 0));
    // The same inode in two namespaces is one directory, but its number alone is not: it is kept apart by namespace
    // only where the inode is not known.
    let ns = if inode == 0 { vantage.mount_ns } else { MountNs::Inode(0) };
    (ns, path, inode)
}

/// `/tmp` and `/var/tmp`, which all users share.
fn is_shared(path: &RawPath) -> bool {
    [&b"/tmp"[..], b"/var/tmp"].contains(&path.as_bytes())
}

fn end_facts(vantage: &Vantage) -> Option<&Facts> {
    vantage.end()?.facts.as_ref().filter(|f| f.kind == Kind::Directory && f.links > 0)
}

/// Everybody may write and there is no sticky bit. In a container that is usual (an emptyDir is 0777) and harmless.
fn is_open_to_removal(now: &Snapshot, vantage: &Vantage) -> bool {
    let shared = is_shared(&place::path(vantage)) && !place::is_contained(now, vantage);
    let open = |f: &Facts| f.mode & OTHERS_WRITE != 0 && f.mode & STICKY == 0;
    (shared || place::is_asked(now, vantage)) && end_facts(vantage).is_some_and(open)
}

/// The owner of a sticky directory may remove everything in it. Told only for our own namespace: elsewhere ids may be
/// those of a user namespace.
fn is_owned_by_somebody(now: &Snapshot, vantage: &Vantage) -> bool {
    let here = place::is_ours(now, vantage);
    let somebody = |f: &Facts| f.uid != 0 && f.uid != OVERFLOW_UID;
    let shared = is_shared(&place::path(vantage)) && !place::is_contained(now, vantage);
    here && shared && end_facts(vantage).is_some_and(somebody)
}

fn figures(now: &Snapshot) -> String {
    let shared = now.vantages.items().iter().filter(|v| is_shared(&place::path(v)));
    let mut seen: Vec<String> = shared
        .filter_map(|v| end_facts(v).map(|f| format!("{} {:04o} owner {}", place::path(v), f.mode, f.uid)))
        .collect();
    seen.sort();
    seen.dedup();
    seen.truncate(4);
    if seen.is_empty() {
        "no directory refuses anybody".to_owned()
    } else {
        format!("modes: {}", seen.join(", "))
    }
}

fn denied(cohort: &Cohort<'_>) -> Option<Finding> {
    let Denial { component, facts, is_end, .. } = by_mode(cohort.lead)?;
    let pid = cohort.pid();
    let credentials = &cohort.lead.credentials;
    let (path, who) = (&component.path, cohort.who());
    let (title, means) = if is_end {
        (
            format!("{path} has mode {:04o}, owner {}: {who} cannot create in it", facts.mode, facts.uid),
            "creating takes write and search (w and x); the mode grants this process not both, so mkdir gives EACCES",
        )
    } else {
        (
            format!(
                "{path} has mode {:04o}, owner {}: no way to {} for {who}",
                facts.mode,
                facts.uid,
                cohort.path()
            ),
            "a directory on the way must grant search (x); it does not, so everything below gives EACCES",
        )
    };
    let mut evidence = vec![rights::refusal_seen(cohort, component, means)];
    evidence.push(rights::ids_of(pid, credentials, "the ids by which the kernel decides for that process"));
    evidence.extend(cohort.probe());
    // A capability that the mode does not bind makes the refusal the work of something else as well.
    let sure = !credentials.overrides_modes() || cohort.lead.can_create.how == HowKnown::Probed;
    Some(Finding {
        id: CARD.id.to_owned(),
        severity: cohort.severity(),
        confidence: if sure { Confidence::Proven } else { Confidence::Likely },
        title,
        errno: Some(Errno::EACCES),
        evidence,
        actions: vec![repair(cohort, path, facts, (credentials, is_end))],
        subject: cohort.subject(),
    })
}

fn not_sticky(cohort: &Cohort<'_>) -> Finding {
    let mode = end_facts(cohort.lead).map_or(0, |f| f.mode);
    shared_finding(
        cohort,
        (Severity::Warning, Confidence::Proven),
        format!("{} has mode {mode:04o}: everybody may remove everybody's entries", cohort.path()),
        "writable for all without the sticky bit: any user may rename or remove what others made, and tools that check \
         for it refuse to use the directory",
    )
}

fn owner(cohort: &Cohort<'_>) -> Finding {
    let uid = end_facts(cohort.lead).map_or(0, |f| f.uid);
    shared_finding(
        cohort,
        (Severity::Info, Confidence::Possible),
        format!("{} belongs to user {uid}, not to root", cohort.path()),
        "the owner of a sticky directory may remove what others made in it",
    )
}

fn shared_finding(
    cohort: &Cohort<'_>,
    (severity, confidence): (Severity, Confidence),
    title: String,
    means: &str,
) -> Finding {
    let end = cohort.lead.end();
    let evidence: Vec<Evidence> = end.map(|c| rights::refusal_seen(cohort, c, means)).into_iter().collect();
    let repair = end.and_then(|c| {
        let facts = c.facts.as_ref()?;
        Some(repair(cohort, &c.path, facts, (&cohort.lead.credentials, true)))
    });
    Finding {
        id: CARD.id.to_owned(),
        severity,
        confidence,
        title,
        errno: None,
        evidence,
        actions: repair.into_iter().collect(),
        subject: cohort.subject(),
    }
}

/// Shared directories get what they must have; a directory of one user is given to that user; one on the way gets search.
fn repair(cohort: &Cohort<'_>, path: &RawPath, facts: &Facts, (who, is_end): (&Credentials, bool)) -> Action {
    let reached = place::reach(cohort.now, cohort.lead, path).quoted();
    let mode = facts.mode;
    let from = Rights { mode, uid: facts.uid, gid: facts.gid };
    let back = format!("chmod {mode:04o} {reached}; chown {}:{} {reached}", facts.uid, facts.gid);
    let (to, title, command) = if is_shared(path) {
        (
            Rights { mode: SHARED_MODE, uid: 0, gid: 0 },
            format!("make {path} root's, mode 1777"),
            format!("chown 0:0 {reached} && chmod {SHARED_MODE:04o} {reached}"),
        )
    } else if !is_end {
        (
            Rights { mode: mode | 0o001, ..from },
            format!("let everybody go through {path} (search, no more)"),
            format!("chmod o+x {reached}"),
        )
    } else if facts.uid == who.uid {
        let to = Rights { mode: mode | 0o700, ..from };
        (to, format!("give the owner of {path} all rights"), format!("chmod u+rwx {reached}"))
    } else {
        (
            Rights { mode: mode | 0o700, uid: who.uid, gid: who.gid },
            format!("give {path} to {}", who.shown()),
            format!("chown {}:{} {reached} && chmod u+rwx {reached}", who.uid, who.gid),
        )
    };
    Action {
        id: "repair-mode".to_owned(),
        title,
        risk: Risk::None,
        reversible: true,
        by_hand: vec![command, format!("# to undo: {back}")],
        aim: Some(Aim::Rights {
            by: (!place::is_ours(cohort.now, cohort.lead)).then(|| cohort.pid()),
            path: path.clone(),
            inode: Inode { device: facts.device, inode: facts.inode },
            from,
            to,
        }),
    }
}

#[cfg(test)]
#[path = "tmp_wrong_mode_or_owner_tests.rs"]
mod tests;
