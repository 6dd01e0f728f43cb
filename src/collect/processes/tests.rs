//! Looks at our own process, at children that the test starts, and at a procfs made of files.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;
use crate::collect::budget::Until;
use crate::collect::mounts;
use crate::collect::places;
use crate::model::raw_path::RawPath;

/// A child that lives until it is dropped.
struct Running(Child);

impl Running {
    fn start(program: &str, arguments: &[&str], how: impl FnOnce(&mut Command)) -> Self {
        #[expect(clippy::disallowed_methods, reason = "a child to look at")]
        let mut command = Command::new(program);
        command.args(arguments).env_clear().stdin(Stdio::piped());
        how(&mut command);
        Self(command.spawn().unwrap())
    }

    fn pid(&self) -> Pid {
        self.0.id()
    }

    fn say(&mut self, line: &str) {
        self.0.stdin.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
    }

    /// Waits until its stat line holds that text.
    fn wait_for(&self, text: &str) {
        let path = format!("/proc/{}/stat", self.pid());
        while !std::fs::read_to_string(&path).unwrap().contains(text) {
            std::thread::yield_now();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

struct Looker {
    proc: Arc<Proc>,
    catalog: Arc<Catalog>,
    processes: Processes,
}

impl Looker {
    fn at(root: &Path) -> Self {
        let proc = Arc::new(Proc::open(root).unwrap());
        Self { proc, catalog: Arc::new(Catalog::builtin()), processes: Processes::default() }
    }

    fn new() -> Self {
        Self::at(Path::new("/proc"))
    }

    fn seen(&mut self) -> Seen {
        let until = Until::within(Duration::from_mins(1));
        self.processes.look(&self.proc, &self.catalog, std::process::id(), until)
    }

    fn table(&mut self) -> ProcessTable {
        let table = self.seen().table.value().unwrap().clone();
        self.processes.remember(&table);
        table
    }

    fn process(&mut self, pid: Pid) -> Process {
        self.table().get(pid).unwrap().clone()
    }
}

fn values(process: &Process, name: &str) -> Vec<String> {
    let all = process.variables.as_ref().unwrap();
    all.iter().filter(|v| v.name == name).map(|v| v.value.shown()).collect()
}

#[test]
fn shows_our_own_process_whole() {
    let own = Looker::new().process(std::process::id());
    assert!(!own.kernel && own.role.is_none(), "we play no part ourselves");
    assert_eq!(own.root.unwrap().path, "/".into());
    assert_eq!(own.exe.unwrap().path, RawPath::from(std::env::current_exe().unwrap().as_os_str()));
    assert_eq!(own.cwd.unwrap().path, RawPath::from(std::env::current_dir().unwrap().as_os_str()));
    assert!(own.mount_ns.is_ok() && own.pid_ns.is_ok() && own.cgroup.is_ok());
    assert!(own.credentials.is_ok_and(|c| c.uid == rustix::process::geteuid().as_raw()));
    assert!(own.umask.is_ok());
}

#[test]
fn reads_limits_of_builds_and_of_whom_is_asked_about() {
    let start = |name: &str| {
        Running::start("sleep", &["600"], |command| {
            command.arg0(name);
        })
    };
    let (build, other) = (start("cargo"), start("something"));
    let mut looker = Looker::new();
    let mut table = looker.table();
    let is_read = |table: &ProcessTable, pid: Pid| {
        let process = table.get(pid).unwrap();
        let has_limit = process.limits.as_ref().is_ok_and(|l| l.open_files.is_some_and(|n| n > 0));
        has_limit && process.open_files.as_ref().is_ok_and(|n| n.0 > 0)
    };
    assert!(is_read(&table, build.pid()) && !is_read(&table, other.pid()));
    bounds::settle(&looker.proc, &mut table, &BTreeSet::from([other.pid()]));
    assert!(is_read(&table, other.pid()));
}

#[test]
fn keeps_only_allowlisted_variables() {
    let child = Running::start("sleep", &["600"], |command| {
        command.env("TMPDIR", "/first").env("AWS_SECRET_ACCESS_KEY", "hush");
    });
    let process = Looker::new().process(child.pid());
    assert_eq!(values(&process, "TMPDIR"), ["/first"]);
    assert!(!format!("{process:?}").contains("hush"), "a secret must not be carried about");
}

#[test]
fn sees_an_exec_between_two_looks() {
    let mut child = Running::start("sh", &["-c", "read line; TMPDIR=/second exec sleep 600"], |command| {
        command.env("TMPDIR", "/first").env("PATH", "/usr/bin:/bin");
    });
    let mut looker = Looker::new();
    assert_eq!(values(&looker.process(child.pid()), "TMPDIR"), ["/first"]);
    child.say("go\n");
    child.wait_for("(sleep)");
    let process = looker.process(child.pid());
    assert_eq!(
        (process.comm.shown().as_str(), values(&process, "TMPDIR")),
        ("sleep", vec!["/second".to_owned()])
    );
}

#[test]
fn is_not_misled_by_a_name_that_looks_like_other_fields() {
    let child = Running::start("sh", &["-c", "printf ') R 1 (x' > /proc/self/comm; read line"], |_| {});
    child.wait_for(") R 1 (x");
    let process = Looker::new().process(child.pid());
    assert_eq!((process.comm.shown().as_str(), process.parent), (") R 1 (x", std::process::id()));
}

#[test]
fn forgets_what_has_ended_and_counts_a_zombie_as_seen() {
    let mut child = Running::start("sh", &["-c", "read line"], |_| {});
    let mut looker = Looker::new();
    looker.process(child.pid());
    child.say("end\n");
    child.wait_for(") Z ");
    let zombie = looker.process(child.pid());
    assert_eq!((zombie.state, zombie.variables.clone()), ('Z', Err(GapWhy::Absent)));
    let alone = gaps::tally([&zombie].into_iter(), &Pass::default());
    assert_eq!((alone.whole, alone.gaps.len()), (Entries(1), 0));
    let pid = child.pid();
    drop(child);
    assert!(looker.table().get(pid).is_none());
}

#[test]
fn believes_a_mark_of_deletion_only_where_the_world_bears_it_out() {
    let home = tempfile::tempdir().unwrap();
    let (gone, literal) = (home.path().join("gone"), home.path().join("x (deleted)"));
    for dir in [&gone, &literal] {
        std::fs::create_dir(dir).unwrap();
    }
    let in_gone = Running::start("sleep", &["600"], |command| {
        command.current_dir(&gone);
    });
    let in_literal = Running::start("sleep", &["600"], |command| {
        command.current_dir(&literal);
    });
    #[expect(clippy::disallowed_methods, reason = "a directory of this test")]
    std::fs::remove_dir(&gone).unwrap();
    let mut looker = Looker::new();
    let mut table = looker.table();
    let until = Until::within(Duration::from_mins(1));
    let namespaces = mounts::find(&looker.proc, &mut table, std::process::id(), until);
    places::settle(&looker.proc, &mut table, namespaces.items());
    let cwd = |pid| table.get(pid).unwrap().cwd.clone().unwrap();
    assert_eq!(cwd(in_gone.pid()).path, RawPath::from(gone.as_os_str()));
    assert!(cwd(in_gone.pid()).deleted);
    assert_eq!(cwd(in_literal.pid()).path, RawPath::from(literal.as_os_str()));
    assert!(!cwd(in_literal.pid()).deleted, "a directory may be called so");
}

#[test]
fn tells_a_private_mount_namespace_from_ours() {
    let mut child = Running::start("unshare", &["-m", "sh", "-c", "echo; read line"], |command| {
        command.env("PATH", "/usr/bin:/bin").stdout(Stdio::piped()).stderr(Stdio::null());
    });
    let mut ready = [0];
    if std::io::Read::read_exact(child.0.stdout.as_mut().unwrap(), &mut ready).is_err() {
        println!("skipped: no right to make a mount namespace");
        return;
    }
    let mut looker = Looker::new();
    let mut table = looker.table();
    let own = std::process::id();
    let until = Until::within(Duration::from_mins(1));
    let namespaces = mounts::find(&looker.proc, &mut table, own, until);
    let of = |pid| namespaces.items().iter().find(|ns| ns.pids.contains(&pid)).unwrap();
    assert_ne!(of(own).id, of(child.pid()).id);
    assert!(of(own).ours && !of(child.pid()).ours);
    assert_eq!(of(child.pid()).witness, child.pid());
    assert_ne!(of(own).mounts.items()[0].id, of(child.pid()).mounts.items()[0].id, "mount ids are unique");
}

/// A procfs made of files: what cannot be staged with real processes.
struct Made(tempfile::TempDir);

impl Made {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, pid: Pid, stat: &str) -> std::path::PathBuf {
        let dir = self.0.path().join(pid.to_string());
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("stat"), stat).unwrap();
        dir
    }
}

fn stat_line(pid: Pid, state: char, flags: u32, image: u32) -> String {
    format!(
        "{pid} (x) {state} 1 1 1 0 -1 {flags} 0 0 0 0 0 0 0 0 20 0 1 0 55 0 0 0 {image} 0 0 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 9 9 9 9 9 9 9 0\n"
    )
}

#[test]
fn a_process_that_shows_nothing_costs_only_itself() {
    let made = Made::new();
    made.put(7, "no stat line");
    made.put(8, &stat_line(8, 'S', 0x20_0000, 0));
    let seen = Looker::at(made.0.path()).seen();
    let table = seen.table.value().unwrap();
    assert!(table.get(8).unwrap().kernel && table.get(7).is_none());
    assert_eq!((seen.listed, table.read_whole), (Entries(1), Entries(0)), "kernel threads are not counted");
    assert!(matches!(seen.table.gaps()[0].why, GapWhy::Malformed { .. }));
}

#[test]
fn reads_again_only_what_can_have_changed() {
    let made = Made::new();
    let dir = made.put(8, &stat_line(8, 'S', 0, 70_000));
    for link in ["root", "cwd", "exe"] {
        std::os::unix::fs::symlink("/", dir.join(link)).unwrap();
    }
    std::fs::write(dir.join("environ"), b"TMPDIR=/one\0").unwrap();
    let mut looker = Looker::at(made.0.path());
    assert_eq!(values(&looker.process(8), "TMPDIR"), ["/one"]);
    std::fs::write(dir.join("environ"), b"TMPDIR=/two\0").unwrap();
    made.put(8, &stat_line(8, 'R', 0, 70_000));
    let second = looker.process(8);
    assert_eq!(
        (second.state, values(&second, "TMPDIR")),
        ('R', vec!["/one".to_owned()]),
        "no exec, no new environment"
    );
    made.put(8, &stat_line(8, 'S', 0, 80_000));
    assert_eq!(values(&looker.process(8), "TMPDIR"), ["/two"], "another image, another environment");
}

#[test]
fn the_memory_of_a_process_in_state_d_is_not_touched_in_ours() {
    let made = Made::new();
    let dir = made.put(8, &stat_line(8, 'D', 0, 70_000));
    for link in ["root", "cwd", "exe"] {
        std::os::unix::fs::symlink("/", dir.join(link)).unwrap();
    }
    std::fs::write(dir.join("environ"), b"TMPDIR=/one\0").unwrap();
    std::fs::write(dir.join("wchan"), b"request_wait_answer").unwrap();
    std::fs::write(dir.join("stack"), b"[<0>] request_wait_answer+0x1/0x2\n[<0>] fuse_lookup+0x3/0x4\n")
        .unwrap();
    let mut looker = Looker::at(made.0.path());
    let seen = looker.seen();
    let stuck = seen.table.value().unwrap().get(8).unwrap();
    assert!(stuck.variables.is_err() && stuck.root.is_ok(), "links are safe to read");
    assert_eq!(stuck.wait_channel.as_deref(), Some("request_wait_answer"));
    assert_eq!(stuck.stack, ["request_wait_answer", "fuse_lookup"]);
    assert!(seen.table.gaps().iter().any(|gap| gap.what.contains("state D")));
    made.put(8, &stat_line(8, 'S', 0, 70_000));
    assert_eq!(values(&looker.process(8), "TMPDIR"), ["/one"], "once awake it is read");
}

#[test]
fn everybody_has_a_turn_even_without_a_change() {
    let made = Made::new();
    let dir = made.put(8, &stat_line(8, 'S', 0, 70_000));
    for link in ["root", "cwd", "exe"] {
        std::os::unix::fs::symlink("/", dir.join(link)).unwrap();
    }
    std::fs::write(dir.join("status"), "Umask:\t0022\n").unwrap();
    let mut looker = Looker::at(made.0.path());
    assert_eq!(looker.process(8).umask, Ok(0o022));
    std::fs::write(dir.join("status"), "Umask:\t0077\n").unwrap();
    let changed = (0..8).any(|_| looker.process(8).umask == Ok(0o077));
    assert!(changed, "a mask may change without exec");
}

#[test]
fn nothing_is_reached_after_the_deadline() {
    let mut looker = Looker::new();
    let until = Until::within(Duration::ZERO);
    let seen = looker.processes.look(&looker.proc, &looker.catalog, std::process::id(), until);
    assert!(seen.listed.0 > 0);
    assert!(matches!(seen.table.gaps()[0].why, GapWhy::OverBudget { .. }), "what was left out is said");
}

#[test]
fn reads_as_many_processes_with_helping_hands_as_without() {
    let made = Made::new();
    for pid in 1..400 {
        made.put(pid, &stat_line(pid, 'S', 0x20_0000, 0));
    }
    assert_eq!(Looker::at(made.0.path()).table().by_pid.len(), 399);
}
