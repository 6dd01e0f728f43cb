//! Chooses the vantages that are worth a probe.

use super::ProbeRequest;
use crate::model::process::{Pid, Process};
use crate::model::reading::{Gap, GapWhy};
use crate::model::snapshot::Snapshot;
use crate::model::units::Entries;
use crate::model::vantage::{Reason, Vantage};

/// A probe takes a few milliseconds of a helper process; more than these would be noticed.
const MOST: usize = 64;
/// CAP_SYS_ADMIN: needed to join another mount namespace. Source: setns(2).
const CAP_SYS_ADMIN: u64 = 1 << 21;

/// The vantages to probe, one request each: those asked for first, then those of runners and build tools, then our own.
///
/// Without root only those that differ from us in nothing that would need it. Beyond the first 64 the prediction stays;
/// see [`left_out`].
pub fn requests(now: &Snapshot) -> Vec<ProbeRequest> {
    let mut wanted = wanted(now);
    wanted.truncate(MOST);
    wanted.into_iter().map(|(_, request)| request).collect()
}

/// What [`requests`] leaves out for its number, where it does.
pub fn left_out(now: &Snapshot) -> Option<Gap> {
    let wanted = wanted(now).len();
    let why = GapWhy::OverBudget { seen: Entries(MOST as u64) };
    (wanted > MOST)
        .then(|| Gap::new(format!("probes of {} vantages, which are predicted only", wanted - MOST), why))
}

fn wanted(now: &Snapshot) -> Vec<(Urgency, ProbeRequest)> {
    let vantages = now.vantages.items().iter();
    let mut wanted: Vec<(Urgency, ProbeRequest)> = vantages
        .filter(|vantage| is_within_reach(now, vantage))
        .filter_map(|vantage| Some((urgency(now, vantage)?, request(now, vantage)?)))
        .collect();
    // Stable: within one urgency the worst stay first, as the snapshot has them.
    wanted.sort_by_key(|(urgency, _)| *urgency);
    wanted
}

/// Why a vantage is probed, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    /// The caller named the process or the directory.
    Asked,
    /// Runners and build tools.
    Build,
    /// What tmpmedic sees itself.
    Own,
}

fn urgency(now: &Snapshot, vantage: &Vantage) -> Option<Urgency> {
    let asked_pid = vantage.pids.iter().any(|pid| now.asked.pids.contains(pid));
    if asked_pid || vantage.reasons.contains(&Reason::Asked) {
        Some(Urgency::Asked)
    } else if now.asked.is_focused() {
        None
    } else if vantage.is_build {
        Some(Urgency::Build)
    } else {
        is_own(now, vantage).then_some(Urgency::Own)
    }
}

fn is_own(now: &Snapshot, vantage: &Vantage) -> bool {
    let same_eyes = is_same_view(now, vantage) && vantage.credentials == now.eyes.credentials;
    // A directory that only a variable of somebody else names is not ours to write to.
    let usual = [Reason::Default, Reason::TmpDir, Reason::Fallback];
    vantage.pids.contains(&now.eyes.pid)
        || same_eyes && vantage.reasons.iter().any(|reason| usual.contains(reason))
}

fn is_within_reach(now: &Snapshot, vantage: &Vantage) -> bool {
    let eyes = &now.eyes.credentials;
    eyes.capabilities & CAP_SYS_ADMIN != 0
        || eyes.uid == vantage.credentials.uid && is_same_view(now, vantage)
}

fn is_same_view(now: &Snapshot, vantage: &Vantage) -> bool {
    now.eyes.mount_ns.as_ref() == Ok(&vantage.mount_ns) && vantage.root.as_bytes() == b"/"
}

fn request(now: &Snapshot, vantage: &Vantage) -> Option<ProbeRequest> {
    let pid = witness(now, vantage)?;
    Some(ProbeRequest {
        path: vantage.path.clone(),
        pid,
        started: now.process(pid).map(|process| process.started),
        ids: None,
        mount_ns: vantage.mount_ns,
        root: vantage.root.clone(),
        credentials: vantage.credentials.clone(),
    })
}

/// The process to imitate: one that was asked for, else one that builds, else the oldest; never a zombie.
fn witness(now: &Snapshot, vantage: &Vantage) -> Option<Pid> {
    let living = vantage.pids.iter().filter_map(|pid| now.process(*pid));
    let living = living.filter(|process| !process.kernel && !matches!(process.state, 'Z' | 'X'));
    let rank = |process: &&Process| (now.asked.pids.contains(&process.pid), process.is_build());
    let best = living.max_by_key(|process| (rank(process), std::cmp::Reverse(process.pid)));
    // A vantage without processes (an asked directory) is looked at with our own eyes.
    best.map(|process| process.pid).or_else(|| vantage.pids.is_empty().then_some(now.eyes.pid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::process::MountNs;

    /// A healthy machine with one runner, seen by root.
    fn machine() -> Snapshot {
        crate::rules::stage::Stage::healthy().runner(4514, "forgejo-runner@1.service").now
    }

    fn pids(now: &Snapshot) -> Vec<Pid> {
        requests(now).iter().map(|request| request.pid).collect()
    }

    #[test]
    fn probes_what_runners_use() {
        let now = machine();
        assert!(pids(&now).contains(&4514));
    }

    #[test]
    fn takes_each_vantage_once_with_its_own_key() {
        let now = machine();
        for request in requests(&now) {
            let same = |v: &&Vantage| {
                (&v.path, v.mount_ns, &v.root, &v.credentials)
                    == (&request.path, request.mount_ns, &request.root, &request.credentials)
            };
            assert_eq!(now.vantages.items().iter().filter(same).count(), 1);
        }
    }

    #[test]
    fn keeps_to_what_was_asked_for() {
        let mut now = machine();
        now.asked.pids.insert(1);
        assert!(!pids(&now).contains(&4514), "only the asked process is of interest");
    }

    #[test]
    fn leaves_others_alone_without_root() {
        let mut now = machine();
        now.eyes.credentials.capabilities = 0;
        now.eyes.credentials.uid = 4242;
        assert!(requests(&now).is_empty());
        now.eyes.mount_ns = Ok(MountNs::Inode(1));
        assert!(requests(&now).is_empty());
    }

    #[test]
    fn says_how_many_it_leaves_out() {
        let mut now = machine();
        let vantages = now.vantages.value_mut().unwrap();
        let runner = vantages.iter().find(|v| v.pids.contains(&4514)).unwrap().clone();
        for number in 0..100_u32 {
            let mut vantage = runner.clone();
            vantage.path = format!("/tmp/{number}").as_str().into();
            vantages.push(vantage);
        }
        assert_eq!(requests(&now).len(), MOST);
        assert!(left_out(&now).is_some());
        assert!(left_out(&machine()).is_none());
    }
}
