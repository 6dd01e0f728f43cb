//! Time in a recording: where a replay stands, where it is told to go, and how people write a time.

use super::units::WallNanos;

/// Where a replay stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The look on screen, from 0.
    pub at: usize,
    /// How many there are.
    pub of: usize,
    /// So many times as fast as it was taken, whether it plays or not.
    pub speed: u32,
    /// Whether it goes on by itself.
    pub play: Play,
}

/// Whether a replay goes on by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Play {
    /// It stands still.
    #[default]
    Paused,
    /// It does.
    Running,
}

/// Where a replay is told to go, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wind {
    /// To the next look.
    On,
    /// To the look before.
    Back,
    /// To the first look that is a minute later.
    MinuteOn,
    /// To the last look that is a minute earlier.
    MinuteBack,
    /// To a moment.
    To(Moment),
    /// On by itself, or no more.
    Toggle,
    /// Faster from now on.
    Faster,
    /// Slower from now on.
    Slower,
}

/// A moment, as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// `20:41:07`, or the whole minute `20:41`, in local time.
    Clock {
        /// Second of the day.
        second: i64,
        /// How long it lasts: a second or a minute.
        lasts_s: i64,
    },
    /// `+30s`, `-2m`: so many seconds from the look on screen.
    Shift(i64),
    /// `#12`: the twelfth look.
    Look(usize),
}

/// Where a moment leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    /// The look, from 0.
    pub at: usize,
    /// What to say where that is not quite what was asked for.
    pub note: Option<String>,
}

impl Moment {
    /// Reads `20:41`, `20:41:07`, `+30s`, `-2m`, `+1h`, `#12` or `12`.
    ///
    /// # Errors
    /// A sentence about what is wrong and what may be written.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let parsed = match text.chars().next() {
            None => None,
            Some('#') => text.strip_prefix('#').and_then(index),
            Some('+' | '-') => shift(text),
            Some(_) if text.contains(':') => clock(text),
            Some(_) => index(text),
        };
        let shown = super::raw_path::shown_bytes(text.as_bytes());
        parsed.ok_or_else(|| format!("`{shown}` is no time here; write 20:41, 20:41:07, +30s, -2m or #12"))
    }

    /// The look that it means in a recording with looks at `times`, of which the one at `from` is on screen.
    ///
    /// A clock time is that of the day which brings it nearest to the look on screen; what lies beyond an end of the
    /// recording leads to that end and says so.
    pub fn find(self, times: &[WallNanos], from: usize, utc_offset_s: i32) -> Landing {
        let last = times.len().saturating_sub(1);
        let now = times.get(from.min(last)).copied().unwrap_or_default();
        match self {
            Self::Look(number) if number >= 1 && number <= times.len() => {
                Landing { at: number - 1, note: None }
            }
            Self::Look(number) => {
                let at = if number == 0 { 0 } else { last };
                Landing { at, note: Some(format!("there are {} looks, no #{number}", times.len())) }
            }
            Self::Shift(seconds) => {
                let goal = now.0.saturating_add(seconds.saturating_mul(SECOND));
                nearest(times, goal, (SECOND - 1, utc_offset_s))
            }
            Self::Clock { second, lasts_s } => {
                let local = now.0.saturating_add(i64::from(utc_offset_s).saturating_mul(SECOND));
                let of_day = local.rem_euclid(DAY);
                let away = second.saturating_mul(SECOND) - of_day;
                let away = (away + DAY / 2).rem_euclid(DAY) - DAY / 2;
                nearest(times, now.0.saturating_add(away), (lasts_s.saturating_mul(SECOND) - 1, utc_offset_s))
            }
        }
    }
}

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// The first look within the moment, else the last one before it: that is what was known then.
fn nearest(times: &[WallNanos], goal: i64, (lasts, utc_offset_s): (i64, i32)) -> Landing {
    let (Some(first), Some(last)) = (times.first(), times.last()) else {
        return Landing { at: 0, note: None };
    };
    let ends = |which: &str, time: WallNanos| {
        Some(format!("the recording {which} at {}", time.time_of_day(utc_offset_s)))
    };
    let end = goal.saturating_add(lasts);
    let after = times.partition_point(|time| time.0 < goal);
    let within = times.get(after).is_some_and(|time| time.0 <= end);
    let note = if end < first.0 {
        ends("begins", *first)
    } else if goal > last.0.saturating_add(SECOND) {
        ends("ends", *last)
    } else {
        None
    };
    Landing { at: if within { after } else { after.saturating_sub(1) }, note }
}

fn index(text: &str) -> Option<Moment> {
    let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().map(Moment::Look)
}

