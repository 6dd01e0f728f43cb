//! `diff`: what changed between two looks, of one capture or of two.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::cli::{DiffArgs, DiffFormat, Global};
use crate::cmd::{Refusal, captured, check, config, out, surroundings};
use crate::model::change::Change;
use crate::model::finding::{Diagnosis, Severity};
use crate::model::raw_path::RawPath;
use crate::model::replay::Moment;
use crate::model::snapshot::Snapshot;
use crate::model::units::Micros;
use crate::report::diff;
use crate::rules;
use crate::store::Capture;

/// Runs the command. The exit code says whether anything got worse.
pub fn run(args: &DiffArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let format = format_of(args, global)?;
    let compared = compare(args, global);
    if let (Err(why), DiffFormat::Json) = (&compared, format) {
        out::write(&diff::json::render_failure(&format!("{why:#}")))?;
    }
    let compared = compared?;
    let change = &compared.change;
    let text = match format {
        DiffFormat::Text => {
            let options = check::options(global, Vec::new(), Micros(0));
            diff::text::render(change, &options, compared.utc_offset_s)
        }
        DiffFormat::Markdown => diff::markdown::render(change, compared.utc_offset_s),
        DiffFormat::Json => diff::json::render(change),
    };
    out::write(&text)?;
    Ok(ExitCode::from(match change.worsening() {
        None | Some(Severity::Info) => 0,
        Some(Severity::Warning) => 1,
        Some(Severity::Critical) => 2,
    }))
}

fn format_of(args: &DiffArgs, global: &Global) -> anyhow::Result<DiffFormat> {
    match (args.format, global.json) {
        (None, false) => Ok(DiffFormat::Text),
        (None | Some(DiffFormat::Json), true) => Ok(DiffFormat::Json),
        (Some(format), false) => Ok(format),
        (Some(_), true) => {
            Err(Refusal::usage("`--json` and another `--format` contradict each other; leave one out"))
        }
    }
}

/// What is to be printed, and how far local time was ahead of UTC then.
struct Compared {
    change: Change,
    utc_offset_s: i32,
}

fn compare(args: &DiffArgs, global: &Global) -> anyhow::Result<Compared> {
    let (catalog, _gaps) = config::load(global)?;
    let first = Named::of(args.before.as_os_str());
    let second = args.after.as_ref().map(|after| Named::of(after.as_os_str()));
    let is_input = |named: &Named| named.path.as_os_str() == "-";
    if is_input(&first) && second.as_ref().is_some_and(is_input) {
        return Err(Refusal::usage("both captures cannot come from standard input; name one of them"));
    }
    let before = captured::open(&first.path)?;
    let utc_offset_s = surroundings::utc_offset_s_at(before.taken(0));
    let after = match &second {
        Some(second) => Some(captured::open(&second.path)?),
        None => None,
    };
    let (one, other) = match (&after, &second) {
        (Some(after), Some(second)) => {
            (first.look(&before, End::Last, utc_offset_s)?, second.look(after, End::Last, utc_offset_s)?)
        }
        _ if before.len() < 2 => {
            let name = RawPath::from(first.path.as_os_str());
            return Err(Refusal::usage(format!(
                "`{name}` holds one look; name a second capture to compare it with"
            )));
        }
        _ => (first.look(&before, End::First, utc_offset_s)?, before.len() - 1),
    };
    let (old, was) = judged((&first, &before), one, &catalog)?;
    let (new, is) = match (&after, &second) {
        (Some(after), Some(second)) => judged((second, after), other, &catalog)?,
        _ => judged((&first, &before), other, &catalog)?,
    };
    Ok(Compared { change: Change::between((&old, &was), (&new, &is)), utc_offset_s })
}

/// A look, and what the rules of today say of it.
fn judged(
    (named, capture): (&Named, &Capture),
    at: usize,
    catalog: &Arc<Catalog>,
) -> anyhow::Result<(Arc<Snapshot>, Diagnosis)> {
    let look = |at| capture.snapshot(at).map_err(|why| captured::refuse_inside(&named.path, why.into()));
    let now = look(at)?;
    let before = if at == 0 { None } else { Some(look(at - 1)?) };
    let diagnosis = rules::diagnose(&now, before.as_deref(), &catalog.thresholds);
    Ok((now, diagnosis))
}

/// Which look where none is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    First,
    Last,
}

/// A capture as the command line names it: `FILE`, `FILE@12`, `FILE@20:41:07`.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    path: PathBuf,
    moment: Option<Moment>,
}

impl Named {
    /// A file of exactly that name goes before a moment in another one.
    fn of(text: &OsStr) -> Self {
        let whole = || Self { path: PathBuf::from(text), moment: None };
        if rustix::fs::lstat(text).is_ok() {
            return whole();
        }
        let bytes = text.as_bytes();
        let Some(at) = bytes.iter().rposition(|byte| *byte == b'@') else { return whole() };
        let (file, rest) = bytes.split_at(at);
        let moment = rest.get(1..).and_then(|rest| std::str::from_utf8(rest).ok()).map(Moment::parse);
        match moment {
            Some(Ok(moment)) if !file.is_empty() => {
                Self { path: Path::new(OsStr::from_bytes(file)).to_owned(), moment: Some(moment) }
            }
            _ => whole(),
        }
    }

    /// The look that is meant.
    fn look(&self, capture: &Capture, end: End, utc_offset_s: i32) -> anyhow::Result<usize> {
        let times: Vec<_> = (0..capture.len()).map(|look| capture.taken(look)).collect();
        let last = times.len().saturating_sub(1);
        let Some(moment) = self.moment else { return Ok(if end == End::First { 0 } else { last }) };
        // From the end backwards, from the beginning forwards.
        let from = if matches!(moment, Moment::Shift(seconds) if seconds < 0) { last } else { 0 };
        let landing = moment.find(&times, from, utc_offset_s);
        match landing.note {
            None => Ok(landing.at),
            Some(note) => {
                let name = RawPath::from(self.path.as_os_str());
                Err(Refusal::usage(format!("cannot compare that look of `{name}`: {note}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> (String, Option<Moment>) {
        let named = Named::of(OsStr::new(text));
        (named.path.display().to_string(), named.moment)
    }

    #[test]
    fn a_moment_is_named_behind_an_at_sign() {
        assert_eq!(named("/no/ci.tmc@12"), ("/no/ci.tmc".into(), Some(Moment::Look(12))));
        assert_eq!(named("/no/ci.tmc@#12").1, Some(Moment::Look(12)));
        assert_eq!(named("/no/ci.tmc@-2m").1, Some(Moment::Shift(-120)));
        assert_eq!(named("/no/ci.tmc@20:41").1, Some(Moment::Clock { second: 74_460, lasts_s: 60 }));
    }

    #[test]
    fn a_file_whose_name_looks_like_that_goes_before() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("runner@2");
        std::fs::write(&path, "").unwrap();
        assert_eq!(named(path.to_str().unwrap()), (path.display().to_string(), None));
        for odd in ["/no/runner@noon", "@12", "/no/plain"] {
            assert_eq!(named(odd), (odd.to_owned(), None));
        }
    }
}
