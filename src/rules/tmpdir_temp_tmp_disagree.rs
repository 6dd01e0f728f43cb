//! `tmpdir-temp-tmp-disagree`: TMPDIR, TEMP and TMP name different directories, and not all of them serve.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::finding::{Confidence, Evidence, Finding, Severity};
use crate::model::mount::Device;
use crate::model::process::{Pid, Process};
use crate::model::raw_path::RawText;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::rules::heading::titled;
use crate::rules::party::Party;
use crate::rules::{Rule, RuleCard, Verdict, evidence, offers, place, setting, spot, unseen};

/// See the module's header.
pub struct TmpdirTempTmpDisagree;

static CARD: RuleCard = RuleCard {
    id: "tmpdir-temp-tmp-disagree",
    title: "TMPDIR, TEMP and TMP of a build name different directories",
    yields_to: &[
        "private-tmp-deleted",
        "private-tmp-readonly-fallback",
        "bind-source-deleted",
        "overlay-upper-gone",
        "no-tmp-in-image",
        "tmpdir-literal-syntax",
        "tmpdir-relative",
        "tmpdir-missing",
        "tmpdir-not-a-directory",
        "tmpdir-dangling-symlink",
        "tmpdir-symlink-loop",
        "overmounted-tmp",
        "ro-after-fs-error",
        "fs-frozen-or-hung",
        "disk-full",
        "reserved-blocks",
        "inodes-exhausted",
        "var-tmp-full",
        "tmpfs-size",
        "tmpfs-inodes",
        "acl-deny",
        "tmp-wrong-mode-or-owner",
        "ro-mount",
        "immutable-or-append",
        "root-owned-bind-dir",
    ],
};

/// The variables and who reads them, in the order in which python asks.
const NAMES: [(&str, &str); 3] = [
    ("TMPDIR", "rust, go, mktemp and shells read only this one; python, node and gcc read it first"),
    ("TEMP", "python reads it second, node and gcc third; rust, go and mktemp never"),
    ("TMP", "node and gcc read it second, python third; rust, go and mktemp never"),
];

impl Rule for TmpdirTempTmpDisagree {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let concerned = || now.all_processes().filter(|p| p.is_build() || now.asked.pids.contains(&p.pid));
        let mut by_values: BTreeMap<Vec<Named<'_>>, BTreeSet<Pid>> = BTreeMap::new();
        for process in concerned() {
            let named = named(process);
            if disagree(&named) {
                by_values.entry(named).or_default().insert(process.pid);
            }
        }
        let failing = by_values.iter().flat_map(|(named, pids)| failing(now, named, pids));
        let mut found: Vec<Finding> = failing.collect();
        if found.is_empty() {
            found.extend(by_values.iter().find_map(|(named, pids)| apart(now, named, pids)));
        }
        unseen::verdict_on_values(now, found, vec![], || {
            let builds =
                count(concerned().count(), ("runner or build process", "runners and build processes"));
            format!("{builds} read, all their temp variables serve alike")
        })
    }
}

/// A variable that is set, with its value.
type Named<'a> = (&'static str, &'a RawText);

fn named(process: &Process) -> Vec<Named<'_>> {
    NAMES.iter().filter_map(|(name, _)| spot::set(process, name).map(|value| (*name, value))).collect()
}

