//! `probe` on machines that are broken for real: each step fails with its errno, and nothing is left behind.

use serde_json::Value;

use crate::needs;
use crate::sandbox;

/// What `probe --json` said, and what stood in the directory afterwards.
struct Probed {
    code: i32,
    json: Value,
    left: String,
}

/// Breaks the machine, probes, and lists `$dir` (`/tmp` unless the script sets it) afterwards.
fn probe(setup: &str, options: &str) -> Probed {
    let script = format!(
        "dir=/tmp\n{setup}\ncode=0; /mnt/bin/tmpmedic probe --json {options} || code=$?\nls -A \"$dir\" >&2\nexit $code"
    );
    let output = sandbox::run(&script);
    let text = String::from_utf8_lossy(&output.stdout);
    let left = String::from_utf8_lossy(&output.stderr).into_owned();
    let json = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}\n{left}"));
    Probed { code: output.status.code().unwrap_or(-1), json, left }
}

impl Probed {
    fn steps(&self) -> &[Value] {
        self.json["steps"].as_array().map_or(&[], Vec::as_slice)
    }

    fn fails_with(&self, step: &str, errno: &str) {
        let failed: Vec<&Value> = self.steps().iter().filter(|s| s["ok"] == false).collect();
        assert_eq!(failed.len(), 1, "{:#}", self.json);
        assert_eq!(
            (&failed[0]["step"], &failed[0]["errno"]),
            (&step.into(), &errno.into()),
            "{:#}",
            self.json
        );
        assert_eq!((self.code, &self.json["verdict"]["status"]), (2, &"critical".into()));
        self.leaves_nothing();
    }

    fn passes(&self) {
        assert_eq!(self.code, 0, "{:#}", self.json);
        let steps: Vec<&Value> = self.steps().iter().map(|s| &s["step"]).collect();
        let all = ["enter", "mkdir", "create", "write", "fsync", "rename", "execute", "remove"];
        assert_eq!(steps, all);
        self.leaves_nothing();
    }

    fn leaves_nothing(&self) {
        assert!(!self.left.contains(".tmpmedic-probe"), "left behind: {}", self.left);
        assert_eq!(self.json["left_behind"], serde_json::json!([]));
    }

    fn takes(&self, resolver: &str) -> &Value {
        let all = self.json["resolvers"].as_array().unwrap();
        &all.iter().find(|r| r["name"] == resolver).unwrap()["dir"]
    }
}

/// `name: [programs] setup, options => step errno;`
macro_rules! failures {
    ($($name:ident: [$($program:literal),*] $setup:expr, $options:expr => $step:literal $errno:literal;)*) => {
        $(#[test] fn $name() {
            needs!("unshare", "setpriv" $(, $program)*);
            probe($setup, $options).fails_with($step, $errno);
        })*
    };
}

