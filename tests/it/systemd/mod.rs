//! A real systemd in private namespaces, with services whose private /tmp is dead or alive.

mod live;
mod looks;
mod restarts;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::sandbox::{Checked, TMPMEDIC};

/// Runs as PID 1 of the new namespaces: empty /tmp, /var/tmp and /run, the unit files of `$UNITS`, then systemd itself.
const BOOT: &str = r#"
    set -eu
    mount -t tmpfs -o mode=1777 lab /tmp
    mount -t tmpfs -o mode=1777 lab /var/tmp
    mount -t tmpfs -o mode=755 lab /run
    mount -t proc proc /proc
    eval "$BEFORE"
    mkdir -p /run/systemd/system
    cp -a $UNITS/. /run/systemd/system/
    for systemd in /lib/systemd/systemd /usr/lib/systemd/systemd; do
        [ ! -x $systemd ] || exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin $systemd --system --unit=lab.target --log-target=null
    done
    exit 98
"#;

/// A booted systemd; ends with all its services when dropped.
pub struct Lab {
    outer: Child,
    init: u32,
    units: PathBuf,
}

impl Lab {
    pub fn boot(units: &[(&str, &str)], start: &[&str]) -> Self {
        Self::boot_after("", units, start)
    }

    /// The same after a script has run there as the first process.
    pub fn boot_after(before: &str, units: &[(&str, &str)], start: &[&str]) -> Self {
        // Each thread of the test has a lab of its own.
        static LABS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = LABS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("units-{}-{number}", std::process::id());
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&dir).unwrap();
        for (name, text) in units {
            std::fs::write(dir.join(name), text).unwrap();
        }
        let target = format!("[Unit]\nDefaultDependencies=no\nAllowIsolate=yes\nWants={}\n", start.join(" "));
        std::fs::write(dir.join("lab.target"), target).unwrap();
        let outer = Command::new("unshare")
            .args([
                "--pid",
                "--fork",
                "--kill-child",
                "--mount",
                "--propagation",
                "private",
                "--uts",
                "--ipc",
                "--cgroup",
            ])
            .args(["sh", "-c", BOOT])
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("UNITS", &dir)
            .env("BEFORE", before)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lab = Self { outer, init: 0, units: dir };
        lab.wait_until_up();
        lab
    }

    fn wait_until_up(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let children = format!("/proc/{0}/task/{0}/children", self.outer.id());
        loop {
            if let Some(init) = std::fs::read_to_string(&children).ok().and_then(|t| t.trim().parse().ok()) {
                self.init = init;
                let state = self.inside(&["systemctl", "is-system-running", "--wait"]);
                if ["running\n", "degraded\n"].contains(&&*String::from_utf8_lossy(&state.stdout)) {
                    return;
                }
            }
            if Instant::now() > deadline || self.outer.try_wait().unwrap().is_some() {
                let mut talk = String::new();
                self.outer.kill().ok();
                self.outer.stderr.take().unwrap().read_to_string(&mut talk).unwrap();
                panic!("systemd did not come up: {talk}");
            }
            std::thread::yield_now();
        }
    }

    pub fn inside(&self, command: &[&str]) -> Output {
        let init = self.init.to_string();
        Command::new("nsenter")
            .args(["-t", &init, "-m", "-u", "-i", "-p", "-C"])
            .args(command)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    pub fn check(&self, options: &[&str]) -> Checked {
        let command: Vec<&str> =
            [TMPMEDIC, "check", "--json"].into_iter().chain(options.iter().copied()).collect();
        Checked::from(&self.inside(&command))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.outer.kill().ok();
        self.outer.wait().ok();
        std::fs::remove_dir_all(&self.units).ok();
    }
}

pub const RUNNER: &str =
    "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sleep 1000\nPrivateTmp=yes\nUser=nobody\n";

/// The clean-up of the incident, for the private dirs of some instances.
pub fn clean_the_old_way(lab: &Lab, instances: &[&str]) {
    for instance in instances {
        let script = format!(
            "find /tmp -maxdepth 1 -type d -name '*forgejo-runner@{instance}.service*' -exec rm -rf {{}} +"
        );
        assert!(lab.inside(&["sh", "-c", &script]).status.success());
    }
}

/// What `fix --json` says inside, and its exit code.
fn fix(lab: &Lab, options: &[&str]) -> Checked {
    let command: Vec<&str> = [TMPMEDIC, "fix", "--json"].into_iter().chain(options.iter().copied()).collect();
    Checked::from(&lab.inside(&command))
}

/// A journal and drop-ins of its own: nothing of the machine's.
fn with_a_room(units: &[(&str, &str)], start: &[&str]) -> Lab {
    let lab = Lab::boot(units, start);
    let script = "mount -t tmpfs lab /var/lib && mount -t tmpfs lab /etc/systemd/system";
    assert!(lab.inside(&["sh", "-c", script]).status.success());
    lab
}

pub fn said(lab: &Lab, script: &str) -> String {
    String::from_utf8_lossy(&lab.inside(&["sh", "-c", script]).stdout).trim().to_owned()
}
