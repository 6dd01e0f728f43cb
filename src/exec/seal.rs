//! What was shown is what runs: the digest of a plan, its seal, and whether it may still be carried out.

use std::io::{self, BufWriter, Write};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::model::plan::{ObjectId, Plan, Planned, SCHEMA, Verdict, Wishes};
use crate::model::raw_path::RawPath;
use crate::model::units::WallNanos;

/// Why a plan is not carried out; nothing has been changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stale {
    /// Another version of the form.
    #[error("the plan has the form `{0}`, this tmpmedic writes `{SCHEMA}`: make it anew")]
    Schema(String),
    /// The text is not the one that was made.
    #[error("the plan was changed since it was made: it has the hash {found}, not {said}")]
    Altered {
        /// What it says.
        said: String,
        /// What it is.
        found: String,
    },
    /// It was made before the machine was started again.
    #[error("the plan is of another boot ({0}): nothing in it need be what it was")]
    Boot(String),
    /// Its time is over, or has not come: the clock was changed.
    #[error("the plan has expired: make it anew")]
    Expired,
    /// Another directory has the name now.
    #[error("{0} is another directory than the one of the plan")]
    Place(String),
    /// What it is about is not what it was.
    #[error("the plan does not fit the machine any more: {0}; look again")]
    Changed(String),
}

/// Puts digest and seal in, for as long as somebody wants the plan; nothing where he does not any more.
pub fn seal_while(mut plan: Plan, goes_on: &dyn Fn() -> bool) -> Option<Plan> {
    plan.digest = digest_while(&plan, goes_on)?;
    plan.seal.clear();
    plan.seal = hash_while(&plan, goes_on)?;
    Some(plan)
}

/// The digest that a plan of these removals has, see [`Plan::digest`].
pub fn digest(plan: &Plan) -> String {
    digest_while(plan, &|| true).unwrap_or_else(no_text)
}

fn digest_while(plan: &Plan, goes_on: &dyn Fn() -> bool) -> Option<String> {
    let going = plan.entries.iter().filter(|entry| entry.verdict == Verdict::Remove);
    let going: Vec<_> = going.map(|entry| (&entry.candidate.name, &entry.candidate.object)).collect();
    hash_while(&(&plan.boot_id, &plan.root, &plan.place, &plan.wishes, going), goes_on)
}

/// Puts digest and seal in.
pub fn seal(plan: Plan) -> Plan {
    // Where plain data of ours had no text there would be no seal, and such a plan is refused.
    seal_while(plan.clone(), &|| true).unwrap_or(plan)
}

/// Whether it may be carried out now.
///
/// # Errors
/// See [`Stale`].
#[cfg(test)]
pub fn check(plan: &Plan, boot_id: &str, now: WallNanos) -> Result<(), Stale> {
    check_while(plan, boot_id, now, &|| true).unwrap_or(Ok(()))
}

/// Whether it may be carried out now; nothing where somebody wants an end before that is known.
pub fn check_while(
    plan: &Plan,
    boot_id: &str,
    now: WallNanos,
    goes_on: &dyn Fn() -> bool,
) -> Option<Result<(), Stale>> {
    let found = seal_of(plan, goes_on)?;
    Some(fits(plan, found, boot_id, now))
}

fn fits(plan: &Plan, found: String, boot_id: &str, now: WallNanos) -> Result<(), Stale> {
    if plan.schema != SCHEMA {
        return Err(Stale::Schema(plan.schema.clone()));
    }
    if found != plan.seal {
        return Err(Stale::Altered { said: plan.seal.clone(), found });
    }
    if plan.boot_id != boot_id {
        return Err(Stale::Boot(plan.boot_id.clone()));
    }
    if now < plan.made || now >= plan.expires {
        return Err(Stale::Expired);
    }
    Ok(())
}

fn seal_of(plan: &Plan, goes_on: &dyn Fn() -> bool) -> Option<String> {
    // A copy of the head only: the entries of a large plan are not copied to be hashed.
    let Plan { schema, digest, seal: _, boot_id, made, expires, root, place, wishes, entries } = plan;
    let plan = Unsealed { schema, digest, seal: "", boot_id, made, expires, root, place, wishes, entries };
    hash_while(&plan, goes_on)
}

