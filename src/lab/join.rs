//! A second terminal for a lab that is open: finds its first process, enters its namespaces, runs something there.
//!
//! Called by `cmd::lab`.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use super::home;
use super::open::wait_for;
use super::request::Then;
use super::resident::{self, Resident};
use super::trouble::{LabError, during};
use crate::model::raw_path::RawPath;
use crate::sys::init::Inbox;
use crate::sys::procfile::Proc;
use crate::sys::space::{self, Kind};
use crate::sys::spawn::{Program, Streams};
use crate::sys::{child, make};

/// What is joined before the user namespace of a lab, which has no say about them.
const KINDS: &[Kind] = &[Kind::Uts, Kind::Ipc, Kind::Net, Kind::Pid, Kind::Mount];
const STATUS_MAX: usize = 64 << 10;

/// A lab that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Open {
    /// Its first process, as we count.
    init: u32,
    /// The process that opened it.
    opener: u32,
    /// systemd is its process 1.
    systemd: bool,
}

/// Joins a lab and waits until what runs there has ended; gives its exit code. `wanted` is the first process of the lab or
/// the one that opened it; without it there must be one lab only.
///
/// # Errors
/// See [`LabError`].
pub fn join(wanted: Option<u32>, then: &Then, environment: Vec<RawPath>) -> Result<u8, LabError> {
    child::close_inherited();
    let lab = choose(wanted, &labs().map_err(during("looking for labs"))?)?;
    let lent = then.lend_terminal();
    let inbox = Inbox::open().map_err(during("blocking signals"))?;
    let door = enter(lab).map_err(during("joining its namespaces"))?;
    let resident = Resident::new(then, environment);
    let start = || -> io::Result<u32> {
        let note = make::note(&resident.to_bytes()?)?;
        let program = Program::new("/proc/self/exe", &["tmpmedic", "__helper", resident::KIND], &[]);
        program.start(Streams::Ours, &[note.as_fd(), door.as_fd()])
    };
    let child = start().map_err(|source| LabError::Start { program: resident.name(), source })?;
    let code = wait_for(child, &inbox, None);
    drop(lent);
    Ok(code)
}

fn choose(wanted: Option<u32>, labs: &[Open]) -> Result<Open, LabError> {
    let meant = |lab: &&Open| wanted.is_none_or(|pid| pid == lab.init || pid == lab.opener);
    let found: Vec<Open> = labs.iter().filter(meant).copied().collect();
    match found[..] {
        [] => Err(LabError::NoLab),
        [lab] => Ok(lab),
        _ => {
            let pids: Vec<String> = found.iter().map(|lab| lab.init.to_string()).collect();
            Err(LabError::Which(pids.join(", ")))
        }
    }
}

/// The labs of our own user, by the first process of each.
fn labs() -> io::Result<Vec<Open>> {
    let proc = Proc::open(std::path::Path::new("/proc"))?;
    let own = rustix::process::geteuid().as_raw();
    let mut found = Vec::new();
    for pid in proc.pids()? {
        // Gone meanwhile, or not ours to look at.
        let Ok(status) = proc.pid(pid).and_then(|dir| dir.read("status", STATUS_MAX)) else { continue };
        found.extend(first_process(&String::from_utf8_lossy(&status), own));
    }
    Ok(found)
}

/// Whether a `status` is that of the first process of a lab: by its name, its user, and as 1 of another PID namespace, where
/// that is not systemd.
fn first_process(status: &str, own: u32) -> Option<Open> {
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let numbers: Vec<u32> = field("NSpid:")?.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    let uid: u32 = field("Uid:")?.split_whitespace().next()?.parse().ok()?;
    let (&[init, .., last], true) = (&numbers[..], uid == own) else { return None };
    let opener = field("PPid:")?.parse().ok()?;
    let name = field("Name:")?;
    let systemd = name == home::NAME_BESIDE_SYSTEMD;
    (systemd || last == 1 && name == home::NAME).then_some(Open { init, opener, systemd })
}

/// Enters; gives the user namespace that is still to be entered: from inside of it nothing else could be joined.
fn enter(lab: Open) -> io::Result<OwnedFd> {
    let Open { init, systemd, .. } = lab;
    let mounts = space::open(init, Kind::Mount)?;
    let user_ns = space::owner(mounts.as_fd())?;
    // Units are known by their cgroups, as they are called inside.
    let cgroup = systemd.then_some(&Kind::Cgroup);
    let opened: Vec<(Kind, OwnedFd)> = cgroup
        .into_iter()
        .chain(KINDS)
        .map(|kind| Ok((*kind, space::open(init, *kind)?)))
        .collect::<io::Result<_>>()?;
    if !rustix::process::geteuid().is_root() {
        // The one in between, to which all but the mounts belong. Its owner has all privileges in it.
        let between = space::owner(space::open(init, Kind::Uts)?.as_fd())?;
        space::join(&between, Kind::User)?;
    }
    for (kind, namespace) in opened {
        space::join(&namespace, kind)?;
    }
    Ok(user_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str =
        "Name:\ttmpmedic-lab\nPid:\t70\nPPid:\t60\nUid:\t1000\t1000\t1000\t1000\nNSpid:\t70\t1\n";

    #[test]
    fn a_lab_is_known_by_its_first_process() {
        assert_eq!(first_process(STATUS, 1000), Some(Open { init: 70, opener: 60, systemd: false }));
        assert_eq!(first_process(STATUS, 0), None, "of somebody else");
        assert_eq!(first_process(&STATUS.replace("70\t1", "70"), 1000), None, "of our own namespace");
        assert_eq!(
            first_process(&STATUS.replace("\t1\n", "\t4\n"), 1000),
            None,
            "one that waits in the wings"
        );
        let beside = STATUS.replace("tmpmedic-lab", "tmpmedic-labsd").replace("\t1\n", "\t2\n");
        assert_eq!(first_process(&beside, 1000), Some(Open { init: 70, opener: 60, systemd: true }));
    }

    #[test]
    fn several_labs_must_be_told_apart() {
        let lab = |init, opener| Open { init, opener, systemd: false };
        let labs = [lab(70, 60), lab(71, 61)];
        assert!(matches!(choose(None, &labs), Err(LabError::Which(text)) if text == "70, 71"));
        assert_eq!(choose(Some(61), &labs).unwrap().init, 71);
        assert!(matches!(choose(Some(5), &labs), Err(LabError::NoLab)));
    }
}
