//! What stands and lies on these machines: runners with their temp dirs, a container, a cache server, entries, holders.

use tmpmedic::model::errno::Errno;
use tmpmedic::model::holder::{Holders, Holding, How, Pinned};
use tmpmedic::model::mount::Device;
use tmpmedic::model::process::{Container, MountNs, Pid, Role, RoleKind};
use tmpmedic::model::reading::GapWhy;
use tmpmedic::model::units::Bytes;
use tmpmedic::model::vantage::{Acl, AclEntry, AclWho, HowKnown, Reason, Vantage};

use crate::staged::{
    HOST_NS, Staged, fails, family, identity, mount, process, proved, runner_role, temp_dir, user, vantage,
    whole, with,
};

pub const DISK: (&str, &str) = ("ext4", "/dev/vda1");

pub fn private(n: u32, mark: &str) -> String {
    format!(
        "/tmp/systemd-private-0123456789abcdef0123456789abcdef-forgejo-runner@{n}.service-k2Xq9{n}/tmp{mark}"
    )
}

pub fn runner_ns(n: u32) -> MountNs {
    MountNs::Inode(4_026_532_200 + u64::from(n))
}

/// The host, its shell with tmpmedic in it, and six runners with private temp dirs, of which some are dead.
pub fn machine(dead: &[u32]) -> Staged {
    let host = vec![mount(25, 1, "/", "/", DISK), mount(31, 25, "/", "/dev/shm", ("tmpfs", "tmpfs"))];
    let mut staged = Staged::new().namespace(HOST_NS, 1, host);
    staged = staged
        .process(process(1, 0, "systemd", user(0, "root")))
        .process(process(700, 1, "sshd", user(0, "root")))
        .process(process(900, 700, "bash", user(1001, "anna")))
        .process(process(901, 900, "tmpmedic", user(0, "root")));
    for n in 1..=6 {
        staged = runner(staged, n, if dead.contains(&n) { Life::Dead } else { Life::Alive });
    }
    let names = ["systemd", "sshd.service", "cron.service"];
    let root = user(0, "root");
    let host_tmp = vantage("/tmp", HOST_NS, root.clone(), &(1..=142).collect::<Vec<_>>(), &names);
    let var_tmp = vantage("/var/tmp", HOST_NS, root, &(1..=142).collect::<Vec<_>>(), &names);
    let mut var_tmp = proved(var_tmp, 120);
    var_tmp.identity = Ok(identity(131_090));
    var_tmp.reasons = vec![Reason::Fallback];
    staged.vantage(proved(host_tmp, 100)).vantage(var_tmp)
}

/// Whether the directory behind a private /tmp still has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Alive,
    Dead,
}

fn runner(staged: Staged, n: u32, life: Life) -> Staged {
    let pid = 4514 + 100 * (n - 1);
    let ns = runner_ns(n);
    let unit = format!("forgejo-runner@{n}.service");
    let mark = if life == Life::Dead { "//deleted" } else { "" };
    let id = 200 + u64::from(n);
    let mounts =
        vec![mount(1000 + id, 1, "/", "/", DISK), mount(id, 1000 + id, &private(n, mark), "/tmp", DISK)];
    let value = if n == 4 { "/tmp" } else { "/var/tmp" };
    let member = |pid: Pid, parent: Pid, comm: &str, variables: &[(&str, &str)]| {
        let mut process = with(process(pid, parent, comm, user(1000, "runner")), variables);
        process.unit = Some(unit.clone());
        process.mount_ns = Ok(ns);
        process
    };
    let set = [("TMPDIR", "/var/tmp"), ("RUSTC_WRAPPER", "sccache")];
    let mut daemon = member(pid, 1, "forgejo-runner", &set);
    daemon.role = Some(runner_role());
    let mut shell = member(pid + 1, pid, "bash", &[("TMPDIR", value), ("RUSTC_WRAPPER", "sccache")]);
    shell.role = Some(Role { id: "shell".into(), kind: RoleKind::BuildTool, title: "step shell".into() });
    let staged = staged.namespace(ns, pid, mounts).process(daemon);
    let staged = if n == 4 { staged.process(shell) } else { staged };
    staged.vantage(runner_vantage(n, ns, &[pid, pid + 1, pid + 2, pid + 3], life))
}

fn runner_vantage(n: u32, ns: MountNs, pids: &[Pid], life: Life) -> Vantage {
    let unit = format!("forgejo-runner@{n}.service");
    let mut seen = vantage("/tmp", ns, user(1000, "runner"), pids, &[&unit]);
    seen.is_build = true;
    seen.mount_id = Some(200 + u64::from(n));
    seen.identity = Ok(identity(262_200 + u64::from(n)));
    let end = seen.walked.last_mut().unwrap();
    end.mount_point = true;
    if life == Life::Dead {
        end.facts.as_mut().unwrap().links = 0;
        return fails(seen, Errno::ENOENT, "mkdir", HowKnown::Probed);
    }
    proved(seen, 180)
}

