//! `tmp-mount-missing`: fstab names a file system for a temp dir, and it is not mounted.

use std::collections::BTreeSet;

use crate::model::finding::{Action, Confidence, Evidence, Finding, Risk, Severity, Subject, SubjectKind};
use crate::model::host::FstabLine;
use crate::model::mount::MountNamespace;
use crate::model::process::Pid;
use crate::model::raw_path::{RawPath, RawText};
use crate::model::reading::{Gap, GapWhy};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::vantage::{Can, Vantage};
use crate::rules::heading::titled;
use crate::rules::party::Party;
use crate::rules::{Rule, RuleCard, Verdict, evidence, offers, on_mount, place, spot, unseen, way};

/// See the module's header.
pub struct TmpMountMissing;

static CARD: RuleCard = RuleCard {
    id: "tmp-mount-missing",
    title: "fstab names a file system for a temp dir, and it is not mounted",
    yields_to: &[],
};

impl Rule for TmpMountMissing {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let Some(host) = now.host.value() else { return Verdict::Blind(now.host.gaps().to_vec()) };
        let lines = match &host.fstab {
            Ok(lines) => lines,
            Err(GapWhy::Absent | GapWhy::Vanished) => {
                return Verdict::RuledOut("there is no /etc/fstab".to_owned());
            }
            Err(why) => return Verdict::Blind(vec![Gap::new("/etc/fstab", why.clone())]),
        };
        let Some(ours) = now.our_namespace().filter(|ns| ns.mounts.is_whole()) else {
            let own = Gap::new("our own mount table", GapWhy::Absent);
            return Verdict::Blind(unseen::mounts(now).into_iter().chain(std::iter::once(own)).collect());
        };
        let open = |line: &&FstabLine| is_at_boot(line) && !is_mounted(now, ours, &line.point);
        if now.vantages.value().is_none() && lines.iter().any(|line| open(&line) && !is_usual(line)) {
            return Verdict::Blind(unseen::vantages(now));
        }
        let wanted: Vec<&FstabLine> = lines.iter().filter(|line| is_for_temp(now, ours, line)).collect();
        let missing = wanted.iter().filter(|line| !is_mounted(now, ours, &line.point));
        let found = missing.flat_map(|line| findings(now, ours, line)).collect();
        Verdict::of(found, Vec::new(), || {
            format!("{} of {} fstab lines concern temp dirs, each is mounted", wanted.len(), lines.len())
        })
    }
}

/// It is to be mounted at boot, and a temp dir is it or lies on it.
fn is_for_temp(now: &Snapshot, ours: &MountNamespace, line: &FstabLine) -> bool {
    is_at_boot(line) && (is_usual(line) || users(now, ours, &line.point).next().is_some())
}

fn is_at_boot(line: &FstabLine) -> bool {
    let on_demand = line.options.split(',').any(|o| o == "noauto");
    let real = line.fs_type != "swap" && line.point.is_absolute() && line.point != "/".into();
    real && !on_demand
}

fn is_usual(line: &FstabLine) -> bool {
    ["/tmp", "/var/tmp"].iter().any(|path| place::is_same(&line.point, &(*path).into()))
}

/// The vantages of our namespace that lie below a mount point, by their name or after following symlinks.
fn users<'a>(
    now: &'a Snapshot,
    ours: &'a MountNamespace,
    point: &'a RawPath,
) -> impl Iterator<Item = &'a Vantage> {
    let below = move |path: &RawPath| path.is_below(point);
    let leads_there = move |v: &Vantage| {
        let promised = way::links_of(v).filter_map(way::target_of).any(|target| below(&target));
        below(&v.path) || promised || v.walked.iter().any(|c| below(&c.path))
    };
    let here = now.vantages.items().iter().filter(move |v| v.mount_ns == ours.id && v.root == "/".into());
    here.filter(move |v| leads_there(v))
}

