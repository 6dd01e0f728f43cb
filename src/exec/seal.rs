//! What was shown is what runs: the digest of a plan, and whether it may still be carried out.

use std::io::{self, Write};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::model::plan::{Plan, SCHEMA};
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
    hash(&Plan { digest: String::new(), ..plan.clone() })
}

/// The hash of plain data.
pub(super) fn hash(data: &impl Serialize) -> String {
    let mut hasher = Hasher(Sha256::new());
    // Plain data of ours always has a text; nothing matches half of one.
    if serde_json::to_writer(&mut hasher, data).is_err() {
        return String::new();
    }
    hasher.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Takes the text as it comes: that of a large plan is larger than the plan.
struct Hasher(Sha256);

impl Write for Hasher {
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
    use crate::model::plan::{ObjectId, Wishes};
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
