//! Steps that are too long for one record.

use crate::model::journal::{Act, Came, Record};

/// The same steps in two records.
pub fn halves(record: &Record) -> Option<(Record, Record)> {
    match record {
        Record::Intent { work, steps } if steps.len() > 1 => {
            let (one, other) = steps.split_at(steps.len() / 2);
            let half = |steps: &[Act]| Record::Intent { work: *work, steps: steps.to_vec() };
            Some((half(one), half(other)))
        }
        Record::Outcome { work, steps } if steps.len() > 1 => {
            let (one, other) = steps.split_at(steps.len() / 2);
            let half = |steps: &[Came]| Record::Outcome { work: *work, steps: steps.to_vec() };
            Some((half(one), half(other)))
        }
        _ => None,
    }
}
