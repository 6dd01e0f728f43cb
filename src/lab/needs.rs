//! What a scenario needs, and whether this machine offers it: tried, not guessed.
//!
//! Whether namespaces can be made is tried by a child that throws them away. Only where it fails the settings are read that
//! are known to forbid it, to name the one that does.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::Path;

use rustix::mount::MountFlags;

use super::build::find_tool;
use super::cast::casts;
use super::open;
use super::request::Users;
use crate::model::scenario::step::Step;
use crate::model::scenario::{Need, Scenario};
use crate::sys::spawn::{self, Program, Streams};
use crate::sys::{mount, space};

/// The name of the job among the helpers.
pub const KIND: &str = "lab-try";
/// Ranges of ids that users may give away. Source: subuid(5).
pub(super) const SUBUID: &str = "/etc/subuid";
pub(super) const SUBGID: &str = "/etc/subgid";
/// The highest id that scenarios use, the overflow id included.
const ENOUGH: u32 = 65_535;

/// What this machine offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Whose users a lab would have.
    pub users: Users,
    /// Why no lab can be opened at all.
    pub refusal: Option<String>,
    lacks: Vec<(Need, String)>,
}

impl Machine {
    /// Tries what there is. `passwd` is the text of `/etc/passwd`, by which ranges may be named.
    pub fn look() -> Self {
        let is_root = rustix::process::geteuid().is_root();
        let uid = rustix::process::geteuid().as_raw();
        let has_range = granted(SUBUID, uid).is_some()
            && granted(SUBGID, uid).is_some()
            && find_tool("newuidmap").is_some()
            && find_tool("newgidmap").is_some();
        let users = match (is_root, has_range) {
            (true, _) => Users::All,
            (false, true) => Users::Range,
            (false, false) => Users::One,
        };
        let mut machine = Self { users, refusal: trial(users), lacks: Vec::new() };
        if machine.refusal.is_some() && users == Users::Range {
            // newuidmap may have refused; one user is better than none.
            machine = Self { users: Users::One, refusal: trial(Users::One), lacks: Vec::new() };
        }
        machine.lacks = lacks(machine.users);
        machine
    }

    /// Why a scenario cannot be built here; nothing where it can.
    pub fn objection(&self, scenario: &Scenario) -> Option<String> {
        if let Some(refusal) = &self.refusal {
            return Some(refusal.clone());
        }
        let needs = needs(scenario);
        self.lacks.iter().find(|(need, _)| needs.contains(need)).map(|(_, why)| why.clone())
    }
}

fn lacks(users: Users) -> Vec<(Need, String)> {
    let mut all = Vec::new();
    let mut lack = |need: Need, why: &str| all.push((need, why.to_owned()));
    if users != Users::All {
        lack(Need::Root, "needs root");
        lack(Need::Image, "needs root, for a loop device");
        lack(Need::Ages, "needs root, for a loop device");
        lack(Need::Systemd, "needs root, for systemd");
    }
    if users == Users::One {
        lack(Need::Users, "needs several users: root, or a range in /etc/subuid with newuidmap");
    }
    if !has_loop_devices() {
        lack(Need::Image, "needs loop devices, which this kernel does not offer");
    }
    if find_tool("mkfs.ext4").is_none() {
        lack(Need::Image, "needs mkfs.ext4 (package e2fsprogs)");
    }
    if find_tool("debugfs").is_none() {
        lack(Need::Ages, "needs debugfs (package e2fsprogs)");
    }
    if rustix::fs::stat("/run/systemd/system").is_err() && super::systemd::program().is_none() {
        lack(Need::Systemd, "needs systemd");
    }
    all
}

/// Listed by the kernel as a driver, or as a device already.
fn has_loop_devices() -> bool {
    let lists = ["/proc/devices", "/proc/misc"].map(|path| std::fs::read_to_string(path).unwrap_or_default());
    lists
        .iter()
        .any(|list| list.lines().any(|line| line.ends_with(" loop") || line.ends_with(" loop-control")))
}

