//! Becoming a command in the view of a process: the helper of kind `exec`. Called by `cmd::helper`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use rustix::process::fchdir;

use super::inside::{InsideError, environment, open};
use super::{Errand, Work};
use crate::model::raw_path::RawPath;
use crate::sys::child;
use crate::sys::namespace::EnterError;

/// An environment block is never larger. Source: execve(2), "Limits on size of arguments and environment".
const ENVIRONMENT: usize = 8 << 20;

/// Takes the view of the process, its working directory and its environment, and becomes the command.
///
/// The environment goes from the process to the command and nowhere else: it may hold secrets.
pub fn run_as(request: &str) -> InsideError {
    match try_run_as(request) {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

fn try_run_as(request: &str) -> Result<std::convert::Infallible, InsideError> {
    let errand: Errand = serde_json::from_str(request)?;
    let Work::Become { command, tmpdir } = &errand.work else { return Err(InsideError::Kind) };
    let at = |source| InsideError::Enter { pid: errand.pid, source };
    let (_, mut target) = open(&errand).map_err(at)?;
    target.hold_cwd();
    let block = target
        .dir()
        .read("environ", ENVIRONMENT)
        .map_err(|source| at(EnterError { what: "cannot read its environment", source }))?;
    let entered = target.enter(0).map_err(at)?;
    entered
        .cwd
        .and_then(|cwd| Ok(fchdir(cwd)?))
        .map_err(|source| at(EnterError { what: "cannot go to its working directory", source }))?;
    let words = words_of(command);
    let Some((program, arguments)) = words.split_first() else { return Err(InsideError::Kind) };
    let source = child::become_command(program, arguments, variables(&block, tmpdir.as_ref()));
    Err(InsideError::Run { command: RawPath::from(program.as_os_str()), source })
}

/// A single word with blanks is a line for the shell.
fn words_of(command: &[RawPath]) -> Vec<OsString> {
    let word = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    match command {
        [line] if line.as_bytes().iter().any(u8::is_ascii_whitespace) => {
            vec![word(b"/bin/sh"), word(b"-c"), word(line.as_bytes())]
        }
        words => words.iter().map(|w| word(w.as_bytes())).collect(),
    }
}

/// Of a name that occurs twice the first counts, as for getenv(3).
fn variables(block: &[u8], tmpdir: Option<&RawPath>) -> Vec<(OsString, OsString)> {
    let mut all: BTreeMap<&[u8], &[u8]> = BTreeMap::new();
    if let Some(dir) = tmpdir {
        all.insert(b"TMPDIR", dir.as_bytes());
    }
    for (name, value) in environment(block).filter(|(name, _)| !name.is_empty()) {
        all.entry(name).or_insert(value);
    }
    let owned = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    all.into_iter().map(|(name, value)| (owned(name), owned(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_a_line_with_blanks_to_the_shell() {
        assert_eq!(words_of(&["mktemp -d".into()]), ["/bin/sh", "-c", "mktemp -d"]);
        assert_eq!(words_of(&["mktemp".into()]), ["mktemp"]);
        assert_eq!(words_of(&["echo".into(), "a b".into()]), ["echo", "a b"]);
    }

    #[test]
    fn takes_the_first_of_two_values_and_the_asked_dir_before_both() {
        let block = b"TMPDIR=/a\0X=1\0TMPDIR=/b\0broken\0=odd\0";
        let get = |tmpdir: Option<&RawPath>| variables(block, tmpdir);
        assert_eq!(get(None), [("TMPDIR".into(), "/a".into()), ("X".into(), "1".into())]);
        assert_eq!(get(Some(&"/c".into()))[0], ("TMPDIR".into(), "/c".into()));
    }
}
