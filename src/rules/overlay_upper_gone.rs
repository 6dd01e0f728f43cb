//! `overlay-upper-gone`: the directories that a container's overlay writes to were removed underneath it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::errno::Errno;
use crate::model::finding::{Action, Confidence, Evidence, Finding, Risk};
use crate::model::mount::{Mount, MountNamespace, OverlayState};
use crate::model::process::Pid;
use crate::model::raw_path::{RawPath, RawText};
use crate::model::reading::Gap;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::model::vantage::{Can, HowKnown, Vantage};
use crate::rules::heading::titled;
use crate::rules::party::Party;
use crate::rules::{Rule, RuleCard, Verdict, evidence, offers, on_mount, unseen, way};

/// See the module's header.
pub struct OverlayUpperGone;

static CARD: RuleCard = RuleCard {
    id: "overlay-upper-gone",
    title: "The writable layer of an overlay was removed underneath a container",
    yields_to: &["private-tmp-deleted", "bind-source-deleted"],
};

impl Rule for OverlayUpperGone {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let mut found = Vec::new();
        for (namespace, mount) in overlays(now) {
            let Some(why) = why(now, namespace, mount) else { continue };
            let users = users(now, namespace, mount);
            if !users.is_empty() {
                let parties = Party::all_of(now, &users).into_iter();
                found.extend(parties.map(|party| finding(now, (namespace, mount), &why, &party)));
            }
        }
        Verdict::of(found, gaps(now), || {
            let all = count(overlays(now).count(), ("writable overlay", "writable overlays"));
            let spaces = count(now.namespaces.items().len(), ("mount namespace", "mount namespaces"));
            format!("{all} in {spaces}, no removed layer")
        })
    }
}

/// What speaks for a removed layer.
enum Why<'a> {
    /// One of its directories is not there.
    Missing(&'a OverlayState),
    /// It could not be looked at, or was made anew, but creations fail in a directory that exists.
    Fails(&'a Vantage),
}

fn overlays(now: &Snapshot) -> impl Iterator<Item = (&MountNamespace, &Mount)> {
    let all = now.namespaces.items().iter().flat_map(|ns| ns.mounts.items().iter().map(move |m| (ns, m)));
    all.filter(|(_, m)| m.fs_type == "overlay" && m.super_option("upperdir").is_some())
}

fn state<'a>(namespace: &'a MountNamespace, mount: &Mount) -> Option<&'a OverlayState> {
    namespace.overlays.iter().find(|o| o.mount_id == mount.id)
}

fn why<'a>(now: &'a Snapshot, namespace: &'a MountNamespace, mount: &'a Mount) -> Option<Why<'a>> {
    let seen = state(namespace, mount);
    let missing = seen.filter(|o| o.upper == Ok(false) || o.work == Ok(false));
    if let Some(state) = missing.filter(|_| !works(now, namespace, mount)) {
        return Some(Why::Missing(state));
    }
    on_mount::served(now, namespace, mount).find(|v| is_dead(v)).map(Why::Fails)
}

/// A probe made its dir in a place whose way is whole and was refused with ENOENT: only a dead layer does that.
fn is_dead(vantage: &Vantage) -> bool {
    let ability = &vantage.can_create;
    ability.how == HowKnown::Probed
        && ability.can == Can::No
        && ability.errno == Some(Errno::ENOENT)
        && !vantage.walked.is_empty()
        && way::stop_of(vantage).is_none()
        && vantage.stops_at().is_none()
}

fn works(now: &Snapshot, namespace: &MountNamespace, mount: &Mount) -> bool {
    let proven = |v: &Vantage| v.can_create.how == HowKnown::Probed && v.can_create.can == Can::Yes;
    on_mount::served(now, namespace, mount).any(proven)
}