failures! {
    a_deleted_bind_source_fails_at_mkdir: []
        "mkdir /mnt/a /mnt/b; mount --bind /mnt/a /mnt/b; rmdir /mnt/a", "--dir /mnt/b" => "mkdir" "ENOENT";
    a_tmpfs_full_by_size_fails_at_write: []
        "mkdir /mnt/m; dir=/mnt/m; mount -t tmpfs -o size=16k m $dir; fill $dir", "--dir /mnt/m" => "write" "ENOSPC";
    a_tmpfs_without_inodes_fails_at_mkdir: []
        "mkdir /mnt/m; dir=/mnt/m; mount -t tmpfs -o nr_inodes=2 m $dir; touch $dir/x", "--dir /mnt/m" => "mkdir" "ENOSPC";
    the_last_inode_makes_a_directory_but_no_file: []
        "mkdir /mnt/m; dir=/mnt/m; mount -t tmpfs -o nr_inodes=2 m $dir", "--dir /mnt/m" => "create" "ENOSPC";
    a_read_only_mount_fails_at_mkdir: []
        "mkdir /mnt/m; mount -t tmpfs -o ro m /mnt/m", "--dir /mnt/m" => "mkdir" "EROFS";
    a_noexec_mount_fails_at_execute: []
        "mount -o remount,noexec /tmp; runner", "--pid $pid" => "execute" "EACCES";
    a_mode_without_write_fails_at_mkdir: []
        "chmod 755 /tmp; runner", "--pid $pid" => "mkdir" "EACCES";
    an_immutable_directory_fails_at_mkdir: ["mkfs.ext4", "chattr"]
        "disk 16M; dir=$disk; chattr +i $disk", "--dir /mnt/disk" => "mkdir" "EPERM";
    an_append_only_directory_gets_nothing_that_would_stay: ["mkfs.ext4", "chattr"]
        "disk 16M; dir=$disk; chattr +a $disk", "--dir /mnt/disk" => "remove" "EPERM";
    a_hostile_umask_fails_at_the_next_step: []
        "umask 0777; runner; umask 022", "--pid $pid" => "create" "EACCES";
    a_small_limit_of_file_sizes_fails_at_write: []
        "ulimit -S -f 4; runner; ulimit -S -f unlimited", "--pid $pid" => "write" "EFBIG";
    a_limit_of_tasks_fails_at_execute: ["prlimit"]
        "setpriv --reuid 1000 --regid 1000 --clear-groups prlimit --nproc=1 env -i /mnt/bin/cargo 600 & pid=$!; became cargo $pid",
        "--pid $pid" => "execute" "EAGAIN";
    a_dangling_link_fails_at_mkdir: []
        "ln -s /nowhere /tmp/link; runner TMPDIR=/tmp/link", "--pid $pid" => "mkdir" "ENOENT";
    a_link_to_itself_fails_at_mkdir: []
        "ln -s /tmp/link /tmp/link; runner TMPDIR=/tmp/link", "--pid $pid" => "mkdir" "ELOOP";
    a_file_fails_at_mkdir: []
        "runner TMPDIR=/etc/passwd", "--pid $pid" => "mkdir" "ENOTDIR";
    a_root_without_tmp_fails_at_mkdir: ["busybox"]
        "mkdir -p /mnt/img/bin; cp $(command -v busybox) /mnt/img/bin/sleep; chroot /mnt/img /bin/sleep 600 & pid=$!; became sleep $pid",
        "--pid $pid" => "mkdir" "ENOENT";
    a_deleted_working_directory_is_no_temp_dir: []
        "mkdir /mnt/wd; cd /mnt/wd; runner TMPDIR=; cd /; rmdir /mnt/wd", "--pid $pid" => "mkdir" "ENOENT";
}

#[test]
fn a_healthy_machine_passes_every_step_for_root_and_for_others() {
    needs!("unshare", "setpriv");
    probe("", "").passes();
    probe("runner", "--pid $pid").passes();
    probe("", "--user 4242").passes();
    probe(
        "mkdir /mnt/wd; chmod 777 /mnt/wd; dir=/mnt/wd; cd /mnt/wd; mkdir -m 777 rel; runner TMPDIR=rel",
        "--pid $pid",
    )
    .passes();
}

#[test]
fn it_sees_a_dead_tmp_in_another_namespace_and_what_falls_back() {
    needs!("unshare", "setpriv");
    let probed = probe("mkdir -m 1777 /tmp/b; apart 'mount --bind /tmp/b /tmp'; rmdir /tmp/b", "--pid $pid");
    probed.fails_with("mkdir", "ENOENT");
    assert_eq!(probed.takes("gcc"), "/tmp", "access(2) allows a dead directory");
    assert_eq!(probed.takes("python"), "/var/tmp");
}

#[test]
fn a_variable_that_names_nothing_leads_only_some_programs_astray() {
    needs!("unshare", "setpriv");
    let probed = probe("runner TMPDIR=/nope", "--pid $pid");
    probed.fails_with("mkdir", "ENOENT");
    for (resolver, dir) in
        [("go", "/nope"), ("mktemp", "/nope"), ("gcc", "/tmp"), ("python", "/tmp"), ("java", "/tmp")]
    {
        assert_eq!(probed.takes(resolver), dir, "{resolver}");
    }
}

