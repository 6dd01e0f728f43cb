//! `bind-source-deleted`: the directory behind a bind mount or a volume was removed while it is mounted.

use std::collections::BTreeSet;

use crate::model::errno::Errno;
use crate::model::finding::{Action, Confidence, Evidence, Finding, Risk, Severity};
use crate::model::mount::{Mount, MountNamespace};
use crate::model::process::{Pid, Process};
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::model::vantage::{Kind, Vantage};
use crate::rules::heading::titled;
use crate::rules::party::Party;
use crate::rules::{Rule, RuleCard, Verdict, evidence, offers, on_mount, private_tmp_deleted, scope, unseen};

/// See the module's header.
pub struct BindSourceDeleted;

static CARD: RuleCard = RuleCard {
    id: "bind-source-deleted",
    title: "The directory behind a bind mount or volume was removed",
    yields_to: &["private-tmp-deleted"],
};

/// Nobody builds there. Files that engines bind (resolv.conf, secrets, configuration) lose their name whenever an
/// editor or a key roll-over replaces them, which is harmless.
const NOT_FOR_WORK: [&str; 12] = [
    "/etc",
    "/proc",
    "/sys",
    "/dev",
    "/run/secrets",
    "/var/run/secrets",
    "/run/credentials",
    "/usr/bin",
    "/usr/lib",
    "/usr/share",
    "/lib",
    "/snap",
];

/// Where CI tools bind what they work on; a dead mount there matters although nobody is seen at work.
const FOR_WORK: [&str; 12] = [
    "/workspace",
    "/workspaces",
    "/work",
    "/__w",
    "/github",
    "/build",
    "/builds",
    "/target",
    "/cache",
    "/src",
    "/tmp",
    "/var/tmp",
];

impl Rule for BindSourceDeleted {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let mut found = Vec::new();
        for namespace in now.namespaces.items() {
            let dead = namespace.mounts.items().iter().filter(|m| is_dead_bind(m));
            for mount in dead.filter(|m| is_on_top(namespace, m)) {
                let concerned = concerned(now, namespace, mount);
                if !concerned.is_empty() {
                    let parties = Party::all_of(now, &concerned).into_iter();
                    found.extend(parties.map(|party| finding(now, namespace, mount, &party)));
                }
            }
        }
        Verdict::of(found, unseen::mounts(now), || {
            let all = scope::mounts(now).count();
            let dead = scope::mounts(now).filter(|m| m.root_deleted).count();
            let mounts = count(all, ("mount", "mounts"));
            let spaces = count(now.namespaces.items().len(), ("namespace", "namespaces"));
            format!(
                "{mounts} in {spaces}, {dead} with a removed root, none of them a dir that work is done in"
            )
        })
    }
}

fn is_dead_bind(mount: &Mount) -> bool {
    mount.root_deleted && !private_tmp_deleted::is_private_tmp(mount) && mount.fs_type != "nsfs"
}

fn is_on_top(namespace: &MountNamespace, mount: &Mount) -> bool {
    namespace.stacked_on(&mount.point).last().is_some_and(|top| top.id == mount.id)
}

/// The processes that a dead mount concerns: those whose temp or working directory it serves, and in a container
/// everybody where it is a directory to work in, because the next command may be run there.
fn concerned(now: &Snapshot, namespace: &MountNamespace, mount: &Mount) -> BTreeSet<Pid> {
    let point = &mount.point;
    let is_directory = match on_mount::kind_at(now, namespace, point) {
        Some(Kind::Directory) => true,
        Some(_) => return BTreeSet::new(),
        None => false,
    };
    if NOT_FOR_WORK.iter().any(|dir| point.is_below(&RawPath::from(*dir))) {
        return BTreeSet::new();
    }
    let served = on_mount::served(now, namespace, mount)
        .filter(|v| v.can_create.can != crate::model::vantage::Can::Yes);
    let mut concerned = on_mount::pids_of(served);
    concerned.extend(on_mount::working_in(now, namespace, mount));
    let for_work = FOR_WORK.iter().any(|dir| point.is_below(&RawPath::from(*dir)));
    if is_directory || for_work || !concerned.is_empty() {
        concerned.extend(on_mount::contained(now, namespace).map(|(pid, _)| pid));
    }
    concerned
}

