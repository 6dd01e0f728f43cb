//! What part a process plays on a CI machine: runner, build tool, cache server, build daemon.
//!
//! The table is `assets/roles.toml`; a site adds its own. A role says what to look at first and how grave a finding is;
//! nothing is ever allowed or forbidden by it, because a process may call itself what it likes. Called by `collect` once
//! for each process.

use serde::Deserialize;

use super::command::{self, Named};
use super::pattern::Pattern;
use crate::model::process::{Role, RoleKind};
use crate::model::raw_path::RawText;

/// What a process shows of itself.
#[derive(Clone, Copy, Debug)]
pub struct Clues<'a> {
    /// Its name as the kernel keeps it, cut at 15 bytes.
    pub comm: &'a [u8],
    /// Its program's path, where that is readable.
    pub exe: Option<&'a [u8]>,
    /// Its arguments, the zeroth included; empty where unreadable.
    pub arguments: &'a [RawText],
    /// The systemd unit of its cgroup.
    pub unit: Option<&'a str>,
}

/// One row of the table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleEntry {
    /// Stable id: `forgejo-runner`.
    pub id: String,
    /// What kind of part.
    pub kind: RoleKind,
    /// What people call it.
    pub title: String,
    /// Patterns of program names; what an interpreter runs (script, jar, class, `-m module`) counts as a program.
    #[serde(default)]
    pub programs: Vec<String>,
    /// Patterns of the argument after the program, one of which must match; the empty pattern is "no argument".
    #[serde(default)]
    pub first: Vec<String>,
    /// Patterns of the argument after the program, none of which may match.
    #[serde(default)]
    pub unless_first: Vec<String>,
    /// Patterns of systemd units: every process in one plays this part, unless its own program says another.
    #[serde(default)]
    pub units: Vec<String>,
    /// Why such a process plays that part.
    pub why: String,
    /// Where the names are documented.
    pub source: String,
    /// Command lines that must have this role; `unit:NAME ` or `comm:NAME ` may stand before them.
    pub examples: Vec<String>,
    /// Command lines that look alike and must not.
    pub near_misses: Vec<String>,
}

/// The table of roles, compiled.
#[derive(Clone, Debug)]
pub struct Roles {
    /// The site's rows, then ours.
    rows: Vec<Row>,
    /// How many of them are the site's.
    site: usize,
    /// By the first byte of a program's name, the positions of the rows that may fit it, ascending.
    by_byte: Vec<Vec<usize>>,
    /// Units that watch or clean a runner and are none.
    companions: Vec<Pattern>,
}

/// The table as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Patterns of units that watch or clean a runner and are none.
    pub companions: Vec<String>,
    /// The rows.
    pub role: Vec<RoleEntry>,
}

#[derive(Clone, Debug)]
struct Row {
    entry: RoleEntry,
    programs: Vec<Pattern>,
    first: Vec<Pattern>,
    unless_first: Vec<Pattern>,
    units: Vec<Pattern>,
}

impl Roles {
    /// The table of that text.
    pub(super) fn parse(table: &str) -> Result<File, String> {
        toml::from_str(table).map_err(|error| error.to_string())
    }

    /// Our roles, with those of the site before them. The error names a pattern and what is wrong with it.
    pub(super) fn new(site: Vec<RoleEntry>, ours: File) -> Result<Self, String> {
        let site_count = site.len();
        let rows = site.into_iter().chain(ours.role).map(Row::of).collect::<Result<Vec<_>, _>>()?;
        let by_byte = (0..=u8::MAX).map(|byte| {
            let fitting = rows.iter().enumerate().filter(|(_, row)| row.may_begin_with(byte));
            fitting.map(|(position, _)| position).collect()
        });
        let by_byte = by_byte.collect();
        Ok(Self { rows, site: site_count, by_byte, companions: patterns(&ours.companions)? })
    }

    /// The part that the process plays, if it is a known one.
    ///
    /// A row of the site decides alone. Otherwise the program decides; then the unit, so that whatever runs in a
    /// runner's unit (step shells, `sleep`) belongs to the runner; last the programs of no consequence for builds.
    pub fn role_of(&self, clues: &Clues<'_>) -> Option<Role> {
        let names = command::names(clues.comm, clues.exe, clues.arguments);
        let by_program = self.of_programs(&names);
        let by_unit = self.of_unit(clues.unit);
        let is_sites = |at: &&usize| **at < self.site;
        let counts = |at: &&usize| self.rows.get(**at).is_some_and(|row| row.entry.kind != RoleKind::Other);
        let of_site = || by_program.iter().chain(&by_unit).filter(is_sites).min();
        let at = of_site()
            .or_else(|| by_program.iter().find(counts))
            .or_else(|| by_unit.first())
            .or_else(|| by_program.first())?;
        self.rows.get(*at).map(Row::role)
    }

