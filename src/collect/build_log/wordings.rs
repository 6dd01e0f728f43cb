//! Wordings and what they mean, most specific first.
//!
//! Each row says which lines it is about, what they mean, which causes fit and which are out. Facts about tools are
//! observed or from their sources, as the runbook pages cite them; `errors` holds what the errno alone says.

use super::causes::{DEAD, DENIED, FULL, MYTHS, TMPDIR};
use super::failure::Failure;
use super::meaning::{Row, makes_temp};
use super::path;
use super::tool::Tool;
use crate::model::errno::Errno;

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    Row {
        when: |f| f.says(&["Current directory is invalid", "current directory of the process", "retrieving current directory", "cannot determine current directory", "read current working directory", "determine current working directory", "locate working directory", "uv_cwd", "getwd: no such"]),
        means: "the working directory of that process was removed under it",
        points_to: &[&["cwd-deleted", "workspace-wiped-under-build"]],
        excludes: &[FULL, DENIED, &["tmpdir-missing"]],
    },
    Row {
        when: |f| f.path_text() == "/dev/null" && f.is_any(&[Errno::EACCES, Errno::EPERM]),
        means: "/dev/null refuses to be written: it is no character device any more, or has lost its mode",
        points_to: &[&["dev-null-not-a-device"]],
        excludes: &[DEAD, TMPDIR, FULL],
    },
    Row {
        when: |f| f.is(Errno::ENOSPC) && f.says(&["file watchers", "inotify"]),
        means: "no more inotify watches: nothing is full, the text is merely the same",
        points_to: &[],
        excludes: &[FULL],
    },
    Row {
        when: |f| f.says(&["226/NAMESPACE", "set up mount namespacing"]),
        means: "systemd could not build the unit's view of the file system: the source of its /tmp is gone or hidden",
        points_to: &[&["systemd-226-namespace", "private-tmp-deleted", "overmounted-tmp"]],
        excludes: &[TMPDIR, FULL],
    },
    Row {
        when: |f| f.is(Errno::ENAMETOOLONG) || f.says(&["SUN_LEN", "sun_path", "AF_UNIX path too long", "socket path too long", "Unix-domain socket path"]),
        means: "the temp path is too long: a unix socket's path may have 107 bytes, a name 255",
        points_to: &[&["path-too-long"]],
        excludes: &[DEAD, FULL, DENIED],
    },
    Row {
        when: |f| f.is(Errno::EACCES) && f.says(&["fork/exec ", "never executed", "could not execute process", "execution error"]) || f.says(&["failed to map segment from shared object"]),
        means: "the file is there and may not be executed: its mount is noexec, or its mode forbids it",
        points_to: &[&["noexec-tmp", "mac-denied"]],
        excludes: &[DEAD, TMPDIR, FULL],
    },
    Row {
        when: |f| is_in_target(f) && f.is(Errno::ENOENT),
        means: "the compiler's scratch in the target directory could not be made: the target directory is the trouble, no TMPDIR will help",
        points_to: &[&["bind-source-deleted", "shared-target-cancel-race", "workspace-wiped-under-build", "overlay-upper-gone"]],
        excludes: &[TMPDIR, &["private-tmp-deleted", "no-tmp-in-image"], FULL, DENIED, MYTHS],
    },
    Row {
        when: |f| is_in_target(f) && f.is_any(&[Errno::EACCES, Errno::EPERM]),
        means: "the compiler may not write to the target directory; no TMPDIR will help",
        points_to: &[&["root-owned-bind-dir", "acl-deny", "immutable-or-append", "mac-denied"]],
        excludes: &[TMPDIR, DEAD, FULL],
    },
    Row {
        when: |f| is_in_target(f) && f.is_any(&[Errno::ENOSPC, Errno::EDQUOT]),
        means: "the file system of the target directory has no room; no TMPDIR will help",
        points_to: &[&["disk-full", "inodes-exhausted", "reserved-blocks", "quota-project", "container-tmp"]],
        excludes: &[TMPDIR, DEAD, &["tmpfs-size", "tmpfs-inodes", "var-tmp-full"]],
    },
    Row {
        when: |f| f.says(&[".cargo-ok"]) && f.is(Errno::EEXIST),
        means: "two cargos unpack the same crate at the same time: they do not share a lock",
        points_to: &[&["cargo-registry-split-lock", "cargo-registry-half-extracted"]],
        excludes: &[TMPDIR, DEAD],
    },
    Row {
        when: |f| is_registry(f) && f.is(Errno::ENOENT),
        means: "a file of an unpacked crate is missing: the extraction was cut short or cleaned in part",
        points_to: &[&["cargo-registry-half-extracted", "mtime-preserved-extraction", "cargo-registry-split-lock"]],
        excludes: &[TMPDIR, DENIED, &["private-tmp-deleted"]],
    },
    Row {
        when: |f| f.tool == Tool::Cargo && f.says(&["failed to unpack"]),
        means: "a downloaded crate is cut short or is being unpacked by another cargo",
        points_to: &[&["cargo-registry-half-extracted", "cargo-registry-split-lock", "disk-full"]],
        excludes: &[TMPDIR],
    },
    Row {
        when: |f| is_registry(f) && f.is(Errno::EACCES),
        means: "the cargo registry belongs to somebody else",
        points_to: &[&["root-owned-bind-dir", "acl-deny"]],
        excludes: &[TMPDIR, DEAD, FULL],
    },
    Row {
        when: |f| f.tool == Tool::Sccache && f.in_query,
        means: "cargo asked for the compiler's version and got this; cargo records such failures and prints them again without running anything",
        points_to: &[&["cargo-cached-failure", "daemon-stale-env", "daemon-stale-namespace", "tmpdir-missing"]],
        excludes: &[MYTHS],
    },
    Row {
        when: |f| f.in_query,
        means: "cargo could not ask the compiler for its version; cargo records such failures and prints them again without running anything",
        points_to: &[&["cargo-cached-failure", "daemon-stale-namespace", "daemon-stale-env"]],
        excludes: &[MYTHS],
    },
    Row {
        when: |f| f.tool == Tool::Sccache && f.says(&["failed to start server", "start server process"]) && f.is(Errno::ENOENT),
        means: "the sccache client could not make its own temp dir, in which it waits for the server",
        points_to: &[&["tmpdir-missing", "private-tmp-deleted", "no-tmp-in-image"]],
        excludes: &[FULL, DENIED, MYTHS, &["daemon-stale-env"]],
    },
    Row {
        when: |f| f.tool == Tool::Sccache && (f.is(Errno::ENOENT) || f.says(&["failed to write temporary file"])),
        means: "the sccache server could not make a temp dir: its TMPDIR and its namespace count, not those of the build",
        points_to: &[&["daemon-stale-namespace", "daemon-stale-env", "cargo-cached-failure", "private-tmp-deleted", "tmpdir-missing"]],
        excludes: &[FULL, DENIED, MYTHS],
    },
    Row {
        when: |f| f.path_text().contains("/nix-shell") && f.is(Errno::ENOENT),
        means: "the temp dir of a nix shell that has ended is still in the environment",
        points_to: &[&["nix-shell-tmpdir-gone", "tmpdir-missing"]],
        excludes: &[FULL, DENIED, MYTHS],
    },
    Row {
        when: |f| f.path_text().starts_with("/tmp/user/") && f.is_any(&[Errno::ENOENT, Errno::EACCES]),
        means: "the per-user temp dir that a login made is gone or belongs to another user",
        points_to: &[&["pam-per-user-tmpdir-gone", "tmpdir-missing"]],
        excludes: &[FULL, MYTHS],
    },
    Row {
        when: |f| f.path_text().starts_with("/run/user/") && f.is_any(&[Errno::ENOENT, Errno::EACCES]),
        means: "the runtime directory of a login is gone, or part of it belongs to another user",
        points_to: &[&["xdg-runtime-dir-gone", "noexec-tmp", "tmpdir-missing"]],
        excludes: &[FULL, MYTHS],
    },
    Row {
        when: |f| f.path_text().contains("pytest-of-") && f.is(Errno::ENOENT),
        means: "a temp tree of pytest vanished while tests ran",
        points_to: &[&["pytest-basetemp-reaped", "cleaner-live-dir", "tmpdir-missing"]],
        excludes: &[FULL, DENIED, MYTHS],
    },
    Row {
        when: |f| f.says(&["is not owned by the current user"]),
        means: "pytest's base directory belongs to another user",
        points_to: &[&["tmp-wrong-mode-or-owner", "root-owned-bind-dir"]],
        excludes: &[DEAD, FULL],
    },
    Row {
        when: |f| (f.path_text().contains("/_temp/") || f.path_text().contains("/.cache/act/")) && f.is(Errno::ENOENT),
        means: "the runner's scratch was emptied, as it is at the start and the end of each job",
        points_to: &[&["runner-temp-wiped", "tmpdir-missing", "workspace-wiped-under-build"]],
        excludes: &[FULL, DENIED, MYTHS],
    },
    Row {
        when: |f| f.is(Errno::ENOENT) && is_odd(f.path_text()),
        means: "the value of TMPDIR has quotes, a tilde or an unexpanded variable in it",
        points_to: &[&["tmpdir-literal-syntax", "tmpdir-missing"]],
        excludes: &[DEAD, FULL, DENIED, MYTHS],
    },
    Row {
        when: |f| f.says(&["GOTMPDIR must be an absolute path"]) || f.is(Errno::ENOENT) && makes_temp(f) && f.path.is_some_and(|p| !p.starts_with('/')),
        means: "the value of TMPDIR is relative, so it means another directory in each process",
        points_to: &[&["tmpdir-relative", "tmpdir-missing"]],
        excludes: &[DEAD, FULL, DENIED, MYTHS],
    },
    Row {
        when: |f| f.says(&["No usable temporary directory"]),
        means: "Python tried TMPDIR, TEMP, TMP, /tmp, /var/tmp, /usr/tmp and the working directory, and could write to none: no single bad TMPDIR does that",
        points_to: &[&["no-tmp-in-image", "ro-mount", "disk-full", "private-tmp-deleted", "tmp-wrong-mode-or-owner", "landlock-denied"]],
        excludes: &[TMPDIR, MYTHS],
    },
    Row {
        when: |f| f.is_go_stat() && f.is(Errno::ENOENT) && is_tmp_itself(f),
        means: "go looked for the temp dir and it is not there at all",
        points_to: &[&["no-tmp-in-image", "tmp-mount-missing", "systemd-226-namespace"]],
        excludes: &[DEAD, FULL, DENIED, MYTHS, &["tmpdir-missing"]],
    },
    Row {
        when: |f| f.is_go_stat() && f.is(Errno::ENOENT) && f.says(&["work dir", "TMPDIR", "temp"]),
        means: "go looked for its temp dir and it does not exist: TMPDIR, GOTMPDIR or `go env -w` names nothing",
        points_to: &[&["tmpdir-missing", "tmpdir-dangling-symlink", "persisted-tool-env", "runner-temp-wiped", "no-tmp-in-image"]],
        excludes: &[DEAD, FULL, DENIED, MYTHS],
    },
    Row {
        when: |f| f.tool == Tool::Go && f.is(Errno::ENOENT) && f.says(&["mkdir "]) && path::file_name(f.path_text()).starts_with("go-build"),
        means: "go could not make its work directory, yet the parent exists (it says `stat` where it does not): the parent is a deleted directory",
        points_to: &[DEAD],
        excludes: &[&["no-tmp-in-image"], TMPDIR, FULL, DENIED, MYTHS],
    },
    Row {
        when: |f| f.tool == Tool::Gcc && f.is(Errno::ENOENT) && f.says(&["temporary file in"]),
        means: "the compiler driver had chosen a temp dir that passes access(2) and still refuses new files: it is a deleted directory",
        points_to: &[DEAD],
        excludes: &[TMPDIR, &["no-tmp-in-image"], FULL, DENIED, MYTHS],
    },
    Row {
        when: |f| f.tool == Tool::Bash && f.is(Errno::ENOENT) && f.says(&["here-document"]),
        means: "bash found no usable temp dir although it tries /tmp and /var/tmp after TMPDIR: the directories themselves are dead or missing",
        points_to: &[DEAD, &["no-tmp-in-image"]],
        excludes: &[TMPDIR, FULL, DENIED, MYTHS],
    },
    Row {
        when: |f| f.tool == Tool::Docker && f.says(&["unable to prepare context", "lstat /tmp"]),
        means: "the container engine sees another /tmp than the shell that called it",
        points_to: &[&["snap-or-flatpak-private-tmp", "foreign-mount-namespace"]],
        excludes: &[FULL, DENIED],
    },
    Row {
        when: |f| f.is(Errno::ENOENT) && f.says(&["stat /tmp:", "stat /tmp "]),
        means: "there is no /tmp at all in that root directory",
        points_to: &[&["no-tmp-in-image", "tmp-mount-missing"]],
        excludes: &[DEAD, FULL, DENIED],
    },
    Row {
        when: |f| f.tool == Tool::Java && f.is(Errno::ENOENT) && is_plain_tmp(f),
        means: "Java could not make a file in java.io.tmpdir, which is /tmp whatever TMPDIR says",
        points_to: &[DEAD, &["no-tmp-in-image", "tool-ignores-tmpdir"]],
        excludes: &[TMPDIR, FULL, DENIED, MYTHS],
    },
    Row {
        when: |f| f.tool == Tool::Cargo && f.is(Errno::ENOENT) && f.says(&["failed to create directory"]),
        means: "cargo could not make its output directory although it makes missing parents: the directory above is dead",
        points_to: &[&["bind-source-deleted", "overlay-upper-gone", "workspace-wiped-under-build", "cwd-deleted"]],
        excludes: &[&["root-owned-bind-dir"], TMPDIR, FULL, DENIED, MYTHS],
    },
    Row {
        when: |f| f.tool == Tool::Cargo && f.is(Errno::EACCES),
        means: "cargo may not write there: the directory belongs to somebody else",
        points_to: &[&["root-owned-bind-dir", "acl-deny", "mac-denied"]],
        excludes: &[DEAD, TMPDIR, FULL],
    },
    Row {
        when: |f| f.is(Errno::ENOENT) && makes_temp(f) && is_plain_tmp(f),
        means: "the directory exists for that process but is dead, is missing in its root, or is another one than yours",
        points_to: &[DEAD, &["no-tmp-in-image", "daemon-stale-namespace", "foreign-mount-namespace"]],
        excludes: &[FULL, DENIED, MYTHS],
    },
    Row {
        when: |f| f.is(Errno::ENOENT) && makes_temp(f),
        means: "the temp dir that the environment names does not exist for that process",
        points_to: &[&["tmpdir-missing", "tmpdir-dangling-symlink", "daemon-stale-namespace", "runner-temp-wiped", "bind-source-deleted"]],
        excludes: &[FULL, DENIED, MYTHS],
    },
    Row {
        when: |f| f.is(Errno::ENOENT) && f.says(&[".rcgu.o", "/deps/", "failed to remove"]),
        means: "a file that the compiler had just made is gone: somebody else works on or cleans the same target directory",
        points_to: &[&["shared-target-cancel-race", "workspace-wiped-under-build", "cleaner-live-dir"]],
        excludes: &[TMPDIR, FULL, DENIED, MYTHS],
    },
    Row {
        when: |f| f.says(&["corrupt installation"]),
        means: "part of bazel's install base was removed, most often by a cleaner that goes by age",
        points_to: &[&["cleaner-live-dir", "clock-skew"]],
        excludes: &[TMPDIR],
    },
    Row {
        when: |f| f.says(&["java.io.tmpdir directory does not exist"]),
        means: "the directory of -Djava.io.tmpdir does not exist; Java never makes it",
        points_to: &[&["persisted-tool-env", "tool-ignores-tmpdir"]],
        excludes: &[FULL, DENIED],
    },
    Row {
        when: |f| f.says(&["could not find a temporary directory"]),
        means: "Ruby refuses every candidate: it also refuses a directory that is world-writable without the sticky bit",
        points_to: &[&["tmp-wrong-mode-or-owner", "no-tmp-in-image"]],
        excludes: &[MYTHS],
    },
];

fn is_in_target(f: &Failure<'_>) -> bool {
    let name = path::random_suffix(f.path_text()).unwrap_or_default();
    let scratch = path::suffix(name, "rmeta").or_else(|| path::suffix(name, "rustc")).is_some();
    scratch
        && (name.starts_with("rmeta")
            || f.path_text().contains("/deps/")
            || f.path_text().contains("/target/"))
}

fn is_registry(f: &Failure<'_>) -> bool {
    ["/registry/src/", "/registry/cache/"].iter().any(|part| f.path_text().contains(part))
}

fn is_plain_tmp(f: &Failure<'_>) -> bool {
    matches!(f.dir(), "/tmp" | "/var/tmp")
}

fn is_odd(path: &str) -> bool {
    path.starts_with(['"', '\'', '~', '$', '%'])
        || path.contains("/~/")
        || path.contains("${")
        || path.starts_with("null/")
}

fn is_tmp_itself(f: &Failure<'_>) -> bool {
    matches!(path::trimmed(f.path_text()), "/tmp" | "/var/tmp")
}
