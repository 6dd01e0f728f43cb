//! A plan as JSON: printed by `clean --json`, read back by `clean --apply --plan FILE`.
//!
//! What people and scripts read stands beside what the plan really holds. Both are compared when it is read, and the
//! seal covers the latter: what goes cannot be changed without being noticed, nor what is shown of it but for the names of
//! owners, which are for people.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::digest::{agreed, sealed};
use crate::cmd::workshop::Names;
use crate::model::plan::{Candidate, ObjectId, Plan, Planned, SCHEMA, Verdict, Wishes};
use crate::model::raw_path::RawPath;
use crate::model::units::WallNanos;
use crate::model::vantage::Kind;
use crate::report::safe_json;

/// The whole document.
#[derive(Serialize, Deserialize)]
struct Document<'a> {
    schema: Cow<'a, str>,
    /// To `--digest`: of the one plan, or of the digests of several.
    digest: String,
    /// Of everything: of the one plan, or of the seals of several.
    seal: String,
    boot_id: Cow<'a, str>,
    /// The first directory.
    root: String,
    entries: Vec<Row>,
    totals: Totals,
    /// Each directory with what its plan is bound to.
    roots: Vec<Bound>,
}

#[derive(Serialize, Deserialize)]
struct Bound {
    root: RawPath,
    digest: String,
    seal: String,
    place: ObjectId,
    made: WallNanos,
    expires: WallNanos,
    wishes: Wishes,
}

#[derive(Serialize, Deserialize)]
struct Row {
    path: String,
    kind: Kind,
    family: String,
    owner: String,
    age_s: Option<u64>,
    bytes: u64,
    verdict: Verdict,
    reason: String,
    /// Which of the roots holds it.
    at: usize,
    /// What is carried out: exactly this object, by this name.
    identity: Candidate,
}

/// How much goes and stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Entries that go.
    pub remove: u64,
    /// Entries that stay.
    pub keep: u64,
    /// Room that the going ones hold, with everything in them.
    pub bytes: u64,
}

impl Totals {
    /// Of these plans.
    pub fn of<'p>(plans: impl IntoIterator<Item = &'p Plan>) -> Self {
        let mut totals = Self::default();
        for entry in plans.into_iter().flat_map(|plan| &plan.entries) {
            match entry.verdict {
                Verdict::Remove => {
                    totals.remove += 1;
                    totals.bytes = totals.bytes.saturating_add(entry.candidate.tree.bytes.0);
                }
                Verdict::Keep => totals.keep += 1,
            }
        }
        totals
    }
}

/// The document, on one line.
///
/// # Errors
/// Those of serde_json, which our own data does not meet.
pub fn print(plans: &[Plan], names: &Names) -> serde_json::Result<String> {
    let rows = plans
        .iter()
        .enumerate()
        .flat_map(|(at, plan)| plan.entries.iter().map(move |entry| row(at, plan, entry, names)));
    let first = plans.first();
    safe_json::to_line(&Document {
        schema: SCHEMA.into(),
        digest: agreed(plans),
        seal: sealed(plans),
        boot_id: first.map(|plan| plan.boot_id.as_str()).unwrap_or_default().into(),
        root: first.map(|plan| plan.root.shown()).unwrap_or_default(),
        entries: rows.collect(),
        totals: Totals::of(plans),
        roots: plans.iter().map(bound).collect(),
    })
}

fn bound(plan: &Plan) -> Bound {
    Bound {
        root: plan.root.clone(),
        digest: plan.digest.clone(),
        seal: plan.seal.clone(),
        place: plan.place,
        made: plan.made,
        expires: plan.expires,
        wishes: plan.wishes.clone(),
    }
}

fn row(at: usize, plan: &Plan, entry: &Planned, names: &Names) -> Row {
    let candidate = &entry.candidate;
    Row {
        path: plan.root.join(candidate.name.as_bytes()).shown(),
        kind: candidate.object.kind,
        family: candidate.family.clone(),
        owner: names.of(candidate.uid),
        age_s: candidate.tree.newest.age_at(plan.made).map(|age| age.0),
        bytes: candidate.tree.bytes.0,
        verdict: entry.verdict,
        reason: entry.reason.clone(),
        at,
        identity: candidate.clone(),
    }
}

