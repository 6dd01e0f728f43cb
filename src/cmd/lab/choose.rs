//! The scenarios on offer: the embedded ones and those of the user; found by number, by id, or nearly.

use std::path::{Path, PathBuf};

use crate::catalog::{runbook, scenarios};
use crate::cmd::{Refusal, near};
use crate::lab::Machine;
use crate::model::raw_path::RawPath;
use crate::model::scenario::Scenario;
use crate::sys::plainfile;

/// The longest file of a scenario.
const MAX: usize = 1 << 20;

/// Scenarios in the order of their numbers.
#[derive(Debug)]
pub struct Shelf {
    /// All of them.
    pub scenarios: Vec<Scenario>,
    /// The id of the first that came from a file.
    own: Option<String>,
}

impl Shelf {
    /// The embedded ones, then those of the files; one of a file takes the place of an embedded one of the same id.
    ///
    /// The course leads, so that a lesson has one number everywhere; the others follow from easy to hard and by title, where
    /// a near miss does not stand beside what it resembles.
    pub fn load(files: &[PathBuf]) -> anyhow::Result<Self> {
        let mut scenarios = scenarios::all();
        let place = |scenario: &Scenario| {
            (scenario.course.unwrap_or(u8::MAX), scenario.level, scenario.title.clone())
        };
        scenarios.sort_by_cached_key(place);
        let mut own = None;
        for file in files {
            let scenario = read(file)?;
            own.get_or_insert_with(|| scenario.id.clone());
            match scenarios.iter_mut().find(|other| other.id == scenario.id) {
                Some(other) => *other = scenario,
                None => scenarios.push(scenario),
            }
        }
        Ok(Self { scenarios, own })
    }

    /// The lesson to begin with: that of a file, or the first of the course that this machine can build, or the first.
    pub fn first_lesson(&self, machine: &Machine) -> Option<&Scenario> {
        let own = self.scenarios.iter().find(|scenario| self.own.as_ref() == Some(&scenario.id));
        let can_be_built = |scenario: &&Scenario| machine.objection(scenario).is_none();
        own.or_else(|| self.course().find(can_be_built)).or_else(|| self.course().next())
    }

    /// The lessons of the course, in its order.
    pub fn course(&self) -> impl Iterator<Item = &Scenario> {
        self.scenarios.iter().filter(|scenario| scenario.course.is_some())
    }

    /// The scenario of that id or number.
    pub fn find(&self, wanted: &str) -> anyhow::Result<&Scenario> {
        if let Some(found) = self.scenarios.iter().find(|scenario| scenario.id == wanted) {
            return Ok(found);
        }
        let number = wanted.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        if let Some(found) = number.and_then(|index| self.scenarios.get(index)) {
            return Ok(found);
        }
        let shown = RawPath::from(wanted).shown();
        let near = near::question(wanted, self.scenarios.iter().map(|scenario| scenario.id.as_str()));
        Err(Refusal::usage(format!("no scenario is called `{shown}`;{near} `tmpmedic lab` lists them")))
    }
}

fn read(file: &Path) -> anyhow::Result<Scenario> {
    let shown = RawPath::new(std::os::unix::ffi::OsStrExt::as_bytes(file.as_os_str())).shown();
    let refuse = |why: String| Refusal::usage(format!("cannot read the scenario `{shown}`: {why}"));
    let bytes = plainfile::read(file, MAX + 1).map_err(|why| match why.kind() {
        std::io::ErrorKind::InvalidInput => refuse("it is no regular file".to_owned()),
        _ => refuse(why.to_string()),
    })?;
    if bytes.len() > MAX {
        return Err(refuse(format!("it has more than {MAX} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|_not_text| refuse("it is not UTF-8".to_owned()))?;
    let at =
        |line: usize, why: &str| Refusal::usage(format!("{shown}:{line}: {}", RawPath::from(why).shown()));
    let scenario = scenarios::parse(&text).map_err(|why| at(why.line, &why.message))?;
    let Some((key, why)) = flaw(&scenario) else { return Ok(scenario) };
    Err(at(line_of(key, &text), &why))
}

/// What the form allows and nobody could play: the key, and why.
fn flaw(scenario: &Scenario) -> Option<(&'static str, String)> {
    if scenario.id.is_empty() || scenario.id.parse::<usize>().is_ok() {
        return Some(("id", "an id is a word, for numbers are places in the list".to_owned()));
    }
    if !(1..=5).contains(&scenario.level) {
        return Some(("level", format!("level {} is not one of 1 to 5", scenario.level)));
    }
    if scenario.chapters.is_empty() {
        return Some(("chapter", "a scenario has at least one [[chapter]]".to_owned()));
    }
    let is_known = runbook::page(&scenario.cause).is_some();
    (!is_known && scenario.later.is_none()).then(|| {
        let near = near::question(&scenario.cause, runbook::pages().map(|page| page.id));
        ("cause", format!("no cause is called `{}`;{near} `tmpmedic explain` lists them", scenario.cause))
    })
}

/// The line of a key at the top of the text, from 1; the first where it is not there.
fn line_of(key: &str, text: &str) -> usize {
    let is_it = |line: &str| {
        line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    text.lines().position(is_it).map_or(1, |index| index + 1)
}
