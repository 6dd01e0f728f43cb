//! JSON of a stranger: measured before it is parsed, so that no memory is taken for what will be refused.

use serde_json::Value;

use crate::model::raw_path::{is_control, is_invisible, shown_bytes};

use super::error::Flaw;
use super::limits::Limits;

/// What an object costs before it holds anything: a node of a B-tree with eleven places.
const OBJECT: u64 = 700;
/// A place in a list that grew by doubling.
const PLACE: u64 = 64;
/// What a string costs beside its bytes.
const STRING: u64 = 48;
/// How much of a name is told.
const MAX_NAME: usize = 60;

/// How big a value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Values, those inside of others included.
    pub elements: u64,
    /// Bytes of memory, estimated.
    pub memory: u64,
}

impl Size {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            elements: self.elements.saturating_add(other.elements),
            memory: self.memory.saturating_add(other.memory),
        }
    }

    /// Refuses what is too big.
    pub fn check(self, limits: &Limits) -> Result<Self, Flaw> {
        if self.elements > limits.elements {
            return Err(Flaw::new(format!("it holds more than {} values", limits.elements)));
        }
        if self.memory > limits.memory {
            return Err(Flaw::new(format!("it would take more than {} bytes of memory", limits.memory)));
        }
        Ok(self)
    }
}

/// Parses JSON within the limits.
pub fn parse(json: &[u8], limits: &Limits) -> Result<(Value, Size), Flaw> {
    let size = scan(json, limits)?;
    let mut value = serde_json::from_slice(json).map_err(|why| misplaced(json, &why))?;
    tame(&mut value)?;
    Ok((value, size))
}

/// Walks over the text without taking any memory.
fn scan(json: &[u8], limits: &Limits) -> Result<Size, Flaw> {
    let mut size = Size::default();
    let mut depth = 0_usize;
    let mut bytes = json.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > limits.depth {
                    return Err(Flaw::new(format!(
                        "byte {at} of its JSON lies more than {} deep",
                        limits.depth
                    )));
                }
                size.elements += 1;
                size.memory += if *byte == b'{' { OBJECT } else { PLACE };
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' | b':' => {
                size.elements += u64::from(*byte == b',');
                size.memory += PLACE;
            }
            b'"' => {
                let length = string(&mut bytes);
                if length > limits.string {
                    return Err(Flaw::new(format!(
                        "the string at byte {at} of its JSON is longer than {} bytes",
                        limits.string
                    )));
                }
                size.memory += STRING + u64::try_from(length).unwrap_or(u64::MAX);
            }
            _ => {}
        }
        size.check(limits)?;
    }
    Ok(size)
}

/// Takes a string up to its closing quote; gives its length as it is written.
fn string<'a>(bytes: &mut impl Iterator<Item = (usize, &'a u8)>) -> usize {
    let mut length = 0;
    while let Some((_, byte)) = bytes.next() {
        match byte {
            b'"' => break,
            b'\\' => length += 1 + usize::from(bytes.next().is_some()),
            _ => length += 1,
        }
    }
    length
}

