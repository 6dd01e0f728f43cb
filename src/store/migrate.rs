//! Snapshots of older versions, brought to the form of today.
//!
//! Every form that was ever released stays readable: whoever changes [`SCHEMA`] adds the step that leads to it, and a
//! capture of the old form to `tests/data/captures`. Fields that are added with a default change no form.

use serde_json::Value;

use crate::model::raw_path::shown_bytes;
use crate::model::snapshot::SCHEMA;

use super::error::Flaw;

/// Every form that can be read, the oldest first.
pub const SCHEMAS: &[&str] = &[SCHEMA];

/// One step from a form to the next one of [`SCHEMAS`].
type Step = fn(&mut Value);

/// The steps, each at the place of the form that it starts from.
const STEPS: &[Step] = &[];

/// Brings a snapshot to the form of today.
pub fn to_present(snapshot: &mut Value) -> Result<(), Flaw> {
    let named = snapshot.get("schema").and_then(Value::as_str).unwrap_or_default();
    let Some(from) = SCHEMAS.iter().position(|schema| *schema == named) else {
        let named = shown_bytes(named.chars().take(40).collect::<String>().as_bytes());
        let why = format!("the form `{named}` is not known here; a newer tmpmedic may read it");
        return Err(Flaw { path: "schema".to_owned(), why });
    };
    for (step, reached) in STEPS.iter().zip(SCHEMAS.iter().skip(1)).skip(from) {
        step(snapshot);
        if let Some(schema) = snapshot.get_mut("schema") {
            *schema = Value::from(*reached);
        }
    }
    Ok(())
}

/// Whether a snapshot has the form of today already.
pub fn is_present(snapshot: &Value) -> bool {
    snapshot.get("schema").and_then(Value::as_str) == Some(SCHEMA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_leads_from_every_form_to_the_next() {
        assert_eq!(STEPS.len() + 1, SCHEMAS.len());
        assert_eq!(SCHEMAS.last(), Some(&SCHEMA));
    }

    #[test]
    fn a_form_of_the_future_is_named() {
        let mut snapshot = serde_json::json!({"schema": "tmpmedic.snapshot/99"});
        assert!(to_present(&mut snapshot).unwrap_err().why.contains("snapshot/99"));
    }
}
