//! The scenarios on offer: the embedded ones and those of the user; found by number, by id, or nearly.

use std::path::{Path, PathBuf};

use crate::catalog::scenarios;
use crate::cmd::Refusal;
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
}

impl Shelf {
    /// The embedded ones, then those of the files; one of a file takes the place of an embedded one of the same id.
    pub fn load(files: &[PathBuf]) -> anyhow::Result<Self> {
        let mut scenarios = scenarios::all();
        for file in files {
            let scenario = read(file)?;
            match scenarios.iter_mut().find(|other| other.id == scenario.id) {
                Some(other) => *other = scenario,
                None => scenarios.push(scenario),
            }
        }
        Ok(Self { scenarios })
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
        let near = self.nearest(wanted);
        let hint = if near.is_empty() {
            "`tmpmedic lab` lists them".to_owned()
        } else {
            format!("did you mean {}?", near.join(" or "))
        };
        Err(Refusal::usage(format!("there is no scenario `{shown}`; {hint}")))
    }

    /// Up to three ids that differ little.
    fn nearest(&self, wanted: &str) -> Vec<&str> {
        let limit = wanted.chars().count() / 3 + 1;
        let mut near: Vec<(usize, &str)> = self
            .scenarios
            .iter()
            .map(|scenario| (distance(wanted, &scenario.id), scenario.id.as_str()))
            .filter(|(far, id)| *far <= limit || !wanted.is_empty() && id.contains(wanted))
            .collect();
        near.sort_unstable();
        near.into_iter().take(3).map(|(_, id)| id).collect()
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
    scenarios::parse(&text).map_err(|why| {
        Refusal::usage(format!("{shown}:{}: {}", why.line, RawPath::from(why.message.as_str()).shown()))
    })
}

/// How many letters have to be put in, taken out or exchanged (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (slot, b) in row.iter_mut().skip(1).zip(&other) {
            let above = *slot;
            *slot = (above + 1).min(left + 1).min(diagonal + usize::from(a != *b));
            (diagonal, left) = (above, *slot);
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_letters_that_differ() {
        assert_eq!(distance("emlink", "emlink"), 0);
        assert_eq!(distance("emlnk", "emlink"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
