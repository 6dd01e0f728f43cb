//! `container-tmp`: context, not a cause: a temp dir that is out of room or read-only is the container's own layer.

use std::collections::BTreeSet;

use crate::model::errno::Errno;
use crate::model::finding::{Action, Confidence, Finding, Risk, Severity};
use crate::model::mount::Mount;
use crate::model::process::Pid;
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::model::vantage::{Can, Vantage};
use crate::rules::heading::titled;
use crate::rules::spot::{self, Spot};
use crate::rules::{Rule, RuleCard, Verdict, evidence, offers, place, unseen};

/// See the module's header.
pub struct ContainerTmp;

static CARD: RuleCard = RuleCard {
    id: "container-tmp",
    title: "A failing temp dir is the container's writable layer or a tmpfs of its own",
    yields_to: &[],
};

impl Rule for ContainerTmp {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let mut spots = spot::spots(now, |v| lacks_room(v) && backing(now, v).is_some());
        spots.retain(|s| s.party.container.is_some() && s.party.is_weighty());
        let found = finding(now, &spots).into_iter().collect();
        unseen::verdict(now, found, unseen::vantages_that_matter(now), || {
            let contained = now.vantages.items().iter().filter(|v| place::is_contained(now, v)).count();
            let contained = count(contained, ("vantage", "vantages"));
            format!("{contained} in containers, no build there lacks room or a writable temp dir")
        })
    }
}

/// The host's disk has nothing to do with these, wherever the container got its temp dir from.
fn lacks_room(vantage: &Vantage) -> bool {
    let errno = vantage.can_create.errno;
    vantage.can_create.can == Can::No
        && errno.is_some_and(|e| [Errno::ENOSPC, Errno::EDQUOT, Errno::EROFS].contains(&e))
}

/// What the temp dir is, in words, where it belongs to the container alone.
fn backing(now: &Snapshot, vantage: &Vantage) -> Option<String> {
    let mount = now.mount_of(vantage)?;
    match mount.fs_type.as_str() {
        "overlay" | "fuse.fuse-overlayfs" if mount.is_read_only() => Some("its read-only image".to_owned()),
        "overlay" | "fuse.fuse-overlayfs" => Some("its writable layer".to_owned()),
        "tmpfs" => Some(
            size_of(mount).map_or_else(|| "a tmpfs of its own".to_owned(), |s| format!("a tmpfs of {s}")),
        ),
        _ => None,
    }
}

fn size_of(mount: &Mount) -> Option<String> {
    mount.super_option("size").map(|size| size.shown())
}

/// One finding for all of them.
fn finding(now: &Snapshot, spots: &[Spot<'_>]) -> Option<Finding> {
    let first = spots.first()?;
    let what = backing(now, first.vantage)?;
    let pids: BTreeSet<Pid> = spots.iter().flat_map(|s| s.party.pids.iter().copied()).collect();
    let more = spots.iter().map(|s| &s.party.label).collect::<BTreeSet<_>>().len() - 1;
    let whose =
        if more == 0 { first.party.label.clone() } else { format!("{} and {more} more", first.party.label) };
    let mut subject = first.party.subject(&first.vantage.path);
    subject.pids = pids.into_iter().collect();
    let line = |s: &Spot<'_>| {
        let means =
            format!("{} of {} is {what}: room on the host does not help", s.vantage.path, s.party.label);
        Some(evidence::mount_line_of(s.pid()?, now.mount_of(s.vantage)?, &means))
    };
    Some(Finding {
        id: CARD.id.to_owned(),
        severity: Severity::Info,
        confidence: Confidence::Proven,
        subject,
        title: titled("", &first.vantage.path, &format!(" of {whose} is {what}")),
        errno: None,
        evidence: spots.iter().filter_map(line).collect(),
        actions: vec![give_room(&first.vantage.path)],
    })
}

fn give_room(path: &RawPath) -> Action {
    let at = path.quoted();
    offers::guide(
        "start the container with room for its temp dir: a tmpfs, or a volume",
        Risk::Interrupts,
        vec![
            format!("docker run --tmpfs {at}:rw,exec,size=4g IMAGE"),
            format!("docker run -v ci-tmp:{at} IMAGE   # or a named volume, on the host's disk"),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::stage::{Stage, mount};

    fn full(errno: Errno) -> Stage {
        Stage::healthy().container(700, "ci-7", "yarn").build(700).fails(700, "/tmp", errno, "write")
    }

    #[test]
    fn tells_of_a_full_writable_layer() {
        let Verdict::Found(found) = full(Errno::ENOSPC).check(&ContainerTmp) else { panic!("must be found") };
        assert_eq!(found[0].title, "/tmp of docker ci-7 (07002a91c04b) is its writable layer");
        assert_eq!(found[0].severity, Severity::Info);
    }

    #[test]
    fn tells_the_size_of_a_tmpfs() {
        let mut small = mount(801, 1, "/", "/tmp", "tmpfs", "tmpfs");
        small.super_options = "rw,size=65536k".into();
        let stage = full(Errno::ENOSPC)
            .mount(700, small)
            .change_vantages(|v| v.pids == [700] && v.path == "/tmp".into(), |v| v.mount_id = Some(801));
        let Verdict::Found(found) = stage.check(&ContainerTmp) else { panic!("must be found") };
        assert!(found[0].title.ends_with("is a tmpfs of 65536k"), "{}", found[0].title);
    }

    #[test]
    fn says_nothing_of_healthy_containers_other_errors_and_the_host() {
        let healthy = Stage::healthy().container(700, "ci-7", "yarn").build(700);
        assert!(matches!(healthy.check(&ContainerTmp), Verdict::RuledOut(_)));
        assert!(matches!(full(Errno::EACCES).check(&ContainerTmp), Verdict::RuledOut(_)));
        let host = Stage::healthy().runner(41, "r@1.service").fails(41, "/tmp", Errno::ENOSPC, "write");
        assert!(matches!(host.check(&ContainerTmp), Verdict::RuledOut(_)));
        let server =
            Stage::healthy().container(700, "db", "postgres").fails(700, "/tmp", Errno::EROFS, "mkdir");
        assert!(matches!(server.check(&ContainerTmp), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_without_vantages() {
        assert!(matches!(Stage::healthy().without_vantages().check(&ContainerTmp), Verdict::Blind(_)));
    }
}
