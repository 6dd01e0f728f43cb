//! What a failing line means: the first row that fits, of `wordings` and then of `errors`.

use super::across::Oracle;
use super::causes::all;
use super::failure::Failure;
use super::tool::Tool;
use super::{errors, path, wordings};
use crate::model::errno::Errno;

/// What a line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    /// In one line.
    pub means: &'static str,
    /// Causes that fit, the likeliest first.
    pub points_to: Vec<&'static str>,
    /// Causes that the wording excludes.
    pub excludes: Vec<&'static str>,
}

/// One wording.
pub(super) struct Row {
    pub when: fn(&Failure<'_>) -> bool,
    pub means: &'static str,
    pub points_to: &'static [&'static [&'static str]],
    pub excludes: &'static [&'static [&'static str]],
}

/// What the line means; nothing where it is none of our business.
pub(super) fn of(failure: &Failure<'_>) -> Option<Meaning> {
    let row = wordings::ROWS.iter().chain(errors::ROWS).find(|row| (row.when)(failure))?;
    let points_to = all(row.points_to);
    let mut excludes = all(row.excludes);
    excludes.retain(|id| !points_to.contains(id));
    Some(Meaning { means: row.means, points_to, excludes })
}

/// A temp dir or file is being made, as opposed to something that was there being looked for.
pub(super) fn makes_temp(f: &Failure<'_>) -> bool {
    let words = [
        "create a temp dir",
        "create temp dir",
        "creating work dir",
        "mkdtemp",
        "mktemp: failed",
        "temporary file in",
        "temp directory",
        "temp file",
        "temporary directory",
    ];
    f.says(&words) || f.tool == Tool::Sccache && path::random_suffix(f.path_text()).is_some()
}

/// What the line proves about its directory, for the other lines that speak of the same.
pub(super) fn oracle(f: &Failure<'_>) -> Option<Oracle> {
    if !f.is(Errno::ENOENT) {
        return None;
    }
    let go_build =
        f.tool == Tool::Go && f.says(&["mkdir "]) && path::file_name(f.path_text()).starts_with("go-build");
    let gcc = f.tool == Tool::Gcc && f.says(&["temporary file in"]);
    if go_build || gcc { Some(Oracle::Dead) } else { f.is_go_stat().then_some(Oracle::Missing) }
}