pub fn with_entries(staged: Staged) -> Staged {
    let ages = |n: [u64; 5]| n;
    let mut go = family(612, 401, (18 << 30) + (1 << 28), (14, 19 * 86_400), ages([90, 121, 200, 201, 0]));
    go.held = Some(3);
    let mut rustc = family(288, 97, 3 << 30, (120, 9 * 86_400), ages([150, 41, 60, 37, 0]));
    rustc.owners.insert(0, 12);
    rustc.held = Some(1);
    let mktemp = family(301, 190, 41 << 20, (300, 30 * 86_400), ages([10, 101, 80, 60, 50]));
    let mut private = family(6, 0, 24 << 10, (90, 8 * 86_400), ages([1, 2, 3, 0, 0]));
    private.held = Some(4);
    let mut rest = family(284, 1, 2 << 20, (60, 2 * 86_400), ages([260, 23, 1, 0, 0]));
    for uid in 1001..1005 {
        rest.owners.insert(uid, 2);
    }
    rest.held = None;
    let tmp = vec![
        ("rustc", rustc),
        ("mktemp", mktemp),
        ("systemd-private", private),
        ("go-build", go),
        ("", rest),
    ];
    let var = vec![("", family(6, 2, 9 << 20, (4000, 40 * 86_400), [0, 4, 0, 0, 2]))];
    let one = vec![("rustc", family(2, 0, 1 << 20, (20, 40), [2, 0, 0, 0, 0]))];
    let mut third = temp_dir("/tmp", 262_203, 2, one);
    third.reached = "/proc/4714/root/tmp".into();
    staged
        .temp_dir(temp_dir("/tmp", 131_073, 6, tmp))
        .temp_dir(temp_dir("/var/tmp", 131_090, 7, var))
        .temp_dir(third)
}

pub fn container(staged: Staged) -> Staged {
    let ns = MountNs::Inode(4_026_532_400);
    let mut worker =
        with(process(6001, 1, "cargo", user(1000, "build")), &[("CARGO_TARGET_DIR", "/workspace/tgt")]);
    worker.container = Some(Container {
        engine: "docker".into(),
        id: "3f2a91c04b7d0011".into(),
        name: Some("web-1".into()),
    });
    worker.mount_ns = Ok(ns);
    worker.role = Some(Role { id: "cargo".into(), kind: RoleKind::BuildTool, title: "cargo".into() });
    let overlay = mount(400, 1, "/", "/", ("overlay", "overlay"));
    let bound = mount(401, 400, "/mnt/nvme/targets/1792", "/workspace/tgt", DISK);
    let mut seen =
        vantage("/workspace/tgt", ns, user(1000, "build"), &[6001, 6002], &["docker web-1 (3f2a91c04b7d)"]);
    seen.mount_id = Some(401);
    seen.reasons = vec![Reason::BindMount];
    seen.identity = Ok(identity(393_301));
    let end = seen.walked.last_mut().unwrap();
    end.mount_point = true;
    let facts = end.facts.as_mut().unwrap();
    facts.mode = 0o755;
    let entry = |who, permissions| AclEntry { who, permissions };
    facts.acl = Some(Acl {
        entries: vec![entry(AclWho::Owner, 7), entry(AclWho::User(1000), 5), entry(AclWho::Other, 5)],
    });
    let seen = fails(seen, Errno::EACCES, "mkdir", HowKnown::Probed);
    staged.namespace(ns, 6001, vec![overlay, bound]).process(worker).vantage(seen)
}

pub fn cache_server(staged: Staged) -> Staged {
    let mut server = with(process(812, 1, "sccache", user(1000, "runner")), &[("TMPDIR", "/var/tmp/ci")]);
    server.role =
        Some(Role { id: "sccache".into(), kind: RoleKind::CacheServer, title: "sccache server".into() });
    let mut seen = vantage("/var/tmp/ci", HOST_NS, user(1000, "runner"), &[812], &["sccache"]);
    let end = seen.walked.last_mut().unwrap();
    end.facts = None;
    end.search = None;
    end.error = Some(Errno::ENOENT);
    seen.reasons = vec![Reason::TmpDir];
    seen.identity = Err(GapWhy::Absent);
    seen.space = Err(GapWhy::Absent);
    staged.process(server).vantage(fails(seen, Errno::ENOENT, "mkdir", HowKnown::Predicted))
}

pub fn with_holders(mut staged: Staged) -> Staged {
    let held = |pid, how, path: &str, deleted, pins| Holding {
        pid,
        how,
        path: path.into(),
        object: None,
        deleted,
        pins,
        temp_dir: "/tmp".into(),
    };
    let device = Device { major: 254, minor: 1 };
    let holdings = vec![
        held(812, How::Cwd, "/tmp/sccache8XkQ2a", true, None),
        held(812, How::Fd(3), "/tmp/sccache8XkQ2a/sock", false, None),
        held(812, How::Fd(9), "/tmp/sccache8XkQ2a/log", true, Some(Bytes(41 << 30))),
        held(812, How::Socket, "/tmp/sccache8XkQ2a/sock", false, None),
        held(4814, How::Cwd, "/tmp/go-build2710349211/b001", false, None),
        held(4814, How::Exe, "/tmp/go-build2710349211/b001/exe/main", false, None),
        held(4514, How::Fd(7), "/tmp/rustcVAIpSt/lib.rmeta", true, Some(Bytes(220 << 20))),
        held(700, How::Lock, "/tmp/.X11-unix/X0", false, None),
    ];
    let pinned = |pid, bytes, biggest: &str, fd| Pinned {
        pid,
        device,
        files: 2,
        bytes: Bytes(bytes),
        biggest: biggest.into(),
        fd,
    };
    let pinned = vec![
        pinned(812, 41 << 30, "/tmp/sccache8XkQ2a/log", 9),
        pinned(4514, 220 << 20, "/tmp/rustcVAIpSt/lib.rmeta", 7),
    ];
    staged.now.holders = whole(Holders { holdings, pinned });
    staged
}