#[test]
fn it_takes_the_view_of_a_process_in_a_user_namespace() {
    needs!("unshare", "setpriv");
    let started = r#"
        unshare --user --map-root-user true 2>/dev/null || { echo '{"none": true}'; exit 0; }
        setpriv --reuid 1000 --regid 1000 --clear-groups unshare --user --map-root-user --mount sh -c \
            'mount -t tmpfs -o mode=700 own /tmp && mkdir -m 0 /tmp/closed && exec /mnt/bin/cargo 600' >/dev/null 2>&1 &
        pid=$!; became cargo $pid"#;
    let probed = probe(started, "--pid $pid --dir /tmp/closed");
    if probed.json["none"] == true {
        crate::skip!("needs user namespaces");
    }
    // Root of its own namespace may write where the mode says nobody may.
    probed.passes();
}

#[test]
fn the_command_runs_in_that_view_with_that_environment() {
    needs!("unshare", "setpriv");
    let setup = "mkdir -m 1777 /tmp/mine; runner TMPDIR=/tmp/mine SECRET=hunter2 PATH=$PATH";
    let script = format!(
        "{setup}\n/mnt/bin/tmpmedic probe --pid $pid --exec 'id -u; echo $SECRET | wc -c; mktemp -u -d'"
    );
    let output = sandbox::run(&script);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("\n1000\n8\n/tmp/mine/tmp."), "{text}");
    assert!(text.contains("exit code 0"), "{text}");
    assert_eq!(output.status.code(), Some(0));

    let probed = probe(setup, "--pid $pid --exec 'exit 3'");
    assert_eq!((probed.code, &probed.json["exec"]["exit_code"]), (1, &3.into()));
    let probed = probe(setup, "--pid $pid --exec /no/such/command");
    assert_eq!(probed.json["exec"]["exit_code"], 127);
    assert!(!probed.json.to_string().contains("hunter2"), "only temp variables leave the helper");
}

