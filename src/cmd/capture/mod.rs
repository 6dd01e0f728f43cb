//! `capture`: what `check` sees, in a file: one snapshot, or a recording of many.
//!
//! Changes nothing of the machine but that file and what the probes make and remove.

mod document;
mod recording;
pub mod target;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::catalog::Catalog;
use crate::cli::{CaptureArgs, Global};
use crate::cmd::check::asked;
use crate::cmd::{Refusal, config, out};
use crate::model::raw_path::shown_bytes;
use crate::model::snapshot::Snapshot;
use crate::model::units::{Bytes, Entries, Millis, WallNanos};
use crate::source::looks::Looks;
use crate::store::{Header, Written};
use crate::sys::clock;
use crate::sys::term::Signals;

use recording::{Course, Recording};
use target::Target;

/// What became of it.
#[derive(Debug)]
struct Done {
    header: Header,
    written: Written,
    course: Course,
    first: WallNanos,
    last: WallNanos,
    target: Target,
}

/// Runs the command.
pub fn run(args: &CaptureArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let to_output = args.output.as_ref().is_some_and(|path| path.as_os_str() == "-");
    if to_output && global.json {
        return Err(Refusal::usage(
            "`-o -` sends the capture to standard output, where `--json` has no room",
        ));
    }
    if to_output {
        target::refuse_terminal()?;
    }
    let (catalog, _gaps) = config::load(global)?;
    let asked = asked::build(&args.whom)?;
    // Before any thread is made, so that all of them leave the signals to the one that waits for them.
    let signals = Signals::block().ok();
    let looks = Looks::start(&catalog, &asked).map_err(|why| {
        Refusal::internal(format!("no file descriptor is left ({why}); raise the limit: ulimit -n 1024"))
    })?;
    let recording = Recording::new(args, looks, signals);
    let Some(done) = recording.run(args)? else { return Ok(ExitCode::from(130)) };
    report(&done, global)
}

fn report(done: &Done, global: &Global) -> anyhow::Result<ExitCode> {
    if !global.quiet {
        out::say(&sentence(done));
    }
    if global.json {
        out::write(&document::render(done))?;
    }
    if let Some(why) = done.course.failure() {
        return Err(target::lost(why));
    }
    Ok(ExitCode::SUCCESS)
}

fn sentence(done: &Done) -> String {
    let where_to = done.target.name().map_or_else(|| "standard output".to_owned(), ToString::to_string);
    let Written { snapshots, bytes, .. } = done.written;
    let count = Entries(u64::try_from(snapshots).unwrap_or(u64::MAX));
    let plural = if snapshots == 1 { "" } else { "s" };
    let end = match &done.course {
        Course::Stopped => ", ended by a signal",
        Course::Full(_) => ", all that a capture holds",
        Course::Complete | Course::Failed(_) => "",
    };
    let redacted = if done.header.redacted { ", redacted" } else { "" };
    format!("wrote {where_to}: {count} snapshot{plural}, {}B{redacted}{end}", Bytes(bytes))
}

/// The first line of a capture that is begun now.
pub(in crate::cmd) fn header(host: String, redacted: bool, every: Option<Millis>) -> Header {
    let begun = WallNanos(clock::wall_nanos());
    Header { tool: env!("CARGO_PKG_VERSION").to_owned(), host, redacted, every, begun }
}

/// The name of the machine that a snapshot shows.
pub(in crate::cmd) fn host_of(now: &Snapshot) -> String {
    now.host.value().map_or_else(String::new, |host| shown_bytes(host.name.as_bytes()))
}

/// The name of the file where none is given.
fn name_of(args: &CaptureArgs, header: &Header) -> PathBuf {
    args.output.clone().unwrap_or_else(|| target::default_name(&header.host, header.begun))
}

/// Words that are public: what we ship knows them. A site's own families and roles are named after its own things.
pub(in crate::cmd) fn public_names() -> Vec<String> {
    let catalog = Catalog::builtin();
    let patterns = catalog.families.iter().flat_map(|family| family.patterns.iter());
    let patterns = patterns.chain(catalog.roles.iter().flat_map(|role| role.programs.iter()));
    let literal = patterns.map(|p| p.split(['*', '?', '[', '{', '\\']).next().unwrap_or_default());
    let ids = catalog.families.iter().map(|family| family.id.as_str());
    let ids = ids.chain(catalog.roles.iter().flat_map(|role| [role.id.as_str(), role.title.as_str()]));
    let names = literal.chain(ids).chain(catalog.variables.iter().map(|variable| variable.name.as_str()));
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