fn finding(now: &Snapshot, namespace: &MountNamespace, mount: &Mount, party: &Party<'_>) -> Finding {
    let point = &mount.point;
    let pid = party.pid().unwrap_or_else(|| on_mount::lasting(now, namespace));
    let here = on_mount::path_here(now, mount);
    let mut evidence = vec![evidence::mount_line_of(pid, mount, &told(mount, here.as_ref()))];
    let vantage = vantage_of(now, namespace, mount, party);
    let step = vantage.and_then(|v| v.walked.iter().find(|c| c.path == *point));
    // Directories of overlayfs always count one link, so only 0 says something.
    let dead = step.filter(|c| c.facts.as_ref().is_some_and(|f| f.links == 0));
    evidence.extend(dead.map(|c| {
        evidence::links_of(pid, c, "a directory without links has no name left: nothing can be created in it")
    }));
    evidence.extend(vantage.and_then(|v| evidence::probe_of(now, v)));
    evidence.extend(here.as_ref().and_then(|path| made_anew(now, path, step)));
    Finding {
        id: CARD.id.to_owned(),
        severity: severity(now, party),
        confidence: Confidence::Proven,
        subject: party.subject(point),
        title: titled("", point, &format!(" of {} is a deleted directory", party.label)),
        errno: Some(Errno::ENOENT),
        evidence,
        actions: actions(mount, here.as_ref(), party),
    }
}

/// Both names of the directory: the one inside and the one on the host.
fn told(mount: &Mount, here: Option<&RawPath>) -> String {
    let inside = mount.point.shown();
    let outside = here.map_or_else(
        || {
            format!(
                "{} of the file system {} (not mounted in our namespace)",
                mount.root.shown(),
                mount.device
            )
        },
        |path| format!("{} on the host", path.shown()),
    );
    format!(
        "{inside} here is {outside}; the kernel marks that directory as removed (`//deleted`), so nothing can be created in it"
    )
}

/// Says that a directory of the old name is another one, where the host's is known.
fn made_anew(
    now: &Snapshot,
    path: &RawPath,
    inside: Option<&crate::model::vantage::Component>,
) -> Option<Evidence> {
    let ours = now.our_namespace()?;
    let mut steps =
        now.vantages.items().iter().filter(|v| v.mount_ns == ours.id).flat_map(|v| v.walked.iter());
    let outside = steps.find(|c| c.path == *path && c.facts.is_some())?.facts.as_ref()?;
    let inside = inside?.facts.as_ref()?;
    (outside.inode != inside.inode).then(|| Evidence {
        source: path.shown(),
        observed: outside.inode.to_string().as_str().into(),
        means: format!("the directory of that name is a new one: inside, the inode is {}", inside.inode),
        by_hand: format!("stat -c %i {}", path.quoted()),
    })
}

fn vantage_of<'a>(
    now: &'a Snapshot,
    namespace: &'a MountNamespace,
    mount: &'a Mount,
    party: &Party<'_>,
) -> Option<&'a Vantage> {
    on_mount::served(now, namespace, mount).find(|v| v.pids.iter().any(|pid| party.pids.contains(pid)))
}

/// Critical where builds run with it; a container that only waits for commands will fail at the next one.
fn severity(now: &Snapshot, party: &Party<'_>) -> Severity {
    let mut members = party.pids.iter().filter_map(|pid| now.process(*pid));
    let hit = members.any(|p| Process::is_build(p) || now.asked.pids.contains(&p.pid));
    if hit { Severity::Critical } else { Severity::Warning }
}