/// Something is mounted on that point, or on what it is after following a symlink. An automounter counts: it mounts
/// when somebody comes.
fn is_mounted(now: &Snapshot, ours: &MountNamespace, point: &RawPath) -> bool {
    let on = |path: &RawPath| ours.mounts.items().iter().any(|m| place::is_same(&m.point, path));
    let here = now.vantages.items().iter().filter(|v| v.mount_ns == ours.id);
    let mut links = here.flat_map(way::links_of).filter(|link| point.is_below(&link.path));
    on(point) || links.any(|link| resolved(point, link).is_some_and(|path| on(&path)))
}

fn resolved(point: &RawPath, link: &crate::model::vantage::Component) -> Option<RawPath> {
    let rest = point.as_bytes().get(link.path.as_bytes().len()..)?;
    let names = rest.split(|b| *b == b'/').filter(|n| !n.is_empty());
    Some(names.fold(way::target_of(link)?, |path, name| path.join(name)))
}

/// One finding for each party that fails; one without processes where all work on what lies below.
fn findings(now: &Snapshot, ours: &MountNamespace, line: &FstabLine) -> Vec<Finding> {
    let failing: Vec<&Vantage> =
        users(now, ours, &line.point).filter(|v| v.can_create.can == Can::No).collect();
    let taking = |v: &&Vantage| spot::users_of(now, v);
    let pids: BTreeSet<Pid> = failing.iter().flat_map(taking).collect();
    let path = failing.first().map_or_else(|| line.point.clone(), |v| v.path.clone());
    let errno = failing.first().and_then(|v| v.can_create.errno);
    let finding = |severity, mut subject: Subject| {
        subject.path = Some(path.clone());
        Finding {
            id: CARD.id.to_owned(),
            severity,
            confidence: Confidence::Proven,
            subject,
            title: titled("", &line.point, &format!(" (fstab line {}) is not mounted", line.line)),
            errno,
            evidence: evidence_of(now, ours, line, failing.first().copied()),
            actions: vec![mount_it(line)],
        }
    };
    if pids.is_empty() {
        let name = line.point.shown();
        let subject = Subject { kind: SubjectKind::Mount, name, pids: Vec::new(), path: None };
        return vec![finding(Severity::Warning, subject)];
    }
    let parties = Party::all_of(now, &pids).into_iter();
    parties.map(|party| finding(party.severity(), party.subject(&path))).collect()
}

fn evidence_of(
    now: &Snapshot,
    ours: &MountNamespace,
    line: &FstabLine,
    failing: Option<&Vantage>,
) -> Vec<Evidence> {
    let text = format!("{} {} {} {}", line.device.shown(), line.point.shown(), line.fs_type, line.options);
    let mut all = vec![Evidence {
        source: format!("/etc/fstab line {}", line.line),
        observed: RawText::from(text.as_str()),
        means: format!("at boot a {} is to be mounted on {}", line.fs_type, line.point.shown()),
        by_hand: format!("awk 'NR == {} {{print $1, $2, $3, $4}}' /etc/fstab", line.line),
    }];
    if let Some(instead) = ours.serving(&line.point) {
        let means =
            format!("no mount has the point {}; this file system takes its place", line.point.shown());
        all.push(evidence::mount_line_of(on_mount::lasting(now, ours), instead, &means));
    }
    all.extend(failing.and_then(|v| evidence::probe_of(now, v)));
    all
}