#[test]
fn it_says_who_cannot_be_probed_and_what_to_do() {
    needs!("unshare", "setpriv");
    for (options, code, words) in [
        ("--pid 4000000", 64, "4000000"),
        ("--unit no-such-unit", 64, "no-such-unit.service"),
        ("--user no-such-user", 64, "no-such-user"),
    ] {
        let probed = probe("", options);
        assert_eq!(probed.code, code, "{options}");
        assert!(probed.left.contains(words), "{options}: {}", probed.left);
        assert_eq!(probed.json["verdict"]["status"], "unknown");
    }
    let as_user = "setpriv --reuid 1000 --regid 1000 --clear-groups /mnt/bin/tmpmedic probe";
    for (script, code) in [
        (as_user.to_owned(), 0),
        (format!("{as_user} --pid 1"), 77),
        (format!("{as_user} --user root"), 77),
        (format!("apart :; {as_user} --pid $pid"), 77),
        ("mount -o remount,hidepid=2 /proc; ".to_owned() + as_user + " --pid 1", 77),
        ("/mnt/bin/tmpmedic probe > /dev/full".to_owned(), 74),
        ("/mnt/bin/tmpmedic probe >&-".to_owned(), 74),
    ] {
        let output = sandbox::run(&script);
        assert_eq!(output.status.code(), Some(code), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// A file system that stands still: `frozen` probes it with a descriptor of somebody else open, and finds the helper.
const FROZEN: &str = r#"
    disk 16M; fsfreeze -f $disk
    helper() { for p in /proc/[0-9]*; do
        [ "$(tr '\0' ' ' 2>/dev/null < $p/cmdline)" != 'tmpmedic __helper probe ' ] || basename $p; done; }
    stuck() { [ "$(cat /proc/"$(helper)"/wchan 2>/dev/null)" = percpu_rwsem_wait ]; }
    gone() { while [ -n "$(helper)" ]; do :; done; }
"#;

#[test]
fn a_frozen_file_system_holds_nobody_up_and_keeps_nothing_when_it_thaws() {
    needs!("unshare", "setpriv", "mkfs.ext4", "fsfreeze");
    let script = format!(
        r"{FROZEN}
        code=0; /mnt/bin/tmpmedic probe --json --dir $disk --deadline 500ms --exec 'sleep 600' 5>/mnt/held || code=$?
        ls -l /proc/$(helper)/fd | grep held >&2 || true
        fsfreeze -u $disk; gone; ls -A $disk >&2; exit $code"
    );
    let output = sandbox::run(&script);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{json:#}");
    let headline = json["verdict"]["headline"].as_str().unwrap();
    assert!(headline.contains("no answer") && headline.contains("mkdir"), "{headline}");
    assert_eq!(json["exec"], Value::Null, "a command would get stuck as well");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "lost+found\n", "no descriptor held, nothing left");
}

#[test]
fn what_a_killed_probe_left_is_removed_by_the_next_one() {
    needs!("unshare", "setpriv", "mkfs.ext4", "fsfreeze");
    let script = format!(
        r"{FROZEN}
        /mnt/bin/tmpmedic probe --dir $disk --deadline 60s >/dev/null & parent=$!
        awaits $parent stuck; helper=$(helper); kill -9 $parent $helper; fsfreeze -u $disk; gone
        mkdir -m 700 $disk/.tmpmedic-probe-of-somebody-else
        ls -A $disk; echo then
        /mnt/bin/tmpmedic probe --dir $disk >/dev/null; ls -A $disk"
    );
    let output = sandbox::run(&script);
    let text = String::from_utf8_lossy(&output.stdout);
    let (before, after) = text.split_once("then\n").unwrap_or_else(|| panic!("{output:?}"));
    assert_eq!(before.matches(".tmpmedic-probe-").count(), 2, "the kill must leave something: {before}");
    assert_eq!(after, ".tmpmedic-probe-of-somebody-else\nlost+found\n");
}

#[test]
fn a_helper_that_is_killed_in_the_middle_is_cleaned_up_behind() {
    needs!("unshare", "setpriv", "strace");
    let setup = "mkdir /mnt/t; dir=/mnt/t";
    let traced = r#"tmpmedic() { strace -f -qq -o /mnt/trace -e trace=renameat,renameat2 \
        -e inject=renameat,renameat2:signal=KILL /mnt/bin/tmpmedic "$@"; }"#;
    let script = format!(
        "{setup}\n{traced}\ncode=0; tmpmedic probe --json --dir $dir || code=$?; ls -A $dir >&2; exit $code"
    );
    let output = sandbox::run(&script);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{json:#}");
    assert!(json["verdict"]["headline"].as_str().unwrap().contains("signal 9"), "{json:#}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn nothing_outside_the_chosen_directory_is_written() {
    needs!("unshare", "setpriv", "strace");
    let script = r"
        mkdir /mnt/chosen
        strace -f -y -qq -o /mnt/trace -e trace=%file,%desc /mnt/bin/tmpmedic probe --dir /mnt/chosen >/dev/null
        cat /mnt/trace";
    let output = sandbox::run(script);
    let trace = String::from_utf8_lossy(&output.stdout);
    let changes = |line: &&str| {
        let opens = line.contains("open")
            && ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"].iter().any(|f| line.contains(f));
        let calls = [
            "mkdir",
            "rmdir",
            "unlink",
            "rename",
            "link(",
            "linkat",
            "symlink",
            "mknod",
            "chmod",
            "chown",
            "truncate",
            "utime",
            "setxattr",
            "removexattr",
            "fallocate",
            "creat(",
            "mount(",
        ];
        let call = line.split_once(' ').map_or("", |(_, call)| call.trim_start());
        (opens || calls.iter().any(|name| call.starts_with(name) || call.starts_with(&format!("f{name}"))))
            && !line.contains(" = -1 ")
    };
    let lines: Vec<&str> = trace.lines().filter(changes).collect();
    assert!(lines.len() >= 5, "mkdir, create, rename, unlink, rmdir at least: {lines:#?}");
    for line in lines {
        assert!(line.contains("</mnt/chosen"), "outside: {line}");
    }
}

#[test]
fn it_probes_in_an_empty_root_and_with_ten_descriptors() {
    needs!("unshare", "setpriv");
    let script = r"
        mkdir -p /mnt/jail/proc /mnt/jail/tmp; cp /mnt/bin/tmpmedic /mnt/jail/; mount -t proc proc /mnt/jail/proc
        chroot /mnt/jail /tmpmedic probe --dir /tmp
        ulimit -n 10; /mnt/bin/tmpmedic probe";
    let output = sandbox::run(script);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.matches("PASSED").count(), 2, "{text}{}", String::from_utf8_lossy(&output.stderr));
}
