//! Sizes and times as people write them: `256k`, `16M`; `90s`, `20m`, `12h`, `19d`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::model::units::{Bytes, Seconds};

/// A size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub Bytes);

/// A span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Seconds);

const SIZES: &[(&str, u64)] = &[("", 1), ("k", 1 << 10), ("M", 1 << 20), ("G", 1 << 30), ("T", 1 << 40)];
const SPANS: &[(&str, u64)] = &[("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.strip_prefix(digits)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    digits.parse::<u64>().ok()?.checked_mul(*factor)
}

fn write(number: u64, units: &[(&str, u64)]) -> String {
    let fitting = units.iter().rev().find(|(_, factor)| number.is_multiple_of(*factor) && number >= *factor);
    let (name, factor) = fitting.or_else(|| units.first()).copied().unwrap_or(("", 1));
    format!("{}{name}", number / factor)
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = parse(&text, SIZES);
        let bytes =
            bytes.ok_or_else(|| de::Error::custom(format!("`{text}` is no size; write 512, 256k or 16M")))?;
        Ok(Self(Bytes(bytes)))
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&write(self.0.0, SIZES))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let seconds = parse(&text, SPANS);
        let seconds = seconds
            .ok_or_else(|| de::Error::custom(format!("`{text}` is no time; write 90s, 20m, 12h or 19d")))?;
        Ok(Self(Seconds(seconds)))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&write(self.0.0, SPANS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["512", "256k", "16M", "3G"] {
            assert_eq!(write(parse(text, SIZES).unwrap(), SIZES), text);
        }
        for text in ["90s", "20m", "12h", "19d"] {
            assert_eq!(write(parse(text, SPANS).unwrap(), SPANS), text);
        }
    }

    #[test]
    fn an_unknown_unit_is_no_amount() {
        assert_eq!(parse("5x", SIZES), None);
        assert_eq!(parse("5", SPANS), None, "a time without a unit says nothing");
        assert_eq!(parse("99999999999999999999k", SIZES), None);
    }
}