/// What a scenario needs: what it says, and what its steps tell.
pub fn needs(scenario: &Scenario) -> BTreeSet<Need> {
    let mut all: BTreeSet<Need> = scenario.needs.iter().copied().collect();
    for step in scenario.chapters.iter().flat_map(|chapter| &chapter.steps) {
        add_needs(step, &mut all);
    }
    let users: BTreeSet<u32> = casts(scenario).flat_map(|cast| [cast.uid, cast.gid]).collect();
    if users.len() > 1 {
        all.insert(Need::Users);
    }
    all
}

fn add_needs(step: &Step, all: &mut BTreeSet<Need>) {
    let mut users = |ids: &[u32]| {
        if ids.iter().any(|id| *id != 0) {
            all.insert(Need::Users);
        }
    };
    match step {
        Step::Dir { uid, gid, .. } | Step::File { uid, gid, .. } | Step::Own { uid, gid, .. } => {
            users(&[*uid, *gid]);
        }
        Step::Many { uid, .. } | Step::Acl { uid, .. } | Step::Fill { uid, .. } => users(&[*uid]),
        Step::Image { .. } => {
            all.insert(Need::Image);
        }
        Step::Age { .. } => {
            all.insert(Need::Ages);
        }
        Step::Attributes { .. } | Step::Freeze { .. } | Step::FsError { .. } => {
            all.insert(Need::Root);
        }
        Step::Start(cast) => cast.inside.iter().for_each(|step| add_needs(step, all)),
        Step::Link { .. }
        | Step::Fifo { .. }
        | Step::Tmpfs { .. }
        | Step::Bind { .. }
        | Step::Overlay { .. }
        | Step::Remount { .. }
        | Step::Unmount { .. }
        | Step::Remove { .. }
        | Step::Rename { .. }
        | Step::Mode { .. }
        | Step::FillInodes { .. }
        | Step::Stop { .. }
        | Step::Wait { .. } => {}
    }
}

/// The first range of the file that belongs to that user and reaches far enough: its first id and its length.
pub(super) fn granted(file: &str, uid: u32) -> Option<(u32, u32)> {
    let text = std::fs::read_to_string(file).ok()?;
    let name = name_of(uid);
    granted_in(&text, uid, name.as_deref())
}

fn granted_in(text: &str, uid: u32, name: Option<&str>) -> Option<(u32, u32)> {
    text.lines().find_map(|line| {
        let [owner, first, count] = line.split(':').collect::<Vec<_>>()[..] else { return None };
        let is_ours = owner == uid.to_string() || Some(owner) == name;
        let (first, count): (u32, u32) = (first.parse().ok()?, count.trim().parse().ok()?);
        (is_ours && count >= ENOUGH).then_some((first, count))
    })
}

fn name_of(uid: u32) -> Option<String> {
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number == uid.to_string()).then(|| name.to_owned())
    })
}

/// Why no lab can be opened, from a child that tried.
fn trial(users: Users) -> Option<String> {
    match ask(users) {
        Ok(answer) if answer == "ok" => None,
        Ok(answer) => Some(explain(&answer, users)),
        Err(why) => Some(format!("no helper process can be started: {why}")),
    }
}

fn ask(users: Users) -> io::Result<String> {
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    let (mut ours, theirs) = UnixStream::pair()?;
    let word = match users {
        Users::All => "all",
        Users::Range => "range",
        Users::One => "one",
    };
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
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    let mut socket = UnixStream::from(spawn::inherited(3).ok_or(io::ErrorKind::NotConnected)?);
    let mut word = String::new();
    socket.read_to_string(&mut word)?;
    let users = match word.as_str() {
        "all" => Users::All,
        "range" => Users::Range,
        _ => Users::One,
    };
    let answer = match attempt(users) {
        Ok(()) => "ok".to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_found_by_name_or_number_and_only_if_it_is_long_enough() {
        let text = "alice:100000:65536\n1001:200000:65536\nbob:1:10\n";
        assert_eq!(granted_in(text, 7, Some("alice")), Some((100_000, 65_536)));
        assert_eq!(granted_in(text, 1001, None), Some((200_000, 65_536)));
        assert_eq!(granted_in(text, 8, Some("bob")), None, "ten ids are not enough");
    }
}
