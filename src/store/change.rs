//! What changed between two JSON values, as JSON: made by the writer, applied by the reader, which gets the way back too.
//!
//! | form | means |
//! |---|---|
//! | `["=", value]` | it is this now |
//! | `["o", {name: change}, {name: value}, [name]]` | an object: fields that changed, that are new, that are gone |
//! | `["a", [op]]` | a list, see [`sequence`] |

use serde_json::{Map, Value};

use super::error::Flaw;
use super::sequence;

/// Beyond this depth a value is replaced whole, so that a change lies less deep than a reader allows.
const MAX_DEPTH: usize = 16;

/// What is to be done to `old` to make it `new`; nothing where they are equal.
pub fn between(old: &Value, new: &Value) -> Option<Value> {
    between_at(old, new, 0)
}

/// The same for values that lie so deep.
pub fn between_at(old: &Value, new: &Value, depth: usize) -> Option<Value> {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) if depth < MAX_DEPTH => fields(old, new, depth),
        (Value::Array(old), Value::Array(new)) if depth < MAX_DEPTH => {
            sequence::between(old, new, depth).map(|ops| Value::Array(vec!["a".into(), Value::Array(ops)]))
        }
        _ => (old != new).then(|| Value::Array(vec!["=".into(), new.clone()])),
    }
}

fn fields(old: &Map<String, Value>, new: &Map<String, Value>, depth: usize) -> Option<Value> {
    let (mut changed, mut added) = (Map::new(), Map::new());
    for (name, value) in new {
        match old.get(name) {
            None => drop(added.insert(name.clone(), value.clone())),
            Some(before) => {
                if let Some(change) = between_at(before, value, depth + 1) {
                    changed.insert(name.clone(), change);
                }
            }
        }
    }
    let gone = old.keys().filter(|name| !new.contains_key(*name)).cloned().map(Value::String);
    let gone = gone.collect::<Vec<_>>();
    let same = changed.is_empty() && added.is_empty() && gone.is_empty();
    let parts = vec!["o".into(), Value::Object(changed), Value::Object(added), Value::Array(gone)];
    (!same).then_some(Value::Array(parts))
}

/// Applies a change; gives the change that takes it back.
pub fn apply(state: &mut Value, change: Value) -> Result<Value, Flaw> {
    let wrong = || Flaw { path: ".".to_owned(), why: "this is no change that is known here".to_owned() };
    let Value::Array(parts) = change else { return Err(wrong()) };
    let mut parts = parts.into_iter();
    let Some(Value::String(form)) = parts.next() else { return Err(wrong()) };
    match (form.as_str(), parts.next(), parts.next(), parts.next(), parts.next(), state) {
        ("=", Some(value), None, None, None, state) => {
            Ok(Value::Array(vec!["=".into(), std::mem::replace(state, value)]))
        }
        (
            "o",
            Some(Value::Object(changed)),
            Some(Value::Object(added)),
            Some(Value::Array(gone)),
            None,
            Value::Object(state),
        ) => apply_fields(state, changed, added, gone),
        ("a", Some(Value::Array(ops)), None, None, None, Value::Array(items)) => {
            let undo = sequence::apply(items, ops)?;
            Ok(Value::Array(vec!["a".into(), Value::Array(undo)]))
        }
        ("o" | "a", ..) => {
            Err(Flaw { why: "this is not what the change takes it for".to_owned(), ..wrong() })
        }
        _ => Err(wrong()),
    }
}

fn apply_fields(
    state: &mut Map<String, Value>,
    changed: Map<String, Value>,
    added: Map<String, Value>,
    gone: Vec<Value>,
) -> Result<Value, Flaw> {
    let missing = |name: &str| Flaw { path: name.to_owned(), why: "it changes and is not there".to_owned() };
    let (mut changed_back, mut added_back, mut gone_back) = (Map::new(), Map::new(), Vec::new());
    for (name, change) in changed {
        let field = state.get_mut(&name).ok_or_else(|| missing(&name))?;
        let undo = apply(field, change).map_err(|flaw| flaw.below(&name))?;
        changed_back.insert(name, undo);
    }
    for name in gone {
        let Value::String(name) = name else {
            return Err(Flaw { path: ".".to_owned(), why: "a name is expected".to_owned() });
        };
        let value = state.remove(&name).ok_or_else(|| missing(&name))?;
        added_back.insert(name, value);
    }
    for (name, value) in added {
        if state.insert(name.clone(), value).is_some() {
            return Err(Flaw { path: name, why: "it is new and was there before".to_owned() });
        }
        gone_back.push(Value::String(name));
    }
    let parts =
        vec!["o".into(), Value::Object(changed_back), Value::Object(added_back), Value::Array(gone_back)];
    Ok(Value::Array(parts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0_u64..9).prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map("[a-d]", inner, 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_change_leads_there_and_back(old in any_value(), new in any_value()) {
            let Some(change) = between(&old, &new) else {
                prop_assert_eq!(old, new);
                return Ok(());
            };
            let mut state = old.clone();
            let undo = apply(&mut state, change).unwrap();
            prop_assert_eq!(&state, &new);
            apply(&mut state, undo).unwrap();
            prop_assert_eq!(state, old);
        }

        #[test]
        fn no_change_whatever_it_says_does_more_than_fail(mut state in any_value(), change in any_value()) {
            if apply(&mut state, change.clone()).is_ok() {
                prop_assert!(change.is_array());
            }
        }
    }

    #[test]
    fn says_only_what_changed() {
        let (old, new) = (json!({"a": 1, "b": {"c": 2, "d": 3}}), json!({"a": 1, "b": {"c": 5}, "e": 6}));
        let expected = json!(["o", {"b": ["o", {"c": ["=", 5]}, {}, ["d"]]}, {"e": 6}, []]);
        assert_eq!(between(&old, &new), Some(expected));
        assert_eq!(between(&old, &old.clone()), None);
    }

    #[test]
    fn a_change_that_does_not_fit_names_the_place() {
        let mut state = json!({"a": {"b": 1}});
        let flaw =
            apply(&mut state, json!(["o", {"a": ["o", {"x": ["=", 1]}, {}, []]}, {}, []])).unwrap_err();
        assert_eq!(flaw.path, "a.x");
        let mut state = json!({"a": {"b": 1}});
        let flaw = apply(&mut state, json!(["o", {"a": ["a", [1]]}, {}, []])).unwrap_err();
        assert_eq!(flaw.path, "a");
    }
}
