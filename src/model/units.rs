//! Numbers with their unit in the type, and how people read them.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);
    };
}

unit!(
    /// A count of bytes.
    Bytes(u64)
);
unit!(
    /// A count of directory entries, processes or other things.
    Entries(u64)
);
unit!(
    /// Microseconds that something took.
    Micros(u64)
);
unit!(
    /// Milliseconds, of deadlines.
    Millis(u64)
);
unit!(
    /// Wall-clock time: nanoseconds since 1970-01-01 UTC.
    WallNanos(i64)
);
unit!(
    /// Nanoseconds since boot, suspend included.
    BootNanos(u64)
);
unit!(
    /// Seconds of age.
    Seconds(u64)
);

impl fmt::Display for Bytes {
    /// Three significant digits: `512`, `1.50 K`, `41.2 G`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 1024 {
            return f.pad(&self.0.to_string());
        }
        let mut scaled = u128::from(self.0) * 1000;
        let mut unit = ' ';
        for next in ['K', 'M', 'G', 'T', 'P', 'E'] {
            if scaled < 1_024_000 {
                break;
            }
            scaled /= 1024;
            unit = next;
        }
        let (whole, thousandths) = (scaled / 1000, scaled % 1000);
        let text = match whole {
            0..=9 => format!("{whole}.{:02} {unit}", thousandths / 10),
            10..=99 => format!("{whole}.{} {unit}", thousandths / 100),
            _ => format!("{whole} {unit}"),
        };
        f.pad(&text)
    }
}

/// `1 process`, `1,491 entries`.
pub fn count(n: usize, noun: (&str, &str)) -> String {
    let n = u64::try_from(n).unwrap_or(u64::MAX);
    format!("{} {}", Entries(n), if n == 1 { noun.0 } else { noun.1 })
}

impl fmt::Display for Entries {
    /// With a separator each three digits: `1,491`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut out = String::with_capacity(digits.len() + digits.len() / 3);
        for (position, digit) in digits.chars().enumerate() {
            if position > 0 && (digits.len() - position).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        f.pad(&out)
    }
}

impl Seconds {
    /// As one types it after an option, exactly: `0s`, `90s`, `12h`, `7d`.
    pub fn typed(self) -> String {
        let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
        let whole = units.into_iter().find(|(unit, _)| self.0 > 0 && self.0.is_multiple_of(*unit));
        whole.map_or_else(|| format!("{}s", self.0), |(unit, letter)| format!("{}{letter}", self.0 / unit))
    }
}

impl fmt::Display for Seconds {
    /// The largest unit that is not zero: `14 s`, `2 min`, `5 h`, `19 d`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            s @ 0..60 => format!("{s} s"),
            s @ 60..3_600 => format!("{} min", s / 60),
            s @ 3_600..86_400 => format!("{} h", s / 3_600),
            s => format!("{} d", s / 86_400),
        };
        f.pad(&text)
    }
}

impl fmt::Display for Micros {
    /// `850 µs` would not be ASCII, so tenths of a millisecond: `0.8 ms`, `12 ms`, `1.4 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            us @ 0..10_000 => format!("{}.{} ms", us / 1000, us % 1000 / 100),
            us @ 10_000..1_000_000 => format!("{} ms", us / 1000),
            us => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
        };
        f.pad(&text)
    }
}

impl WallNanos {
    /// How long before `now` this was; `None` where it lies in the future, which is never "old".
    pub fn age_at(self, now: Self) -> Option<Seconds> {
        let nanos = now.0.checked_sub(self.0)?;
        u64::try_from(nanos).ok().map(|n| Seconds(n / 1_000_000_000))
    }

    /// `2026-01-22 20:41:07` where local time is that many seconds ahead of UTC; a time that no calendar has in words.
    pub fn date_time(self, utc_offset_s: i32) -> String {
        let offset = jiff::tz::Offset::from_seconds(utc_offset_s).unwrap_or(jiff::tz::Offset::UTC);
        match jiff::Timestamp::from_second(self.0.div_euclid(1_000_000_000)) {
            Ok(second) => offset.to_datetime(second).strftime("%Y-%m-%d %H:%M:%S").to_string(),
            Err(_beyond) => "no known time".to_owned(),
        }
    }

    /// `20:41:07`, the same way.
    pub fn time_of_day(self, utc_offset_s: i32) -> String {
        let local = self.0.div_euclid(1_000_000_000).saturating_add(i64::from(utc_offset_s));
        let second = local.rem_euclid(86_400);
        format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
    }
}

/// `part` of `whole` in whole per cent, rounded up where not zero, so that "0 %" means none; 0 of 0 is 0.
pub fn per_cent(part: u64, whole: u64) -> u64 {
    if whole == 0 {
        return 0;
    }
    u64::try_from((u128::from(part) * 100).div_ceil(u128::from(whole))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_three_significant_digits_and_separators() {
        assert_eq!(Bytes(512).to_string(), "512");
        assert_eq!(Bytes(1536).to_string(), "1.50 K");
        assert_eq!(Bytes(18 * (1 << 30) + (1 << 28)).to_string(), "18.2 G");
        assert_eq!(Bytes(1023 * 1024).to_string(), "1023 K");
        assert_eq!(Entries(1491).to_string(), "1,491");
        assert_eq!(Entries(1_000_000).to_string(), "1,000,000");
        assert_eq!(Seconds(59).to_string(), "59 s");
        assert_eq!(Seconds(86_400 * 19).to_string(), "19 d");
        assert_eq!(per_cent(1, 1000), 1);
    }

    #[test]
    fn tells_local_dates_and_times() {
        let then = WallNanos(1_769_114_467_900_000_000);
        assert_eq!(then.date_time(0), "2026-01-22 20:41:07");
        assert_eq!(then.date_time(4 * 3600), "2026-01-23 00:41:07");
        assert_eq!(then.time_of_day(-3600), "19:41:07");
        assert_eq!(WallNanos(i64::MIN).date_time(0).len(), 19, "every number of nanoseconds has a date");
    }

    #[test]
    fn has_no_age_in_the_future() {
        assert_eq!(WallNanos(2_000_000_000).age_at(WallNanos(1)), None);
        assert_eq!(WallNanos(1).age_at(WallNanos(3_000_000_001)), Some(Seconds(3)));
    }
}
