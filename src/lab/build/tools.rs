//! The two programs of others that a lab starts.

use std::io;
use std::path::{Path, PathBuf};

use crate::sys::make;
use crate::sys::spawn::{self, Fate, Patience, Program, Streams};

/// Where administrators' programs lie; the search path of whoever calls us is not asked.
const DIRS: &[&str] = &["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin"];

/// The file of a program of the system.
pub(in crate::lab) fn find(name: &str) -> Option<PathBuf> {
    DIRS.iter().map(|dir| Path::new(dir).join(name)).find(|path| rustix::fs::stat(path).is_ok())
}

/// Runs it, silent and without an environment.
pub(super) fn run(name: &str, arguments: &[&str]) -> io::Result<()> {
    let path = find(name).ok_or_else(|| io::Error::other(format!("{name} is not installed")))?;
    let arguments: Vec<&str> = std::iter::once(name).chain(arguments.iter().copied()).collect();
    let child = Program::new(&path.to_string_lossy(), &arguments, &[]).start(Streams::Nowhere, &[])?;
    match spawn::wait(Some(child), Patience::Endless)? {
        Some((_, Fate::Ended(0))) => Ok(()),
        other => Err(io::Error::other(format!("{name} failed: {other:?}"))),
    }
}

/// A file with lines for a program to read.
pub(super) fn lines(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write;
    make::file(path)?.write_all(text.as_bytes())
}
