//! Live processes that name an entry: in a variable, or on their command line.
//!
//! A name is taken as the namespace and root of the process have it. It ends at a `/` or at a byte by which shells and
//! programs part words, so that `/tmp/go-build12` names no `go-build1`; where a name itself may hold such a byte, each
//! reading of it is claimed. A bare name without its directory counts where the process sees the directory and the name is
//! unlikely to mean anything else: ten bytes or more, with a letter and a digit in it. What the command lines of our own
//! ancestors name (`sudo`, `ssh`, the shell that started us) they name because we were asked to deal with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use memchr::memmem;

use super::Scene;
use super::claims::Claims;
use super::entries::Names;
use crate::collect::claims::lives;
use crate::collect::parse::pieces;
use crate::model::process::{Pid, Process, Variable};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::reading::{Gap, GapWhy};
use crate::model::surroundings::ClaimKind;
use crate::model::units::Entries;

/// How much of the arguments the process table keeps; longer ones are read again to their end.
const KEPT: usize = 4 << 10;
/// The longest command line. Source: execve(2), MAX_ARG_STRLEN times what fits into a quarter of an 8 MiB stack.
const WHOLE: usize = 6 << 20;
/// How many readings of one name are claimed.
const READINGS: usize = 8;
/// A bare name is at least so long.
const BARE: usize = 10;
/// Where the process stood when it was started; where it stands now the kernel tells.
const STALE: &str = "PWD";
/// How much of an argument is shown.
const SHOWN: usize = 200;

/// Looks through variables and command lines for those names: what else is named there, anybody can make as much of as he
/// likes.
pub fn look(scene: &Scene<'_>, names: &Names<'_>, claims: &mut Claims) {
    let mut unread: BTreeMap<GapWhy, u64> = BTreeMap::new();
    let ancestors: Vec<Pid> = scene.table.ancestors(scene.own).iter().map(|process| process.pid).collect();
    for process in scene.table.by_pid.values().filter(|p| lives(p) && p.pid != scene.own) {
        if scene.until.is_over() {
            *unread.entry(GapWhy::OverBudget { seen: Entries(0) }).or_default() += 1;
            continue;
        }
        let dirs = dirs_of(scene, process);
        if dirs.is_empty() {
            continue;
        }
        let variables = process.variables.iter().flatten().filter(|variable| variable.name != STALE);
        variables.for_each(|variable| of_variable(scene, process, variable, (&dirs, names), claims));
        if ancestors.contains(&process.pid) {
            continue;
        }
        match arguments(scene, process) {
            Ok(line) => of_line(process.pid, &line, (&dirs, names), claims),
            Err(GapWhy::Absent | GapWhy::Vanished) => {}
            Err(why) => *unread.entry(why).or_default() += 1,
        }
    }
    for (why, count) in unread {
        let plural = if count == 1 { "process" } else { "processes" };
        claims.unread(Gap::new(format!("command line of {} {plural}", Entries(count)), why));
    }
}

/// The directory as the process names it; where its namespace is unknown, as anybody does.
fn dirs_of(scene: &Scene<'_>, process: &Arc<Process>) -> Vec<RawPath> {
    let Ok(namespace) = process.mount_ns else { return scene.ground.all_paths().cloned().collect() };
    let root = process.root.as_ref().map(|place| place.path.as_bytes()).unwrap_or_default();
    let inside = |path: &RawPath| match root {
        b"" | b"/" => Some(path.clone()),
        root => {
            let rest = path.as_bytes().strip_prefix(root)?;
            (rest.is_empty() || rest.starts_with(b"/")).then(|| RawPath::from(rest))
        }
    };
    scene.ground.paths_in(namespace).filter_map(inside).collect()
}

