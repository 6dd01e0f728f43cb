//! The gaps of `rebind-private-tmp`: others who take the name of the fresh directory, mount, unmount or end the service.

use std::ffi::OsString;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::facts::{Facts, facts};
use super::ground::ATTACKER;
use super::stepper::{self, Call, Follow, Go};
use super::sweep::Figures;

const OUTER: &str = "/tmp/systemd-private-0123456789abcdef0123456789abcdef-forgejo-runner@1.service-AbCdEf";
const CANARY: &str = "/tmp/canary";

/// What is done in a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// A link to the canary takes the name of the fresh directory.
    Link,
    /// A directory of the attacker does, with a link to the canary in it.
    Directory,
    /// Root of the service's namespace mounts something live there.
    Mount,
    /// Or takes the dead one away.
    Unmount,
    /// The service ends.
    End,
}

const WAYS: [Way; 5] = [Way::Link, Way::Directory, Way::Mount, Way::Unmount, Way::End];

struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Service {
    /// A service in a namespace of its own whose private temp dir is dead.
    fn start() -> Self {
        for entry in std::fs::read_dir("/tmp").unwrap().flatten() {
            if std::fs::remove_file(entry.path()).is_err() {
                std::fs::remove_dir_all(entry.path()).unwrap();
            }
        }
        std::fs::remove_dir_all("/var/lib/tmpmedic").ok();
        std::fs::create_dir_all(format!("{CANARY}/tmp")).unwrap();
        std::fs::write(format!("{CANARY}/tmp/secret"), "of root").unwrap();
        std::fs::create_dir_all(format!("{OUTER}/tmp")).unwrap();
        std::fs::set_permissions(OUTER, PermissionsExt::from_mode(0o700)).unwrap();
        std::fs::set_permissions(format!("{OUTER}/tmp"), PermissionsExt::from_mode(0o1777)).unwrap();
        let script = "mount --bind \"$0\"/tmp /tmp; exec setpriv --reuid 1000 --regid 1000 --clear-groups env -i /mnt/bin/forgejo-runner 600";
        let child = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-euc", script, OUTER])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let service = Self(child);
        let name = format!("/proc/{}/comm", service.0.id());
        while std::fs::read_to_string(&name).unwrap() != "forgejo-runner\n" {
            std::thread::yield_now();
        }
        std::fs::remove_dir_all(OUTER).unwrap();
        service
    }

    fn inside(&self, script: &str) -> bool {
        let pid = self.0.id().to_string();
        let done = Command::new("nsenter")
            .args(["-t", &pid, "-m", "sh", "-c", script])
            .stderr(Stdio::null())
            .status();
        done.is_ok_and(|status| status.success())
    }

    fn attack(&mut self, way: Way) -> bool {
        match way {
            Way::Link => symlink(CANARY, OUTER).is_ok(),
            Way::Directory => std::fs::create_dir(OUTER).is_ok_and(|()| {
                symlink(format!("{CANARY}/tmp"), format!("{OUTER}/tmp")).unwrap();
                chown(OUTER, Some(ATTACKER), Some(ATTACKER)).is_ok()
            }),
            Way::Mount => self.inside("mount -t tmpfs newcomer /tmp"),
            Way::Unmount => self.inside("umount -l /tmp"),
            Way::End => self.0.kill().is_ok(),
        }
    }

    fn harm(&self, way: Way, canary: &Facts, code: Option<i32>) -> Vec<String> {
        let mut harm = Vec::new();
        if facts(Path::new(CANARY)) != *canary {
            harm.push("the canary was changed".to_owned());
        }
        if code.is_none_or(|code| code == 101) {
            harm.push(format!("it ended with {code:?}"));
        }
        if way == Way::End {
            return harm;
        }
        let seen = format!("/proc/{}/root/tmp", self.0.id());
        let table = std::fs::read_to_string(format!("/proc/{}/mountinfo", self.0.id())).unwrap_or_default();
        if std::fs::metadata(&seen).is_ok_and(|found| canary.values().any(|fact| fact.inode == found.ino())) {
            harm.push("the service works in the canary".to_owned());
        }
        if way == Way::Mount && !table.contains("newcomer") {
            harm.push("a live mount was taken away".to_owned());
        }
        if way == Way::Directory
            && std::fs::symlink_metadata(OUTER).is_ok_and(|found| found.uid() != ATTACKER && found.uid() != 0)
        {
            harm.push("what somebody else made was changed".to_owned());
        }
        // With nothing mounted there the namespace's own temp dir is seen, which holds the canary.
        if code == Some(0) && std::fs::create_dir(format!("{seen}/made")).is_err() {
            harm.push("it said that it works, but it does not".to_owned());
        }
        harm
    }
}

fn is_gap(call: &Call) -> bool {
    let mounts = ["setns", "open_tree", "mount_setattr", "move_mount", "umount2"].contains(&call.name);
    mounts || call.path.starts_with(OUTER) || call.changes && call.path.starts_with("/tmp/systemd-private-")
}

fn run(ask: &mut dyn FnMut(usize, &Call)) -> stepper::Ended {
    let words = ["/mnt/bin/tmpmedic", "fix", "private-tmp-deleted", "--apply", "--yes", "--json"];
    let mut number = 0;
    stepper::step(&words.map(OsString::from), &[], Follow::Everybody, &mut |call| {
        if is_gap(call) {
            ask(number, call);
            number += 1;
        }
        Go::On
    })
}

/// Attacks the gaps, all of them or about `sample`.
pub fn sweep(sample: Option<usize>) -> Figures {
    let mut figures = Figures { flow: "Rebind".to_owned(), ..Figures::default() };
    let service = Service::start();
    let ended = run(&mut |_, _| figures.calls += 1);
    assert_eq!(ended.code, Some(0), "it works when nobody attacks: {ended:?}");
    drop(service);
    let pairs = figures.calls * WAYS.len();
    let every = sample.map_or(1, |sample| (pairs / sample).max(1));
    let every = if every > 1 && every.is_multiple_of(WAYS.len()) { every + 1 } else { every };
    for pair in (0..pairs).step_by(every) {
        let (gap, way) = (pair / WAYS.len(), WAYS[pair % WAYS.len()]);
        let mut service = Service::start();
        let (canary, mut at) = (facts(Path::new(CANARY)), None);
        let ended = run(&mut |number, call| {
            if number == gap && service.attack(way) {
                at = Some(format!("{} {}", call.name, call.path.display()));
            }
        });
        let Some(at) = at else { continue };
        figures.windows += 1;
        let harm = service.harm(way, &canary, ended.code);
        if !harm.is_empty() {
            figures.escapes += 1;
            figures.harm.push(format!("gap {gap} ({at}): {way:?}: {}", harm.join("; ")));
        }
    }
    figures.harm.truncate(20);
    figures
}
