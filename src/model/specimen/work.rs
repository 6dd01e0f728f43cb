//! A plan with one step, and the first line that a piece of work writes down.

use crate::model::finding::Risk;
use crate::model::journal::{Begin, WorkId};
use crate::model::treatment::{Deed, SCHEMA, Step, Treatment};
use crate::model::units::WallNanos;

/// A plan of that one deed, not sealed, which is good for ever and bound to no boot.
pub fn treatment(action: &str, deed: Deed) -> Treatment {
    Treatment {
        schema: SCHEMA.to_owned(),
        digest: String::new(),
        boot_id: String::new(),
        made: WallNanos(0),
        expires: WallNanos(i64::MAX),
        action: action.to_owned(),
        finding: String::new(),
        subject: String::new(),
        title: String::new(),
        risk: Risk::None,
        reversible: true,
        lasts: None,
        ends: Vec::new(),
        notes: Vec::new(),
        steps: vec![Step { does: String::new(), by_hand: "true".to_owned(), deed }],
        proofs: Vec::new(),
    }
}

/// Root begins a piece of work.
pub fn begin(work: WorkId, action: &str) -> Begin {
    Begin {
        work,
        time: WallNanos(0),
        action: action.to_owned(),
        title: String::new(),
        finding: None,
        digest: String::new(),
        boot_id: String::new(),
        uid: 0,
        login_uid: None,
        undoes: None,
        place: None,
        quarantine: None,
    }
}
