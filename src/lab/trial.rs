//! Whether namespaces can be made here, tried by a child that throws them away.
//!
//! Only where it fails the settings are read that are known to forbid it, to name the one that does.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::mount::MountFlags;

use super::request::Users;
use super::{cgroup, open};
use crate::sys::spawn::{self, Program, Streams};
use crate::sys::{mount, space};

/// The name of the job among the helpers.
pub const KIND: &str = "lab-try";

/// Why no lab can be opened, from a child that tried.
pub(super) fn trial(users: Users) -> Option<String> {
    match ask(word(users)) {
        Ok(answer) if answer == OK => None,
        Ok(answer) => Some(explain(&answer, users)),
        Err(why) => Some(format!("no helper process can be started: {why}")),
    }
}

/// Asks for the cgroup tree; the other words are those of [`word`].
pub(super) const CGROUP: &str = "cgroup";
/// The answer where all went well.
pub(super) const OK: &str = "ok";

fn word(users: Users) -> &'static str {
    match users {
        Users::All => "all",
        Users::Range => "range",
        Users::One => "one",
    }
}

pub(super) fn ask(word: &str) -> io::Result<String> {
    let (mut ours, theirs) = UnixStream::pair()?;
    let program = Program::new("/proc/self/exe", &["tmpmedic", "__helper", KIND], &[]);
    let child = program.start(Streams::Ours, &[theirs.as_fd()])?;
    drop(theirs);
    ours.write_all(word.as_bytes())?;
    ours.shutdown(std::net::Shutdown::Write)?;
    let mut answer = String::new();
    ours.read_to_string(&mut answer)?;
    spawn::wait(Some(child), spawn::Patience::Endless)?;
    Ok(answer)
}

/// The side of the helper.
///
/// # Errors
/// Where it was not started as it should be.
pub fn serve() -> io::Result<()> {
    let mut socket = UnixStream::from(spawn::inherited(3).ok_or(io::ErrorKind::NotConnected)?);
    let mut word = String::new();
    socket.read_to_string(&mut word)?;
    let attempted = match word.as_str() {
        CGROUP => cgroup::attempt().map_err(|why| ("the cgroup tree", why)),
        "all" => attempt(Users::All),
        "range" => attempt(Users::Range),
        _ => attempt(Users::One),
    };
    let answer = match attempted {
        Ok(()) => OK.to_owned(),
        Err((what, why)) => format!("{what}: {why}"),
    };
    socket.write_all(answer.as_bytes())
}

/// The calls that every lab begins with; only a procfs of a new PID namespace would need one more process, and what
/// forbids it, a procfs that is covered in places, is looked for instead.
fn attempt(users: Users) -> Result<(), (&'static str, io::Error)> {
    open::enter_namespaces(users).map_err(|why| ("namespaces", why))?;
    mount::make_all_private().map_err(|why| ("mounts", why))?;
    mount::make_read_only(Path::new("/")).map_err(|why| ("read-only mounts", why))?;
    mount::attach("tmpfs", Path::new("tmpfs"), Path::new("/tmp"), MountFlags::empty(), "")
        .map_err(|why| ("tmpfs", why))?;
    if users == Users::All {
        space::leave(&[space::Kind::User]).map_err(|why| ("a user namespace", why))?;
        return Ok(());
    }
    if let Some(place) = covered_proc() {
        let why = format!("{place} is covered, as containers do it, and then no new /proc can be mounted");
        return Err(("/proc", io::Error::other(why)));
    }
    Ok(())
}

/// Something mounted below `/proc` that hides a part of it. Source: user_namespaces(7), mount_too_revealing of the kernel.
fn covered_proc() -> Option<String> {
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let points = table.lines().filter_map(|line| line.split(' ').nth(4));
    let is_harmless = |point: &str| point == "/proc/sys/fs/binfmt_misc";
    points.filter(|point| point.starts_with("/proc/") && !is_harmless(point)).map(str::to_owned).next()
}

/// Names the setting that forbids it, where one is known.
fn explain(answer: &str, users: Users) -> String {
    let value = |path: &str| std::fs::read_to_string(path).map(|text| text.trim().to_owned()).ok();
    let is = |path: &str, forbidding: &str| value(path).as_deref() == Some(forbidding);
    if is("/proc/sys/user/max_user_namespaces", "0") {
        return "user namespaces are forbidden: sysctl user.max_user_namespaces is 0".to_owned();
    }
    if users == Users::All {
        return format!("root may not make namespaces here, as in a container ({answer})");
    }
    if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        return "user namespaces are for root only: sysctl kernel.unprivileged_userns_clone is 0".to_owned();
    }
    if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        return "AppArmor restricts user namespaces: sysctl kernel.apparmor_restrict_unprivileged_userns is 1"
            .to_owned();
    }
    if answer.starts_with("/proc") {
        return answer.to_owned();
    }
    let modules = value("/sys/kernel/security/lsm").unwrap_or_default();
    let hint = if modules.is_empty() { String::new() } else { format!("; security modules: {modules}") };
    format!("no namespaces can be made here ({answer}{hint})")
}
