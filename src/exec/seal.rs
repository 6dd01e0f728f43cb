//! What was shown is what runs: the digest of a plan, and whether it may still be carried out.

use std::io::{self, BufWriter, Write};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::model::plan::{ObjectId, Plan, Planned, SCHEMA, Wishes};
use crate::model::raw_path::RawPath;
use crate::model::units::WallNanos;

/// Why a plan is not carried out; nothing has been changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stale {
    /// Another version of the form.
    #[error("the plan has the form `{0}`, this tmpmedic writes `{SCHEMA}`: make it anew")]
    Schema(String),
    /// The text is not the one that was made.
    #[error("the plan was changed since it was made: its digest is {found}, not {said}")]
    Digest {
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

/// Puts the digest in.
pub fn seal(mut plan: Plan) -> Plan {
    plan.digest.clear();
    plan.digest = hash(&plan);
    plan
}

/// Whether it may be carried out now.
///
/// # Errors
/// See [`Stale`].
pub fn check(plan: &Plan, boot_id: &str, now: WallNanos) -> Result<(), Stale> {
    if plan.schema != SCHEMA {
        return Err(Stale::Schema(plan.schema.clone()));
    }
    let found = digest(plan);
    if found != plan.digest {
        return Err(Stale::Digest { said: plan.digest.clone(), found });
    }
    if plan.boot_id != boot_id {
        return Err(Stale::Boot(plan.boot_id.clone()));
    }
    if now < plan.made || now >= plan.expires {
        return Err(Stale::Expired);
    }
    Ok(())
}

fn digest(plan: &Plan) -> String {
    // A copy of the head only: the entries of a large plan are not copied to be hashed.
    let Plan { schema, digest: _, boot_id, made, expires, root, place, wishes, entries } = plan;
    hash(&Unsealed { schema, digest: "", boot_id, made, expires, root, place, wishes, entries })
}

/// A plan without its digest, field by field as [`Plan`] is written.
#[derive(Serialize)]
struct Unsealed<'a> {
    schema: &'a str,
    digest: &'static str,
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
    let mut text = BufWriter::with_capacity(PIECE, Hashed(Sha256::new()));
    let written = serde_json::to_writer(&mut text, data);
    // Plain data of ours always has a text; the hash of none would match no plan.
    let hash = written.ok().and_then(|()| text.into_inner().ok()).unwrap_or_else(|| Hashed(Sha256::new()));
    hash.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How much text is hashed at once.
const PIECE: usize = 64 << 10;

/// Takes in what is written to it; a large plan never stands in memory as text.
struct Hashed(Sha256);

impl Write for Hashed {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.update(text);
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
    fn the_digest_is_that_of_the_text_without_it() {
        let sealed = seal(Plan { digest: "of before".to_owned(), ..plan() });
        let text = serde_json::to_vec(&Plan { digest: String::new(), ..sealed.clone() }).unwrap();
        let whole: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(sealed.digest, whole);
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
            assert!(matches!(check(&plan, "b", WallNanos(150)), Err(Stale::Digest { .. })));
        }
    }
}
