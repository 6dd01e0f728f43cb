//! The list, and what is asked for wrongly.

use super::{Who, data, text};
use crate::sandbox::TMPMEDIC;
use crate::skip;

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
