//! Whose eyes look, and how far they reach. Called by `collect::Eyes`.

use crate::collect::parse::status;
use crate::model::host::Eyes;
use crate::model::mount::MountNamespace;
use crate::model::process::{Credentials, Pid, ProcessTable};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::snapshot::Snapshot;
use crate::model::units::{BootNanos, Entries, WallNanos};
use crate::sys::procfile::Proc;

/// CAP_SYS_PTRACE, by which procfs decides what it shows. Source: proc(5), ptrace(2).
const CAP_SYS_PTRACE: u64 = 1 << 19;
const STATUS_MAX: usize = 64 << 10;

/// Our own credentials, namespace and clocks.
pub fn find(
    proc: Option<&Proc>,
    processes: Option<&ProcessTable>,
    own: Pid,
    clocks: (WallNanos, BootNanos),
) -> Eyes {
    let process = processes.and_then(|table| table.get(own));
    let seen = process.and_then(|process| process.credentials.clone().ok());
    Eyes {
        credentials: seen.or_else(|| own_credentials(proc?)).unwrap_or_default(),
        mount_ns: process.map_or(Err(GapWhy::Absent), |process| process.mount_ns.clone()),
        pid: own,
        processes: Entries(0),
        readable: processes.map_or(Entries(0), |table| table.read_whole),
        hidepid: None,
        taken: clocks.0,
        boot: clocks.1,
    }
}

fn own_credentials(proc: &Proc) -> Option<Credentials> {
    let text = proc.own().ok()?.read("status", STATUS_MAX).ok()?;
    status::parse(&text).credentials
}

/// The `hidepid` of the procfs that we read, where it is set. Source: proc(5), mount options.
pub fn hidepid(ours: &MountNamespace) -> Option<String> {
    let mount = ours.mounts.items().iter().rev().find(|m| m.point == RawPath::from("/proc"))?;
    let value = mount.super_option("hidepid")?.shown();
    (value != "0" && value != "off").then_some(value)
}

/// That other users' processes are hidden from us, if they are.
pub fn hidden(eyes: &Eyes) -> Option<Gap> {
    let value = eyes.hidepid.as_deref().filter(|value| !["1", "noaccess"].contains(value))?;
    let is_exempt = eyes.credentials.capabilities & CAP_SYS_PTRACE != 0;
    (!is_exempt)
        .then(|| Gap::new(format!("processes of other users (/proc has hidepid={value})"), GapWhy::Denied))
}

/// "Run as root" does not help root; what it lacks does, if that is known.
pub fn adjust_remedies(snapshot: &mut Snapshot) {
    let credentials = &snapshot.eyes.credentials;
    if credentials.uid != 0 {
        return;
    }
    let lacks = credentials.capabilities & CAP_SYS_PTRACE == 0;
    let remedy =
        lacks.then(|| "run with CAP_SYS_PTRACE, in a container with --cap-add SYS_PTRACE".to_owned());
    adjust(&mut snapshot.host, remedy.as_ref());
    adjust(&mut snapshot.processes, remedy.as_ref());
    adjust(&mut snapshot.namespaces, remedy.as_ref());
    for namespace in snapshot.namespaces.value_mut().into_iter().flatten() {
        adjust(&mut namespace.mounts, remedy.as_ref());
    }
    adjust(&mut snapshot.vantages, remedy.as_ref());
    adjust(&mut snapshot.temp_dirs, remedy.as_ref());
    adjust(&mut snapshot.holders, remedy.as_ref());
    adjust(&mut snapshot.caches, remedy.as_ref());
}

fn adjust<T>(section: &mut Reading<T>, remedy: Option<&String>) {
    let gaps = match section {
        Reading::Whole { .. } => &mut [],
        Reading::Part { gaps, .. } => gaps.as_mut_slice(),
        Reading::Blind { gap } => std::slice::from_mut(gap),
    };
    for gap in gaps.iter_mut().filter(|gap| gap.why == GapWhy::Denied) {
        gap.remedy = remedy.cloned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::asked::Asked;

    fn eyes(uid: u32, capabilities: u64, hidepid: &str) -> Eyes {
        let credentials = Credentials { uid, capabilities, ..Credentials::default() };
        let mut eyes = find(None, None, 7, (WallNanos(0), BootNanos(0)));
        eyes.credentials = credentials;
        eyes.hidepid = Some(hidepid.to_owned());
        eyes
    }

    #[test]
    fn says_what_is_hidden_only_to_those_from_whom_it_is() {
        assert!(hidden(&eyes(1000, 0, "2")).is_some());
        assert!(hidden(&eyes(1000, 0, "invisible")).is_some());
        assert!(hidden(&eyes(1000, 0, "1")).is_none(), "these are listed, and counted as denied");
        assert!(hidden(&eyes(0, CAP_SYS_PTRACE, "2")).is_none());
    }

    #[test]
    fn does_not_send_root_to_root() {
        let remedy = |uid, capabilities| {
            let clocks = (WallNanos(0), BootNanos(0));
            let mut snapshot = crate::collect::sections::blind(&Asked::default(), clocks, &GapWhy::Denied);
            snapshot.processes = Reading::Blind { gap: Gap::new("processes", GapWhy::Denied) };
            snapshot.eyes.credentials = Credentials { uid, capabilities, ..Credentials::default() };
            adjust_remedies(&mut snapshot);
            snapshot.processes.gaps()[0].remedy.clone()
        };
        assert_eq!(remedy(1000, 0).as_deref(), Some("run as root"));
        assert!(remedy(0, 0).is_some_and(|r| r.contains("SYS_PTRACE")));
        assert_eq!(remedy(0, CAP_SYS_PTRACE), None);
    }
}
