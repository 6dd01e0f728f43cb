//! What tools really print, and what must be made of it.

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
fn an_error_below_its_header_is_one_failure() {
    let line = one(
        "error: failed to create directory `/workspace/target/debug`\n\nCaused by:\n  No such file or directory (os error 2)\n",
    );
    assert_eq!((line.line, line.tool.as_str(), line.errno), (1, "cargo", Some(Errno::ENOENT)));
    assert_eq!(shown(line.path.as_ref()), "/workspace/target/debug");
    assert_eq!(line.points_to[0], "bind-source-deleted");
    assert!(line.excludes.contains(&"root-owned-bind-dir".to_owned()));
    assert!(line.text.shown().starts_with("error: failed to create directory"));

    let line = one(
        "error: failed to create directory `/workspace/target/debug`\n\nCaused by:\n  Permission denied (os error 13)\n",
    );
    assert_eq!(line.points_to[0], "root-owned-bind-dir");
    assert!(line.excludes.contains(&"bind-source-deleted".to_owned()));
}

#[test]
fn the_innermost_cause_names_the_path() {
    let line = one(concat!(
        "error: failed to download replaced source registry `crates-io`\n\nCaused by:\n  failed to unpack package `serde v1.0.0`\n\nCaused by:\n",
        "  failed to open `/root/.cargo/registry/src/index.crates.io-1/serde-1.0.0/.cargo-ok`\n\nCaused by:\n  File exists (os error 17)\n",
    ));
    assert_eq!(line.errno, Some(Errno::EEXIST));
    assert_eq!(line.points_to[0], "cargo-registry-split-lock");
}

#[test]
fn noexec_is_told_below_could_not_execute() {
    let line = one(
        "error: could not execute process `/tmp/cargo-installu0mC1y/release/build/x-1/build-script-build` (never executed)\n\nCaused by:\n  Permission denied (os error 13)\n",
    );
    assert_eq!(line.points_to[0], "noexec-tmp");
    assert_eq!(line.tool, "cargo");
}