fn mount_it(line: &FstabLine) -> Action {
    let point = line.point.quoted();
    Action {
        reversible: true,
        ..offers::guide(
            "mount it; what was written in its place meanwhile is hidden then, so look at that first",
            Risk::Interrupts,
            vec![
                format!("ls -la {point}"),
                format!("mount {point}"),
                format!("dmesg | tail   # where that fails"),
            ],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::errno::Errno;
    use crate::rules::stage::{Stage, mount};

    fn with_fstab(mut stage: Stage, point: &str, options: &str) -> Stage {
        stage.now.host.value_mut().unwrap().fstab = Ok(vec![FstabLine {
            line: 7,
            device: "UUID=1234".into(),
            point: point.into(),
            fs_type: "xfs".into(),
            options: options.into(),
        }]);
        stage
    }

    fn one(stage: &Stage) -> Finding {
        let Verdict::Found(mut found) = stage.check(&TmpMountMissing) else { panic!("must be found") };
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    #[test]
    fn warns_where_tmp_works_on_the_root_file_system_instead() {
        let finding = one(&with_fstab(Stage::healthy(), "/tmp", "defaults"));
        assert_eq!(finding.severity, Severity::Warning);
        assert_eq!(finding.title, "/tmp (fstab line 7) is not mounted");
        assert_eq!(finding.evidence[0].observed.shown(), "UUID=1234 /tmp xfs defaults");
        assert_eq!(finding.evidence[0].by_hand, "awk 'NR == 7 {print $1, $2, $3, $4}' /etc/fstab");
        assert_eq!(finding.evidence[1].by_hand, "awk '$1 == 25' /proc/1/mountinfo");
    }

    #[test]
    fn is_critical_where_tmp_is_a_link_to_it_and_a_build_fails() {
        let stage = with_fstab(Stage::healthy(), "/mnt/scratch", "defaults,nofail")
            .link(100, "/tmp", "/tmp", "/mnt/scratch/tmp")
            .build(100)
            .fails(100, "/tmp", Errno::ENOENT, "mkdir");
        let finding = one(&stage);
        assert_eq!(finding.severity, Severity::Critical);
        assert_eq!((finding.subject.path, finding.errno), (Some("/tmp".into()), Some(Errno::ENOENT)));
    }

    #[test]
    fn stays_clear_of_what_is_mounted_automounted_on_demand_or_no_temp_dir() {
        let cases = [("/tmp", "noauto"), ("/mnt/backup", "defaults"), ("/", "defaults"), ("none", "sw")];
        for (point, options) in cases {
            let stage = with_fstab(Stage::healthy(), point, options);
            assert!(matches!(stage.check(&TmpMountMissing), Verdict::RuledOut(_)), "{point} {options}");
        }
        for fs_type in ["tmpfs", "autofs"] {
            let on_tmp = mount(31, 25, "/", "/tmp", fs_type, fs_type);
            let stage = with_fstab(Stage::healthy(), "/tmp/", "defaults").mount(1, on_tmp);
            assert!(matches!(stage.check(&TmpMountMissing), Verdict::RuledOut(_)), "{fs_type}");
        }
    }

    #[test]
    fn follows_a_symlink_in_the_point_of_fstab() {
        let stage = with_fstab(Stage::healthy(), "/var/tmp", "defaults")
            .link(100, "/var/tmp", "/var/tmp", "/srv/tmp")
            .mount(1, mount(31, 25, "/", "/srv/tmp", "xfs", "/dev/vdb"));
        assert!(matches!(stage.check(&TmpMountMissing), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_without_fstab_or_mount_table() {
        let mut denied = Stage::healthy();
        denied.now.host.value_mut().unwrap().fstab = Err(GapWhy::Denied);
        assert!(matches!(denied.check(&TmpMountMissing), Verdict::Blind(_)));
        let without = with_fstab(Stage::healthy(), "/tmp", "defaults").without_mounts();
        assert!(matches!(without.check(&TmpMountMissing), Verdict::Blind(_)));
    }

    #[test]
    fn is_blind_where_nobody_knows_whose_temp_dir_an_unmounted_point_is() {
        let stage = with_fstab(Stage::healthy(), "/mnt/scratch", "defaults").without_vantages();
        assert!(matches!(stage.check(&TmpMountMissing), Verdict::Blind(_)));
        let swap = with_fstab(Stage::healthy(), "none", "sw").without_vantages();
        assert!(matches!(swap.check(&TmpMountMissing), Verdict::RuledOut(_)));
    }
}
