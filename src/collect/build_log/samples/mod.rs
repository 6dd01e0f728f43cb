//! What tools really print, and what must be made of it.

mod across;
mod reports;

use super::*;

/// Reads a log that must have one failing line.
fn one(log: &str) -> LogLine {
    let mut all = read(log.as_bytes());
    assert_eq!(all.len(), 1, "{log}\n{all:#?}");
    all.remove(0)
}

fn shown(path: Option<&RawPath>) -> String {
    path.map(RawPath::shown).unwrap_or_default()
}

/// Line, tool, errno, path, first cause, a cause that must be excluded.
type Sample = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

fn check(samples: &[Sample]) {
    for (text, tool, errno, path, first, excluded) in samples {
        let line = one(text);
        assert_eq!(line.tool, *tool, "{text}");
        assert_eq!(line.errno.map(Errno::name).unwrap_or_default(), *errno, "{text}");
        assert_eq!(shown(line.path.as_ref()), *path, "{text}");
        assert_eq!(line.points_to.first().map(String::as_str).unwrap_or_default(), *first, "{text}");
        assert!(line.excludes.iter().any(|id| id == excluded), "{text}\n{:?}", line.excludes);
        assert!(!line.replayed);
    }
}

#[test]
fn a_deleted_tmp_is_told_by_each_tool_in_its_words() {
    check(&[
        (r#"error: couldn't create a temp dir: No such file or directory (os error 2) at path "/tmp/rustctFhuO8""#, "rustc", "ENOENT", "/tmp/rustctFhuO8", "private-tmp-deleted", "disk-full"),
        ("Cannot create temporary file in /tmp/: No such file or directory", "gcc", "ENOENT", "/tmp/", "private-tmp-deleted", "tmpdir-missing"),
        ("mktemp: failed to create directory via template ‘/tmp/tmp.XXXXXXXXXX’: No such file or directory", "mktemp", "ENOENT", "/tmp/tmp.XXXXXXXXXX", "private-tmp-deleted", "disk-full"),
        ("Error: ENOENT: no such file or directory, mkdtemp '/tmp/x-XXXXXX'", "node", "ENOENT", "/tmp/x-XXXXXX", "private-tmp-deleted", "disk-full"),
        ("go: creating work dir: mkdir /tmp/go-build1234567: no such file or directory", "go", "ENOENT", "/tmp/go-build1234567", "private-tmp-deleted", "tmpdir-missing"),
        ("bash: line 1: cannot create temp file for here-document: No such file or directory", "bash", "ENOENT", "", "private-tmp-deleted", "tmpdir-missing"),
        ("Exception in thread \"main\" java.nio.file.NoSuchFileException: /tmp/x1234", "java", "ENOENT", "/tmp/x1234", "private-tmp-deleted", "tmpdir-missing"),
    ]);
}

#[test]
fn a_wrong_tmpdir_is_told_by_each_tool_in_its_words() {
    check(&[
        (r#"error: couldn't create a temp dir: No such file or directory (os error 2) at path "/nonexistent/dir/rustcA1b2C3""#, "rustc", "ENOENT", "/nonexistent/dir/rustcA1b2C3", "tmpdir-missing", "disk-full"),
        ("mktemp: failed to create directory via template ‘/nope/tmp.XXXXXXXXXX’: No such file or directory", "mktemp", "ENOENT", "/nope/tmp.XXXXXXXXXX", "tmpdir-missing", "inodes-exhausted"),
        ("Error: ENOENT: no such file or directory, mkdtemp '/nope/x-XXXXXX'", "node", "ENOENT", "/nope/x-XXXXXX", "tmpdir-missing", "disk-full"),
        ("go: creating work dir: stat /nonexistent/dir: no such file or directory", "go", "ENOENT", "/nonexistent/dir", "tmpdir-missing", "private-tmp-deleted"),
        (r#"error: couldn't create a temp dir: Not a directory (os error 20) at path "/etc/hostname/rustcA1b2C3""#, "rustc", "ENOTDIR", "/etc/hostname/rustcA1b2C3", "tmpdir-not-a-directory", "disk-full"),
        ("go: creating work dir: mkdir /etc/hostname/go-build1: not a directory", "go", "ENOTDIR", "/etc/hostname/go-build1", "tmpdir-not-a-directory", "disk-full"),
        ("mktemp: failed to create directory via template ‘/loop/tmp.XXXXXXXXXX’: Too many levels of symbolic links", "mktemp", "ELOOP", "/loop/tmp.XXXXXXXXXX", "tmpdir-symlink-loop", "disk-full"),
        ("Error: ELOOP: too many symbolic links encountered, mkdtemp '/loop/x-XXXXXX'", "node", "ELOOP", "/loop/x-XXXXXX", "tmpdir-symlink-loop", "disk-full"),
        ("go: creating work dir: stat \"/tmp\": no such file or directory", "go", "ENOENT", "\"/tmp\"", "tmpdir-literal-syntax", "disk-full"),
        ("go: creating work dir: stat ~/tmp: no such file or directory", "go", "ENOENT", "~/tmp", "tmpdir-literal-syntax", "disk-full"),
        ("Error: ENOENT: no such file or directory, mkdtemp '\"/tmp\"/x-XXXXXX'", "node", "ENOENT", "\"/tmp\"/x-XXXXXX", "tmpdir-literal-syntax", "disk-full"),
        ("sort: cannot create temporary file in 'rel': No such file or directory", "other", "ENOENT", "rel", "tmpdir-relative", "disk-full"),
        ("go: creating work dir: stat rel: no such file or directory", "go", "ENOENT", "rel", "tmpdir-relative", "private-tmp-deleted"),
        ("go: GOTMPDIR must be an absolute path", "go", "", "", "tmpdir-relative", "disk-full"),
        ("sort: cannot create temporary file in '/nope': No such file or directory", "other", "ENOENT", "/nope", "tmpdir-missing", "disk-full"),
    ]);
}

#[test]
fn no_room_is_told_apart_into_data_and_entries() {
    check(&[
        ("error: failed to write /tmp/rustcA1b2C3/lib.rmeta: No space left on device (os error 28)", "rustc", "ENOSPC", "/tmp/rustcA1b2C3/lib.rmeta", "disk-full", "inodes-exhausted"),
        (r#"error: couldn't create a temp dir: No space left on device (os error 28) at path "/tmp/rustcA1b2C3""#, "rustc", "ENOSPC", "/tmp/rustcA1b2C3", "inodes-exhausted", "tmpdir-missing"),
        ("error closing /tmp/ccAbCdEf.s: No space left on device", "gcc", "ENOSPC", "/tmp/ccAbCdEf.s", "disk-full", "inodes-exhausted"),
        ("write /tmp/go-build1/b001/importcfg.link: no space left on device", "go", "ENOSPC", "/tmp/go-build1/b001/importcfg.link", "disk-full", "inodes-exhausted"),
        ("go: creating work dir: mkdir /tmp/go-build1: no space left on device", "go", "ENOSPC", "/tmp/go-build1", "inodes-exhausted", "tmpdir-missing"),
        ("bash: cannot create temp file for here-document: No space left on device", "bash", "ENOSPC", "", "disk-full", "private-tmp-deleted"),
        ("OpenJDK 64-Bit Server VM warning: Insufficient space for shared memory file: /tmp/hsperfdata_ci/42", "java", "ENOSPC", "/tmp/hsperfdata_ci/42", "disk-full", "tmpdir-missing"),
        ("/usr/bin/ld: final link failed: No space left on device", "gcc", "ENOSPC", "", "disk-full", "tmpdir-missing"),
        ("OSError: [Errno 28] No space left on device", "python", "ENOSPC", "", "disk-full", "tmpdir-missing"),
        ("npm ERR! code ENOSPC", "node", "ENOSPC", "", "disk-full", "tmpdir-missing"),
        ("Error: ENOSPC: System limit for number of file watchers reached, watch '/w/src'", "node", "ENOSPC", "/w/src", "", "disk-full"),
        ("error: failed to write file `/w/target/debug/incremental/x/dep-graph.part.bin`: No space left on device (os error 28)", "cargo", "ENOSPC", "/w/target/debug/incremental/x/dep-graph.part.bin", "disk-full", "inodes-exhausted"),
        ("mktemp: failed to create file via template ‘/var/tmp/tmp.XXXXXXXXXX’: No space left on device", "mktemp", "ENOSPC", "/var/tmp/tmp.XXXXXXXXXX", "var-tmp-full", "tmpdir-missing"),
        ("cp: error writing '/tmp/x': Disk quota exceeded", "other", "EDQUOT", "/tmp/x", "quota-user-or-group", "disk-full"),
    ]);
}

#[test]
fn refusals_are_told_apart_by_errno() {
    check(&[
        (r#"error: couldn't create a temp dir: Permission denied (os error 13) at path "/tmp/rustcA1b2C3""#, "rustc", "EACCES", "/tmp/rustcA1b2C3", "tmp-wrong-mode-or-owner", "private-tmp-deleted"),
        (r#"error: couldn't create a temp dir: Operation not permitted (os error 1) at path "/tmp/rustcA1b2C3""#, "rustc", "EPERM", "/tmp/rustcA1b2C3", "immutable-or-append", "disk-full"),
        ("go: creating work dir: mkdir /tmp/go-build1: read-only file system", "go", "EROFS", "/tmp/go-build1", "ro-mount", "private-tmp-deleted"),
        ("java.nio.file.FileSystemException: /tmp/x1: Read-only file system", "java", "EROFS", "/tmp/x1", "ro-mount", "disk-full"),
        ("fork/exec /tmp/go-build1/b001/exe/m: permission denied", "go", "EACCES", "/tmp/go-build1/b001/exe/m", "noexec-tmp", "private-tmp-deleted"),
        ("java.lang.UnsatisfiedLinkError: /tmp/jna-1/jna2.tmp: failed to map segment from shared object: Operation not permitted", "java", "EPERM", "/tmp/jna-1/jna2.tmp", "noexec-tmp", "disk-full"),
        ("/bin/bash: /dev/null: Permission denied", "bash", "EACCES", "/dev/null", "dev-null-not-a-device", "disk-full"),
        ("mkdir: cannot create directory '/tmp/x': Value too large for defined data type", "other", "EOVERFLOW", "/tmp/x", "userns-unmapped-id", "disk-full"),
        ("mkdir: cannot create directory '/tmp/x': Too many links", "other", "EMLINK", "/tmp/x", "emlink", "disk-full"),
        ("touch: cannot touch '/tmp/x': Input/output error", "other", "EIO", "/tmp/x", "ro-after-fs-error", "tmpdir-missing"),
        ("error: I/O error in runtime dir `/run/user/1000/just`: Permission denied (os error 13)", "other", "EACCES", "/run/user/1000/just", "xdg-runtime-dir-gone", "disk-full"),
        ("sccache: error: path must be shorter than libc::sockaddr_un.sun_path", "sccache", "", "", "path-too-long", "disk-full"),
        ("error: rename failed: Invalid cross-device link (os error 18)", "other", "EXDEV", "", "cross-device-or-hardlink", "disk-full"),
        ("warning: could not open directory 'target/debug/': Permission denied", "other", "EACCES", "target/debug/", "tmp-wrong-mode-or-owner", "disk-full"),
        ("Error: EACCES: permission denied, unlink '/home/ci/_work/repo/repo/x'", "node", "EACCES", "/home/ci/_work/repo/repo/x", "tmp-wrong-mode-or-owner", "disk-full"),
    ]);
}

#[test]
fn the_target_directory_is_told_from_the_temp_dir() {
    check(&[
        (r#"error: couldn't create a temp dir: No such file or directory (os error 2) at path "/w/target/debug/deps/rmetaA1b2C3""#, "rustc", "ENOENT", "/w/target/debug/deps/rmetaA1b2C3", "bind-source-deleted", "tmpdir-missing"),
        (r#"error: couldn't create a temp dir: No such file or directory (os error 2) at path "/w/target/debug/deps/rustcA1b2C3""#, "rustc", "ENOENT", "/w/target/debug/deps/rustcA1b2C3", "bind-source-deleted", "private-tmp-deleted"),
        (r#"error: couldn't create a temp dir: Permission denied (os error 13) at path "/w/target/debug/deps/rmetaA1b2C3""#, "rustc", "EACCES", "/w/target/debug/deps/rmetaA1b2C3", "root-owned-bind-dir", "bind-source-deleted"),
        ("error: error writing dependencies to `/w/target/debug/deps/c-1a2b.d`: Permission denied (os error 13)", "rustc", "EACCES", "/w/target/debug/deps/c-1a2b.d", "tmp-wrong-mode-or-owner", "private-tmp-deleted"),
    ]);
}

#[test]
fn a_working_directory_that_is_gone_is_told_by_each_tool() {
    for (text, tool) in [
        ("error: Current directory is invalid: No such file or directory (os error 2)", "rustc"),
        ("error: couldn't get the current directory of the process\n\nCaused by:\n  No such file or directory (os error 2)", "cargo"),
        ("fatal: Unable to read current working directory: No such file or directory", "other"),
        ("shell-init: error retrieving current directory: getcwd: cannot access parent directories: No such file or directory", "bash"),
        ("go: cannot determine current directory: getwd: no such file or directory", "go"),
        ("Error: ENOENT: no such file or directory, uv_cwd", "node"),
        ("error: Unable to proceed. Could not locate working directory.\n\nCaused by:\n    No such file or directory (os error 2)", "other"),
    ] {
        let line = one(text);
        assert_eq!((line.tool.as_str(), line.points_to[0].as_str()), (tool, "cwd-deleted"), "{text}");
        assert_eq!(line.errno, Some(Errno::ENOENT), "{text}");
    }
    let vm = one(
        "Error occurred during initialization of VM\njava.lang.Error: Properties init: Could not determine current working directory.",
    );
    assert_eq!((vm.tool.as_str(), vm.points_to[0].as_str()), ("java", "cwd-deleted"));
}

#[test]
fn what_is_no_failure_of_a_temp_dir_is_left_alone() {
    let log = concat!(
        "   Compiling errno v0.3.8\n   Compiling tempfile v3.10.0\n",
        "test tempdir_not_found ... ok\ntest io::no_such_file_or_directory ... ok\n",
        "warning: unused variable: `temp_dir`\n  --> src/error/no_space_left.rs:3:9\n",
        "12 |     return Err(\"No such file or directory\");\n",
        "copying /w/src/error/handler.rs to /w/out/error/handler.rs\n",
        "cat: config.yml: No such file or directory\n",
        "error[E0432]: unresolved import `tempfile`\n",
        "git@example.org: Permission denied (publickey).\n",
        "FileNotFoundError: [Errno 2] No such file or directory: 'config.yml'\n",
        "curl: (7) Failed to connect to localhost port 4226: Connection refused\n",
        "+ mkdir /tmp/x: No such file or directory\n",
        "\u{1b}[36;1mmktemp -d || echo 'mktemp: failed to create directory: No such file or directory'\u{1b}[0m\n",
        "Downloading temp 10%\rDownloading temp 100%\n",
        "thread 'main' panicked at src/main.rs:3:5:\nerror: test failed, to rerun pass `--lib`\n",
        "error: failed to run custom build command for `foo v1.0.0`\n\nCaused by:\n  process didn't exit successfully: `/w/build-script-build` (exit status: 101)\n",
    );
    let all = read(log.as_bytes());
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn prefixes_colours_and_odd_bytes_change_nothing_but_the_text() {
    let bare = one(
        r#"error: couldn't create a temp dir: No such file or directory (os error 2) at path "/tmp/rustctFhuO8""#,
    );
    let dressed = one(
        "2026-01-22T20:40:00.1234567Z \u{1b}[1m\u{1b}[31merror\u{1b}[0m\u{1b}[1m: couldn't create a temp dir: No such file or directory (os error 2) at path \"/tmp/rustctFhuO8\"\u{1b}[0m\r",
    );
    assert_eq!(
        (&dressed.tool, dressed.errno, &dressed.path, &dressed.means),
        (&bare.tool, bare.errno, &bare.path, &bare.means)
    );
    let odd = read(b"mktemp: failed to create file via template '/tmp/\xff\xfe/tmp.XXXXXXXXXX': No such file or directory\n".as_slice());
    assert_eq!(odd[0].path, Some(RawPath::new(b"/tmp/\xff\xfe/tmp.XXXXXXXXXX".as_slice())));
}

#[test]
fn other_known_incidents_are_recognised() {
    for (text, first) in [
        (r#"error: couldn't create a temp dir: No such file or directory (os error 2) at path "/tmp/nix-shell.s7uxvf/rustcoG5wgG""#, "nix-shell-tmpdir-gone"),
        ("mktemp: failed to create directory via template '/tmp/user/1000/tmp.XXXXXXXXXX': No such file or directory", "pam-per-user-tmpdir-gone"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/tmp/pytest-of-ci/pytest-0/popen-gw3'", "pytest-basetemp-reaped"),
        ("FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp', '/var/tmp', '/usr/tmp', '/w']", "no-tmp-in-image"),
        ("OSError: The temporary directory /tmp/pytest-of-ci is not owned by the current user. Fix this and try again.", "tmp-wrong-mode-or-owner"),
        ("unable to prepare context: path \"/tmp/x\" not found", "snap-or-flatpak-private-tmp"),
        ("Error: stat /tmp: no such file or directory", "no-tmp-in-image"),
        ("x.service: Failed to set up mount namespacing: /tmp: No such file or directory", "systemd-226-namespace"),
        (r#"error creating temp directory: No such file or directory (os error 2) at path "/root/.tmp/rustup-update39ii7V""#, "tmpdir-missing"),
        ("ENOENT: no such file or directory, open '/home/ci/_work/_temp/1/x.json'", "runner-temp-wiped"),
        ("error: failed to remove file `/w/target/debug/deps/x-1.x.rcgu.o`: No such file or directory (os error 2)", "shared-target-cancel-race"),
        ("fatal: unable to create temp-file: No such file or directory", "tmpdir-missing"),
        ("FATAL: corrupt installation: file '/tmp/_bazel_ci/install/x/y' is missing or modified", "cleaner-live-dir"),
        ("process didn't exit successfully: `rustc --crate-name x` (signal: 9, SIGKILL: kill)", "tmpfs-memcg-oom"),
    ] {
        let line = one(text);
        assert!(line.points_to.iter().take(2).any(|id| id == first), "{text}\n{line:#?}");
    }
}