    /// Positions of the rows that one of the names fits, ascending. Most names are ruled out by their first byte: this is
    /// asked for every process of the machine.
    fn of_programs(&self, names: &[Named<'_>]) -> Vec<usize> {
        let mut found = Vec::new();
        for named in names {
            let first = named.name.first().and_then(|byte| self.by_byte.get(usize::from(*byte)));
            let rows = first.into_iter().flatten().copied();
            found.extend(rows.filter(|at| self.rows.get(*at).is_some_and(|row| row.fits_program(named))));
        }
        found.sort_unstable();
        found
    }

    /// Positions of the rows to which the unit belongs, ascending.
    fn of_unit(&self, unit: Option<&str>) -> Vec<usize> {
        let Some(unit) = unit.map(str::as_bytes) else { return Vec::new() };
        let rows = self.rows.iter().enumerate().filter(|(_, row)| any(&row.units, unit));
        let found: Vec<usize> = rows.map(|(at, _)| at).collect();
        if !found.is_empty() && any(&self.companions, unit) { Vec::new() } else { found }
    }

    /// The row of that id.
    pub fn get(&self, id: &str) -> Option<&RoleEntry> {
        self.iter().find(|entry| entry.id == id)
    }

    /// All rows, the site's first.
    pub fn iter(&self) -> impl Iterator<Item = &RoleEntry> {
        self.rows.iter().map(|row| &row.entry)
    }
}

impl Row {
    fn of(entry: RoleEntry) -> Result<Self, String> {
        Ok(Self {
            programs: patterns(&entry.programs)?,
            first: patterns(&entry.first)?,
            unless_first: patterns(&entry.unless_first)?,
            units: patterns(&entry.units)?,
            entry,
        })
    }

    /// Whether a name that begins so can fit at all.
    fn may_begin_with(&self, byte: u8) -> bool {
        self.programs
            .iter()
            .any(|program| program.literal_prefix().first().is_none_or(|first| *first == byte))
    }

    fn fits_program(&self, named: &Named<'_>) -> bool {
        any(&self.programs, &named.name)
            && (self.first.is_empty() || any(&self.first, named.first))
            && !any(&self.unless_first, named.first)
    }

    fn role(&self) -> Role {
        Role { id: self.entry.id.clone(), kind: self.entry.kind, title: self.entry.title.clone() }
    }
}

fn patterns(texts: &[String]) -> Result<Vec<Pattern>, String> {
    let parse = |text: &String| Pattern::parse(text).map_err(|why| format!("pattern `{text}` {why}"));
    texts.iter().map(parse).collect()
}

fn any(patterns: &[Pattern], name: &[u8]) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}

/// A sample of the table, read as the process that it describes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sample {
    comm: Vec<u8>,
    arguments: Vec<RawText>,
    unit: Option<String>,
}

impl Sample {
    /// Reads `[unit:NAME ][comm:NAME ]COMMAND…`. Without `comm:` the comm is the program's name, cut as the kernel does.
    pub(super) fn parse(text: &str) -> Self {
        let (mut unit, mut comm) = (None, None);
        let mut arguments = Vec::new();
        for word in text.split(' ') {
            if let Some(name) = word.strip_prefix("unit:") {
                unit = Some(name.to_owned());
            } else if let Some(name) = word.strip_prefix("comm:") {
                comm = Some(name.as_bytes().to_vec());
            } else {
                arguments.push(RawText::from(word));
            }
        }
        let program = arguments.first().map(|word| word.file_name().to_vec()).unwrap_or_default();
        let comm = comm.unwrap_or_else(|| program.into_iter().take(15).collect());
        Self { comm, arguments, unit }
    }

    /// What such a process shows of itself.
    pub(super) fn clues(&self) -> Clues<'_> {
        Clues { comm: &self.comm, exe: None, arguments: &self.arguments, unit: self.unit.as_deref() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn id_of(sample: &str) -> Option<String> {
        Catalog::builtin().roles.role_of(&Sample::parse(sample).clues()).map(|role| role.id)
    }

    #[test]
    fn whatever_runs_in_a_runners_unit_belongs_to_the_runner() {
        assert_eq!(id_of("unit:forgejo-runner@1.service sleep 10").as_deref(), Some("forgejo-runner"));
        assert_eq!(id_of("unit:forgejo-runner@1.service bash -e /x/1.sh").as_deref(), Some("forgejo-runner"));
        assert_eq!(id_of("unit:cron.service sleep 10"), None);
    }

    #[test]
    fn a_build_tool_in_a_runners_unit_is_still_a_build_tool() {
        assert_eq!(id_of("unit:forgejo-runner@1.service cargo build").as_deref(), Some("cargo"));
    }

    #[test]
    fn a_unit_that_watches_a_runner_is_none() {
        assert_eq!(id_of("unit:gitlab-runner-prometheus.service prometheus --x"), None);
    }
}
