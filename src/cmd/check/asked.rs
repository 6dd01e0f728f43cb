//! Whom to look at: from the command line, refused where it names nobody.

use crate::cli::Whom;
use crate::cmd::Refusal;
use crate::model::asked::Asked;
use crate::model::errno::Errno;
use crate::model::process::Credentials;
use crate::model::raw_path::{RawPath, shown_bytes};
use crate::model::snapshot::Snapshot;
use crate::probe::account_of;
use crate::sys::procfile::Proc;

/// The focus of a look; the collectors add the processes of units and users.
///
/// # Errors
/// A process that does not exist, an empty name.
pub fn build(whom: &Whom) -> anyhow::Result<Asked> {
    for pid in &whom.pid {
        exists(*pid)?;
    }
    for (option, names) in [("--unit", &whom.unit), ("--user", &whom.user)] {
        if names.iter().any(String::is_empty) {
            return Err(Refusal::usage(format!("`{option}` needs a name")));
        }
    }
    let mut dirs = Vec::with_capacity(whom.dir.len());
    for dir in &whom.dir {
        dirs.push(absolute(dir)?);
    }
    Ok(Asked {
        pids: whom.pid.iter().copied().collect(),
        units: whom.unit.clone(),
        users: whom.user.clone(),
        dirs,
    })
}

fn exists(pid: u32) -> anyhow::Result<()> {
    let Ok(proc) = Proc::open(std::path::Path::new("/proc")) else { return Ok(()) };
    match proc.pid(pid).map_err(Errno::from) {
        Err(Errno::ENOENT | Errno::ESRCH) => {
            let why = format!(
                "`--pid {pid}`: there is no process {pid}, or it is hidden; `ps -e` lists those that are there"
            );
            Err(Refusal::usage(why))
        }
        // Anything else is for the look to tell.
        _ => Ok(()),
    }
}

fn absolute(dir: &std::path::Path) -> anyhow::Result<RawPath> {
    let path = std::path::absolute(dir).map_err(|why| {
        let shown = RawPath::from(dir.as_os_str());
        Refusal::usage(format!("`--dir {shown}`: {why}"))
    })?;
    Ok(RawPath::from(path.as_os_str()))
}

/// Refuses units and users that the look knows nothing of.
///
/// # Errors
/// A unit without a process, a user that does not exist.
pub fn verify(whom: &Whom, now: &Snapshot) -> anyhow::Result<()> {
    for user in &whom.user {
        if !is_known_user(user, now) {
            return Err(Refusal::usage(format!(
                "`--user {}`: no such user in /etc/passwd; give a uid for one that comes from elsewhere",
                shown_bytes(user.as_bytes())
            )));
        }
    }
    for unit in &whom.unit {
        if now.processes.value().is_some() && !is_known_unit(unit, now) {
            return Err(Refusal::usage(format!(
                "`--unit {}`: no running process belongs to such a unit; see `systemctl status {}`",
                shown_bytes(unit.as_bytes()),
                RawPath::from(unit.as_str()).quoted()
            )));
        }
    }
    Ok(())
}

fn is_known_unit(unit: &str, now: &Snapshot) -> bool {
    let is_it = |known: &String| known == unit || known.strip_suffix(".service") == Some(unit);
    now.all_processes().any(|process| process.unit.as_ref().is_some_and(is_it))
}

/// A number needs no account; a name may be one of a container's own passwd file.
fn is_known_user(user: &str, now: &Snapshot) -> bool {
    let carries = |credentials: &Credentials| credentials.user.as_deref() == Some(user);
    user.parse::<u32>().is_ok()
        || account_of(&std::fs::read("/etc/passwd").unwrap_or_default(), user).is_some()
        || now.all_processes().any(|process| process.credentials.as_ref().is_ok_and(carries))
}
