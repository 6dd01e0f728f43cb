//! What lines say of each other: an old failure that is printed again, and a cause that another tool rules out.

use super::*;

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
