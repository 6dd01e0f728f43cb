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
        based_on: vantage.based_on.clone(),
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
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::model::errno::Errno;
    use crate::model::host::Eyes;
    use crate::model::probe::{Step, StepResult};
    use crate::model::process::{Credentials, MountNs, ProcessTable, Role};
    use crate::model::specimen::{self, whole};
    use crate::model::units::Micros;
    use crate::model::vantage::{Ability, Can};
    use crate::probe::Ended;
    use crate::probe::run::result;

    const HERE: MountNs = MountNs::Inode(1);
    const APART: MountNs = MountNs::Inode(2);

    fn root() -> Credentials {
        Credentials { capabilities: CAP_SYS_ADMIN, ..specimen::user(0) }
    }

    fn user() -> Credentials {
        specimen::user(1000)
    }

    fn process(pid: Pid, role: Option<Role>) -> Process {
        Process { role, ..specimen::process(pid, 1, "x", user()) }
    }

    fn vantage(path: &str, mount_ns: MountNs, credentials: Credentials, pids: &[Pid]) -> Vantage {
        Vantage {
            is_build: pids.contains(&4514),
            can_create: Ability::unknown(),
            ..specimen::vantage(path.into(), mount_ns, credentials, pids.to_vec())
        }
    }

    /// Seen by root as pid 7: our own /tmp, that of a runner in another namespace, and that of some other user.
    fn machine() -> Snapshot {
        let processes = [process(7, None), process(99, None), process(4514, Some(specimen::runner_role()))];
        let by_pid: BTreeMap<Pid, Arc<Process>> =
            processes.into_iter().map(|p| (p.pid, Arc::new(p))).collect();
        let table = ProcessTable { read_whole: Entries(by_pid.len() as u64), by_pid };
        let vantages = vec![
            vantage("/tmp", HERE, root(), &[7]),
            vantage("/tmp", APART, user(), &[99, 4514]),
            vantage("/srv/tmp", HERE, Credentials { uid: 2000, ..user() }, &[99]),
        ];
        let unseen = specimen::unseen();
        Snapshot {
            eyes: Eyes { credentials: root(), mount_ns: Ok(HERE), pid: 7, ..unseen.eyes },
            processes: whole(table),
            vantages: whole(vantages),
            ..unseen
        }
    }

    fn pids(now: &Snapshot) -> Vec<Pid> {
        requests(now).iter().map(|request| request.pid).collect()
    }

    #[test]
    fn probes_what_runners_use_and_then_its_own() {
        assert_eq!(pids(&machine()), [4514, 7], "the runner stands for its vantage, not the shell beside it");
    }

    #[test]
    fn carries_the_key_of_its_vantage() {
        let now = machine();
        let request = requests(&now).remove(0);
        assert_eq!((request.mount_ns, request.credentials), (APART, user()));
        assert_eq!(request.started, Some(now.process(4514).unwrap().started));
    }

    #[test]
    fn answers_for_the_working_directory_that_a_relative_path_was_probed_from() {
        let mut now = machine();
        let from = |cwd: &str, pid| {
            let relative = vantage("t", APART, user(), &[pid]);
            Vantage { based_on: Some(cwd.into()), is_build: true, ..relative }
        };
        *now.vantages.value_mut().unwrap() = vec![from("/srv/a", 4514), from("/srv/b", 99)];
        let made: Vec<_> = requests(&now);
        assert_eq!(made.len(), 2);
        let step = StepResult { step: Step::Mkdir, errno: Some(Errno::ENOENT), took: Micros(9) };
        let ended = || Ended { steps: vec![step.clone()], ..Ended::default() };
        now.take_probes(vec![result(&made[1], ended())]);
        let can = |now: &Snapshot| now.vantages.items().iter().map(|v| v.can_create.can).collect::<Vec<_>>();
        assert_eq!(can(&now), [Can::Unknown, Can::No], "nobody has probed from /srv/a");
        now.take_probes(vec![result(&made[0], ended())]);
        assert_eq!(now.probes.len(), 2, "neither takes the place of the other");
    }

    #[test]
    fn keeps_to_what_was_asked_for() {
        let mut now = machine();
        now.asked.pids.insert(99);
        assert_eq!(pids(&now), [99, 99], "both vantages of the asked process, and no other");
    }

    #[test]
    fn leaves_others_alone_without_root() {
        let mut now = machine();
        now.eyes.credentials = user();
        assert!(pids(&now).is_empty(), "neither another namespace nor another user");
        now.vantages.value_mut().unwrap().push(vantage("/dev/shm", HERE, user(), &[7, 99]));
        assert_eq!(pids(&now), [7]);
    }

    #[test]
    fn imitates_no_zombie() {
        let mut now = machine();
        now.processes.value_mut().unwrap().get_mut(4514).unwrap().state = 'Z';
        assert_eq!(pids(&now), [99, 7]);
    }

    #[test]
    fn says_how_many_it_leaves_out() {
        let mut now = machine();
        let more = (0..100).map(|number| vantage(&format!("/tmp/{number}"), APART, user(), &[4514]));
        now.vantages.value_mut().unwrap().extend(more);
        assert_eq!(requests(&now).len(), MOST);
        assert!(left_out(&now).is_some());
        assert!(left_out(&machine()).is_none());
    }
}
