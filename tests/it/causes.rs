//! Every cause that can be built on a private machine is built for real and asked of the binary.
//!
//! Each case says how the machine is broken and what must lead the report. Beyond the cause itself nothing above info
//! may be said, unless the case names it; each by-hand command of the evidence must show something when pasted; and a
//! capture of the machine, redacted or not, must tell the same at home.

use crate::needs;
use crate::sandbox::{self, Checked};

/// One incident.
struct Case {
    /// What must lead.
    id: &'static str,
    /// With which severity.
    severity: &'static str,
    /// What else may be said above info, because the incident brings it along.
    also: &'static [&'static str],
    /// Options of `check`.
    options: &'static str,
    /// How it is built.
    setup: &'static str,
}

impl Case {
    const fn critical(id: &'static str, setup: &'static str) -> Self {
        Self { id, severity: "critical", also: &[], options: "", setup }
    }

    const fn warning(id: &'static str, setup: &'static str) -> Self {
        Self { severity: "warning", ..Self::critical(id, setup) }
    }

    const fn info(id: &'static str, setup: &'static str) -> Self {
        Self { severity: "info", ..Self::critical(id, setup) }
    }

    const fn with(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    const fn asked(self, options: &'static str) -> Self {
        Self { options, ..self }
    }

    fn holds(&self) {
        let told = sandbox::check_capture_and_paste(self.setup, self.options);
        let (checked, shown) = (told.live, told.pasted);
        for (home, how) in told.taken_home.iter().zip(["plain", "redacted"]) {
            assert_eq!(home.sorted(), checked.sorted(), "the {how} capture tells something else");
        }
        let finding = checked
            .of(self.id)
            .next()
            .unwrap_or_else(|| panic!("{} is not found: {:#}", self.id, checked.json));
        assert_eq!(finding["severity"], self.severity, "{finding:#}");
        if self.also.is_empty() && self.severity != "info" {
            assert_eq!(checked.findings()[0]["id"], self.id, "it must lead: {:#}", checked.json["findings"]);
        }
        self.says_nothing_else(&checked);
        assert!(!finding["evidence"].as_array().unwrap().is_empty(), "no evidence: {finding:#}");
        for (evidence, output) in shown {
            assert!(!output.trim().is_empty(), "pasting shows nothing: {evidence:#}");
            if evidence["source"].as_str().unwrap().ends_with("/mountinfo") {
                let observed = evidence["observed"].as_str().unwrap().trim();
                assert!(output.contains(observed), "pasting shows something else: {evidence:#}\n{output}");
            }
        }
        let worst =
            checked.above_info().into_iter().map(|(_, severity)| severity).max_by_key(|s| s == "critical");
        let code = worst.map_or(0, |severity| if severity == "critical" { 2 } else { 1 });
        assert_eq!(checked.code, code, "{:#}", checked.json["verdict"]);
    }

    fn says_nothing_else(&self, checked: &Checked) {
        let other = checked
            .above_info()
            .into_iter()
            .find(|(id, _)| id != self.id && !self.also.contains(&id.as_str()));
        assert_eq!(other, None, "said as well: {:#}", checked.json["findings"]);
    }
}

/// `name: [programs] case;`
macro_rules! causes {
    ($($name:ident: [$($program:literal),*] $case:expr;)*) => {
        $(#[test] fn $name() { needs!("unshare", "setpriv" $(, $program)*); $case.holds(); })*
    };
}

causes! {
    private_tmp_deleted: [] Case::critical("private-tmp-deleted", r"
        dir=/tmp/systemd-private-0123456789abcdef0123456789abcdef-forgejo-runner@1.service-AbCdEf/tmp
        mkdir -p $dir; chmod 1777 $dir
        apart 'mount --bind '$dir' /tmp'
        rm -r /tmp/systemd-private-*");
    bind_source_deleted: [] Case::critical("bind-source-deleted", r"
        mkdir -p /mnt/src/tmp /mnt/ws; chmod 1777 /mnt/src/tmp
        apart 'mount --bind /mnt/src/tmp /mnt/ws' TMPDIR=/mnt/ws
        rm -r /mnt/src");
    overlay_upper_gone: [] Case::critical("overlay-upper-gone", r"
        mkdir -p /mnt/o/lower/tmp /mnt/o/upper /mnt/o/work /mnt/merged; chmod 1777 /mnt/o/lower/tmp
        mount -t overlay -o lowerdir=/mnt/o/lower,upperdir=/mnt/o/upper,workdir=/mnt/o/work overlay /mnt/merged
        runner TMPDIR=/mnt/merged/tmp
        rm -rf /mnt/o/upper /mnt/o/work");
    private_tmp_readonly_fallback: [] Case::critical("private-tmp-readonly-fallback", r"
        mount -t tmpfs run /run; mkdir -p /run/systemd/empty; chmod 500 /run/systemd/empty
        apart 'mount --bind /run/systemd/empty /tmp && mount -o remount,bind,ro /tmp'");
    foreign_mount_namespace: [] Case::info("foreign-mount-namespace", r"
        mkdir -m 1777 /mnt/other
        apart 'mount --bind /mnt/other /tmp && chmod 755 /tmp'").with(&["tmp-wrong-mode-or-owner"]);
    overmounted_tmp: [] Case::warning("overmounted-tmp", r"
        mkdir -m 1777 /tmp/job; sh -c 'cd /tmp/job && exec setpriv --reuid 1000 --regid 1000 --clear-groups env -i TMPDIR=/tmp/job /mnt/bin/forgejo-runner 600' &
        pid=$!; became forgejo-runner $pid
        mount -t tmpfs -o mode=1777 late /tmp").with(&["tmpdir-missing", "cwd-deleted"]);
    tmp_mount_missing: [] Case::critical("tmp-mount-missing", r"
        mkdir /mnt/u /mnt/w; mount -t overlay -o lowerdir=/etc,upperdir=/mnt/u,workdir=/mnt/w overlay /etc
        echo '/dev/scratch /mnt/scratch ext4 defaults,nofail 0 2' > /etc/fstab
        mkdir /mnt/scratch
        runner TMPDIR=/mnt/scratch/tmp").with(&["tmpdir-missing"]);
    no_tmp_in_image: ["busybox"] Case::critical("no-tmp-in-image", r"
        mkdir -p /mnt/img/bin /mnt/img/proc; cp $(command -v busybox) /mnt/img/bin/forgejo-runner
        chroot --userspec=1000:1000 /mnt/img /bin/forgejo-runner sh -c : 2>/dev/null || true
        cp $(command -v busybox) /mnt/img/bin/sleep
        chroot --userspec=1000:1000 /mnt/img /bin/sleep 600 & pid=$!; became sleep $pid").asked("--pid $pid");
    cwd_deleted: [] Case::critical("cwd-deleted", r"
        mkdir -m 777 /mnt/job; cd /mnt/job; runner; cd /; rmdir /mnt/job");
    tmpdir_missing: [] Case::critical("tmpdir-missing", "runner TMPDIR=/mnt/nope/tmp");
    tmpdir_not_a_directory: [] Case::critical("tmpdir-not-a-directory", "touch /mnt/file; runner TMPDIR=/mnt/file");
    tmpdir_dangling_symlink: [] Case::critical("tmpdir-dangling-symlink", "ln -s /mnt/gone /mnt/link; runner TMPDIR=/mnt/link");
    tmpdir_symlink_loop: [] Case::critical("tmpdir-symlink-loop", "ln -s b /mnt/a; ln -s a /mnt/b; runner TMPDIR=/mnt/a");
    tmpdir_relative: [] Case::critical("tmpdir-relative", "mkdir -m 777 /mnt/job; cd /mnt/job; runner TMPDIR=scratch; cd /");
    tmpdir_empty_string: [] Case::warning("tmpdir-empty-string", "cd /; runner TMPDIR=");
    tmpdir_literal_syntax: [] Case::critical("tmpdir-literal-syntax", r#"runner TMPDIR='"/var/tmp"'"#);
    tmpdir_literal_syntax_on_a_read_only_root: [] Case::critical("tmpdir-literal-syntax", r#"
        apart 'cd /; mount -o remount,bind,ro /' TMPDIR='\"/var/tmp\"'"#);
    tmpdir_temp_tmp_disagree: [] Case::warning("tmpdir-temp-tmp-disagree", "runner TMPDIR=/var/tmp TEMP=/mnt/nope TMP=/mnt/nope")
        .with(&["tmpdir-missing"]);
    duplicate_env_entry: [] Case::warning("duplicate-env-entry", r"
        /mnt/bin/actor --exact actors::runner_with_two_tmpdirs --ignored >/dev/null 2>&1 &
        pid=$!; became forgejo-runner $pid");
    disk_full: ["mkfs.ext4"] Case::critical("disk-full", "disk 16M -m 0; fill $disk; runner TMPDIR=$disk").with(&["leaked-temp-accumulation"]);
    reserved_blocks: ["mkfs.ext4"] Case::critical("reserved-blocks", r"
        disk 16M -m 20
        setpriv --reuid 1000 --regid 1000 --clear-groups sh -c 'dd if=/dev/zero of=/mnt/disk/b bs=4k 2>/dev/null; dd if=/dev/zero of=/mnt/disk/c bs=512 2>/dev/null' || true
        runner TMPDIR=$disk");
    inodes_exhausted: ["mkfs.ext4"] Case::critical("inodes-exhausted", r"
        disk 16M -N 32; n=0; while touch $disk/f$n 2>/dev/null; do n=$((n+1)); done
        runner TMPDIR=$disk");
    tmpfs_inodes: [] Case::critical("tmpfs-inodes", r"
        mount -t tmpfs -o mode=1777,nr_inodes=8 small /tmp; for n in 1 2 3 4 5 6 7; do : > /tmp/f$n || true; done 2>/dev/null
        runner");
    tmpfs_size: [] Case::critical("tmpfs-size", "mount -t tmpfs -o mode=1777,size=256k small /tmp; fill /tmp; runner");
    var_tmp_full: [] Case::warning("var-tmp-full", "mount -t tmpfs -o mode=1777,size=256k small /var/tmp; fill /var/tmp; runner")
        .with(&["tmpfs-size"]);
    deleted_open_files: [] Case::warning("deleted-open-files", r"
        mount -t tmpfs -o mode=1777,size=8m small /tmp
        dd if=/dev/zero of=/tmp/big bs=1M count=7 2>/dev/null; exec 9</tmp/big; sleep 600 & exec 9<&-; rm /tmp/big; fill /tmp; rm /tmp/ballast2
        runner").with(&["tmpfs-size"]);
    dir_too_many_entries: [] Case::info("dir-too-many-entries", "cd /tmp; seq 60000 | xargs touch; cd /; runner");
    emlink: ["mkfs.ext4"] Case::critical("emlink", r"
        disk 200M -b 1024 -N 66000 -m 0 -O ^dir_nlink; mkdir -m 1777 $disk/t; cd $disk/t; seq 64998 | xargs mkdir; cd /
        runner TMPDIR=$disk/t").with(&["inodes-exhausted"]);
    rlimit_fsize: [] Case::critical("rlimit-fsize", r"
        (ulimit -f 2; exec setpriv --reuid 1000 --regid 1000 --clear-groups env -i /mnt/bin/forgejo-runner 600) &
        pid=$!; became forgejo-runner $pid");
    fd_or_task_limits: [] Case::critical("fd-or-task-limits", r"
        mkdir /mnt/full; touch /mnt/full/forgejo-runner; mount --bind $ACTOR /mnt/full/forgejo-runner
        /mnt/full/forgejo-runner --exact actors::runner_without_a_descriptor_left --ignored >/dev/null 2>&1 &
        awaits $! test -e /mnt/no-descriptor-left");
    path_too_long: [] Case::warning("path-too-long", r"
        d=/mnt/a-rather-long-name-of-a-workspace/and-another-one-below-it/and-a-third-one/tmp; mkdir -p $d; chmod 1777 $d
        runner TMPDIR=$d");
    tmp_wrong_mode: [] Case::critical("tmp-wrong-mode-or-owner", "chmod 755 /tmp; runner");
    acl_deny: ["setfacl"] Case::critical("acl-deny", "setfacl -m u:1000:--- /tmp; runner");
    immutable: ["mkfs.ext4", "chattr"] Case::critical("immutable-or-append", "disk 16M; mkdir -m 1777 $disk/t; chattr +i $disk/t; runner TMPDIR=$disk/t");
    noexec_tmp: [] Case::critical("noexec-tmp", "mount -o remount,noexec /tmp; start go");
    read_only_mount: [] Case::critical("ro-mount", "mount -o remount,ro /tmp; runner");
    ro_after_fs_error: ["mkfs.ext4", "losetup"] Case::critical("ro-after-fs-error", r"
        disk 16M; umount $disk; mount -o loop,errors=remount-ro /mnt/image $disk; mkdir -m 1777 $disk/t
        echo 1 > /sys/fs/ext4/$(basename $(losetup -j /mnt/image -nO NAME))/trigger_fs_error
        runner TMPDIR=$disk/t");
    umask_hostile: [] Case::critical("umask-hostile", "umask 0777; runner; umask 022");
    dev_null_is_a_file: [] Case::critical("dev-null-not-a-device", "runner; touch /mnt/null; chmod 644 /mnt/null; mount --bind /mnt/null /dev/null");
    leaked_temp: ["mkfs.ext4", "debugfs"] Case::info("leaked-temp-accumulation", r"
        disk 16M; n=0; while [ $n -lt 60 ]; do mkdir $disk/go-build10000$n; n=$((n+1)); done; umount $disk
        n=0; while [ $n -lt 60 ]; do for f in atime ctime mtime crtime; do echo set_inode_field go-build10000$n $f 20250101; done; n=$((n+1)); done > /mnt/age
        debugfs -w -f /mnt/age /mnt/image >/dev/null 2>&1
        mount -o loop /mnt/image $disk; runner TMPDIR=$disk");
    cargo_cached_failure: [] Case::critical("cargo-cached-failure", r#"
        mkdir -p /mnt/job/target; cat > /mnt/job/target/.rustc_info.json <<'J'
{"rustc_fingerprint":1,"outputs":{"2":{"success":false,"status":"exit status: 2","code":2,"stdout":"","stderr":"sccache: error: No such file or directory (os error 2) at path \"/nope/sccachePgVrVp\"\n"}},"successes":{}}
J
        cd /mnt/job; start cargo; cd /"#);
    frozen_file_system: ["mkfs.ext4", "fsfreeze"] Case::critical("fs-frozen-or-hung", r"
        disk 16M; runner TMPDIR=$disk; fsfreeze -f $disk; trap 'fsfreeze -u /mnt/disk' EXIT").asked("--deadline 4s");
}

#[test]
fn a_healthy_machine_gives_no_finding() {
    needs!("unshare", "setpriv");
    let checked = sandbox::check(
        "runner TMPDIR=/var/tmp; start cargo; start go TMPDIR=/tmp; apart 'mount -t tmpfs -o mode=1777 own /tmp'",
        "",
    );
    assert_eq!(checked.above_info(), [], "{:#}", checked.json["findings"]);
    assert_eq!(checked.code, 0, "{:#}", checked.json["verdict"]);
}

#[test]
fn a_busy_machine_gives_no_finding() {
    needs!("unshare", "setpriv", "mkfs.ext4");
    let busy = r"
        disk 16M; runner TMPDIR=$disk; runner TMPDIR=/var/tmp
        for at in 1 2 3 4 5 6 7 8; do while :; do :; done & done
        while :; do dd if=/dev/zero of=$disk/ballast bs=64k count=64 conv=fsync 2>/dev/null; done &
        while :; do /bin/true; done &";
    let checked = sandbox::check(busy, "--deadline 4s");
    assert_eq!(checked.above_info(), [], "{:#}", checked.json["findings"]);
    // A probe that gave up early is late as well, and says nothing of its file system.
    let hurried = sandbox::check(busy, "--deadline 300ms");
    assert_eq!(hurried.of("fs-frozen-or-hung").count(), 0, "{:#}", hurried.json["findings"]);
}

#[test]
fn a_probe_that_is_only_slow_is_late_and_not_hung() {
    needs!("unshare", "setpriv", "mkfs.ext4", "strace");
    let setup = r#"disk 16M; runner TMPDIR=$disk
        slow() { strace -f -qq -o /mnt/trace -e trace=mkdirat -e inject=mkdirat:delay_enter=3s "$@"; }"#;
    let output = sandbox::run(&format!("{setup}\nslow /mnt/bin/tmpmedic check --json --deadline 2s"));
    let checked = Checked::from(&output);
    assert_eq!(checked.above_info(), [], "{:#}", checked.json["findings"]);
    let late = checked.json["blind"].as_array().unwrap().iter().find(|b| b["id"] == "fs-frozen-or-hung");
    assert!(
        late.is_some_and(|b| b.to_string().contains("the answer of /mnt/disk")),
        "{:#}",
        checked.json["blind"]
    );
}

#[test]
fn near_misses_stay_quiet() {
    needs!("unshare", "setpriv");
    let near = [
        "mkdir -p '/mnt/$HOME'; chmod 1777 '/mnt/$HOME'; runner 'TMPDIR=/mnt/$HOME'",
        "mkdir -m 1777 /mnt/t; ln -s /mnt/t /mnt/l; runner TMPDIR=/mnt/l",
        "install -d -m 700 -o 1000 -g 1000 /mnt/own; runner TMPDIR=/mnt/own",
        "mkdir -m 1777 /mnt/a; mv /mnt/a /mnt/b; apart 'mount --bind /mnt/b /tmp'; mv /mnt/b /mnt/c",
        "mount -o remount,noexec /dev/shm; runner",
        "runner TMPDIR=/var/tmp TEMP=/var/tmp/ TMP=/var/tmp",
        "mkdir -m 1777 '/mnt/x (deleted)'; cd '/mnt/x (deleted)'; runner; cd /",
        "mount -t tmpfs -o ro none /mnt/bin/../../media; runner",
        "mkdir /mnt/src; touch /mnt/src/f /mnt/f; apart 'mount --bind /mnt/src/f /mnt/f'; rm /mnt/src/f",
    ];
    for setup in near {
        let checked = sandbox::check(setup, "");
        assert_eq!(checked.above_info(), [], "{setup}: {:#}", checked.json["findings"]);
        assert_eq!(checked.code, 0, "{setup}: {:#}", checked.json["verdict"]);
    }
}

#[test]
fn the_most_specific_cause_leads_alone() {
    needs!("unshare", "setpriv");
    let checked = sandbox::check(
        "d=/tmp/systemd-private-0123456789abcdef0123456789abcdef-x.service-AbCdEf/tmp; mkdir -p $d; chmod 1777 $d
         apart 'mount --bind '$d' /tmp' TMPDIR=/tmp/job; rm -r /tmp/systemd-private-*",
        "",
    );
    let above: Vec<String> = checked.above_info().into_iter().map(|(id, _)| id).collect();
    assert_eq!(above, ["private-tmp-deleted"], "{:#}", checked.json["findings"]);
}
