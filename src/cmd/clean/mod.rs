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
mod strangers;
mod survey;
pub mod told;
mod watch;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::cli::{CleanArgs, DiffFormat, Global};
use crate::cmd::workshop::{Actor, Names, WithoutUndo, refuse_where_read_only};
use crate::cmd::{Refusal, check, config, explain_failure, out, purge};
use crate::exit::Exit;
use crate::model::plan::{Plan, Wishes};
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::units::{Bytes, Micros, Seconds};
use crate::report::Options;
use crate::sys::clock::Stopwatch;
use apply::Job;
use document::Totals;
use draft::{Draft, Maker};
use outcome::Outcome;
use page::Rest;
use progress::{Progress, Stop};

pub use outcome::{Row, figures, rows_between, table};
pub use page::entries;
pub use place::{Place, open};
pub use progress::{Progress as Bar, Stop as StopSignal};
pub use proof::vain;
pub use survey::survey;
pub use watch::Watch;

/// What is old where nobody says it.
const OLD: Seconds = Seconds(86_400);

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
    refuse_another(args, &drafts, &stop)?;
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

/// The commands that carry out what was shown.
fn next(drafts: &[Draft], wishes: &Wishes) -> Vec<String> {
    let going = drafts.iter().filter(|draft| !draft.going.is_empty());
    let roots: Vec<RawPath> = going.map(|draft| draft.plan.root.clone()).collect();
    if roots.is_empty() { Vec::new() } else { vec![command(&roots, wishes, None)] }
}

/// The command that cleans these directories with these wishes; with a digest, only what that stands for.
fn command(roots: &[RawPath], wishes: &Wishes, digest: Option<&str>) -> String {
    let mut command = command_to_look(roots, wishes);
    if let Some(digest) = digest {
        command.push_str(&format!(" --digest {}", digest.chars().take(DIGITS).collect::<String>()));
    }
    command.push_str(" --apply");
    if wishes.delete {
        command.push_str(" --delete --yes");
    }
    command
}

/// The command that plans that and changes nothing.
fn command_to_look(roots: &[RawPath], wishes: &Wishes) -> String {
    let mut command = "tmpmedic clean".to_owned();
    for root in roots {
        command.push_str(&format!(" {}", root.quoted()));
    }
    if !wishes.by_family {
        command.push_str(&format!(" --older-than {}s", wishes.older_than.0));
    }
    for (option, values) in [("--family", &wishes.families), ("--keep", &wishes.keep)] {
        for value in values {
            command.push_str(&format!(" {option} {}", RawPath::from(value.as_str()).quoted()));
        }
    }
    for name in &wishes.names {
        // With `=`: a name may begin with a dash.
        command.push_str(&format!(" --name={}", name.quoted()));
    }
    if let Some(uid) = wishes.owner {
        command.push_str(&format!(" --owner {uid}"));
    }
    if wishes.assume_unheld {
        command.push_str(" --assume-unheld");
    }
    command
}

/// Digits of a digest that stand for it.
const DIGITS: usize = 12;

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
        refuse_another(args, &drafts, &stop)?;
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

/// Where a plan comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Made by us a moment ago: what changed since stays, and is named.
    Made,
    /// Read from a file: where anything changed since, nothing is done.
    File,
}

/// The machine around the directories that are cleaned. The command line and the console's worker both stand on it.
pub struct Ground {
    catalog: Arc<Catalog>,
    us: Actor,
    now: Snapshot,
    builders: BTreeSet<u32>,
    /// What a clean-up will not help against.
    pub no_help: Vec<String>,
}

impl Ground {
    /// Looks around.
    ///
    /// # Errors
    /// It was stopped.
    pub fn look(catalog: Arc<Catalog>, us: Actor, roots: &[RawPath], stop: &Stop) -> anyhow::Result<Self> {
        let roots = roots.to_vec();
        let look = move || {
            let now = proof::look(&catalog, &roots);
            let (builders, no_help) = (watch::builders(&now), proof::no_help(&now, &catalog, &roots));
            Self { catalog, us, now, builders, no_help }
        };
        stop.unless_asked("look", look)
    }

    /// Plans for these directories.
    ///
    /// # Errors
    /// A directory that cannot be listed, a family that nobody knows; or it was stopped.
    pub fn drafts(
        &self,
        places: &[Place],
        wishes: &Wishes,
        progress: &mut Progress<'_>,
    ) -> anyhow::Result<Vec<Draft>> {
        let maker = Maker { catalog: &self.catalog, us: &self.us, builders: &self.builders, wishes };
        places.iter().map(|place| maker.draft(place, progress)).collect()
    }

