//! The scenarios: incidents that a lab can build, embedded from `assets/scenarios/*.toml` by the build script.
//!
//! Called by `lab`, its command and the law tests. Those of the user are read with [`parse`].

use crate::model::scenario::Scenario;

/// Id and text of each scenario, ascending by id.
const TEXTS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/scenarios.rs"));

/// Id and capture of each scenario that was recorded, ascending by id.
const CAPTURES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/captures.rs"));

/// What was recorded of a scenario when it was built: for machines on which it cannot be.
pub fn recorded(id: &str) -> Option<&'static [u8]> {
    CAPTURES.iter().find(|(name, _)| *name == id).map(|(_, bytes)| *bytes)
}

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
    use std::collections::BTreeSet;

    use super::*;
    use crate::catalog::runbook;
    use crate::model::finding::Severity;
    use crate::model::scenario::ScenarioKind;
    use crate::model::scenario::cast::Cast;
    use crate::model::scenario::step::Step;

    /// Words of ids that say nothing about the cause.
    const COMMON: [&str; 6] = ["temp", "tmpdir", "file", "dead", "after", "from"];
    /// File systems of the lab; everything else is the host's, and read-only.
    const OWN: [&str; 6] = ["/tmp", "/var/tmp", "/run", "/dev/shm", "/mnt", "/home"];

    /// Files of every machine, on which something may be mounted.
    const THERE: [&str; 2] = ["/dev/null", "/etc/fstab"];

    fn causes() -> BTreeSet<&'static str> {
        runbook::pages().map(|page| page.id).collect()
    }

    fn steps(scenario: &Scenario) -> impl Iterator<Item = &Step> {
        scenario.chapters.iter().flat_map(|chapter| &chapter.steps)
    }

    fn casts(scenario: &Scenario) -> impl Iterator<Item = &Cast> {
        steps(scenario).filter_map(|step| match step {
            Step::Start(cast) => Some(&**cast),
            _ => None,
        })
    }

    fn names(cast: &Cast) -> Vec<String> {
        let numbered = |count: u32| (1..=count).map(|n| format!("{}-{n}", cast.name)).collect();
        cast.count.map_or_else(|| vec![cast.name.clone()], numbered)
    }

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

    #[test]
    fn every_cause_has_a_scenario_and_a_near_miss() {
        for id in causes() {
            let shows = |name: &str, kind| find(name).is_some_and(|s| s.kind == kind && s.cause == id);
            assert!(shows(id, ScenarioKind::Cause), "no scenario shows {id}");
            assert!(shows(&format!("{id}-near-miss"), ScenarioKind::NearMiss), "{id} has no near miss");
        }
        for scenario in all() {
            let id = match scenario.kind {
                ScenarioKind::Cause => scenario.cause.clone(),
                ScenarioKind::NearMiss => format!("{}-near-miss", scenario.cause),
                ScenarioKind::Story => format!("story-{}", scenario.id.trim_start_matches("story-")),
            };
            assert_eq!(scenario.id, id);
            let known = causes().contains(scenario.cause.as_str());
            assert!(
                known || scenario.later.is_some(),
                "{} has no cause that a learner could name",
                scenario.id
            );
        }
    }

    #[test]
    fn every_scenario_is_told_to_its_end() {
        for scenario in all() {
            let Scenario { id, title, story, symptom, cure, naive, lesson, .. } = &scenario;
            for text in [title, story, symptom, cure, naive, lesson].into_iter().chain(&scenario.tried) {
                assert!(!text.trim().is_empty(), "{id} leaves a text empty");
            }
            assert!(!title.contains('\n') && title.chars().count() <= 100, "{id}: its title is no line");
            assert!((1..=5).contains(&scenario.level) && !scenario.tried.is_empty(), "{id}");
            let is_story = scenario.kind == ScenarioKind::Story;
            assert_eq!(scenario.chapters.len() > 1, is_story, "{id}: a story has chapters, all others one");
            for chapter in scenario.chapters.iter().filter(|_| is_story) {
                assert!(!chapter.title.is_empty() && !chapter.tells.is_empty(), "{id}");
            }
        }
    }

    #[test]
    fn each_hint_is_dearer_than_the_one_before() {
        for Scenario { id, hints, .. } in all() {
            assert!((2..=4).contains(&hints.len()), "{id} has {} hints", hints.len());
            let costs: Vec<u8> = hints.iter().map(|hint| hint.cost).collect();
            assert!(costs.is_sorted_by(|a, b| a < b) && !costs.contains(&0), "{id}: {costs:?}");
            let all: u32 = costs.iter().map(|cost| u32::from(*cost)).sum();
            assert!(all < 100, "{id}: whoever takes all hints still learns for something");
        }
    }

    #[test]
    fn no_title_gives_the_cause_away() {
        for Scenario { id, title, cause, .. } in all() {
            let title = title.to_lowercase();
            let words: BTreeSet<&str> = title.split(|c: char| !c.is_alphanumeric()).collect();
            let told = cause.split('-').filter(|w| w.len() > 3 && !COMMON.contains(w) && words.contains(w));
            assert_eq!(told.collect::<Vec<_>>(), Vec::<&str>::new(), "{id}: {title}");
        }
    }

    #[test]
    fn what_is_expected_are_causes_and_the_one_to_name_is_among_them() {
        for scenario in all() {
            let (id, kind) = (&scenario.id, scenario.kind);
            let expected = || scenario.chapters.iter().flat_map(|chapter| &chapter.expect.found);
            let also = || scenario.chapters.iter().flat_map(|c| c.expect.also.iter().chain(&c.expect.never));
            if scenario.later.is_none() {
                for name in expected().map(|e| e.id.as_str()).chain(also().map(String::as_str)) {
                    assert!(causes().contains(name), "{id} expects `{name}`, which is no cause");
                }
            }
            let named = expected().any(|e| e.id == scenario.cause);
            assert_eq!(
                named,
                kind != ScenarioKind::NearMiss,
                "{id}: a near miss finds nothing, others their cause"
            );
            for chapter in &scenario.chapters {
                let severities: Vec<Severity> = chapter.expect.found.iter().map(|e| e.severity).collect();
                assert!(severities.is_sorted_by(|a, b| a >= b), "{id}: the gravest leads");
            }
        }
    }

    #[test]
    fn everybody_who_is_named_plays() {
        for scenario in all() {
            let mut playing = BTreeSet::new();
            let mut ever = BTreeSet::new();
            for step in steps(&scenario) {
                match step {
                    Step::Start(cast) => {
                        assert!(
                            cast.parent.as_ref().is_none_or(|name| playing.contains(name)),
                            "{}",
                            scenario.id
                        );
                        for name in names(cast) {
                            assert!(ever.insert(name.clone()), "{}: two are called {name}", scenario.id);
                            playing.insert(name);
                        }
                    }
                    Step::Stop { name, .. } => assert!(playing.remove(name), "{}: no {name}", scenario.id),
                    _ => {}
                }
            }
            assert!(scenario.asked.iter().all(|name| playing.contains(name)), "{}", scenario.id);
        }
    }

    #[test]
    fn whoever_needs_no_other_user_does_not_ask_for_one() {
        for scenario in all() {
            let ids: BTreeSet<(u32, u32)> = casts(&scenario).map(|cast| (cast.uid, cast.gid)).collect();
            assert!(ids.len() == 1, "{}: one user is enough for an incident", scenario.id);
        }
    }

    #[test]
    fn everything_is_made_in_file_systems_of_the_lab() {
        let own = |path: &str, mounted: &[&str]| {
            OWN.iter().chain(mounted).any(|root| {
                path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        for scenario in all() {
            let mut mounted = Vec::new();
            for step in steps(&scenario) {
                match step {
                    Step::Overlay { at, .. } => mounted.push(at.as_str()),
                    Step::Bind { at, .. } => {
                        assert!(own(at, &mounted) || THERE.contains(&at.as_str()), "{}: {at}", scenario.id);
                    }
                    Step::Dir { path, .. }
                    | Step::File { path, .. }
                    | Step::Many { path, .. }
                    | Step::Link { path, .. }
                    | Step::Fifo { path }
                    | Step::Remove { path }
                    | Step::Rename { path, .. }
                    | Step::Tmpfs { at: path, .. }
                    | Step::Image { at: path, .. } => assert!(own(path, &mounted), "{}: {path}", scenario.id),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn the_course_has_no_gap_and_goes_from_easy_to_hard() {
        let mut course: Vec<(u8, u8)> = all().iter().filter_map(|s| Some((s.course?, s.level))).collect();
        course.sort_unstable();
        let places: Vec<u8> = course.iter().map(|(place, _)| *place).collect();
        assert_eq!(places, (1..=8).collect::<Vec<u8>>());
        assert!(course.is_sorted_by_key(|(_, level)| *level), "{course:?}");
    }
}
