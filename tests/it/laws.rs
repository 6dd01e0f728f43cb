//! Laws over the source tree itself: the import table of `src/lib.rs`, and the registries.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use tmpmedic::model::thresholds::Thresholds;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rows `| floor | [`room`] | … | may import |` of the table in `src/lib.rs`.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let mut table = BTreeMap::new();
    for line in text.lines().filter_map(|l| l.strip_prefix("//! | ")) {
        let cells: Vec<&str> = line.trim_end_matches('|').split(" | ").map(str::trim).collect();
        let [_, room, _, imports] = cells[..] else { continue };
        let Some(room) = room.strip_prefix("[`").and_then(|r| r.strip_suffix("`]")) else { continue };
        let names = imports.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        table.insert(room.to_owned(), names);
    }
    table
}

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// Every `crate::ROOM` outside comments, in `use` lines and in paths alike.
fn rooms_named(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
    let after = code.flat_map(|l| l.split("crate::").skip(1).map(str::to_owned).collect::<Vec<_>>());
    let mut rooms = BTreeSet::new();
    for rest in after {
        if let Some(list) = rest.strip_prefix('{') {
            let names =
                list.split([',', '}']).map(|n| n.trim().split("::").next().unwrap_or_default().to_owned());
            rooms.extend(names.filter(|n| n.starts_with(|c: char| c.is_ascii_alphabetic())));
        } else {
            rooms.insert(rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect());
        }
    }
    rooms
}