#[test]
fn a_crate_whose_files_are_missing_is_told_from_a_temp_dir() {
    let line = one(
        "error: couldn't read '/root/.cargo/registry/src/index.crates.io-1/serde-1.0.0/src/lib.rs': No such file or directory (os error 2)\n",
    );
    assert_eq!(line.points_to[0], "cargo-registry-half-extracted");
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
fn the_dump_of_an_error_is_part_of_it() {
    let line = one(concat!(
        "node:fs:3005\n  return binding.mkdtemp(prefix, options.encoding);\n                 ^\n\n",
        "Error: EROFS: read-only file system, mkdtemp '/tmp/x-XXXXXX'\n    at Object.mkdtempSync (node:fs:3005:18) {\n",
        "  errno: -30,\n  code: 'EROFS',\n  syscall: 'mkdtemp',\n  path: '/tmp/x-XXXXXX'\n}\n",
    ));
    assert_eq!((line.line, line.points_to[0].as_str()), (5, "ro-mount"));
}

#[test]
fn a_linker_that_fails_in_rustcs_note_is_gcc() {
    let line = one("error: linking with `cc` failed: signal: 6 (SIGABRT)\n  |\n  = note:  \"cc\" \"-m64\" \"/w/m/rustclC9oCe/symbols.o\"\n  = note: Cannot create temporary file in /tmp/: No such file or directory\n          \n\nerror: aborting due to 1 previous error\n");
    assert_eq!((line.line, line.tool.as_str(), line.points_to[0].as_str()), (4, "gcc", "private-tmp-deleted"));
}

#[test]
fn sccache_speaks_of_its_server() {
    let log = "sccache: error: Failed to create temp dir\nsccache: caused by: No such file or directory (os error 2) at path \"/tmp/sccacheDSfHk4\"\n";
    let line = one(log);
    assert_eq!((line.line, line.tool.as_str(), line.errno), (2, "sccache", Some(Errno::ENOENT)));
    assert_eq!(line.points_to[0], "daemon-stale-namespace");
    let line = one(r#"error: Compiler not supported: "failed to write temporary file""#);
    assert_eq!((line.tool.as_str(), line.points_to[0].as_str()), ("sccache", "daemon-stale-namespace"));
}

const QUERY: &str = concat!(
    "error: process didn't exit successfully: `/usr/bin/sccache /usr/bin/rustc -vV` (exit status: 2)\n--- stderr\n",
    "sccache: error: No such file or directory (os error 2) at path \"/nope/sccachePgVrVp\"\n\n",
);

#[test]
fn a_failed_query_for_the_compilers_version_points_to_cargos_record() {
    let line = one(QUERY);
    assert_eq!((line.line, line.tool.as_str()), (3, "sccache"));
    assert_eq!(line.points_to[0], "cargo-cached-failure");
    assert!(!line.replayed, "the first time it may be new");
}

#[test]
fn the_same_random_name_in_the_next_run_is_a_replay() {
    let all = read(QUERY.repeat(3).as_bytes());
    assert_eq!(all.iter().map(|l| l.replayed).collect::<Vec<_>>(), [false, true, true]);
    assert!(all[1].means.contains("sccachePgVrVp") && all[1].means.contains("line 3"), "{}", all[1].means);
    assert_eq!(all[1].points_to[0], "cargo-cached-failure");
}

#[test]
fn the_same_random_name_nested_in_one_report_is_no_replay() {
    let log = concat!(
        "error: failed to run `rustc` to learn about target-specific information\n\nCaused by:\n",
        "  process didn't exit successfully: `sccache rustc - --crate-name ___ --print=file-names` (exit status: 2)\n  --- stderr\n",
        "  sccache: error: No such file or directory (os error 2) at path \"/nope/sccachePgVrVp\"\n",
        "  sccache: caused by: No such file or directory (os error 2) at path \"/nope/sccachePgVrVp\"\n",
    );
    let all = read(log.as_bytes());
    assert_eq!(all.iter().map(|l| (l.line, l.replayed)).collect::<Vec<_>>(), [(6, false), (7, false)]);
    let all = read(log.repeat(2).as_bytes());
    assert_eq!(all.iter().map(|l| l.replayed).collect::<Vec<_>>(), [false, false, true, true]);
}

#[test]
fn another_random_name_is_another_failure() {
    let line = |name: &str| {
        format!(
            "error: couldn't create a temp dir: No such file or directory (os error 2) at path \"/tmp/rustc{name}\"\nerror: could not compile `x`\n"
        )
    };
    let all = read(format!("{}{}", line("AAAAA1"), line("BBBBB2")).as_bytes());
    assert!(all.iter().all(|l| !l.replayed) && all.len() == 2);
    let all = read(format!("{}   Compiling x v0.1.0\n{}", line("AAAAA1"), line("AAAAA1")).as_bytes());
    assert_eq!(all.iter().map(|l| l.replayed).collect::<Vec<_>>(), [false, true]);
    assert!(!all[1].points_to.contains(&"cargo-cached-failure".to_owned()), "cargo's queries make no such dir");
}

#[test]
fn gcc_that_fails_too_shows_that_the_directory_is_dead() {
    let log = concat!(
        "mktemp: failed to create directory via template ‘/scratch/tmp.XXXXXXXXXX’: No such file or directory\n",
        "Cannot create temporary file in /scratch/: No such file or directory\n",
    );
    let all = read(log.as_bytes());
    assert_eq!(all[0].points_to[0], "private-tmp-deleted");
    assert!(all[0].excludes.contains(&"tmpdir-missing".to_owned()));
    assert!(!all[0].points_to.contains(&"tmpdir-missing".to_owned()));
    assert!(all[0].means.contains("line 2 (gcc)"), "{}", all[0].means);
}

#[test]
fn go_that_says_stat_shows_that_the_directory_is_missing() {
    let log = concat!(
        "error: couldn't create a temp dir: No such file or directory (os error 2) at path \"/tmp/rustcA1b2C3\"\n",
        "go: creating work dir: stat /tmp: no such file or directory\n",
    );
    let all = read(log.as_bytes());
    assert_eq!(all[0].points_to[0], "no-tmp-in-image");
    assert!(all[0].excludes.contains(&"private-tmp-deleted".to_owned()));
}

#[test]
fn two_tools_that_trust_tmpdir_agree_that_it_is_wrong() {
    let log = concat!(
        "mktemp: failed to create directory via template ‘/nope/tmp.XXXXXXXXXX’: No such file or directory\n",
        "Error: ENOENT: no such file or directory, mkdtemp '/nope/x-XXXXXX'\n",
    );
    let all = read(log.as_bytes());
    assert!(all.iter().all(|line| line.means.contains("TMPDIR is wrong rather than /tmp")), "{all:#?}");
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
