//! Nothing of the host changes, whatever is tried in a lab.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Who, text};
use crate::needs_lab;

/// What each attempt is, and a script that does it; each must fail.
const ATTEMPTS: &[(&str, &str)] = &[
    ("write into the canary", "echo x > $CANARY/file"),
    ("append to the canary", "echo x >> $CANARY/dir/other"),
    ("remove from the canary", "rm -f $CANARY/file; test ! -e $CANARY/file"),
    ("make something in the canary", "mkdir $CANARY/new"),
    ("change stamps in the canary", "touch -d 2001-01-01 $CANARY/file"),
    ("write into /etc", "touch /etc/tmpmedic-was-here"),
    ("write into /usr", "touch /usr/tmpmedic-was-here"),
    ("write into /root", "touch /root/tmpmedic-was-here"),
    ("set a sysctl", "cat /proc/sys/kernel/panic > /proc/sys/kernel/panic"),
    ("press sysrq", "echo h > /proc/sysrq-trigger"),
    ("make the root writable", "mount -o remount,rw /"),
    ("make this mount of the root writable", "mount -o remount,bind,rw /"),
    ("make procfs writable", "mount -o remount,rw /proc && echo 0 > /proc/sys/kernel/panic"),
    ("mount another procfs", "mkdir -p /tmp/p && mount -t proc p /tmp/p && echo 0 > /tmp/p/sys/kernel/panic"),
    ("mount another sysfs", "mkdir -p /tmp/s && mount -t sysfs s /tmp/s"),
    ("mount the device files of the host", "mkdir -p /tmp/d && mount -t devtmpfs d /tmp/d"),
    ("mount the cgroup tree", "mkdir -p /tmp/c && unshare -C mount -t cgroup2 c /tmp/c"),
    ("write into the cgroup tree", "mkdir /sys/fs/cgroup/tmpmedic-was-here"),
    ("make a device file of a disk", "mknod /tmp/disk b 254 0"),
    ("make a device file of the memory", "mknod /tmp/mem c 1 1"),
    ("find a disk", "ls /dev/[svn][dv][am]* /dev/loop*"),
    ("uncover what lies below /tmp", "umount /tmp || umount -l /tmp"),
    ("uncover what lies below /dev", "umount -l /dev"),
    (
        "bind the root writable",
        "mkdir -p /tmp/r && mount --rbind / /tmp/r && mount -o remount,bind,rw /tmp/r && touch /tmp/r/etc/x",
    ),
    ("bind the root in a namespace below", "unshare -Urm sh -c 'mount -o remount,bind,rw / && touch /etc/x'"),
    ("reach the host by the first process", "touch /proc/1/root/etc/x || touch /proc/1/cwd/etc/x"),
    ("see a process of the host", "kill -0 $OUTSIDE"),
    ("set the clock", "date -s 2001-01-01"),
    ("reach the network", "test $(ls /sys/class/net | wc -l) -gt 1 && ping -c1 -W1 127.0.0.1"),
    ("connect to a service in /run", "test -e /run/docker.sock -o -e /run/systemd/private -o -e /run/dbus"),
];

/// Everything below a directory: kind, rights, owner, stamps, size and content.
fn picture(dir: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    let mut left = vec![dir.to_path_buf()];
    while let Some(path) = left.pop() {
        let found = std::fs::symlink_metadata(&path).unwrap();
        let content = if found.is_file() { std::fs::read(&path).unwrap() } else { vec![] };
        if found.is_dir() {
            left.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        }
        let stamps = (found.mtime(), found.mtime_nsec(), found.ctime(), found.ctime_nsec());
        let facts = (found.ino(), found.mode(), found.uid(), found.gid(), found.nlink(), stamps);
        all.insert(path, format!("{facts:?} {content:?}"));
    }
    all
}

fn mounts() -> String {
    std::fs::read_to_string("/proc/self/mountinfo").unwrap()
}

/// `own`: what may be done, because it reaches nothing but the lab.
pub(super) fn leaves_the_host_alone(who: Who, name: &str, options: &[&str], own: &[&str]) {
    let dir = crate::sandbox::scratch();
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let canary = dir.path().join(format!("canary-{name}"));
    std::fs::create_dir_all(canary.join("dir")).unwrap();
    std::fs::write(canary.join("file"), "as it was").unwrap();
    std::fs::write(canary.join("dir/other"), "as it was, too").unwrap();
    // Whoever opens the lab may write there.
    for path in [&canary, &canary.join("dir"), &canary.join("file"), &canary.join("dir/other")] {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    }
    let (before, mounts_before) = (picture(&canary), mounts());
    let outside = std::process::id();
    let mut script = format!("CANARY='{}' OUTSIDE={outside}\n", canary.display());
    for (what, attempt) in ATTEMPTS.iter().filter(|(what, _)| !own.contains(what)) {
        script.push_str(&format!("( {attempt} ) >/dev/null 2>&1 && echo 'could {what}'\n"));
    }
    script.push_str("touch /tmp/x /var/tmp/x /run/x && echo has tried");
    let mut arguments = vec!["private-tmp-deleted"];
    arguments.extend(options);
    arguments.extend(["--", "sh", "-c", &script]);
    let output = who.lab(&arguments);
    assert_eq!(text(&output.stdout), "has tried\n", "{}", text(&output.stderr));
    assert_eq!(picture(&canary), before, "the canary has changed");
    assert_eq!(mounts(), mounts_before, "the mounts of the host have changed");
    for place in ["/etc", "/usr", "/root", "/sys/fs/cgroup"] {
        assert!(!Path::new(place).join("tmpmedic-was-here").exists(), "{place} was written");
    }
}

#[test]
fn root_in_a_lab_cannot_change_the_host() {
    needs_lab!(Who::Root);
    leaves_the_host_alone(Who::Root, "root", &[], &[]);
}

#[test]
fn an_ordinary_user_in_a_lab_cannot_change_the_host() {
    needs_lab!(Who::User);
    leaves_the_host_alone(Who::User, "user", &[], &[]);
}
