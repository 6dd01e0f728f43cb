//! How the values of options are read: times, ages, digests, names of entries.

use std::ffi::OsString;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};

/// As many digits of a digest as are shown, or all of them.
pub(super) fn digest(text: &str) -> Result<String, String> {
    let is_digest = (12..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest { Ok(text.to_ascii_lowercase()) } else { Err("12 to 64 hexadecimal digits".to_owned()) }
}

/// The name of what lies directly in a temp dir, which need not be text.
pub(super) fn entry_name() -> impl TypedValueParser<Value = OsString> {
    OsStringValueParser::new().try_map(|name| match name.as_encoded_bytes() {
        b"" | b"." | b".." => Err("no name of an entry"),
        bytes if bytes.contains(&b'/') => Err("one name, without its directory and without `/`"),
        _ => Ok(name),
    })
}

/// `500ms`, `10s`, `2m`, `1h`, or bare seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.strip_prefix(digits).unwrap_or_default();
    let number: u64 =
        digits.parse().map_err(|why| format!("`{text}` is not a time ({why}); write 500ms, 10s or 2m"))?;
    let millis = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1000),
        "m" | "min" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => return Err(format!("`{unit}` is not a unit of time; write ms, s, m or h")),
    };
    match millis {
        Some(0) => Err("it must be longer than nothing".to_owned()),
        Some(millis) => Ok(Duration::from_millis(millis)),
        None => Err(format!("`{text}` is too long")),
    }
}

/// `0s`, `90m`, `12h`, `1d`, `2w`, or bare seconds.
pub(super) fn age(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 =
        digits.parse().map_err(|why| format!("`{text}` is no age ({why}); write 0s, 12h or 1d"))?;
    let each = match text.strip_prefix(digits).unwrap_or_default() {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        unit => return Err(format!("`{unit}` is not a unit of age; write s, m, h, d or w")),
    };
    let seconds = number.checked_mul(each).ok_or_else(|| format!("`{text}` is too long"))?;
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::units::Seconds;

    #[test]
    fn an_age_is_read_as_it_is_typed() {
        let ages = [
            (0, "0s"),
            (1, "1s"),
            (90, "90s"),
            (120, "2m"),
            (43_200, "12h"),
            (86_400, "1d"),
            (86_401, "86401s"),
        ];
        for (seconds, text) in ages {
            assert_eq!(Seconds(seconds).typed(), text);
            assert_eq!(age(text), Ok(Duration::from_secs(seconds)));
        }
    }
}