/// Why a text is no plan.
#[derive(Debug, thiserror::Error)]
pub enum NotAPlan {
    /// It is no JSON of that form.
    #[error("it is no plan as `tmpmedic clean --json` prints it: {0}")]
    Form(#[from] serde_json::Error),
    /// What it shows is not what it holds.
    #[error("it was changed since it was made: {0}")]
    Changed(String),
}

/// Reads the plans back; the seal of each is checked by whoever carries it out.
///
/// # Errors
/// See [`NotAPlan`].
pub fn parse(text: &[u8]) -> Result<Vec<Plan>, NotAPlan> {
    let document: Document<'_> = serde_json::from_slice(text)?;
    let (schema, boot_id) = (document.schema.into_owned(), document.boot_id.into_owned());
    let mut plans: Vec<Plan> = document
        .roots
        .into_iter()
        .map(|root| Plan {
            schema: schema.clone(),
            digest: root.digest,
            seal: root.seal,
            boot_id: boot_id.clone(),
            made: root.made,
            expires: root.expires,
            root: root.root,
            place: root.place,
            wishes: root.wishes,
            entries: Vec::new(),
        })
        .collect();
    for shown in document.entries {
        let plan = plans.get_mut(shown.at);
        let plan =
            plan.ok_or_else(|| NotAPlan::Changed(format!("{} lies in no root", shown_path(&shown))))?;
        let at = shown.at;
        let entry = Planned {
            candidate: shown.identity.clone(),
            verdict: shown.verdict,
            reason: shown.reason.clone(),
        };
        let real = row(at, plan, &entry, &Names::default());
        let same = (&real.path, real.kind, &real.family, real.age_s, real.bytes)
            == (&shown.path, shown.kind, &shown.family, shown.age_s, shown.bytes);
        if !same {
            return Err(NotAPlan::Changed(format!("{} is not what its identity says", shown_path(&shown))));
        }
        plan.entries.push(entry);
    }
    let first = plans.first().map(|plan| plan.root.shown()).unwrap_or_default();
    if (agreed(&plans), sealed(&plans)) != (document.digest, document.seal)
        || (Totals::of(&plans), first) != (document.totals, document.root)
    {
        let why = "its digest, seal, root or totals are not those of its entries";
        return Err(NotAPlan::Changed(why.to_owned()));
    }
    Ok(plans)
}

fn shown_path(row: &Row) -> String {
    RawPath::from(row.path.as_str()).shown()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::seal;
    use crate::model::mount::Device;
    use crate::model::plan::{Tree, Tried};
    use crate::model::units::Bytes;

    fn object(inode: u64) -> ObjectId {
        ObjectId { mount_id: 1, device: Device::default(), inode, kind: Kind::Directory, born: None }
    }

    fn plan(root: &str, name: &[u8]) -> Plan {
        let candidate = Candidate {
            name: RawPath::new(name),
            object: object(7),
            uid: 1000,
            mode: 0o700,
            family: "go-build".into(),
            tree: Tree { bytes: Bytes(4096), newest: WallNanos(5_000_000_000), ..Tree::default() },
            locked: Tried::Free,
        };
        seal::seal(Plan {
            schema: SCHEMA.into(),
            digest: String::new(),
            seal: String::new(),
            boot_id: "b".into(),
            made: WallNanos(100_000_000_000),
            expires: WallNanos(200_000_000_000),
            root: root.into(),
            place: object(2),
            wishes: Wishes::default(),
            entries: vec![Planned { candidate, verdict: Verdict::Remove, reason: "old".into() }],
        })
    }

    #[test]
    fn what_is_printed_is_read_back_whatever_the_names() {
        let plans = [plan("/tmp", b"go-build1"), plan("/var/tmp", b"a\xff\n\x1b[2Jb")];
        let text = print(&plans, &Names::default()).unwrap();
        assert_eq!(parse(text.as_bytes()).unwrap(), plans);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["schema"], "tmpmedic.plan/1");
        assert_eq!(value["root"], "/tmp");
        assert_eq!(value["totals"], serde_json::json!({"remove": 2, "keep": 0, "bytes": 8192}));
        let entry = &value["entries"][0];
        assert_eq!(entry["path"], "/tmp/go-build1");
        assert_eq!((&entry["age_s"], &entry["bytes"]), (&95.into(), &4096.into()));
        assert_eq!((&entry["kind"], &entry["verdict"]), (&"directory".into(), &"remove".into()));
    }

    #[test]
    fn a_change_of_what_it_shows_or_holds_is_noticed() {
        let text = print(&[plan("/tmp", b"go-build1")], &Names::default()).unwrap();
        for (from, to) in [
            ("/tmp/go-build1", "/tmp/go-build2"),
            ("\"bytes\":4096", "\"bytes\":1"),
            ("\"remove\":1", "\"remove\":2"),
            ("\"at\":0", "\"at\":9"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert!(matches!(parse(changed.as_bytes()), Err(NotAPlan::Changed(_))), "{from}");
        }
        for (from, to) in
            [("\"name\":\"go-build1\"", "\"name\":\"x\""), ("\"reason\":\"old\"", "\"reason\":\"y\"")]
        {
            let changed = text.replacen(from, to, 1).replacen(
                "/tmp/go-build1",
                "/tmp/x",
                usize::from(to.contains("\"x\"")),
            );
            assert_ne!(changed, text);
            let plans = parse(changed.as_bytes()).unwrap();
            assert!(seal::check(&plans[0], "b", WallNanos(150_000_000_000)).is_err(), "{from}");
        }
        assert!(matches!(parse(b"[]"), Err(NotAPlan::Form(_))));
    }
}