/// A trailing slash makes no difference, and what is not set does not disagree.
fn disagree(named: &[Named<'_>]) -> bool {
    named.windows(2).any(|w| matches!(w, [(_, one), (_, other)] if !place::is_same(one, other)))
}

/// One finding a party where a value cannot be used although another can.
fn failing(now: &Snapshot, named: &[Named<'_>], pids: &BTreeSet<Pid>) -> Vec<Finding> {
    let finding = |party: Party<'_>| {
        let pid = party.pid()?;
        let bad = named.iter().find(|(_, value)| setting::works(now, pid, value) == Some(false))?;
        let good = named.iter().find(|(_, value)| setting::works(now, pid, value) == Some(true));
        let tail = match good {
            Some((name, _)) => format!(" of {} cannot be used, its {name} can", party.label),
            None => format!(" of {} cannot be used", party.label),
        };
        let title = titled(&format!("{}=", bad.0), bad.1, &tail);
        let vantage = setting::vantage_of(now, pid, bad.1)?;
        let mut evidence = values(pid, named);
        evidence.extend(evidence::probe_of(now, vantage));
        Some(Finding {
            id: CARD.id.to_owned(),
            severity: Severity::Warning,
            confidence: Confidence::Proven,
            subject: party.subject(bad.1),
            title,
            errno: vantage.can_create.errno,
            evidence,
            actions: offers::unset(&party, bad.0),
        })
    };
    Party::all_of(now, pids).into_iter().filter_map(finding).collect()
}

/// One finding for all: every value serves, but on different file systems, so that a rename between them fails.
fn apart(now: &Snapshot, named: &[Named<'_>], pids: &BTreeSet<Pid>) -> Option<Finding> {
    let party = Party::all_of(now, pids).into_iter().next()?;
    let pid = party.pid()?;
    let devices: BTreeSet<Device> = named.iter().filter_map(|(_, value)| device(now, pid, value)).collect();
    if devices.len() < 2 {
        return None;
    }
    let first = named.first()?;
    Some(Finding {
        id: CARD.id.to_owned(),
        severity: Severity::Info,
        confidence: Confidence::Proven,
        subject: party.subject(first.1),
        title: format!("TMPDIR, TEMP and TMP of {} lie on different file systems", party.label),
        errno: None,
        evidence: values(pid, named),
        actions: Vec::new(),
    })
}

fn device(now: &Snapshot, pid: Pid, value: &RawText) -> Option<Device> {
    Some(setting::vantage_of(now, pid, value)?.identity.as_ref().ok()?.device)
}

fn values(pid: Pid, named: &[Named<'_>]) -> Vec<Evidence> {
    let who_reads = |name: &str| NAMES.iter().find(|row| row.0 == name).map_or("", |row| row.1);
    named.iter().map(|(name, value)| evidence::variable(pid, name, value, who_reads(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::errno::Errno;
    use crate::rules::stage::Stage;

    fn runner(temp: &str) -> Stage {
        Stage::healthy().runner(41, "r@1.service").variable(41, "TMPDIR", "/var/tmp").named(41, "TEMP", temp)
    }

    #[test]
    fn fires_where_one_of_the_values_cannot_be_used() {
        let stage = runner("/nope").fails(41, "/nope", Errno::ENOENT, "mkdir");
        let Verdict::Found(found) = stage.check(&TmpdirTempTmpDisagree) else { panic!("must be found") };
        assert_eq!(found[0].title, "TEMP=/nope of r@1.service cannot be used, its TMPDIR can");
        assert_eq!(found[0].severity, Severity::Warning);
        assert_eq!(found[0].evidence.len(), 2);
    }

    #[test]
    fn is_only_context_where_all_serve_on_different_file_systems() {
        let stage = runner("/dev/shm").change_vantages(
            |v| v.path == "/dev/shm".into(),
            |v| v.identity.as_mut().unwrap().device = Device { major: 0, minor: 30 },
        );
        let Verdict::Found(found) = stage.check(&TmpdirTempTmpDisagree) else { panic!("must be found") };
        assert_eq!((found.len(), found[0].severity), (1, Severity::Info));
    }

    #[test]
    fn stays_clear_of_equal_values_unset_ones_one_file_system_and_other_programs() {
        for temp in ["/var/tmp/", "", "/srv/tmp"] {
            assert!(matches!(runner(temp).check(&TmpdirTempTmpDisagree), Verdict::RuledOut(_)), "{temp}");
        }
        let shell = Stage::healthy().variable(100, "TMPDIR", "/var/tmp").named(100, "TEMP", "/nope");
        let shell = shell.fails(100, "/nope", Errno::ENOENT, "mkdir");
        assert!(matches!(shell.check(&TmpdirTempTmpDisagree), Verdict::RuledOut(_)));
        assert!(matches!(shell.asked(100).check(&TmpdirTempTmpDisagree), Verdict::Found(_)));
    }

    #[test]
    fn is_blind_where_environments_cannot_be_read() {
        let unread = |pid| Stage::healthy().runner(41, "r@1.service").without_environment(pid);
        assert!(matches!(unread(41).check(&TmpdirTempTmpDisagree), Verdict::Blind(_)));
        assert!(
            matches!(unread(1).check(&TmpdirTempTmpDisagree), Verdict::RuledOut(_)),
            "it is about builds"
        );
    }
}
