//! Lessons as arithmetic: points, guesses, what a look says about them, what is left afterwards.

use std::sync::Arc;

use tmpmedic::catalog::{runbook, scenarios};
use tmpmedic::model::finding::Diagnosis;
use tmpmedic::model::scenario::ScenarioKind;
use tmpmedic::model::units::{Seconds, WallNanos};
use tmpmedic::tui::lesson::answer::{Answer, BESIDE, WRONG};
use tmpmedic::tui::lesson::outcome::End;
use tmpmedic::tui::lesson::{Claim, FULL_SCORE, Lesson, clock};
use tmpmedic::tui::msg::Look;

use crate::scenes;

/// The lesson of two dead runners; its text is a copy, so that frames do not change with the course.
pub fn lesson() -> Lesson {
    Lesson::new(scenarios::parse(include_str!("../data/lesson.toml")).unwrap())
}

fn look() -> Arc<Look> {
    scenes::two_dead_runners()
}

fn at(second: i64) -> WallNanos {
    WallNanos(1_769_114_400_000_000_000 + second * 1_000_000_000)
}

fn cause(id: &str) -> Claim {
    Claim::Cause(id.to_owned())
}

#[test]
fn the_score_is_a_hundred_less_hints_and_wrong_guesses() {
    let mut lesson = lesson();
    lesson.see(&look(), at(0));
    assert_eq!(lesson.score(), FULL_SCORE);
    lesson.take_hint();
    assert_eq!(lesson.score(), 90, "the first hint of this scenario costs 10");
    lesson.guess(cause("disk-full"), &look(), at(30));
    assert_eq!(lesson.score(), 90 - WRONG);
    lesson.guess(cause("leaked-temp-accumulation"), &look(), at(40));
    assert_eq!(lesson.score(), 90 - WRONG - BESIDE, "what is true beside the cause costs less");
    lesson.guess(cause("private-tmp-deleted"), &look(), at(70));
    assert_eq!((lesson.score(), lesson.end()), (70, Some(End::Solved)));
    assert_eq!(lesson.elapsed(Some(at(500))), Seconds(70), "the clock stands still after the end");
}

#[test]
fn the_same_guess_twice_costs_once() {
    let mut lesson = lesson();
    let first = lesson.guess(cause("disk-full"), &look(), at(1));
    assert_eq!(lesson.guess(cause("disk-full"), &look(), at(2)), first);
    assert_eq!((lesson.guesses().len(), lesson.score()), (1, FULL_SCORE - WRONG));
}

#[test]
fn no_score_falls_below_nothing_and_no_more_hints_are_taken_than_there_are() {
    let mut lesson = lesson();
    for _ in 0..9 {
        lesson.take_hint();
    }
    assert_eq!(lesson.hints().len(), lesson.scenario().hints.len());
    for choice in lesson.choices().to_vec() {
        if choice.claim != lesson.truth() {
            lesson.guess(choice.claim, &look(), at(3));
        }
    }
    assert_eq!((lesson.score(), lesson.end()), (0, None));
}

#[test]
fn whoever_gives_up_or_leaves_gets_no_points() {
    let mut given_up = lesson();
    given_up.see(&look(), at(0));
    given_up.give_up(&look(), at(9));
    assert_eq!((given_up.score(), given_up.outcome(Some(at(20))).score), (0, 0));
    let mut left = lesson();
    left.see(&look(), at(0));
    let outcome = left.outcome(Some(at(20)));
    assert_eq!((outcome.outcome, outcome.score, outcome.elapsed_s), (End::Left, 0, Seconds(20)));
}

#[test]
fn a_guess_is_answered_by_what_the_look_says() {
    let look = look();
    assert_eq!(
        Answer::of(&cause("disk-full"), &look),
        Answer::RuledOut("42 % of 387 G used, 5 % of inodes".into())
    );
    assert!(matches!(Answer::of(&cause("leaked-temp-accumulation"), &look), Answer::Beside(_)));
    assert_eq!(Answer::of(&cause("umask-hostile"), &look), Answer::Silent);
    assert_eq!(Answer::of(&Claim::Nothing, &look), Answer::Amiss { failing: 4, findings: 4 });
}

#[test]
fn of_a_near_miss_nothing_is_the_right_answer_and_its_lookalike_is_wrong() {
    let mut scenario = lesson().scenario().clone();
    scenario.kind = ScenarioKind::NearMiss;
    let mut lesson = Lesson::new(scenario);
    lesson.guess(cause("private-tmp-deleted"), &look(), at(1));
    assert_eq!(lesson.end(), None);
    lesson.guess(Claim::Nothing, &look(), at(2));
    assert_eq!(lesson.end(), Some(End::Solved));
}

#[test]
fn a_proof_that_the_last_look_lacked_comes_with_a_later_one() {
    let mut lesson = lesson();
    let blind = Look { diagnosis: Diagnosis::default(), ..Look::clone(&look()) };
    lesson.guess(cause("private-tmp-deleted"), &blind, at(1));
    assert!(lesson.proof().is_empty());
    lesson.see(&look(), at(4));
    assert_eq!(
        lesson.proof().finding.as_ref().map(|f| f.title.as_str()),
        Some("/tmp of forgejo-runner@1.service is a deleted directory")
    );
}

#[test]
fn a_lesson_has_an_answer_for_each_page_and_one_for_nothing() {
    let lesson = lesson();
    assert_eq!(lesson.choices().len(), runbook::pages().count() + 1);
    assert!(lesson.choices().iter().any(|choice| choice.claim == lesson.truth()));
    let mut own = lesson.scenario().clone();
    own.cause = "of-my-own".into();
    assert_eq!(Lesson::new(own).words_of(&cause("of-my-own")), "of my own");
}

#[test]
fn the_document_of_a_course_has_its_keys() {
    let mut lesson = lesson();
    lesson.see(&look(), at(0));
    lesson.take_hint();
    lesson.guess(Claim::Nothing, &look(), at(5));
    lesson.guess(cause("private-tmp-deleted"), &look(), at(8));
    let json = serde_json::to_value(lesson.outcome(Some(at(99)))).unwrap();
    let expected = serde_json::json!({
        "schema": "tmpmedic.lesson/1", "scenario": "private-tmp-deleted", "cause": "private-tmp-deleted",
        "outcome": "solved", "score": 75, "hints_taken": 1, "elapsed_s": 8,
        "guesses": [
            {"cause": "nothing", "right": false, "at_s": 5},
            {"cause": "private-tmp-deleted", "right": true, "at_s": 8},
        ],
    });
    assert_eq!(json, expected);
}

#[test]
fn each_lesson_of_the_course_is_followed_by_the_next() {
    let course = scenarios::course();
    for pair in course.windows(2) {
        let next = Lesson::new(pair[0].clone()).next().cloned().unwrap();
        assert_eq!((Some(next.number), next.title), (pair[1].course, pair[1].title.clone()));
    }
    let last = course.last().unwrap().clone();
    assert_eq!(Lesson::new(last).next(), None);
    assert_eq!(lesson().next(), None, "one that is not part of the course");
}

#[test]
fn times_read_like_a_clock() {
    assert_eq!([42, 727, 3_753].map(|s| clock(Seconds(s))), ["0:42", "12:07", "1:02:33"]);
}
