//! `clean`: which entries of a temp dir may go, and with `--apply` out of the way.
//!
//! Without `--apply` nothing on the machine is changed: it looks, judges and prints. Planning and doing use the same eyes
//! and the same guards; what was shown is what runs.

mod apply;
mod command;
mod digest;
mod document;
mod draft;
mod ground;
mod outcome;
mod page;
mod place;
mod plan_file;
mod progress;
mod proof;
mod strangers;
mod survey;
pub mod told;
mod watch;
mod wishes;

use std::path::Path;
use std::process::ExitCode;

use crate::cli::{CleanArgs, DiffFormat, Global};
use crate::cmd::workshop::{Actor, Names, WithoutUndo, refuse_where_read_only};
use crate::cmd::{Refusal, check, config, explain_failure, out, purge};
use crate::model::plan::Plan;
use crate::model::raw_path::RawPath;
use crate::model::units::Micros;
use crate::report::Options;
use crate::sys::clock::Stopwatch;
use command::{command, command_to_look, next};
use draft::Draft;
use page::Rest;
use progress::{Progress, Stop};
use wishes::{refuse_another, refuse_unasked_deletion, refuse_unknown_names, wishes};

pub use ground::{Ground, Origin};
pub use outcome::{Row, figures, rows_between, table};
pub use page::entries;
pub use place::{Place, open};
pub use progress::{Progress as Bar, Stop as StopSignal};
pub use proof::vain;
pub use survey::survey;
pub use watch::Watch;

/// Runs the command.
///
/// # Errors
/// A refusal, with the exit code that goes with it.
pub fn run(args: &CleanArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let format = format_of(args, global)?;
    let done = if args.apply { do_it(args, global, format) } else { propose(args, global, format) };
    if let (Err(why), DiffFormat::Json) = (&done, format) {
        let (exit, message) = explain_failure(why);
        out::write(&outcome::refusal(&message, exit)?)?;
    }
    done
}

fn format_of(args: &CleanArgs, global: &Global) -> anyhow::Result<DiffFormat> {
    match (args.format, global.json) {
        (None, false) => Ok(DiffFormat::Text),
        (None | Some(DiffFormat::Json), true) => Ok(DiffFormat::Json),
        (Some(DiffFormat::Markdown), false) if !args.apply => {
            Err(Refusal::usage("`--format markdown` is the report of what was done; add --apply"))
        }
        (Some(format), false) => Ok(format),
        (Some(_), true) => {
            Err(Refusal::usage("`--json` and another `--format` contradict each other; leave one out"))
        }
    }
}

/// Only looks.
fn propose(args: &CleanArgs, global: &Global, format: DiffFormat) -> anyhow::Result<ExitCode> {
    let watch = Stopwatch::start();
    let stop = Stop::as_usual();
    let (catalog, gaps) = config::load(global)?;
    let (us, names) = (Actor::find(), Names::read());
    let wishes = wishes(args, &names, (&catalog, global))?;
    let places = place::all(&args.dir)?;
    let roots: Vec<RawPath> = places.iter().map(|place| place.path.clone()).collect();
    let due = purge::due_here(us.uid, catalog.clean.purge_after_s).told();
    let ground = Ground::look(catalog, us, &roots, &stop)?;
    let mut progress = Progress::new(&stop, global);
    let drafts = ground.drafts(&places, &wishes, &mut progress)?;
    refuse_unknown_names(args, &drafts)?;
    refuse_another(args, &drafts)?;
    let no_help = &ground.no_help;
    if format == DiffFormat::Json {
        for why in no_help {
            out::say(&format!("tmpmedic: {why}"));
        }
        for kept in drafts.iter().filter_map(|draft| strangers::kept(draft, ground.us.uid)) {
            let as_root =
                kept.as_root.map(|line| format!(" As root they can be read: {line}")).unwrap_or_default();
            out::say(&format!("tmpmedic: {}{as_root}", kept.why));
        }
        let plans: Vec<Plan> = drafts.into_iter().map(|draft| draft.plan).collect();
        out::write(&document::print(&plans, &names)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let next = next(&drafts, &wishes);
    let options = check::options(global, gaps, Micros(watch.micros()));
    let rest = Rest { no_help, next: &next, due: due.as_deref() };
    out::write(&page::render(&drafts, &names, &rest, &options))?;
    Ok(ExitCode::SUCCESS)
}

/// Looks, then acts.
fn do_it(args: &CleanArgs, global: &Global, format: DiffFormat) -> anyhow::Result<ExitCode> {
    let watch = Stopwatch::start();
    let (catalog, gaps) = config::load(global)?;
    refuse_where_read_only(global, &catalog)?;
    // Before any thread is made: none of them may be ended by a signal in the middle of a step.
    let stop = Stop::listen();
    let (us, names) = (Actor::find(), Names::read());
    let from_file = args.plan.as_deref().map(|path| plan_from(path, &us, &stop)).transpose()?;
    refuse_unasked_deletion(args, from_file.as_deref())?;
    let options = check::options(global, gaps, Micros(watch.micros()));
    let mut progress = Progress::new(&stop, global);
    let places = if from_file.is_some() { Vec::new() } else { place::all(&args.dir)? };
    let roots: Vec<RawPath> = match &from_file {
        Some(plans) => plans.iter().map(|plan| plan.root.clone()).collect(),
        None => places.iter().map(|place| place.path.clone()).collect(),
    };
    let ground = Ground::look(catalog, us, &roots, &stop)?;
    let is_from_file = from_file.is_some();
    let plans = if let Some(plans) = from_file {
        tell(&[], &names, &ground.no_help, (DiffFormat::Json, &options))?;
        plans
    } else {
        let wishes = wishes(args, &names, (&ground.catalog, global))?;
        let drafts = ground.drafts(&places, &wishes, &mut progress)?;
        refuse_unknown_names(args, &drafts)?;
        refuse_another(args, &drafts)?;
        tell(&drafts, &names, &ground.no_help, (format, &options))?;
        drafts.into_iter().map(|draft| draft.plan).collect()
    };
    // The plans open them anew, and descriptors may be few.
    drop(places);
    let without = if args.no_undo { WithoutUndo::Accept } else { WithoutUndo::Refuse };
    let origin = if is_from_file { Origin::File } else { Origin::Made };
    let outcome = ground.carry_out(&plans, origin, without, &mut progress)?;
    let text = match format {
        DiffFormat::Text => outcome.text(&options),
        DiffFormat::Markdown => outcome.markdown(),
        DiffFormat::Json => outcome.json(&plans)?,
    };
    out::write(&text)?;
    Ok(ExitCode::from(outcome.exit()))
}

/// Somebody's plan.
fn plan_from(path: &Path, us: &Actor, stop: &Stop) -> anyhow::Result<Vec<Plan>> {
    let (path, us) = (path.to_owned(), us.clone());
    stop.unless_asked("plan", move || plan_file::read(&path, &us))?
}

/// What is about to be done, for people.
fn tell(
    drafts: &[Draft],
    names: &Names,
    no_help: &[String],
    (format, options): (DiffFormat, &Options),
) -> anyhow::Result<()> {
    match format {
        DiffFormat::Text => {
            let page = page::render(drafts, names, &Rest { no_help, next: &[], due: None }, options);
            out::write(&format!("{page}\n"))?;
        }
        DiffFormat::Json | DiffFormat::Markdown => {
            for why in no_help {
                out::say(&format!("tmpmedic: {why}"));
            }
        }
    }
    Ok(())
}
