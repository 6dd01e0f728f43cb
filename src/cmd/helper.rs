//! The helper processes that tmpmedic starts of itself: which kind does what.
//!
//! Called by `main` for the hidden command `__helper`, before anything else is set up: a helper must stay single-threaded.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::collect::surroundings::{self, Place, SurroundingsEyes};
use crate::collect::{environment, look_helper};
use crate::exit::Exit;
use crate::model::raw_path::RawPath;
use crate::model::surroundings::About;
use crate::probe::inside::InsideError;
use crate::probe::{command, inside};
use crate::sys::{child, dirfd};

/// The variable in which the helper of kind `exec` finds its request.
pub const REQUEST: &str = "TMPMEDIC_REQUEST";
/// A request names a process and some paths.
const MAX_REQUEST: u64 = 16 << 20;

/// Does the job of a helper process of that kind.
pub fn serve(kind: &str) -> ExitCode {
    child::close_inherited();
    child::take_name();
    child::take_all_descriptors();
    match kind {
        "probe" => answer(|request, out| {
            // Unheld signals only mean that a Ctrl-C may interrupt the probe; the next one cleans up behind it.
            child::hold_signals().ok();
            inside::serve(request, out).map_err(io::Error::other)
        }),
        environment::HELPER => answer_while_wanted(environment::serve),
        "look" => answer_while_wanted(look_helper::serve),
        surroundings::HELPER => answer_while_wanted(surroundings::serve),
        "surroundings" => answer(show_surroundings),
        "exec" => become_command(),
        _ => Exit::Usage.code().into(),
    }
}

/// Does a job that changes the machine; which one, only the roof knows.
pub fn act(job: impl FnOnce(&[u8], &mut dyn Write) -> io::Result<()>) -> ExitCode {
    child::close_inherited();
    child::take_name();
    child::take_all_descriptors();
    answer(job)
}

/// For work that has nothing to clean up and, unlike a probe, is of no use without its parent.
fn answer_while_wanted(job: impl FnOnce(&[u8], &mut dyn Write) -> io::Result<()>) -> ExitCode {
    child::die_with_parent().ok();
    answer(job)
}

fn answer(job: impl FnOnce(&[u8], &mut dyn Write) -> io::Result<()>) -> ExitCode {
    let mut request = Vec::new();
    let read = io::stdin().lock().take(MAX_REQUEST).read_to_end(&mut request);
    let done = read.and_then(|_| job(&request, &mut io::stdout().lock()));
    if done.is_ok() { ExitCode::SUCCESS } else { Exit::Usage.code().into() }
}

/// For whoever wants to see by hand what a clean-up sees around a directory: its path on standard input, JSON back, a line
/// for each time that the path is given.
fn show_surroundings(request: &[u8], out: &mut dyn Write) -> io::Result<()> {
    let mut eyes = SurroundingsEyes::open(Arc::new(Catalog::builtin()));
    for line in request.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        let path = RawPath::from(line);
        let dir = dirfd::open_resolved(path.as_bytes())?;
        let seen =
            eyes.look(&Place { path: &path, dir: dir.as_fd(), about: About::All }, Duration::from_secs(10));
        serde_json::to_writer(&mut *out, &seen)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// 125, 126 and 127 as env(1) and the shells have them: not begun, not executable, not found.
#[expect(clippy::disallowed_methods, reason = "this process has no environment but its request")]
fn become_command() -> ExitCode {
    let request = std::env::var(REQUEST).unwrap_or_default();
    let error = command::run_as(&request);
    let code = match &error {
        InsideError::Run { source, .. } if source.kind() == io::ErrorKind::NotFound => 127,
        InsideError::Run { .. } => 126,
        _ => 125,
    };
    let text = format!("tmpmedic: {:#}\n", anyhow::Error::from(error));
    // Nowhere else to complain.
    io::stderr().write_all(text.as_bytes()).ok();
    code.into()
}
