//! A change for scripts: one document, `tmpmedic.diff/1`, on one line. The README documents its keys.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::change::{
    Answer, AnswerChange, Change, DirChange, FamilyChange, Fate, FindingChange, Pair, Side,
};
use crate::model::finding::Severity;
use crate::model::vantage::{Can, HowKnown};
use crate::report::json::rfc3339;
use crate::report::keys::{Tool, hex, text};
use crate::report::safe_json;

/// The version of the document.
pub const SCHEMA: &str = "tmpmedic.diff/1";

/// The document, newline included.
pub fn render(change: &Change) -> String {
    let document = Document {
        schema: SCHEMA,
        tool: Tool::ours(),
        before: Some(side(&change.before)),
        after: Some(side(&change.after)),
        worse: change.worsening(),
        findings: change.findings.iter().map(finding).collect(),
        answers: change.answers.iter().map(answer_change).collect(),
        temp_dirs: change.dirs.iter().map(temp_dir).collect(),
        runners: change
            .runners
            .iter()
            .map(|it| RunnerKeys { pid: it.pid, label: &it.label, role: &it.role, fate: it.fate.word() })
            .collect(),
        error: None,
    };
    encode(&document)
}

/// The document where there was nothing to compare.
pub fn render_failure(message: &str) -> String {
    encode(&Document {
        schema: SCHEMA,
        tool: Tool::ours(),
        before: None,
        after: None,
        worse: None,
        findings: Vec::new(),
        answers: Vec::new(),
        temp_dirs: Vec::new(),
        runners: Vec::new(),
        error: Some(message),
    })
}

fn encode(document: &Document<'_>) -> String {
    // Nothing in it can fail to serialise: string keys, no floats.
    safe_json::to_line(document).unwrap_or_default()
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    tool: Tool,
    before: Option<SideKeys<'a>>,
    after: Option<SideKeys<'a>>,
    worse: Option<Severity>,
    findings: Vec<FindingKeys<'a>>,
    answers: Vec<AnswerChangeKeys<'a>>,
    temp_dirs: Vec<DirKeys<'a>>,
    runners: Vec<RunnerKeys<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct SideKeys<'a> {
    host: Option<&'a str>,
    boot_id: Option<&'a str>,
    taken: Option<String>,
    status: &'static str,
    headline: &'a str,
}

#[derive(Serialize)]
struct Both<T> {
    before: Option<T>,
    after: Option<T>,
}

#[derive(Serialize)]
struct FindingKeys<'a> {
    id: &'a str,
    title: &'a str,
    subject: &'a str,
    fate: &'static str,
    before: Option<Severity>,
    after: Option<Severity>,
}

#[derive(Serialize)]
struct AnswerChangeKeys<'a> {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
    who: &'a str,
    before: Option<AnswerKeys>,
    after: Option<AnswerKeys>,
}

#[derive(Serialize)]
struct AnswerKeys {
    can_create: Can,
    errno: Option<String>,
    how_known: HowKnown,
}

#[derive(Serialize)]
struct DirKeys<'a> {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
    place: &'a str,
    fate: &'static str,
    replaced: bool,
    figures: BTreeMap<&'static str, Both<u64>>,
    families: Vec<FamilyKeys<'a>>,
}

#[derive(Serialize)]
struct FamilyKeys<'a> {
    id: &'a str,
    fate: &'static str,
    count: Both<u64>,
    old: Both<u64>,
    bytes: Both<u64>,
}

#[derive(Serialize)]
struct RunnerKeys<'a> {
    pid: u32,
    label: &'a str,
    role: &'a str,
    fate: &'static str,
}

fn side(side: &Side) -> SideKeys<'_> {
    SideKeys {
        host: side.host.as_deref(),
        boot_id: side.boot_id.as_deref(),
        taken: rfc3339(side.taken),
        status: side.status.word(),
        headline: &side.headline,
    }
}

fn finding(it: &FindingChange) -> FindingKeys<'_> {
    FindingKeys {
        id: &it.id,
        title: &it.title,
        subject: &it.subject,
        fate: it.fate.word(),
        before: it.severity.before,
        after: it.severity.after,
    }
}

fn answer_change(it: &AnswerChange) -> AnswerChangeKeys<'_> {
    AnswerChangeKeys {
        path: text(&it.path),
        path_hex: hex(&it.path),
        who: &it.who,
        before: it.answer.before.map(answer),
        after: it.answer.after.map(answer),
    }
}

fn answer(it: Answer) -> AnswerKeys {
    let errno = it.errno.map(crate::model::errno::Errno::name);
    AnswerKeys { can_create: it.can, errno, how_known: it.how }
}

fn temp_dir(dir: &DirChange) -> DirKeys<'_> {
    DirKeys {
        path: text(&dir.path),
        path_hex: hex(&dir.path),
        place: &dir.place,
        fate: dir.fate.word(),
        replaced: dir.replaced,
        figures: dir.figures.iter().map(|figure| (figure.what.id(), both(figure.pair))).collect(),
        families: dir.families.iter().map(family).collect(),
    }
}

fn family(it: &FamilyChange) -> FamilyKeys<'_> {
    let there = |count: Option<u64>| count.filter(|count| *count > 0);
    let fate = Fate::of(&Pair::new(there(it.count.before), there(it.count.after)));
    FamilyKeys {
        id: &it.id,
        fate: fate.word(),
        count: both(it.count),
        old: both(it.old),
        bytes: both(it.bytes),
    }
}

fn both(pair: Pair<u64>) -> Both<u64> {
    Both { before: pair.before, after: pair.after }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::sample::cleaned;
    use super::*;

    #[test]
    fn has_exactly_the_keys_of_the_contract() {
        let document: Value = serde_json::from_str(&render(&cleaned())).unwrap();
        let keys = |v: &Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(keys(&document), "after answers before findings runners schema temp_dirs tool worse");
        assert_eq!(document["schema"], SCHEMA);
        assert_eq!(keys(&document["before"]), "boot_id headline host status taken");
        assert_eq!(keys(&document["findings"][0]), "after before fate id subject title");
        assert_eq!(keys(&document["answers"][0]), "after before path who");
        assert_eq!(keys(&document["answers"][0]["before"]), "can_create errno how_known");
        let dir = &document["temp_dirs"][0];
        assert_eq!(keys(dir), "families fate figures path place replaced");
        assert_eq!(
            keys(&dir["figures"]),
            "bytes deleted_open directories entries holding_processes inodes_free inodes_used old \
             old_directories own_size space_free space_used"
        );
        assert_eq!(keys(&dir["figures"]["entries"]), "after before");
        assert_eq!(keys(&dir["families"][0]), "bytes count fate id old");
        assert_eq!(keys(&document["runners"][0]), "fate label pid role");
        assert_eq!(dir["families"][0]["fate"], "gone");
        assert_eq!(document["worse"], "warning");
    }
}
