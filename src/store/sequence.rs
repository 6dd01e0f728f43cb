//! What changed between two lists.
//!
//! Operations walk along the old list: `3` keeps three items, `-2` drops two, `["+", item…]` adds some,
//! `["~", change]` changes the next one. What is left at the end is kept.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use serde_json::Value;

use super::change;
use super::error::Flaw;

/// What is to be done to `old` to make it `new`; nothing where they are equal.
pub fn between(old: &[Value], new: &[Value], depth: usize) -> Option<Vec<Value>> {
    if old == new {
        return None;
    }
    let mut ops = Ops::default();
    let (mut i, mut j) = (0, 0);
    // The end of both lists counts as a pair that stays.
    for (a, b) in kept_pairs(old, new).into_iter().chain([(old.len(), new.len())]) {
        ops.replace(old.get(i..a).unwrap_or_default(), new.get(j..b).unwrap_or_default(), depth);
        ops.keep(usize::from(a < old.len()));
        (i, j) = (a + 1, b + 1);
    }
    Some(ops.finish())
}

/// Positions of items that are in both lists, ascending in both: equal ends first, between them those that occur once.
fn kept_pairs(old: &[Value], new: &[Value]) -> Vec<(usize, usize)> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let middle = |list: &[Value]| head..list.len() - tail;
    let mut pairs: Vec<(usize, usize)> = (0..head).map(|n| (n, n)).collect();
    pairs.extend(longest_ascent(&unique_pairs(
        old.get(middle(old)).unwrap_or_default(),
        new.get(middle(new)).unwrap_or_default(),
        head,
    )));
    pairs.extend((0..tail).map(|n| (old.len() - tail + n, new.len() - tail + n)));
    pairs
}

/// Where an item that occurs once stands.
enum Spot {
    Once(usize),
    Often,
}

/// Items that occur exactly once in each list, by their position in the new one.
fn unique_pairs(old: &[Value], new: &[Value], offset: usize) -> Vec<(usize, usize)> {
    if old.is_empty() || new.is_empty() {
        return Vec::new();
    }
    let spots = |list: &[Value]| {
        let mut spots: BTreeMap<u64, Spot> = BTreeMap::new();
        for (position, item) in list.iter().enumerate() {
            spots.entry(hash(item)).and_modify(|spot| *spot = Spot::Often).or_insert(Spot::Once(position));
        }
        spots
    };
    let (before, after) = (spots(old), spots(new));
    let mut pairs: Vec<(usize, usize)> = after
        .iter()
        .filter_map(|(hash, spot)| match (before.get(hash)?, spot) {
            // Equal sums are not yet equal items.
            (Spot::Once(a), Spot::Once(b)) if old.get(*a) == new.get(*b) => Some((a + offset, b + offset)),
            _ => None,
        })
        .collect();
    pairs.sort_unstable_by_key(|(_, b)| *b);
    pairs
}

fn hash(item: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    item.hash(&mut hasher);
    hasher.finish()
}

/// The most of these pairs that ascend in both; they do so in the second already. Source: patience sorting.
fn longest_ascent(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // For each length the pair that ends such a chain lowest, and for each pair the one before it in its chain.
    let (mut ends, mut previous): (Vec<usize>, Vec<Option<usize>>) = (Vec::new(), Vec::new());
    let first = |n: usize| pairs.get(n).map(|pair| pair.0);
    for (n, (a, _)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| first(*end).is_some_and(|end| end < *a));
        previous.push(length.checked_sub(1).and_then(|before| ends.get(before).copied()));
        match ends.get_mut(length) {
            Some(end) => *end = n,
            None => ends.push(n),
        }
    }
    let chain = std::iter::successors(ends.last().copied(), |n| previous.get(*n).copied().flatten());
    let mut chain: Vec<_> = chain.filter_map(|n| pairs.get(n).copied()).collect();
    chain.reverse();
    chain
}

/// Operations, runs of the same kind made one.
#[derive(Default)]
struct Ops {
    ops: Vec<Value>,
    kept: usize,
}

impl Ops {
    fn keep(&mut self, count: usize) {
        self.kept += count;
    }

    fn push(&mut self, op: Value) {
        if self.kept > 0 {
            self.ops.push(std::mem::take(&mut self.kept).into());
        }
        self.ops.push(op);
    }