    /// Carries plans out.
    ///
    /// # Errors
    /// Where nothing was changed: a stale plan, no journal, no quarantine.
    pub fn carry_out(
        &self,
        plans: &[Plan],
        origin: Origin,
        without: WithoutUndo,
        progress: &mut Progress<'_>,
    ) -> anyhow::Result<Outcome> {
        let (stop, asked) = (progress.stop(), Vec::new());
        let mut job =
            Job { catalog: &self.catalog, us: &self.us, builders: &self.builders, stop, without, asked };
        if origin == Origin::File {
            for plan in plans {
                apply::refuse_changes(plan, &job, progress)?;
            }
        }
        if Totals::of(plans).remove > 0 {
            let known: Vec<_> = plans.iter().map(|plan| (plan.root.clone(), plan.place)).collect();
            let goes_on = || !stop.is_asked();
            job.asked = proof::before(&self.now, &known, &goes_on).ok_or_else(Refusal::stopped)?;
        }
        job.run(plans, progress)
    }
}

/// Whoever mistypes a name must not read that nothing of it can go.
fn refuse_unknown_names(args: &CleanArgs, drafts: &[Draft]) -> anyhow::Result<()> {
    if args.name.is_empty() {
        return Ok(());
    }
    let known: BTreeSet<&[u8]> = drafts
        .iter()
        .flat_map(|draft| &draft.plan.entries)
        .map(|entry| entry.candidate.name.as_bytes())
        .collect();
    let Some(name) = args.name.iter().find(|name| !known.contains(name.as_encoded_bytes())) else {
        return Ok(());
    };
    let roots: Vec<String> = drafts.iter().map(|draft| draft.plan.root.shown()).collect();
    let (name, roots) = (RawPath::from(name.as_os_str()).shown(), roots.join(" and "));
    Err(Refusal::usage(format!("--name {name}: nothing of that name lies in {roots}")))
}

/// Where a digest was shown, only the plan that it stands for is good.
fn refuse_another(args: &CleanArgs, drafts: &[Draft], stop: &Stop) -> anyhow::Result<()> {
    let Some(wanted) = &args.digest else { return Ok(()) };
    let plans: Vec<Plan> = drafts.iter().map(|draft| draft.plan.clone()).collect();
    let (plans, digest) = stop.unless_asked("digest", move || {
        let digest = told::agreed(&plans);
        (plans, digest)
    })?;
    if digest.starts_with(wanted.as_str()) {
        return Ok(());
    }
    let totals = Totals::of(&plans);
    let digits: String = digest.chars().take(DIGITS).collect();
    let message = format!(
        "nothing was changed: other entries would go than those of plan {wanted}; now {} would, {} (plan {digits}). \
         `clean` without --apply shows which; a plan kept by `clean --json > FILE` names each change with --plan FILE",
        entries(totals.remove),
        Bytes(totals.bytes)
    );
    Err(Refusal { exit: Exit::NotNow, message }.into())
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

fn refuse_unasked_deletion(args: &CleanArgs, plans: Option<&[Plan]>) -> anyhow::Result<()> {
    let is_final = args.delete || plans.is_some_and(|plans| plans.iter().any(|plan| plan.wishes.delete));
    if is_final && !args.yes {
        return Err(Refusal::usage(
            "what is removed for good cannot be undone: add --yes if that is what you want, or leave out --delete to put it aside",
        ));
    }
    Ok(())
}

fn wishes(args: &CleanArgs, names: &Names, (catalog, global): (&Catalog, &Global)) -> anyhow::Result<Wishes> {
    let least = catalog.clean.min_age_s;
    let older_than = args.older_than.map(|time| Seconds(time.as_secs()));
    if older_than.is_some_and(|wanted| wanted < least) {
        let file = RawPath::from(global.config.as_os_str()).shown();
        return Err(Refusal::permission(format!(
            "--older-than: the site lets nothing go that is younger than {least} (min_age_s = {} in {file})",
            least.0
        )));
    }
    let owner = args.owner.as_deref().map(|name| {
        names.uid_of(name).ok_or_else(|| {
            let name = RawPath::from(name).shown();
            Refusal::usage(format!("--owner {name}: no such user in /etc/passwd; give a uid"))
        })
    });
    Ok(Wishes {
        older_than: older_than.unwrap_or_else(|| OLD.max(least)),
        by_family: older_than.is_none(),
        families: args.family.clone(),
        keep: args.keep.clone(),
        owner: owner.transpose()?,
        names: args.name.iter().map(|name| RawPath::from(name.as_os_str())).collect(),
        delete: args.delete,
        assume_unheld: args.assume_unheld,
    })
}
