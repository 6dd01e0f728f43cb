//! What an errno alone says about temp files, where no wording says more.

use super::causes::{DEAD, DENIED, FULL, MYTHS, TMPDIR};
use super::failure::Failure;
use super::meaning::Row;
use crate::model::errno::Errno;

/// Data was being written, so the file itself could be made.
fn writes(f: &Failure<'_>) -> bool {
    f.says(&[
        "write ",
        "writing",
        "error closing",
        "failed to write",
        "link failed",
        "close failed",
        "copy",
        "shared memory file",
    ])
}

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    Row {
        when: |f| f.is(Errno::ENOSPC) && f.path_text().starts_with("/var/tmp"),
        means: "no room in /var/tmp, to which several tools turn when /tmp does not work",
        points_to: &[&["var-tmp-full", "disk-full", "reserved-blocks", "inodes-exhausted"]],
        excludes: &[DEAD, TMPDIR, DENIED],
    },
    Row {
        when: |f| f.is(Errno::ENOSPC) && writes(f),
        means: "the file could be made but not filled: no room for data",
        points_to: &[&["disk-full", "tmpfs-size", "reserved-blocks", "quota-project", "container-tmp", "cow-fs-metadata"]],
        excludes: &[&["inodes-exhausted", "tmpfs-inodes", "dir-index-full"], DEAD, TMPDIR, DENIED],
    },
    Row {
        when: |f| f.is(Errno::ENOSPC) && f.path.is_some(),
        means: "not even an entry could be made: no inodes, or no room at all",
        points_to: &[&["inodes-exhausted", "tmpfs-inodes", "disk-full", "reserved-blocks", "dir-index-full", "quota-project"]],
        excludes: &[DEAD, TMPDIR, DENIED],
    },
    Row {
        when: |f| f.is(Errno::ENOSPC),
        means: "no room on some file system",
        points_to: &[&["disk-full", "tmpfs-size", "inodes-exhausted", "tmpfs-inodes", "reserved-blocks", "quota-project"]],
        excludes: &[DEAD, TMPDIR, DENIED],
    },
    Row {
        when: |f| f.is(Errno::EDQUOT),
        means: "a quota is used up; the disk itself may be nearly empty",
        points_to: &[&["quota-user-or-group", "quota-project"]],
        excludes: &[&["disk-full", "inodes-exhausted"], DEAD, TMPDIR],
    },
    Row {
        when: |f| f.is(Errno::EROFS),
        means: "the mount is read-only for that process: by its unit or container, after an error of the file system, or because its service started while /tmp was full",
        points_to: &[&["ro-mount", "private-tmp-readonly-fallback", "ro-after-fs-error", "container-tmp"]],
        excludes: &[DEAD, TMPDIR, FULL, &["tmp-wrong-mode-or-owner"]],
    },
    Row {
        when: |f| f.is(Errno::ENOTDIR) && f.is_about_temp(),
        means: "a component of the temp path is a file",
        points_to: &[&["tmpdir-not-a-directory"]],
        excludes: &[DEAD, FULL, DENIED],
    },
    Row {
        when: |f| f.is(Errno::ELOOP) && f.is_about_temp(),
        means: "the temp path is a symbolic link that leads back to itself",
        points_to: &[&["tmpdir-symlink-loop"]],
        excludes: &[DEAD, FULL, DENIED],
    },
    Row {
        when: |f| f.is(Errno::EACCES) && f.is_about_temp(),
        means: "that user may not write there: mode, owner, ACL, a security policy, or an ancestor that may not be passed",
        points_to: &[&["tmp-wrong-mode-or-owner", "root-owned-bind-dir", "acl-deny", "umask-hostile", "protected-sysctl", "mac-denied", "landlock-denied", "nfs-root-squash"]],
        excludes: &[DEAD, FULL, MYTHS, &["tmpdir-missing"]],
    },
    Row {
        when: |f| f.is(Errno::EACCES) && f.says(&["could not open directory", "unlink", "rmdir"]),
        means: "files of an earlier job belong to another user, most often root in a container",
        points_to: &[&["root-owned-bind-dir"]],
        excludes: &[DEAD, FULL],
    },
    Row {
        when: |f| f.is(Errno::EPERM) && f.is_about_temp(),
        means: "forbidden to everybody: an immutable or append-only directory, a system-call filter, or somebody else's entry in a sticky directory",
        points_to: &[&["immutable-or-append", "seccomp-denied"]],
        excludes: &[DEAD, FULL, TMPDIR],
    },
    Row {
        when: |f| f.is(Errno::EIO),
        means: "the device or the file system has failed",
        points_to: &[&["ro-after-fs-error", "cow-fs-metadata", "stale-nfs-handle"]],
        excludes: &[DEAD, TMPDIR, DENIED],
    },
    Row {
        when: |f| f.is(Errno::EMLINK),
        means: "the directory has as many sub-directories as its file system allows",
        points_to: &[&["emlink"]],
        excludes: &[DEAD, TMPDIR, &["disk-full"]],
    },
    Row {
        when: |f| f.is(Errno::EOVERFLOW) && f.is_about_temp(),
        means: "the user is not mapped in the user namespace that owns the mount",
        points_to: &[&["userns-unmapped-id"]],
        excludes: &[DEAD, FULL],
    },
    Row {
        when: |f| f.is_any(&[Errno::EMFILE, Errno::ENFILE]),
        means: "no more file descriptors: not a defect of the temp dir",
        points_to: &[&["fd-or-task-limits"]],
        excludes: &[DEAD, FULL, TMPDIR],
    },
    Row {
        when: |f| f.is(Errno::EAGAIN) && f.says(&["fork", "thread", "clone", "spawn"]),
        means: "no more processes or threads: not a defect of the temp dir",
        points_to: &[&["fd-or-task-limits"]],
        excludes: &[DEAD, FULL, TMPDIR],
    },
    Row {
        when: |f| f.is(Errno::ESTALE) || f.is(Errno::ENOTCONN) && f.path.is_some(),
        means: "the server or the program behind the mount is gone",
        points_to: &[&["stale-nfs-handle", "fs-frozen-or-hung"]],
        excludes: &[DEAD, FULL, TMPDIR],
    },
    Row {
        when: |f| f.is(Errno::EFBIG) || f.says(&["File size limit exceeded", "SIGXFSZ"]),
        means: "the process may not write files of that size",
        points_to: &[&["rlimit-fsize"]],
        excludes: &[DEAD, TMPDIR, &["disk-full"]],
    },
    Row {
        when: |f| f.is(Errno::EXDEV),
        means: "a rename or hard link between two file systems, as after TMPDIR was moved to another one",
        points_to: &[&["cross-device-or-hardlink"]],
        excludes: &[DEAD, FULL],
    },
    Row {
        when: |f| f.says(&["signal: 9, SIGKILL", "exit code 137", "exit code: 137", "exited with code 137"]),
        means: "killed: by a cancelled job, or because files in a tmpfs used up the memory of its cgroup",
        points_to: &[&["tmpfs-memcg-oom"]],
        excludes: &[DEAD, TMPDIR],
    },
    Row {
        when: |f| f.is(Errno::ENOENT) && f.is_about_temp(),
        means: "something in a temp dir is not there: it was removed, or that process sees another directory",
        points_to: &[&["cleaner-live-dir", "tmpdir-missing", "foreign-mount-namespace", "runner-temp-wiped"]],
        excludes: &[FULL, DENIED, MYTHS],
    },
];