    /// As many as before are taken for the same items, changed.
    fn replace(&mut self, old: &[Value], new: &[Value], depth: usize) {
        if old.len() == new.len() {
            for (a, b) in old.iter().zip(new) {
                match change::between_at(a, b, depth + 1) {
                    Some(change) => self.push(Value::Array(vec!["~".into(), change])),
                    None => self.keep(1),
                }
            }
            return;
        }
        if let Some(count) = i64::try_from(old.len()).ok().filter(|count| *count > 0) {
            self.push((-count).into());
        }
        if !new.is_empty() {
            let added = std::iter::once("+".into()).chain(new.iter().cloned());
            self.push(Value::Array(added.collect()));
        }
    }

    /// What is kept up to the end need not be said.
    fn finish(self) -> Vec<Value> {
        self.ops
    }
}

/// Applies operations; gives those that take them back.
pub fn apply(items: &mut Vec<Value>, ops: Vec<Value>) -> Result<Vec<Value>, Flaw> {
    let mut old = std::mem::take(items).into_iter();
    let mut undo = Ops::default();
    for (number, op) in ops.into_iter().enumerate() {
        let flaw = |why: &str| Flaw { path: items.len().to_string(), why: why.to_owned() };
        match op {
            Value::Number(count) => {
                let count = count.as_i64().ok_or_else(|| flaw("a list cannot be changed by that number"))?;
                let length = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
                if length > old.len() {
                    return Err(flaw("the list is shorter than the change takes it for"));
                }
                if count >= 0 {
                    items.extend(old.by_ref().take(length));
                    undo.keep(length);
                } else {
                    let gone = std::iter::once("+".into()).chain(old.by_ref().take(length));
                    undo.push(Value::Array(gone.collect()));
                }
            }
            Value::Array(parts) => {
                let mut parts = parts.into_iter();
                match (parts.next().as_ref().and_then(Value::as_str), parts.len()) {
                    (Some("+"), 1..) => {
                        let count = i64::try_from(parts.len()).map_err(|why| flaw(&why.to_string()))?;
                        items.extend(parts);
                        undo.push((-count).into());
                    }
                    (Some("~"), 1) => {
                        let change = parts.next().unwrap_or_default();
                        let mut item = old.next().ok_or_else(|| flaw("the list ends before that change"))?;
                        let back = change::apply(&mut item, change)
                            .map_err(|f| f.below(&items.len().to_string()))?;
                        items.push(item);
                        undo.push(Value::Array(vec!["~".into(), back]));
                    }
                    _ => return Err(flaw(&format!("operation {number} on this list is not known"))),
                }
            }
            _ => return Err(flaw(&format!("operation {number} on this list is not known"))),
        }
    }
    items.extend(old);
    Ok(undo.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ops(old: Value, new: Value) -> Value {
        let (Value::Array(old), Value::Array(new)) = (old, new) else { panic!("lists") };
        between(&old, &new, 0).map_or(Value::Null, Value::Array)
    }

    #[test]
    fn items_that_come_and_go_far_apart_cost_only_themselves() {
        assert_eq!(
            ops(json!([1, 2, 3, 4, 5, 6]), json!([9, 1, 2, 4, 5, 7, 6])),
            json!([["+", 9], 2, -1, 2, ["+", 7]])
        );
        assert_eq!(ops(json!([1, 2]), json!([1, 2])), Value::Null);
        assert_eq!(ops(json!([1, 2, 3]), json!([])), json!([-3]));
    }

    #[test]
    fn an_item_that_changed_is_changed_where_it_stands() {
        let (old, new) =
            (json!([{"n": 1, "s": 1}, {"n": 2, "s": 1}]), json!([{"n": 1, "s": 1}, {"n": 2, "s": 7}]));
        assert_eq!(ops(old, new), json!([1, ["~", ["o", {"s": ["=", 7]}, {}, []]]]));
    }

    #[test]
    fn an_operation_beyond_the_end_names_the_place() {
        for ops in [
            json!([3]),
            json!([-3]),
            json!([2, ["~", ["=", 1]]]),
            json!([["+"]]),
            json!([1.5]),
            json!([null]),
        ] {
            let Value::Array(ops) = ops else { panic!("a list") };
            let flaw = apply(&mut vec![json!(1), json!(2)], ops).unwrap_err();
            assert!(flaw.path.parse::<usize>().is_ok(), "{flaw:?}");
        }
    }
}