#[test]
fn rooms_import_only_what_the_floor_plan_allows() {
    let table = allowed();
    let rooms: BTreeSet<String> = table.keys().cloned().collect();
    assert_eq!(rooms.len(), 14, "the table of src/lib.rs names the rooms: {rooms:?}");
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let mut wrong = Vec::new();
    for file in &files {
        let relative = file.strip_prefix(root().join("src")).unwrap();
        let room = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let Some(may) = table.get(&room) else { continue };
        for named in rooms_named(&std::fs::read_to_string(file).unwrap()) {
            let known = rooms.contains(&named);
            if known && named != room && room != "cmd" && !may.contains(&named) {
                wrong.push(format!("{} imports {named}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "edges that the floor plan does not have:\n{}", wrong.join("\n"));
}

#[test]
fn the_import_law_sees_every_way_of_naming_a_room() {
    let text = "use crate::sys::x;\nuse crate::{model, collect::y};\nlet a = crate::rules::b();\n// crate::tui is a comment\n";
    let named = rooms_named(text);
    let expected = ["sys", "model", "collect", "rules"].map(str::to_owned);
    assert_eq!(named, BTreeSet::from(expected));
}

#[test]
fn nobody_imports_the_roof() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    for file in files.iter().filter(|f| !f.starts_with(root().join("src/cmd"))) {
        let named = rooms_named(&std::fs::read_to_string(file).unwrap());
        assert!(!named.contains("cmd"), "{} names crate::cmd", file.display());
    }
}

/// The parts of `cmd` that a file names, by `crate::cmd::PART` and `crate::cmd::{PART, …}`.
fn parts_named(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join(" ");
    let word =
        |rest: &str| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    let mut parts = BTreeSet::new();
    for rest in code.split("crate::cmd::").skip(1) {
        match rest.strip_prefix('{') {
            Some(list) => {
                let list = list.split(';').next().unwrap_or_default();
                parts.extend(list.split(['{', ',']).map(|name| word(name.trim())));
            }
            None => {
                parts.insert(word(rest));
            }
        }
    }
    parts
}

#[test]
fn commands_that_only_look_never_reach_the_hands() {
    let mut files = Vec::new();
    sources(&root().join("src/cmd"), &mut files);
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for file in &files {
        let relative = file.strip_prefix(root().join("src/cmd")).unwrap();
        let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let part = first.strip_suffix(".rs").unwrap_or(&first).to_owned();
        texts.entry(part).or_default().push_str(&std::fs::read_to_string(file).unwrap());
    }
    let acts = |part: &str| rooms_named(&texts[part]).contains("exec");
    assert!(acts("clean") && acts("undo") && acts("purge"), "the law sees who acts");
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let looking = ["check", "capture", "captured", "replay", "diff", "explain", "probe"];
    let mut open: Vec<String> = looking.map(str::to_owned).to_vec();
    while let Some(part) = open.pop() {
        if !texts.contains_key(&part) || !reached.insert(part.clone()) {
            continue;
        }
        assert!(!acts(&part), "cmd::{part} is reached by a command that only looks, and names crate::exec");
        open.extend(parts_named(&texts[&part]));
    }
    assert!(looking.iter().all(|part| reached.contains(*part)), "{reached:?}");
    let hands = std::fs::read_to_string(root().join("src/sys/hands.rs")).unwrap();
    let doors: Vec<&str> =
        hands.split("\npub fn ").skip(1).filter_map(|rest| rest.split('(').next()).collect();
    assert!(doors.len() > 8, "{doors:?}");
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    for file in files.iter().filter(|f| !f.starts_with(root().join("src/exec"))) {
        let text = std::fs::read_to_string(file).unwrap();
        let called: Vec<_> = doors.iter().filter(|door| text.contains(&format!("hands::{door}("))).collect();
        assert!(called.is_empty(), "{} calls what only exec may: sys::hands::{called:?}", file.display());
    }
}

#[test]
fn every_rule_has_a_page_and_every_page_a_rule() {
    let rules: BTreeSet<String> = tmpmedic::rules::RULES.iter().map(|r| r.card().id.to_owned()).collect();
    assert_eq!(rules.len(), tmpmedic::rules::RULES.len(), "two rules share an id");
    let pages: BTreeSet<String> = std::fs::read_dir(root().join("assets/runbook"))
        .unwrap()
        .map(|e| e.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(rules, pages);
}

#[test]
fn every_action_of_a_rule_is_a_remedy_and_every_remedy_an_action_of_a_rule() {
    use tmpmedic::remedies::{CLEAN, GUIDE, REMEDIES};
    let remedies: BTreeSet<String> = REMEDIES.iter().map(|remedy| remedy.card().id.to_owned()).collect();
    assert_eq!(remedies.len(), REMEDIES.len(), "two remedies share an id");
    let mut files = Vec::new();
    sources(&root().join("src/rules"), &mut files);
    let text: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    for id in &remedies {
        assert!(text.contains(&format!("\"{id}\"")), "no rule offers {id}");
    }
    let offered = text.split("id: \"").skip(1).filter_map(|rest| {
        let (id, rest) = rest.split_once('"')?;
        rest.starts_with(".to_owned()").then(|| id.to_owned())
    });
    let known = |id: &String| remedies.contains(id) || [CLEAN, GUIDE].contains(&id.as_str());
    let unknown: BTreeSet<String> = offered.filter(|id| !known(id)).collect();
    assert!(unknown.is_empty(), "rules offer what is no remedy: {unknown:?}");
    for card in REMEDIES.iter().map(|remedy| remedy.card()) {
        assert!(
            !card.title.is_empty() && !card.page.is_empty() && !card.verification.is_empty(),
            "{}",
            card.id
        );
    }
}

#[test]
fn every_guard_of_a_clean_up_has_a_file_and_words_of_its_own() {
    use tmpmedic::remedies::clean::{GUARDS, Guard};
    let ids: BTreeSet<&str> = GUARDS.iter().map(|guard| guard.id).collect();
    let mut files = Vec::new();
    sources(&root().join("src/remedies/clean/guards"), &mut files);
    let stems: BTreeSet<&str> = files.iter().filter_map(|file| file.file_stem()?.to_str()).collect();
    // The registry itself, and where the tests of all stand.
    let expected: BTreeSet<&str> = ids.iter().copied().chain(["mod", "stage"]).collect();
    assert_eq!(stems, expected);
    let columns: [fn(&Guard) -> &'static str; 4] =
        [|guard| guard.id, |guard| guard.holds, |guard| guard.kept, |guard| guard.why];
    for column in columns {
        let words: BTreeSet<&str> = GUARDS.iter().map(column).collect();
        assert_eq!(words.len(), GUARDS.len(), "two guards share their words: {words:?}");
        assert!(!words.contains(""), "a guard has no words: {words:?}");
    }
}

#[test]
fn guards_are_named_by_nobody_but_their_registry() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let ids: Vec<String> =
        tmpmedic::remedies::clean::GUARDS.iter().map(|g| format!("\"{}\"", g.id)).collect();
    let elsewhere = files.iter().filter(|file| !file.starts_with(root().join("src/remedies/clean/guards")));
    for file in elsewhere {
        let text = std::fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let named = ids.iter().filter(|id| code.contains(id.as_str())).count();
        assert!(named < 3, "{} keeps a list of guards by hand", file.display());
    }
}

#[test]
fn a_rule_yields_only_to_rules_that_exist_and_never_in_a_circle() {
    let cards: BTreeMap<&str, &[&str]> =
        tmpmedic::rules::RULES.iter().map(|r| (r.card().id, r.card().yields_to)).collect();
    for (id, yields_to) in &cards {
        for other in *yields_to {
            assert!(cards.contains_key(other), "{id} yields to {other}, which is no rule");
            assert!(!cards[other].contains(id), "{id} and {other} yield to each other");
            assert_ne!(id, other);
        }
    }
}

#[test]
fn the_text_of_the_project_carries_no_path_of_a_machine() {
    let mut files = Vec::new();
    for dir in ["src", "assets", "tests"] {
        all_files(&root().join(dir), &mut files);
    }
    for name in ["README.md", "Cargo.toml", ".ci/run", ".github/CONTRIBUTING.md"] {
        files.push(root().join(name));
    }
    let own = root().display().to_string();
    for file in files {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap_or_default()).into_owned();
        assert!(!text.contains(&own), "{} carries {own}", file.display());
    }
}

fn all_files(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all_files(&path, into) } else { into.push(path) }
    }
}

/// The source of the rules without their tests.
fn source_of_the_rules() -> String {
    let mut files = Vec::new();
    sources(&root().join("src/rules"), &mut files);
    let texts = files.iter().filter(|file| !file.to_string_lossy().ends_with("_tests.rs"));
    let text = |file: &PathBuf| std::fs::read_to_string(file).unwrap();
    texts.map(text).map(|text| text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_remedy_is_offered_by_a_rule() {
    let rules = source_of_the_rules();
    for remedy in tmpmedic::remedies::REMEDIES {
        let id = remedy.card().id;
        assert!(rules.contains(&format!("\"{id}\"")), "nobody offers {id}");
    }
}

#[test]
fn whatever_a_rule_offers_can_be_planned_or_is_for_a_person_and_has_its_commands() {
    use tmpmedic::remedies::{self, CLEAN, GUIDE};
    let mut seen = BTreeSet::new();
    for (name, now) in crate::captures::recorded() {
        let found = tmpmedic::rules::diagnose(&now, None, &Thresholds::default()).found;
        for finding in &found {
            let grave = finding.severity > tmpmedic::model::finding::Severity::Info;
            assert!(!grave || !finding.actions.is_empty(), "{name}: {} offers nothing", finding.id);
            for action in &finding.actions {
                let id = action.id.as_str();
                assert!(
                    action.by_hand.iter().any(|line| !line.trim().is_empty()),
                    "{name}: {} {id}",
                    finding.id
                );
                let known = [GUIDE, CLEAN].contains(&id) || remedies::remedy(id).is_some();
                assert!(known, "{name}: {} offers `{id}`, which nobody can do", finding.id);
                assert_eq!(
                    action.aim.is_some(),
                    remedies::remedy(id).is_some(),
                    "{name}: {} {id}",
                    finding.id
                );
                let Some(plan) = remedies::plan(&now, finding, action) else { continue };
                seen.insert(id.to_owned());
                assert!(!plan.steps.is_empty(), "{name}: {id}");
                for step in &plan.steps {
                    assert!(!step.by_hand.trim().is_empty() && !step.does.is_empty(), "{name}: {step:?}");
                }
            }
        }
    }
    assert!(seen.len() >= 4, "the recorded incidents reach many remedies: {seen:?}");
}
