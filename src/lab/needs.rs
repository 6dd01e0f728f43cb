//! What a scenario needs, and whether this machine offers it: tried, not guessed.
//!
//! Whether a lab can be opened at all is `trial`'s to find out, which users it can have `ranges`'.

use std::collections::BTreeSet;

use super::build::find_tool;
use super::cast::casts;
use super::ranges::{SUBGID, SUBUID, granted};
use super::request::Users;
use super::service::SYSTEMCTL;
use super::systemd;
use super::trial::{CGROUP, OK, ask, trial};
use crate::model::scenario::step::Step;
use crate::model::scenario::{Need, Scenario};

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
    /// Tries what there is.
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

    /// Why no lab can have a systemd of its own here; nothing where it can.
    pub fn objection_to_systemd(&self) -> Option<String> {
        let lack = self.lacks.iter().find(|(need, _)| *need == Need::Systemd);
        self.refusal.clone().or_else(|| lack.map(|(_, why)| why.clone()))
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
    all.extend(lack_of_systemd(users).map(|why| (Need::Systemd, why)));
    all
}

fn lack_of_systemd(users: Users) -> Option<String> {
    if users != Users::All {
        return Some("needs root, for a systemd of its own".to_owned());
    }
    if systemd::file().is_none() || find_tool(SYSTEMCTL).is_none() {
        return Some("needs systemd and systemctl (package systemd)".to_owned());
    }
    match ask(CGROUP) {
        Ok(answer) if answer == OK => None,
        Ok(answer) => Some(format!("needs a cgroup of its own for systemd ({answer})")),
        Err(why) => Some(format!("no helper process can be started: {why}")),
    }
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
