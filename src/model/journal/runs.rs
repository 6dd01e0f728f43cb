//! Outcomes as text.
//!
//! Of a hundred thousand entries nearly all are simply done, one after the other: such a run is two numbers,
//! `{"done": [[0, 8191]], "other": […]}`. A plain list of outcomes is read too.

use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeStruct;
use serde::{Deserializer, Serializer};

use super::{Came, Done};

/// No record holds more; a number that says otherwise is no outcome.
const MOST: u64 = 1 << 20;

pub fn serialize<S: Serializer>(steps: &[Came], serializer: S) -> Result<S::Ok, S::Error> {
    let (mut done, mut other): (Vec<(u64, u64)>, Vec<&Came>) = (Vec::new(), Vec::new());
    for came in steps {
        match (&came.done, done.last_mut()) {
            (Done::Done { changed: None }, Some((_, last))) if came.step == last.saturating_add(1) => {
                *last = came.step;
            }
            (Done::Done { changed: None }, _) => done.push((came.step, came.step)),
            _ => other.push(came),
        }
    }
    let mut text = serializer.serialize_struct("Outcomes", 2)?;
    text.serialize_field("done", &done)?;
    text.serialize_field("other", &other)?;
    text.end()
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Came>, D::Error> {
    deserializer.deserialize_any(Outcomes)
}

struct Outcomes;

impl<'de> Visitor<'de> for Outcomes {
    type Value = Vec<Came>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of outcomes, or runs of done steps and what became of the others")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Came>, A::Error> {
        let mut steps = Vec::new();
        while let Some(came) = list.next_element()? {
            steps.push(came);
        }
        Ok(steps)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Came>, A::Error> {
        let mut steps: Vec<Came> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "done" => {
                    for (first, last) in map.next_value::<Vec<(u64, u64)>>()? {
                        if first > last || last - first >= MOST {
                            return Err(A::Error::custom("a run of steps that is none"));
                        }
                        let done = Done::Done { changed: None };
                        steps.extend((first..=last).map(|step| Came { step, done: done.clone() }));
                    }
                }
                "other" => steps.extend(map.next_value::<Vec<Came>>()?),
                key => return Err(A::Error::unknown_field(key, &["done", "other"])),
            }
        }
        steps.sort_by_key(|came| came.step);
        Ok(steps)
    }
}

#[cfg(test)]
mod tests {
    use crate::model::journal::{Came, Done, Record, WorkId};

    fn record(steps: Vec<Came>) -> Record {
        Record::Outcome { work: WorkId(1), steps }
    }

    fn done(step: u64) -> Came {
        Came { step, done: Done::Done { changed: None } }
    }

    fn kept(step: u64) -> Came {
        Came { step, done: Done::Kept { why: "held".into() } }
    }

    #[test]
    fn outcomes_in_runs_are_read_back_one_by_one() {
        let steps: Vec<Came> = (0..9_000).map(|n| if n % 4_000 == 7 { kept(n) } else { done(n) }).collect();
        let text = serde_json::to_string(&record(steps.clone())).unwrap();
        assert!(text.contains("[[0,6],[8,4006],[4008,8006],[8008,8999]]"), "{text}");
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record(steps));
    }

    #[test]
    fn a_plain_list_is_read_too() {
        let text = r#"{"record":"outcome","work":1,"steps":[{"step":3,"done":{"outcome":"done","changed":null}},
            {"step":4,"done":{"outcome":"kept","why":"held"}}]}"#;
        assert_eq!(serde_json::from_str::<Record>(text).unwrap(), record(vec![done(3), kept(4)]));
    }

    #[test]
    fn a_run_without_end_takes_no_memory() {
        for run in ["[0,18446744073709551615]", "[7,3]", "[0]"] {
            let text = format!(r#"{{"record":"outcome","work":1,"steps":{{"done":[{run}],"other":[]}}}}"#);
            assert!(serde_json::from_str::<Record>(&text).is_err(), "{run}");
        }
    }
}
