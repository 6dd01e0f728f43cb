//! The list, and what is asked for wrongly.

use super::{Who, data, text};
use crate::sandbox::TMPMEDIC;
use crate::{needs_lab, skip};

fn lab(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = std::process::Command::new(TMPMEDIC).arg("lab").args(arguments).output().unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_list_tells_the_story_and_hides_the_cause() {
    let (code, list, _) = lab(&[]);
    assert_eq!(code, Some(0));
    assert!(list.contains("Every build dies at once"), "{list}");
    assert!(!list.contains("private-tmp-deleted"), "the cause is given away:\n{list}");
    assert!(list.lines().all(|line| line.chars().count() <= 80), "{list}");
}

#[test]
fn the_list_as_data_has_an_entry_for_each_scenario() {
    let (code, document, _) = lab(&["--json"]);
    assert_eq!(code, Some(0));
    let list: serde_json::Value = serde_json::from_str(&document).unwrap();
    for entry in list.as_array().unwrap() {
        let keys: Vec<&str> = entry.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["buildable", "cause", "id", "kind", "reason", "title"], "{entry}");
        assert_eq!(entry["buildable"] == true, entry["reason"].is_null(), "{entry}");
    }
    assert!(list.as_array().unwrap().iter().any(|entry| entry["id"] == "private-tmp-deleted"));
}

#[test]
fn a_lesson_has_the_same_number_in_the_course_and_in_the_list() {
    let (_, course, _) = lab(&["--course", "--json"]);
    let course: serde_json::Value = serde_json::from_str(&course).unwrap();
    let (_, list, _) = lab(&["--json"]);
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    for lesson in course["lessons"].as_array().unwrap() {
        let number = usize::try_from(lesson["number"].as_u64().unwrap()).unwrap();
        assert_eq!(list[number - 1]["id"], lesson["id"], "lesson {number}");
    }
}

#[test]
fn no_near_miss_stands_beside_what_it_resembles() {
    let (_, list, _) = lab(&["--json"]);
    let list: Vec<serde_json::Value> = serde_json::from_str(&list).unwrap();
    let of_one_cause = list.windows(2).filter(|pair| pair[0]["cause"] == pair[1]["cause"]);
    assert!(of_one_cause.count() < 3, "the order tells which are alike");
}

#[test]
fn what_the_readme_says_to_try_works_as_an_ordinary_user() {
    let who = Who::User;
    needs_lab!(who);
    let readme = include_str!("../../../README.md");
    let section = readme.split("## Try it without an incident").nth(1).unwrap();
    let block = section.split("```").nth(1).unwrap();
    let commands: Vec<&str> = block.lines().filter(|line| line.starts_with("tmpmedic lab ")).collect();
    assert!(commands.len() >= 3, "{block}");
    for command in commands {
        let words = command.split_whitespace().skip(2);
        let mut arguments: Vec<&str> = words.take_while(|word| !word.starts_with(['-', '#'])).collect();
        if arguments.is_empty() {
            continue;
        }
        arguments.extend(["--", "tmpmedic", "check"]);
        let output = who.lab(&arguments);
        let code = output.status.code();
        assert!(matches!(code, Some(0..=2)), "{command}: {code:?} {}", text(&output.stderr));
    }
}

#[test]
fn whatever_is_refused_does_not_tell_the_cause() {
    let who = Who::User;
    needs_lab!(who);
    let output = who.lab(&["--json"]);
    let list: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let Some(index) = list.iter().position(|entry| entry["buildable"] == false) else {
        skip!("that user can build everything here");
    };
    let number = (index + 1).to_string();
    let output = who.lab(&[&number, "--", "true"]);
    let why = text(&output.stderr);
    assert_eq!(output.status.code(), Some(77), "{why}");
    assert!(why.contains(&format!("`{number}`")), "{why}");
    assert!(!why.contains(list[index]["id"].as_str().unwrap()), "{why}");
}

#[test]
fn options_of_a_lab_without_a_scenario_are_refused() {
    for words in [&["--keep"][..], &["--shell"], &["--chapter", "1"], &["--", "true"]] {
        let (code, _, why) = lab(words);
        assert_eq!(code, Some(64), "{words:?}");
        assert!(why.contains("which scenario?"), "{why}");
    }
    for chapter in ["0", "99"] {
        let (code, _, why) = lab(&["story-six-runners", "--chapter", chapter, "--", "true"]);
        assert_eq!(code, Some(64), "{why}");
        assert!(why.contains(&format!("no chapter {chapter}")), "{why}");
    }
}

#[test]
fn a_file_that_nobody_could_play_is_refused_with_its_line() {
    let sound = tmpmedic::catalog::scenarios::text("cwd-deleted").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("own.toml");
    for (key, instead, says) in [
        ("id = ", "id = \"7\"", "an id is a word"),
        ("cause = ", "cause = \"cwd-delete\"", "did you mean `cwd-deleted`?"),
        ("level = ", "level = 9", "level 9"),
    ] {
        let line = sound.lines().position(|line| line.starts_with(key)).unwrap();
        let mut lines: Vec<&str> = sound.lines().collect();
        lines[line] = instead;
        std::fs::write(&file, lines.join("\n")).unwrap();
        let (code, _, why) = lab(&["--scenario", file.to_str().unwrap(), "--json"]);
        assert_eq!(code, Some(64), "{why}");
        assert!(why.contains(&format!("own.toml:{}: ", line + 1)) && why.contains(says), "{why}");
    }
}

#[test]
fn an_unknown_scenario_names_those_that_are_close() {
    let (code, _, why) = lab(&["private-tmp-delete"]);
    assert_eq!(code, Some(64), "{why}");
    assert!(why.contains("private-tmp-deleted"), "{why}");
    let (code, _, why) = lab(&["4711"]);
    assert_eq!(code, Some(64), "{why}");
}

#[test]
fn a_file_that_is_no_scenario_is_refused_with_its_line() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let (code, _, why) = lab(&["--scenario", manifest]);
    assert_eq!(code, Some(64), "{why}");
    assert!(why.contains("/Cargo.toml:"), "{why}");
    for place in ["/", "/dev/null", "/no/such/file"] {
        let (code, _, why) = lab(&["--scenario", place]);
        assert_eq!(code, Some(64), "{why}");
        assert!(why.contains(place), "{why}");
    }
}

#[test]
fn a_scenario_says_what_it_needs_that_this_user_has_not() {
    let who = Who::User;
    if let Some(why) = who.objection() {
        skip!("{why}");
    }
    let file = data("image.toml");
    let output = who.lab(&["--scenario", file.to_str().unwrap(), "image", "--", "true"]);
    assert_eq!(output.status.code(), Some(77), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("needs"), "{}", text(&output.stderr));
}