fn of_variable(
    scene: &Scene<'_>,
    process: &Process,
    variable: &Variable,
    (dirs, names): (&[RawPath], &Names<'_>),
    claims: &mut Claims,
) {
    let value = variable.value.as_bytes();
    let shown = RawPath::new([variable.name.as_bytes(), b"=", value].concat());
    // `true` is no path, but a temp dir may well be relative.
    let is_path = variable.value.is_absolute() || scene.catalog.variables.is_temp(variable.name.as_bytes());
    let path = if is_path { absolute(process, &variable.value) } else { Vec::new() };
    let mut add = |name: &[u8]| {
        if names.has(name) {
            claims.add(name, ClaimKind::Variable, Some(process.pid), &shown);
        }
    };
    for dir in dirs {
        if let Some(name) = first_below(&path, dir) {
            add(&name);
        }
        names_in(value, dir.as_bytes()).into_iter().for_each(&mut add);
    }
}

fn absolute(process: &Process, value: &RawText) -> Vec<u8> {
    let base = if value.is_absolute() { None } else { process.cwd.as_ref().ok() };
    let whole = base.map_or_else(|| value.clone(), |cwd| cwd.path.join(value.as_bytes()));
    plain(whole.as_bytes())
}

/// Without `//`, `.` and `..`, as far as that can be told without looking.
fn plain(path: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let mut out = Vec::with_capacity(path.len());
    for part in parts {
        out.push(b'/');
        out.extend_from_slice(part);
    }
    out
}

fn first_below(path: &[u8], dir: &RawPath) -> Option<Vec<u8>> {
    super::ground::below(path, dir.as_bytes()).map(|below| below.name.to_vec())
}

/// The whole command line, arguments ended by NUL.
fn arguments(scene: &Scene<'_>, process: &Process) -> Result<Vec<u8>, GapWhy> {
    let kept = process.arguments.as_ref().map_err(Clone::clone)?;
    let line: Vec<u8> = kept.iter().flat_map(|a| [a.as_bytes(), b"\0"].concat()).collect();
    // In state D its memory may not answer; the table read what it has by a helper.
    if line.len() < KEPT || process.state == 'D' {
        return Ok(line);
    }
    let mut whole = Vec::new();
    scene.proc.pid(process.pid)?.read_piece("cmdline", WHOLE, &mut whole)?;
    Ok(whole)
}

fn of_line(pid: Pid, line: &[u8], (dirs, names): (&[RawPath], &Names<'_>), claims: &mut Claims) {
    for argument in pieces(line, 0).filter(|argument| !argument.is_empty()) {
        let shown = RawPath::from(argument.get(..SHOWN).unwrap_or(argument));
        let whole = dirs.iter().flat_map(|dir| names_in(argument, dir.as_bytes()));
        let bare = argument.split(|b| parts_words(*b) || *b == b'/').filter(|word| is_telling(word));
        for name in whole.chain(bare).filter(|name| names.has(name)) {
            claims.add(name, ClaimKind::CommandLine, Some(pid), &shown);
        }
    }
}

fn is_telling(word: &[u8]) -> bool {
    word.len() >= BARE && word.iter().any(u8::is_ascii_digit) && word.iter().any(u8::is_ascii_alphabetic)
}

/// Bytes by which shells and programs part words.
fn parts_words(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"'\"`:;,=&|<>()[]{}!*?$\\@".contains(&byte)
}

/// The names of entries of `dir` in one argument.
fn names_in<'a>(argument: &'a [u8], dir: &[u8]) -> Vec<&'a [u8]> {
    let needle = [if dir == b"/" { b"" } else { dir }, b"/"].concat();
    let mut found = Vec::new();
    for at in memmem::find_iter(argument, &needle) {
        let before = argument.get(..at).unwrap_or_default();
        if !begins_here(before) {
            continue;
        }
        let mut rest = argument.get(at + needle.len()..).unwrap_or_default();
        while let Some(after) = rest.strip_prefix(b"/").or_else(|| rest.strip_prefix(b"./")) {
            rest = after;
        }
        let end = rest.iter().position(|b| *b == b'/').unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        let ends = name.iter().enumerate().filter(|(_, b)| parts_words(**b)).map(|(at, _)| at);
        let readings =
            ends.filter_map(|end| name.get(..end)).filter(|n| n.last().is_some_and(|b| !parts_words(*b)));
        found.extend(readings.take(READINGS).chain([name]).filter(|name| !name.is_empty()));
    }
    found
}

