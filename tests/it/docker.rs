//! A real Docker engine: a bind source that Docker made as root, and one that was deleted.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::needs;
use crate::sandbox::{Checked, TMPMEDIC};

/// An engine of our own, without network, with one image made of a static busybox.
struct Engine {
    daemon: Child,
    data: PathBuf,
    run: PathBuf,
}

impl Engine {
    fn start() -> Self {
        let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("docker-{}", std::process::id()));
        let run = PathBuf::from(format!("/run/tmpmedic-docker-{}", std::process::id()));
        std::fs::create_dir_all(&data).unwrap();
        std::fs::create_dir_all(&run).unwrap();
        let daemon = Command::new("dockerd")
            .args(["--iptables=false", "--bridge=none", "--log-level=error"])
            .arg("--data-root")
            .arg(data.join("root"))
            .arg("--exec-root")
            .arg(run.join("exec"))
            .arg("--pidfile")
            .arg(run.join("pid"))
            .arg("-H")
            .arg(format!("unix://{}/d.sock", run.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut engine = Self { daemon, data, run };
        let deadline = Instant::now() + Duration::from_mins(1);
        while !engine.client(&["info"]).status().unwrap().success() {
            assert!(engine.daemon.try_wait().unwrap().is_none(), "the engine ended");
            assert!(Instant::now() < deadline, "the engine did not answer");
        }
        engine.make_image();
        engine
    }

    fn client(&self, words: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.arg("-H").arg(format!("unix://{}/d.sock", self.run.display())).args(words);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn make_image(&self) {
        let script = format!(
            "set -e; cd {}; mkdir -p img/bin img/etc img/proc; install -d -m 1777 img/tmp; cp $(command -v busybox) img/bin/busybox
             for a in sh sleep mkdir ls cat; do ln -sf busybox img/bin/$a; done
             tar -C img -c . | docker -H unix://{}/d.sock import - mini",
            self.data.display(),
            self.run.display()
        );
        assert!(Command::new("sh").args(["-c", &script]).stdout(Stdio::null()).status().unwrap().success());
    }

    /// Starts a container of uid 1000 with that bind; gives its full id.
    fn run(&self, name: &str, bind: &str) -> String {
        let words = [
            "run",
            "-d",
            "--network",
            "none",
            "--user",
            "1000",
            "--name",
            name,
            "-v",
            bind,
            "mini",
            "/bin/sleep",
            "600",
        ];
        let output = self.client(&words).stdout(Stdio::piped()).stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let script = format!(
            "docker -H unix://{0}/d.sock ps -q | xargs -r docker -H unix://{0}/d.sock kill",
            self.run.display()
        );
        Command::new("sh").args(["-c", &script]).stdout(Stdio::null()).stderr(Stdio::null()).status().ok();
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.daemon.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).ok();
        self.daemon.wait().ok();
        Command::new("rm").arg("-rf").arg("--one-file-system").arg(&self.data).arg(&self.run).status().ok();
    }
}

fn check() -> Checked {
    Checked::from(&Command::new(TMPMEDIC).args(["check", "--json"]).stdin(Stdio::null()).output().unwrap())
}

fn about<'a>(checked: &'a Checked, id: &str) -> Vec<&'a Value> {
    let mine = |f: &&Value| f["subject"]["name"].as_str().unwrap_or_default().contains(&id[..12]);
    checked.findings().iter().filter(mine).filter(|f| f["severity"] != "info").collect()
}

#[test]
fn containers_are_named_and_their_bind_mounts_judged() {
    needs!("dockerd", "docker", "busybox");
    let engine = Engine::start();
    let dirs = engine.data.join("binds");
    let (made, deleted, good) = (dirs.join("made-by-docker"), dirs.join("deleted"), dirs.join("good"));
    for dir in [&deleted, &good] {
        std::fs::create_dir_all(dir).unwrap();
        std::os::unix::fs::chown(dir, Some(1000), Some(1000)).unwrap();
    }
    let owned = engine.run("owned", &format!("{}:/workspace/target", made.display()));
    let dead = engine.run("dead", &format!("{}:/workspace/src", deleted.display()));
    let fine = engine.run("fine", &format!("{}:/workspace/target", good.display()));
    std::fs::remove_dir_all(&deleted).unwrap();

    let checked = check();
    let of_owned = about(&checked, &owned);
    assert_eq!(of_owned.len(), 1, "{of_owned:#?}");
    assert_eq!(of_owned[0]["id"], "root-owned-bind-dir");
    let of_dead = about(&checked, &dead);
    assert_eq!(of_dead.len(), 1, "{of_dead:#?}");
    assert_eq!(of_dead[0]["id"], "bind-source-deleted");
    assert_eq!(of_dead[0]["errno"], "ENOENT");
    assert_eq!(about(&checked, &fine), Vec::<&Value>::new());
    for (finding, name, host, inside) in
        [(of_owned[0], "owned", &made, "/workspace/target"), (of_dead[0], "dead", &deleted, "/workspace/src")]
    {
        assert_eq!(finding["subject"]["kind"], "container");
        assert!(finding["subject"]["name"].as_str().unwrap().contains(name), "{finding:#}");
        let text = finding.to_string();
        assert!(
            text.contains(host.to_str().unwrap()) && text.contains(inside),
            "host path and container path: {finding:#}"
        );
    }
}
