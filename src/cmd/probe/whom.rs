//! Which process `--pid`, `--unit` and `--user` mean.

use std::path::Path;

use super::Refusal;
use crate::cli::ProbeArgs;
use crate::exit::Exit;
use crate::model::process::Pid;
use crate::model::raw_path::RawPath;
use crate::probe::{AskedIds, account_of, groups_of};
use crate::sys::namespace::start_ticks;
use crate::sys::procfile::{PidDir, Proc};

/// A process, and whether its ids are to be others.
#[derive(Debug)]
pub(super) struct Whom {
    /// The process.
    pub(super) pid: Pid,
    /// Whether that is tmpmedic itself, because nobody was named.
    pub(super) is_us: bool,
    /// The unit that was named.
    pub(super) unit: Option<String>,
    /// The user that was named.
    pub(super) user: Option<String>,
    /// That user's ids.
    pub(super) ids: Option<AskedIds>,
}

/// Finds the process that the arguments mean; without any, ourselves.
pub(super) fn resolve(args: &ProbeArgs) -> Result<Whom, Refusal> {
    if let Some(unit) = &args.unit {
        return main_process(unit);
    }
    let ids = args.user.as_deref().map(ids_of).transpose()?;
    let pid = args.pid.unwrap_or_else(own_pid);
    Ok(Whom { pid, is_us: args.pid.is_none(), unit: None, user: args.user.clone(), ids })
}

/// As this `/proc` numbers us, which may be that of another PID namespace.
fn own_pid() -> Pid {
    let link = std::fs::read_link("/proc/self").ok();
    let number = link.and_then(|link| link.to_str()?.parse().ok());
    number.unwrap_or_else(std::process::id)
}

fn ids_of(name: &str) -> Result<AskedIds, Refusal> {
    let read = |path: &str| std::fs::read(path);
    let passwd = read("/etc/passwd").unwrap_or_default();
    if let Some(account) = account_of(&passwd, name) {
        let groups = groups_of(&read("/etc/group").unwrap_or_default(), &account);
        return Ok(AskedIds { uid: account.uid, gid: account.gid, groups });
    }
    // A number needs no account.
    match name.parse() {
        Ok(id) => Ok(AskedIds { uid: id, gid: id, groups: vec![id] }),
        Err(_) => Err(Refusal {
            exit: Exit::Usage.code(),
            message: format!(
                "--user {}: no such user in /etc/passwd; give a uid for one that comes from elsewhere",
                RawPath::from(name).shown()
            ),
        }),
    }
}

/// The oldest process of the unit; systemd names it so in its cgroup.
pub(super) fn main_process(unit: &str) -> Result<Whom, Refusal> {
    let refuse = |message| Refusal { exit: Exit::Usage.code(), message };
    let shown = RawPath::from(unit).shown();
    let proc = Proc::open(Path::new("/proc")).map_err(|why| refuse(format!("cannot open /proc: {why}")))?;
    let pids = proc.pids().map_err(|why| refuse(format!("cannot list /proc: {why}")))?;
    let full = if unit.contains('.') { unit.to_owned() } else { format!("{unit}.service") };
    let members = pids.into_iter().filter_map(|pid| {
        let dir = proc.pid(pid).ok()?;
        let started = member_since(&dir, full.as_bytes())?;
        Some((started, pid))
    });
    let Some((_, pid)) = members.min() else {
        return Err(refuse(format!(
            "--unit {shown}: no process of that unit is seen here; see `systemctl status {}`",
            RawPath::from(full.as_str()).quoted()
        )));
    };
    Ok(Whom { pid, is_us: false, unit: Some(full), user: None, ids: None })
}

fn member_since(dir: &PidDir, unit: &[u8]) -> Option<u64> {
    let cgroup = dir.read("cgroup", 64 << 10).ok()?;
    if !names_unit(&cgroup, unit) {
        return None;
    }
    start_ticks(&dir.read("stat", 4096).ok()?)
}

/// Whether a line of `/proc/PID/cgroup` has the unit as a component of its path. Source: cgroups(7).
fn names_unit(cgroup: &[u8], unit: &[u8]) -> bool {
    let paths =
        cgroup.split(|byte| *byte == b'\n').filter_map(|line| line.splitn(3, |byte| *byte == b':').nth(2));
    let mut components = paths.flat_map(|path| path.split(|byte| *byte == b'/'));
    components.any(|component| component == unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_units_in_every_kind_of_cgroup() {
        let v1 = b"3:pids:/system.slice/system-forgejo\\x2drunner.slice/forgejo-runner@1.service\n1:name=systemd:/x\n";
        assert!(names_unit(v1, b"forgejo-runner@1.service"));
        assert!(!names_unit(v1, b"runner@1.service"), "a part of a name is another name");
        assert!(names_unit(b"0::/user.slice/user@1000.service/app.slice/a.service/sub\n", b"a.service"));
    }

    #[test]
    fn names_a_user_that_nobody_knows() {
        let refusal = ids_of("no-such-user\x1b").unwrap_err();
        assert_eq!(refusal.exit, Exit::Usage.code());
        assert!(refusal.message.contains("no-such-user\\x1b"));
        assert_eq!(ids_of("4242").unwrap().uid, 4242);
    }
}