fn clock(text: &str) -> Option<Moment> {
    let parts: Vec<&str> = text.split(':').collect();
    let number = |text: &str, below: i64| {
        let digits = (1..=2).contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit());
        digits.then(|| text.parse::<i64>().ok()).flatten().filter(|n| *n < below)
    };
    match parts.as_slice() {
        [hour, minute] => {
            Some(Moment::Clock { second: number(hour, 24)? * 3600 + number(minute, 60)? * 60, lasts_s: 60 })
        }
        [hour, minute, second] => {
            let second = number(hour, 24)? * 3600 + number(minute, 60)? * 60 + number(second, 60)?;
            Some(Moment::Clock { second, lasts_s: 1 })
        }
        _ => None,
    }
}

fn shift(text: &str) -> Option<Moment> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let number = rest.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match rest.strip_prefix(number)? {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let digits = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
    let number: i64 = digits.then(|| number.parse().ok()).flatten()?;
    Some(Moment::Shift(number.checked_mul(unit)?.checked_mul(sign)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-22 20:41:07 UTC.
    const START: i64 = 1_769_114_467;

    fn times(seconds: &[i64]) -> Vec<WallNanos> {
        seconds.iter().map(|s| WallNanos((START + s) * SECOND)).collect()
    }

    fn find(text: &str, seconds: &[i64], from: usize) -> (usize, Option<String>) {
        let landing = Moment::parse(text).unwrap().find(&times(seconds), from, 0);
        (landing.at, landing.note)
    }

    #[test]
    fn reads_what_people_write_and_says_what_else_is_no_time() {
        assert_eq!(Moment::parse("20:41"), Ok(Moment::Clock { second: 74_460, lasts_s: 60 }));
        assert_eq!(Moment::parse(" 8:01:07 "), Ok(Moment::Clock { second: 28_867, lasts_s: 1 }));
        assert_eq!(Moment::parse("+30s"), Ok(Moment::Shift(30)));
        assert_eq!(Moment::parse("-2m"), Ok(Moment::Shift(-120)));
        assert_eq!(Moment::parse("#12"), Ok(Moment::Look(12)));
        assert_eq!(Moment::parse("12"), Ok(Moment::Look(12)));
        for wrong in [
            "",
            "24:00",
            "20:60",
            "20:41:7x",
            "1:2:3:4",
            "+",
            "-x",
            "+3y",
            "+-3",
            "#",
            "#-1",
            "noon",
            "１２",
            "+99999999999999999999s",
            "+9999999999999999999d",
            "#99999999999999999999999",
            ":",
            "123:00",
        ] {
            let told = Moment::parse(wrong).unwrap_err();
            assert!(told.contains("write 20:41, 20:41:07, +30s, -2m or #12"), "{wrong}: {told}");
        }
        assert!(!Moment::parse("\x1b[2J").unwrap_err().contains('\x1b'));
    }

    #[test]
    fn a_time_leads_to_the_look_that_was_known_then() {
        let seconds = [0, 2, 4, 60, 62];
        assert_eq!(find("20:41:09", &seconds, 0), (1, None));
        assert_eq!(find("20:41:10", &seconds, 0), (1, None), "nothing was seen in that second");
        assert_eq!(find("20:42", &seconds, 0), (3, None), "the first look of the minute");
        assert_eq!(find("20:41", &seconds, 4), (0, None), "the recording begins within that minute");
        assert_eq!(find("+58s", &seconds, 1), (3, None));
        assert_eq!(find("-1m", &seconds, 4), (1, None));
    }

    #[test]
    fn what_lies_beyond_an_end_leads_to_that_end_and_says_so() {
        let seconds = [0, 2, 4];
        assert_eq!(find("20:40", &seconds, 2), (0, Some("the recording begins at 20:41:07".into())));
        assert_eq!(find("+5m", &seconds, 0), (2, Some("the recording ends at 20:41:11".into())));
        assert_eq!(find("#4", &seconds, 0), (2, Some("there are 3 looks, no #4".into())));
        assert_eq!(find("#0", &seconds, 2), (0, Some("there are 3 looks, no #0".into())));
    }

    #[test]
    fn a_time_of_day_is_that_of_the_nearest_day() {
        let midnight = 3 * 3600 + 18 * 60 + 53;
        let seconds = [midnight - 60, midnight, midnight + 60];
        assert_eq!(find("23:59", &seconds, 2), (0, None));
        assert_eq!(find("00:01", &seconds, 0), (2, None));
        let local = Moment::parse("01:01").unwrap().find(&times(&seconds), 0, 3600);
        assert_eq!((local.at, local.note), (2, None), "an hour ahead of UTC");
    }

    #[test]
    fn nothing_is_too_far_away() {
        for from in [0, 7] {
            for second in [i64::MIN, i64::MAX] {
                let landing = Moment::Shift(second).find(&times(&[0, 2]), from, i32::MAX);
                assert_eq!(landing.at, usize::from(second > 0));
            }
        }
        let odd = [WallNanos(i64::MIN), WallNanos(i64::MAX)];
        assert_eq!(Moment::Clock { second: 0, lasts_s: 60 }.find(&odd, 1, 0).at, 1);
        assert_eq!(Moment::Look(1).find(&[], 0, 0).at, 0);
    }
}
