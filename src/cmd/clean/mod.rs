//! `clean`: which entries of a temp dir may go, and with `--apply` out of the way.
//!
//! Without `--apply` nothing on the machine is changed: it looks, judges and prints. Planning and doing use the same eyes
//! and the same guards; what was shown is what runs.

mod apply;
mod document;
mod draft;
mod outcome;
mod page;
mod place;
mod plan_file;
mod progress;
mod proof;
mod survey;
mod watch;

use std::process::ExitCode;

use crate::cli::{CleanArgs, DiffFormat, Global};
use crate::cmd::workshop::{Actor, Names, WithoutUndo, refuse_where_read_only};
use crate::cmd::{Refusal, check, config, explain_failure, out};
use crate::model::plan::{Plan, Wishes};
use crate::model::raw_path::RawPath;
use crate::model::units::{Micros, Seconds};
use crate::report::Options;
use crate::sys::clock::Stopwatch;
use apply::Job;
use document::Totals;
use draft::{Draft, Maker};
use page::Rest;
use progress::{Progress, Stop};

pub use outcome::figures;
pub use progress::{Progress as Bar, Stop as StopSignal};

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
    let wishes = wishes(args, &names)?;
    let places = place::all(&args.dir)?;
    let roots: Vec<RawPath> = places.iter().map(|place| place.path.clone()).collect();
    let now = proof::look(&catalog, &roots);
    let builders = watch::builders(&now);
    let maker = Maker { catalog: &catalog, us: &us, builders: &builders, wishes: &wishes };
    let mut progress = Progress::new(&stop, global);
    let drafts = places
        .iter()
        .map(|place| maker.draft(place, &mut progress))
        .collect::<anyhow::Result<Vec<Draft>>>()?;
    let no_help = proof::no_help(&now, &catalog, &roots);
    if format == DiffFormat::Json {
        for why in &no_help {
            out::say(&format!("tmpmedic: {why}"));
        }
        let plans: Vec<Plan> = drafts.into_iter().map(|draft| draft.plan).collect();
        out::write(&document::print(&plans, &names)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let next = next(&drafts, &wishes);
    let options = check::options(global, gaps, Micros(watch.micros()));
    out::write(&page::render(&drafts, &names, &Rest { no_help: &no_help, next: &next }, &options))?;
    Ok(ExitCode::SUCCESS)
}

/// The commands that carry out what was shown.
fn next(drafts: &[Draft], wishes: &Wishes) -> Vec<String> {
    let going: Vec<&Draft> = drafts.iter().filter(|draft| !draft.going.is_empty()).collect();
    if going.is_empty() {
        return Vec::new();
    }
    let mut command = "tmpmedic clean".to_owned();
    for draft in going {
        command.push_str(&format!(" {}", draft.plan.root.quoted()));
    }
    command.push_str(&format!(" --older-than {}s", wishes.older_than.0));
    for (option, values) in [("--family", &wishes.families), ("--keep", &wishes.keep)] {
        for value in values {
            command.push_str(&format!(" {option} {}", RawPath::from(value.as_str()).quoted()));
        }
    }
    if let Some(uid) = wishes.owner {
        command.push_str(&format!(" --owner {uid}"));
    }
    if wishes.assume_unheld {
        command.push_str(" --assume-unheld");
    }
    command.push_str(" --apply");
    if wishes.delete {
        command.push_str(" --delete --yes");
    }
    vec![command]
}

/// Looks, then acts.
fn do_it(args: &CleanArgs, global: &Global, format: DiffFormat) -> anyhow::Result<ExitCode> {
    let watch = Stopwatch::start();
    let (catalog, gaps) = config::load(global)?;
    refuse_where_read_only(global, &catalog)?;
    // Before any thread is made: none of them may be ended by a signal in the middle of a step.
    let stop = Stop::listen();
    let (us, names) = (Actor::find(), Names::read());
    let from_file = args.plan.as_deref().map(|path| plan_file::read(path, &us)).transpose()?;
    refuse_unasked_deletion(args, from_file.as_deref())?;
    let options = check::options(global, gaps, Micros(watch.micros()));
    let mut progress = Progress::new(&stop, global);
    let places = if from_file.is_some() { Vec::new() } else { place::all(&args.dir)? };
    let roots: Vec<RawPath> = match &from_file {
        Some(plans) => plans.iter().map(|plan| plan.root.clone()).collect(),
        None => places.iter().map(|place| place.path.clone()).collect(),
    };
    let now = proof::look(&catalog, &roots);
    let builders = watch::builders(&now);
    let no_help = proof::no_help(&now, &catalog, &roots);
    let is_from_file = from_file.is_some();
    let plans = if let Some(plans) = from_file {
        tell(&[], &names, &no_help, (DiffFormat::Json, &options))?;
        plans
    } else {
        let wishes = wishes(args, &names)?;
        let maker = Maker { catalog: &catalog, us: &us, builders: &builders, wishes: &wishes };
        let drafts = places.iter().map(|place| maker.draft(place, &mut progress));
        let drafts = drafts.collect::<anyhow::Result<Vec<Draft>>>()?;
        tell(&drafts, &names, &no_help, (format, &options))?;
        drafts.into_iter().map(|draft| draft.plan).collect()
    };
    // The plans open them anew, and descriptors may be few.
    drop(places);
    let without = if args.no_undo { WithoutUndo::Accept } else { WithoutUndo::Refuse };
    let mut job =
        Job { catalog: &catalog, us: &us, builders: &builders, stop: &stop, without, asked: Vec::new() };
    if is_from_file {
        for plan in &plans {
            apply::refuse_changes(plan, &job, &mut progress)?;
        }
    }
    if Totals::of(&plans).remove > 0 {
        let known: Vec<_> = plans.iter().map(|plan| (plan.root.clone(), plan.place)).collect();
        job.asked = proof::before(&now, &known);
    }
    let outcome = job.run(&plans, &mut progress)?;
    let text = match format {
        DiffFormat::Text => outcome.text(&options),
        DiffFormat::Markdown => outcome.markdown(),
        DiffFormat::Json => outcome.json(&plans)?,
    };
    out::write(&text)?;
    Ok(ExitCode::from(outcome.exit()))
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
            let page = page::render(drafts, names, &Rest { no_help, next: &[] }, options);
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

fn refuse_unasked_deletion(args: &CleanArgs, plans: Option<&[Plan]>) -> anyhow::Result<()> {
    let is_final = args.delete || plans.is_some_and(|plans| plans.iter().any(|plan| plan.wishes.delete));
    if is_final && !args.yes {
        return Err(Refusal::usage(
            "what is removed for good cannot be undone: add --yes if that is what you want, or leave out --delete to put it aside",
        ));
    }
    Ok(())
}

fn wishes(args: &CleanArgs, names: &Names) -> anyhow::Result<Wishes> {
    let owner = args.owner.as_deref().map(|name| {
        names.uid_of(name).ok_or_else(|| {
            let name = RawPath::from(name).shown();
            Refusal::usage(format!("--owner {name}: no such user in /etc/passwd; give a uid"))
        })
    });
    Ok(Wishes {
        older_than: Seconds(args.older_than.as_secs()),
        families: args.family.clone(),
        keep: args.keep.clone(),
        owner: owner.transpose()?,
        names: Vec::new(),
        delete: args.delete,
        assume_unheld: args.assume_unheld,
    })
}
