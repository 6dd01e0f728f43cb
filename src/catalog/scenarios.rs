//! The scenarios: incidents that a lab can build, embedded from `assets/scenarios/*.toml` by the build script.
//!
//! Called by `lab`, its command and the law tests. Those of the user are read with [`parse`].

use crate::model::scenario::Scenario;

/// Id and text of each scenario, ascending by id.
const TEXTS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/scenarios.rs"));

/// Why a scenario cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{line}: {message}")]
pub struct ScenarioError {
    /// The line of the text, from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

/// Every scenario, ascending by id.
pub fn all() -> Vec<Scenario> {
    // A broken one is ruled out by a test.
    TEXTS.iter().filter_map(|(_, text)| parse(text).ok()).collect()
}

/// The scenario of that id.
pub fn find(id: &str) -> Option<Scenario> {
    let (_, text) = TEXTS.iter().find(|(name, _)| *name == id)?;
    parse(text).ok()
}

/// The short course: the scenarios that have a place in it, in that order.
pub fn course() -> Vec<Scenario> {
    let mut lessons: Vec<Scenario> = all().into_iter().filter(|s| s.course.is_some()).collect();
    lessons.sort_by_key(|lesson| lesson.course);
    lessons
}

/// The text of a scenario, as it stands in its file.
pub fn text(id: &str) -> Option<&'static str> {
    TEXTS.iter().find(|(name, _)| *name == id).map(|(_, text)| *text)
}

/// Reads a scenario.
///
/// # Errors
/// [`ScenarioError`] names the line and what is wrong with it.
pub fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        ScenarioError { line, message: error.message().to_owned() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_scenario_is_sound_and_named_as_its_file() {
        for (id, text) in TEXTS {
            let scenario = parse(text).unwrap_or_else(|error| panic!("assets/scenarios/{id}.toml:{error}"));
            assert_eq!(scenario.id, *id);
        }
    }

    #[test]
    fn no_two_lessons_of_the_course_have_the_same_place() {
        let places: Vec<Option<u8>> = course().iter().map(|lesson| lesson.course).collect();
        let mut distinct = places.clone();
        distinct.dedup();
        assert_eq!(places, distinct);
    }

    #[test]
    fn a_broken_scenario_names_its_line() {
        let error = parse("id = \"x\"\nkind = \"cause\"\nsurprise = 1\n").unwrap_err();
        assert_eq!(error.line, 3, "{error}");
    }
}
