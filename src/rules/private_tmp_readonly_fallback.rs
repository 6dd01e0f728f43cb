//! `private-tmp-readonly-fallback`: systemd could not make a service's private /tmp and bound an empty one read-only.

use crate::model::errno::Errno;
use crate::model::finding::{Confidence, Finding, Risk};
use crate::model::mount::Mount;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::rules::heading::titled;
use crate::rules::scope::{self, Group};
use crate::rules::{Rule, RuleCard, Verdict, evidence, offers, party, unseen};

/// See the module's header.
pub struct PrivateTmpReadonlyFallback;

static CARD: RuleCard = RuleCard {
    id: "private-tmp-readonly-fallback",
    title: "A service was started while /tmp was full or read-only, and got an empty read-only one",
    yields_to: &[],
};

impl Rule for PrivateTmpReadonlyFallback {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let found =
            scope::groups_on_mount(now, is_fallback).iter().map(|group| finding(now, group)).collect();
        Verdict::of(found, unseen::mounts(now), || {
            let on_tmp = scope::mounts(now).filter(|m| is_on_tmp(m)).count();
            format!("{on_tmp} mounts on /tmp and /var/tmp, none is systemd's empty read-only stand-in")
        })
    }
}

fn is_on_tmp(mount: &Mount) -> bool {
    [b"/tmp".as_slice(), b"/var/tmp"].contains(&mount.point.as_bytes())
}

/// systemd binds `/run/systemd/empty` there; `/run` is a file system of its own on most machines. A deliberate
/// `TemporaryFileSystem=/tmp:ro` has the root `/` of a tmpfs of its own. Source: systemd src/core/namespace.c.
fn is_fallback(mount: &Mount) -> bool {
    let root = mount.root.as_bytes();
    is_on_tmp(mount) && (root == b"/systemd/empty" || root == b"/run/systemd/empty") && mount.is_read_only()
}

fn finding(now: &Snapshot, group: &Group<'_>) -> Finding {
    let path = group.mount.point.clone();
    let means = "systemd's empty directory, bound read-only because the private one could not be made at the start of the unit";
    let mut evidence = vec![evidence::mount_line(group, means)];
    evidence.extend(evidence::probe(now, group));
    let pids = group.pids.iter().copied().collect();
    let party = party::Party::all_of(now, &pids).into_iter().next();
    let look = offers::guide(
        "see first whether the real one has room and is writable again, or the restart fails alike",
        Risk::None,
        vec![format!("df -h {0}; df -i {0}; findmnt -T {0}", path.quoted())],
    );
    let again = party.map(|p| offers::restart(&p, "systemd makes it a private /tmp again"));
    let actions = again.into_iter().flatten().chain([look]).collect();
    Finding {
        id: CARD.id.to_owned(),
        severity: scope::severity(now, &group.pids, &path),
        confidence: Confidence::Proven,
        title: titled("", &path, &format!(" of {} is read-only since its start", group.label)),
        errno: Some(Errno::EROFS),
        evidence,
        actions,
        subject: group.subject(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Severity;
    use crate::rules::stage::{Stage, mount};

    fn bound(root: &str, options: &str) -> Stage {
        let mut stand_in = mount(900, 25, root, "/tmp", "tmpfs", "tmpfs");
        stand_in.options = options.to_owned();
        Stage::healthy().runner(41, "r@1.service").mount(41, stand_in)
    }

    #[test]
    fn fires_on_the_stand_in_and_restarts_the_unit() {
        let Verdict::Found(found) = bound("/systemd/empty", "ro,relatime").check(&PrivateTmpReadonlyFallback)
        else {
            panic!("must be found")
        };
        assert_eq!(found[0].title, "/tmp of r@1.service is read-only since its start");
        assert_eq!((found[0].severity, found[0].errno), (Severity::Critical, Some(Errno::EROFS)));
        assert_eq!(found[0].actions[0].by_hand, ["systemctl restart r@1.service"]);
        assert!(found[0].evidence[0].observed.shown().contains(" /systemd/empty /tmp "));
    }

    #[test]
    fn stays_clear_of_a_deliberate_read_only_tmpfs_and_of_a_private_tmp() {
        for (root, options) in [("/", "ro"), ("/systemd/empty", "rw"), ("/systemd/inaccessible/dir", "ro")] {
            let verdict = bound(root, options).check(&PrivateTmpReadonlyFallback);
            assert!(matches!(verdict, Verdict::RuledOut(_)), "{root} {options}");
        }
    }

    #[test]
    fn is_blind_without_mount_tables() {
        assert!(matches!(
            Stage::healthy().without_mounts().check(&PrivateTmpReadonlyFallback),
            Verdict::Blind(_)
        ));
    }
}