/// Whether a path begins behind `before`: `/tmp/x` in `-I/tmp/x` is one, in `/var/tmp/x` and `build/tmp/x` it is a part.
fn begins_here(before: &[u8]) -> bool {
    let start = before.iter().rposition(|b| parts_words(*b)).map_or(0, |at| at + 1);
    let word = before.get(start..).unwrap_or_default();
    word.iter().all(|b| *b == b'/') || (word.first() == Some(&b'-') && !word.contains(&b'/'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::units::WallNanos;

    fn named(argument: &str) -> Vec<String> {
        names_in(argument.as_bytes(), b"/tmp")
            .into_iter()
            .map(|n| String::from_utf8_lossy(n).into())
            .collect()
    }

    #[test]
    fn finds_the_entry_wherever_an_argument_may_hold_a_path() {
        for argument in [
            "/tmp/job",
            "/tmp/job/x",
            "--user-data-dir=/tmp/job",
            "-Djava.io.tmpdir=/tmp/job",
            "-I/tmp/job/include",
            "/bin:/tmp/job/bin",
            "cd '/tmp/job' && make",
            "/tmp//job/",
            "/tmp/./job",
            "file:///tmp/job",
            "@/tmp/job",
            "bind,src=/tmp/job,dst=/x",
        ] {
            assert!(named(argument).contains(&"job".to_owned()), "{argument}: {:?}", named(argument));
        }
    }

    #[test]
    fn another_path_that_looks_alike_names_nothing_here() {
        for argument in
            ["/var/tmp/job", "build/tmp/job", "/tmpx/job", "/tmp", "/tmp/", "./tmp/job", "tmp/job"]
        {
            assert_eq!(named(argument), [""; 0], "{argument}");
        }
        assert_eq!(named("/tmp/go-build12/x"), ["go-build12"]);
        assert_eq!(named("/tmp/a /tmp/b"), ["a", "a ", "b"], "the longest reading may end with a blank");
    }

    #[test]
    fn each_reading_of_a_name_with_blanks_counts() {
        assert_eq!(named("rm -r /tmp/my job/x"), ["my", "my job"]);
        assert_eq!(named("/tmp/a=b"), ["a", "a=b"]);
    }

    #[test]
    fn a_bare_name_must_be_telling() {
        assert!(is_telling(b"go-build1234567"));
        for word in [&b"go-build1"[..], b"configuration", b"1234567890"] {
            assert!(!is_telling(word));
        }
    }

    #[test]
    fn a_line_claims_what_is_there_and_nothing_is_kept_of_the_rest() {
        let mut claims = Claims::default();
        let line: String = (0..10_000).map(|n| format!("go-build{n:06} /tmp/job{n} ")).collect();
        let names = Names::These(vec![b"go-build000007", b"job9"]);
        of_line(7, line.as_bytes(), (&["/tmp".into()], &names), &mut claims);
        let found = claims.into_surroundings(WallNanos(1), WallNanos(0)).claims;
        assert_eq!(found.into_keys().collect::<Vec<_>>(), ["go-build000007".into(), "job9".into()]);
    }

    #[test]
    fn paths_are_read_without_looking() {
        assert_eq!(plain(b"/var/../tmp//./x/"), b"/tmp/x");
        assert_eq!(plain(b"/../.."), b"");
    }

    proptest! {
        #[test]
        fn never_panics_and_gives_names(argument: Vec<u8>, dir in "(/[a-z]{0,3}){1,2}") {
            for name in names_in(&argument, dir.as_bytes()) {
                prop_assert!(!name.is_empty() && !name.contains(&b'/'));
            }
        }

        #[test]
        fn finds_every_plain_name(name in "[a-zA-Z0-9._-]{1,40}") {
            prop_assume!(name != ".");
            let argument = format!("--out=/tmp/{name}/x");
            prop_assert_eq!(names_in(argument.as_bytes(), b"/tmp"), [name.as_bytes()]);
        }
    }
}