/// Where the overlay is the root of containers, everybody in them; otherwise those whose temp dir lies on it. The host,
/// which has every container's root mounted somewhere, is not concerned.
fn users(now: &Snapshot, namespace: &MountNamespace, mount: &Mount) -> BTreeSet<Pid> {
    let mut users = on_mount::pids_of(on_mount::served(now, namespace, mount));
    if mount.point == "/".into() {
        users.extend(on_mount::contained(now, namespace).map(|(pid, _)| pid));
    }
    users
}

fn gaps(now: &Snapshot) -> Vec<Gap> {
    let mut whys: BTreeMap<_, usize> = BTreeMap::new();
    for (namespace, mount) in
        overlays(now).filter(|(ns, m)| !works(now, ns, m) && !users(now, ns, m).is_empty())
    {
        let unseen =
            state(namespace, mount).and_then(|o| o.upper.as_ref().err().or_else(|| o.work.as_ref().err()));
        let not_asked = crate::model::reading::GapWhy::NotAsked;
        let why = if state(namespace, mount).is_some() { unseen.cloned() } else { Some(not_asked) };
        if let Some(why) = why {
            *whys.entry(why).or_default() += 1;
        }
    }
    let of = |(why, n)| Gap::new(format!("writable layers of {}", count(n, ("overlay", "overlays"))), why);
    unseen::mounts(now).into_iter().chain(whys.into_iter().map(of)).collect()
}

fn finding(
    now: &Snapshot,
    (namespace, mount): (&MountNamespace, &Mount),
    why: &Why<'_>,
    party: &Party<'_>,
) -> Finding {
    let line = "creations in this overlay need the directories that `upperdir=` and `workdir=` name";
    let pid = party.pid().unwrap_or_else(|| on_mount::lasting(now, namespace));
    let mut line = evidence::mount_line_of(pid, mount, line);
    if pid == now.eyes.pid {
        // Our own process is gone when somebody pastes the command; the shell that pastes it has the same table.
        line.by_hand = format!("awk '$1 == {}' /proc/self/mountinfo", mount.id);
    }
    let mut evidence = vec![line];
    let confidence = match why {
        Why::Missing(state) => {
            evidence.extend(missing(now, mount, state));
            Confidence::Proven
        }
        Why::Fails(vantage) => {
            evidence.extend(evidence::probe_of(now, vantage));
            Confidence::Likely
        }
    };
    let title = match party.container {
        Some(_) => format!("The writable layer of {} was removed", party.label),
        None => {
            titled("The overlay on ", &mount.point, &format!(" of {} lost its writable layer", party.label))
        }
    };
    Finding {
        id: CARD.id.to_owned(),
        severity: party.severity(),
        confidence,
        subject: party.subject(&mount.point),
        title,
        errno: Some(Errno::ENOENT),
        evidence,
        actions: actions(party),
    }
}

fn missing(now: &Snapshot, mount: &Mount, state: &OverlayState) -> Vec<Evidence> {
    let upper = mount.super_path("upperdir").filter(|_| state.upper == Ok(false));
    let work = mount.super_path("workdir").filter(|_| state.work == Ok(false)).map(|path| path.join(b"work"));
    let ours = now.our_namespace();
    let gone = |path: RawPath| {
        let reached = match state.seen_by {
            Some(pid) if ours.is_none_or(|ns| ns.witness != pid) => evidence::inside(pid, &path),
            Some(_) | None => path,
        };
        Evidence {
            source: reached.shown(),
            observed: RawText::from(Errno::ENOENT.text()),
            means: "this directory was removed; the mount still holds it, but nothing can be created in it"
                .to_owned(),
            by_hand: format!("stat {}", reached.quoted()),
        }
    };
    upper.into_iter().chain(work).map(gone).collect()
}