fn actions(mount: &Mount, here: Option<&RawPath>, party: &Party<'_>) -> Vec<Action> {
    let mut actions = offers::restart(party, "it mounts the directory of that name anew");
    if let Some(path) = here {
        let who = party.lead.and_then(|p| p.credentials.as_ref().ok());
        let (uid, gid) = who.map_or((0, 0), |c| (c.uid, c.gid));
        actions.push(offers::guide(
            "make the directory before the restart, or docker makes it anew and root owns it",
            Risk::None,
            vec![format!("install -d -o {uid} -g {gid} {}", path.quoted())],
        ));
    } else {
        let find = format!("grep -n ' {} ' /proc/self/mountinfo", mount.device);
        actions.push(offers::guide("find where its file system is mounted", Risk::None, vec![find]));
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::stage::{Life, Stage};

    fn one(stage: &Stage) -> Finding {
        let Verdict::Found(mut found) = stage.check(&BindSourceDeleted) else { panic!("must be found") };
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    fn container(comm: &str, point: &str) -> Stage {
        Stage::healthy().container(700, "ci-7", comm).bind(700, "/srv/ci/run-7", point, Life::Dead)
    }

    #[test]
    fn warns_of_a_container_that_only_sleeps_and_names_both_paths() {
        let finding = one(&container("sleep", "/workspace"));
        assert_eq!(finding.severity, Severity::Warning);
        assert_eq!(finding.title, "/workspace of docker ci-7 (07002a91c04b) is a deleted directory");
        assert!(finding.evidence[0].means.starts_with("/workspace here is /srv/ci/run-7 on the host"));
        assert!(finding.evidence[0].observed.shown().contains("/srv/ci/run-7//deleted"));
        assert_eq!(finding.actions[0].by_hand[1], "docker restart ci-7");
        assert_eq!(finding.actions[1].by_hand, ["install -d -o 0 -g 0 /srv/ci/run-7"]);
    }

    #[test]
    fn is_critical_where_a_build_runs_in_the_container() {
        assert_eq!(one(&container("cargo", "/target").build(700)).severity, Severity::Critical);
    }

    #[test]
    fn counts_a_unit_whose_temp_dir_lies_there() {
        let stage = Stage::healthy().runner(41, "r@1.service").variable(41, "TMPDIR", "/data/t").bind(
            41,
            "/srv/t",
            "/data",
            Life::Dead,
        );
        let finding = one(&stage);
        assert_eq!((finding.subject.name.as_str(), finding.severity), ("r@1.service", Severity::Critical));
    }

    #[test]
    fn says_that_a_file_system_is_not_mounted_here() {
        let mut stage = container("sleep", "/workspace");
        stage.now.namespaces.value_mut().unwrap()[1].mounts.value_mut().unwrap()[1].device =
            crate::model::mount::Device { major: 8, minor: 1 };
        assert!(
            one(&stage).evidence[0].means.contains("of the file system 8:1 (not mounted in our namespace)")
        );
    }

    #[test]
    fn stays_clear_of_live_binds_files_and_unrelated_mounts() {
        let live =
            Stage::healthy().container(700, "ci-7", "sleep").bind(700, "/srv/w", "/workspace", Life::Alive);
        assert!(matches!(live.check(&BindSourceDeleted), Verdict::RuledOut(_)));
        for point in ["/etc/resolv.conf", "/run/secrets/token", "/dev/termination-log", "/app/config.yaml"] {
            assert!(
                matches!(container("nginx", point).check(&BindSourceDeleted), Verdict::RuledOut(_)),
                "{point}"
            );
        }
        let unused = Stage::healthy().runner(41, "r@1.service").bind(41, "/srv/x", "/opt/x", Life::Dead);
        assert!(matches!(unused.check(&BindSourceDeleted), Verdict::RuledOut(_)));
    }

    #[test]
    fn leaves_private_tmp_to_its_rule() {
        let stage = Stage::healthy().runner(41, "r@1.service").private_tmp(41, "/tmp", Life::Dead);
        assert!(matches!(stage.check(&BindSourceDeleted), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_without_mount_tables() {
        assert!(matches!(Stage::healthy().without_mounts().check(&BindSourceDeleted), Verdict::Blind(_)));
    }
}