/// A plan without its seal, field by field as [`Plan`] is written.
#[derive(Serialize)]
struct Unsealed<'a> {
    schema: &'a str,
    digest: &'a str,
    seal: &'static str,
    boot_id: &'a str,
    made: &'a WallNanos,
    expires: &'a WallNanos,
    root: &'a RawPath,
    place: &'a ObjectId,
    wishes: &'a Wishes,
    entries: &'a [Planned],
}

/// The hash of plain data.
pub fn hash(data: &impl Serialize) -> String {
    hash_while(data, &|| true).unwrap_or_else(no_text)
}

/// Plain data of ours always has a text; the hash of none would match no plan.
fn no_text() -> String {
    hex(Sha256::new())
}

/// The same, for as long as somebody wants it.
fn hash_while(data: &impl Serialize, goes_on: &dyn Fn() -> bool) -> Option<String> {
    let mut text = BufWriter::with_capacity(PIECE, Hashed { hash: Sha256::new(), goes_on });
    serde_json::to_writer(&mut text, data).ok()?;
    let hashed = text.into_inner().ok()?;
    Some(hex(hashed.hash))
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How much text is hashed at once.
const PIECE: usize = 64 << 10;

/// Takes in what is written to it; a large plan never stands in memory as text.
struct Hashed<'a> {
    hash: Sha256,
    goes_on: &'a dyn Fn() -> bool,
}

impl Write for Hashed<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if !(self.goes_on)() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.hash.update(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::vantage::Kind;

    pub(crate) fn empty(place: ObjectId) -> Plan {
        seal(Plan {
            schema: SCHEMA.to_owned(),
            digest: String::new(),
            seal: String::new(),
            boot_id: "b".to_owned(),
            made: WallNanos(100),
            expires: WallNanos(i64::MAX),
            root: "/tmp".into(),
            place,
            wishes: Wishes::default(),
            entries: Vec::new(),
        })
    }

    fn plan() -> Plan {
        let device = crate::model::mount::Device::default();
        Plan {
            expires: WallNanos(200),
            ..empty(ObjectId { mount_id: 1, device, inode: 2, kind: Kind::Directory, born: None })
        }
    }

    #[test]
    fn a_sealed_plan_is_good_within_its_boot_and_its_time() {
        let plan = seal(plan());
        assert_eq!(check(&plan, "b", WallNanos(150)), Ok(()));
        assert_eq!(check(&plan, "c", WallNanos(150)), Err(Stale::Boot("b".to_owned())));
        for time in [99, 200, 1_000] {
            assert_eq!(check(&plan, "b", WallNanos(time)), Err(Stale::Expired), "{time}");
        }
    }

    #[test]
    fn a_plan_that_nobody_wants_any_more_gets_no_digest_and_is_not_taken_for_good_or_bad() {
        let asked = std::cell::Cell::new(0);
        let goes_on = || {
            asked.set(asked.get() + 1);
            asked.get() < 3
        };
        let name = RawPath::from("x".repeat(PIECE).as_str());
        let wishes = Wishes { names: vec![name; 8], ..Wishes::default() };
        let large = Plan { wishes, ..plan() };
        assert_eq!(seal_while(large.clone(), &goes_on), None);
        assert!(asked.get() >= 3, "it is asked while it is at it");
        let sealed = seal(large);
        assert_eq!(check_while(&sealed, "b", WallNanos(150), &goes_on), None);
        assert_eq!(check_while(&sealed, "b", WallNanos(150), &|| true), Some(Ok(())));
    }

    #[test]
    fn the_seal_is_the_hash_of_the_text_without_it() {
        let sealed = seal(Plan { seal: "of before".to_owned(), ..plan() });
        let text = serde_json::to_vec(&Plan { seal: String::new(), ..sealed.clone() }).unwrap();
        let whole: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(sealed.seal, whole);
    }

    #[test]
    fn whatever_is_changed_in_it_is_noticed() {
        let changes: [fn(&mut Plan); 4] = [
            |plan| plan.root = "/etc".into(),
            |plan| plan.wishes.assume_unheld = true,
            |plan| plan.place.inode = 3,
            |plan| plan.expires = WallNanos(9_000),
        ];
        for change in changes {
            let mut plan = seal(plan());
            change(&mut plan);
            assert!(matches!(check(&plan, "b", WallNanos(150)), Err(Stale::Altered { .. })));
        }
    }
}
