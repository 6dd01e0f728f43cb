//! A real Docker engine: a bind source that Docker made as root, given to its user and back, and one that was deleted.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
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
        // Each thread of the test has an engine of its own.
        static ENGINES: AtomicU32 = AtomicU32::new(0);
        let name = format!("docker-{}-{}", std::process::id(), ENGINES.fetch_add(1, Ordering::Relaxed));
        let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name);
        let run = PathBuf::from(format!("/run/tmpmedic-{name}"));
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

    /// Starts a container of uid 1000 with that bind and those variables; gives its full id.
    fn run(&self, name: &str, bind: &str, variables: &[&str]) -> String {
        let mut words = vec!["run", "-d", "--network", "none", "--user", "1000", "--name", name, "-v", bind];
        words.extend(variables.iter().flat_map(|variable| ["-e", variable]));
        words.extend(["mini", "/bin/sleep", "600"]);
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

/// `fix` or `undo` with a journal of its own: code and document.
fn change(room: &Path, words: &[&str]) -> Checked {
    let script = r#"mount --bind "$ROOM" /var/lib && exec "$0" "$@""#;
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", script, TMPMEDIC])
        .args(words)
        .arg("--json")
        .env("ROOM", room)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Checked::from(&output)
}

fn owner(path: &Path) -> (u32, u32) {
    let found = std::fs::symlink_metadata(path).unwrap();
    (found.uid(), found.gid())
}

#[test]
#[expect(clippy::cognitive_complexity, reason = "a story, told in its order")]
fn what_docker_made_as_root_goes_to_the_containers_user_and_comes_back() {
    needs!("dockerd", "docker", "busybox", "unshare");
    let engine = Engine::start();
    let (bind, room) = (engine.data.join("made-by-docker"), engine.data.join("room"));
    std::fs::create_dir(&room).unwrap();
    let id = engine.run(
        "owned",
        &format!("{}:/workspace/target", bind.display()),
        &["CARGO_TARGET_DIR=/workspace/target"],
    );
    // What an earlier job of root left there, and a secret of root's that somebody gave a second name there.
    std::fs::create_dir(bind.join("debug")).unwrap();
    std::fs::write(bind.join("debug/old"), "x").unwrap();
    std::fs::write(engine.data.join("secret"), "of root").unwrap();
    std::fs::hard_link(engine.data.join("secret"), bind.join("innocent")).unwrap();
    assert_eq!((owner(&bind), about(&check(), &id)[0]["id"].clone()), ((0, 0), "root-owned-bind-dir".into()));

    let pid = about(&check(), &id)[0]["subject"]["pids"][0].to_string();
    let only = ["fix", "root-owned-bind-dir", "--pid", &pid];
    let planned = change(&room, &only);
    let fix = &planned.json["fixes"][0];
    assert_eq!((planned.code, &fix["action"]), (0, &"give-to-runner".into()), "{:#}", planned.json);
    assert_eq!((&fix["plan"]["risk"], &fix["plan"]["reversible"]), (&"none".into(), &true.into()));
    assert!(fix["by_hand"][0].as_str().unwrap().contains(bind.to_str().unwrap()), "{fix:#}");
    assert_eq!(owner(&bind), (0, 0), "a plan changes nothing");

    let fixed = change(&room, &[&only[..], &["--apply"]].concat());
    let outcome = &fixed.json["fixes"][0]["outcome"];
    assert_eq!(fixed.code, 1, "the second name stays, and is named: {outcome:#}");
    assert!(
        outcome["steps"][0]["told"][0].as_str().unwrap().contains("innocent: has 2 names"),
        "{outcome:#}"
    );
    assert_eq!(outcome["before"][0]["errno"], "EACCES");
    assert_eq!(outcome["after"][0]["can_create"], true);
    let gid = owner(&bind).1;
    for given in ["", "debug", "debug/old"] {
        assert_eq!(owner(&bind.join(given)), (1000, gid), "{given}");
    }
    assert_eq!(owner(&engine.data.join("secret")), (0, 0));
    assert!(engine.client(&["exec", "owned", "mkdir", "/workspace/target/made"]).status().unwrap().success());
    assert_eq!(about(&check(), &id), Vec::<&Value>::new(), "resolved, as a user sees it");

    // What the runner wrote since stays his, and the directory that it lies in.
    let undone = change(&room, &["undo"]);
    assert_eq!(undone.code, 1, "{:#}", undone.json);
    assert!(undone.json["left"].to_string().contains("made came into it since"), "{:#}", undone.json);
    assert_eq!(
        (owner(&bind).0, owner(&bind.join("made")).0, owner(&bind.join("debug/old"))),
        (1000, 1000, (0, 0))
    );

    std::fs::remove_dir(bind.join("made")).unwrap();
    std::os::unix::fs::chown(&bind, Some(0), Some(0)).unwrap();
    assert_eq!(change(&room, &[&only[..], &["--apply"]].concat()).code, 1);
    let undone = change(&room, &["undo"]);
    assert_eq!(
        (undone.code, owner(&bind), owner(&bind.join("debug"))),
        (0, (0, 0), (0, 0)),
        "{:#}",
        undone.json
    );
    assert_eq!(about(&check(), &id)[0]["id"], "root-owned-bind-dir", "as it was");
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
    let owned = engine.run("owned", &format!("{}:/workspace/target", made.display()), &[]);
    let dead = engine.run("dead", &format!("{}:/workspace/src", deleted.display()), &[]);
    let fine = engine.run("fine", &format!("{}:/workspace/target", good.display()), &[]);
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
