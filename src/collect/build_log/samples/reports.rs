//! Failures that a tool tells over several lines: one failure each, put down to the line that says most.

use super::*;

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
fn a_crate_whose_files_are_missing_is_told_from_a_temp_dir() {
    let line = one(
        "error: couldn't read '/root/.cargo/registry/src/index.crates.io-1/serde-1.0.0/src/lib.rs': No such file or directory (os error 2)\n",
    );
    assert_eq!(line.points_to[0], "cargo-registry-half-extracted");
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