fn actions(party: &Party<'_>) -> Vec<Action> {
    let gone =
        "a restart keeps the removed layer; only a new container gets a new one. What it wrote is lost";
    let Some(container) = party.container else {
        let restart = offers::restart(party, "it mounts its overlay anew");
        let by_hand = party.pid().map(|pid| {
            offers::guide(
                "end what uses this mount, take it off, and mount the overlay anew with layers that exist",
                Risk::Interrupts,
                vec![
                    format!("grep ' - overlay ' /proc/{pid}/mountinfo"),
                    format!("ps -o pid,lstart,args -p {pid}"),
                ],
            )
        });
        return restart.into_iter().chain(by_hand).collect();
    };
    vec![offers::guide(gone, Risk::RemovesData, offers::remove(container))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Severity;
    use crate::model::reading::GapWhy;
    use crate::rules::stage::Stage;

    fn container(how: impl Fn(&mut OverlayState)) -> Stage {
        let mut stage = Stage::healthy().container(700, "ci-7", "cargo").build(700);
        how(&mut stage.now.namespaces.value_mut().unwrap()[1].overlays[0]);
        stage
    }

    fn one(stage: &Stage) -> Finding {
        let Verdict::Found(mut found) = stage.check(&OverlayUpperGone) else { panic!("must be found") };
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    #[test]
    fn fires_where_upper_or_work_is_missing_and_shows_which() {
        let upper = one(&container(|o| o.upper = Ok(false)));
        assert_eq!((upper.severity, upper.confidence), (Severity::Critical, Confidence::Proven));
        assert_eq!(upper.evidence[1].by_hand, "stat /var/lib/docker/overlay2/ci-7/diff");
        let work = one(&container(|o| o.work = Ok(false)));
        assert_eq!(work.evidence[1].by_hand, "stat /var/lib/docker/overlay2/ci-7/work/work");
        assert!(work.evidence[0].observed.shown().contains("workdir=/var/lib/docker/overlay2/ci-7/work"));
    }

    #[test]
    fn looks_through_the_process_that_has_the_layer() {
        let rootless = one(&container(|o| (o.upper, o.seen_by) = (Ok(false), Some(88))));
        assert_eq!(rootless.evidence[1].source, "/proc/88/root/var/lib/docker/overlay2/ci-7/diff");
    }

    #[test]
    fn is_likely_where_a_probe_fails_in_a_directory_that_exists() {
        let stage = container(|o| (o.upper, o.work) = (Err(GapWhy::Denied), Err(GapWhy::Denied)));
        let finding = one(&stage.probed(700, "/tmp", Errno::ENOENT));
        assert_eq!(finding.confidence, Confidence::Likely);
        assert_eq!(finding.evidence[1].source, "probe as pid 700");
    }

    #[test]
    fn stays_clear_of_whole_layers_and_of_a_missing_tmp() {
        assert!(matches!(container(|_| {}).check(&OverlayUpperGone), Verdict::RuledOut(_)));
        let no_tmp =
            container(|_| {}).stops(700, "/tmp", "/tmp", Errno::ENOENT).probed(700, "/tmp", Errno::ENOENT);
        assert!(matches!(no_tmp.check(&OverlayUpperGone), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_where_layers_cannot_be_looked_at() {
        let rootless = container(|o| (o.upper, o.work) = (Err(GapWhy::Denied), Err(GapWhy::Denied)));
        let Verdict::Blind(gaps) = rootless.check(&OverlayUpperGone) else { panic!("must be blind") };
        assert_eq!(gaps[0].what, "writable layers of 1 overlay");
        assert!(matches!(Stage::healthy().without_mounts().check(&OverlayUpperGone), Verdict::Blind(_)));
    }

    #[test]
    fn names_a_process_that_lasts_where_only_our_own_is_concerned() {
        let mut stage = container(|o| o.upper = Ok(false));
        stage.now.eyes.pid = 700;
        assert_eq!(one(&stage).evidence[0].by_hand, "awk '$1 == 7700' /proc/self/mountinfo");
    }

    #[test]
    fn speaks_the_language_of_the_engine() {
        let stage = container(|o| o.upper = Ok(false)).change(700, |p| {
            p.container.as_mut().unwrap().engine = "kubernetes".into();
        });
        assert_eq!(one(&stage).actions[0].by_hand, ["crictl inspect ci-7", "crictl rm -f ci-7"]);
    }
}