/// How big a value is that was parsed before.
pub fn measure(value: &Value) -> Size {
    let mut size = Size::default();
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        size.elements += 1;
        size.memory += PLACE;
        match value {
            Value::String(text) => size.memory += STRING + bytes_of(text),
            Value::Array(items) => left.extend(items),
            Value::Object(fields) => {
                let nodes = u64::try_from(fields.len()).unwrap_or(u64::MAX).div_ceil(6).max(1);
                size.memory += OBJECT * nodes + fields.keys().map(|key| STRING + bytes_of(key)).sum::<u64>();
                left.extend(fields.values());
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    size
}

fn bytes_of(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

/// Puts strings that could drive a terminal into the form `{"hex": …}`, which only [`RawPath`] takes, and that shows none
/// of it. Where a [`String`] is expected, which is shown as it is, it is refused with its place.
///
/// [`RawPath`]: crate::model::raw_path::RawPath
fn tame(value: &mut Value) -> Result<(), Flaw> {
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        match value {
            Value::String(text) if is_wild(text) => {
                let hex = text.bytes().map(|b| format!("{b:02x}")).collect::<String>();
                *value = serde_json::json!({ "hex": hex });
            }
            Value::Array(items) => left.extend(items),
            Value::Object(fields) => {
                if let Some(key) = fields.keys().find(|key| is_wild(key)) {
                    return Err(Flaw::new(format!(
                        "the name `{}` holds control characters",
                        shown_name(key)
                    )));
                }
                left.extend(fields.values_mut());
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    Ok(())
}

fn is_wild(text: &str) -> bool {
    text.chars().any(|c| is_control(c) || is_invisible(c))
}

fn shown_name(name: &str) -> String {
    shown_bytes(name.chars().take(MAX_NAME).collect::<String>().as_bytes())
}

/// What serde says of a text, with the path instead of the column.
pub fn misplaced(json: &[u8], why: &serde_json::Error) -> Flaw {
    let text = why.to_string();
    let told = text.rsplit_once(" at line ").map_or(text.as_str(), |(told, _)| told);
    let lines = json.split_inclusive(|b| *b == b'\n').take(why.line().saturating_sub(1));
    let byte = lines.map(<[u8]>::len).sum::<usize>() + why.column();
    let path = path_at(json.get(..byte.saturating_sub(1)).unwrap_or(json));
    let told = shown_bytes(told.chars().take(4 * MAX_NAME).collect::<String>().as_bytes());
    Flaw { path: if path.is_empty() { ".".to_owned() } else { path }, why: told }
}

/// The names and positions that lead to the end of a text.
fn path_at(json: &[u8]) -> String {
    enum Step {
        Name(Vec<u8>),
        Position(u64),
    }
    let mut steps: Vec<Step> = Vec::new();
    let mut last = Vec::new();
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' => steps.push(Step::Name(Vec::new())),
            b'[' => steps.push(Step::Position(0)),
            b'}' | b']' => drop(steps.pop()),
            b',' => {
                if let Some(Step::Position(position)) = steps.last_mut() {
                    *position += 1;
                }
            }
            b':' => {
                if let Some(Step::Name(name)) = steps.last_mut() {
                    *name = std::mem::take(&mut last);
                }
            }
            b'"' => {
                last.clear();
                while let Some(byte) = bytes.next().filter(|b| **b != b'"') {
                    last.push(*byte);
                    if *byte == b'\\' {
                        last.extend(bytes.next());
                    }
                }
            }
            _ => {}
        }
    }
    let shown = steps.into_iter().map(|step| match step {
        Step::Name(name) => shown_name(&String::from_utf8_lossy(&name)),
        Step::Position(position) => position.to_string(),
    });
    shown.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { depth: 5, elements: 20, string: 10, ..Limits::default() }
    }

    fn refusal(json: &str) -> String {
        parse(json.as_bytes(), &limits()).unwrap_err().why
    }

    #[test]
    fn refuses_what_is_too_deep_too_much_or_too_long() {
        assert!(refusal("[[[[[[1]]]]]]").contains("5 deep"));
        assert!(refusal(&format!("[{}1]", "1,".repeat(30))).contains("20 values"));
        assert!(refusal("[\"0123456789a\"]").contains("10 bytes"));
        assert!(parse(b"[[[[[1]]]],\"]]]\\\"[[[\"]", &limits()).is_ok());
        let poor = Limits { memory: 5_000, ..Limits::default() };
        assert!(parse(b"[{},{},{},{},{},{},{},{},{}]", &poor).unwrap_err().why.contains("memory"));
    }

    #[test]
    fn names_the_place_of_a_fault() {
        let flaw = parse(br#"{"a":[1,{"b":tru}]}"#, &limits()).unwrap_err();
        assert_eq!(flaw.path, "a.1.b");
        assert!(!flaw.why.contains("line"), "{}", flaw.why);
    }

    #[test]
    fn what_could_drive_a_terminal_is_left_only_as_bytes() {
        let (value, _) = parse(br#"{"a":"x\u001b[2J","b":"y"}"#, &Limits::default()).unwrap();
        assert_eq!(value, serde_json::json!({"a": {"hex": "781b5b324a"}, "b": "y"}));
        assert!(parse(br#"{"a\u001b":1}"#, &Limits::default()).unwrap_err().why.contains("a\\x1b"));
    }

    #[test]
    fn is_never_smaller_once_parsed_than_was_foreseen() {
        let json = br#"{"a":[1,2,{"b":"text"},[]],"c":{},"d":[{"x":1},{"y":null}]}"#;
        let (value, foreseen) = parse(json, &Limits::default()).unwrap();
        let measured = measure(&value);
        assert!(foreseen.elements >= measured.elements / 2 && measured.memory <= foreseen.memory * 2);
    }
}
