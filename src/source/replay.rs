//! A capture, look by look: where one stands in it, and what was seen there.
//!
//! Moves nothing but itself: it reads a capture that is already in memory, and has no way to any machine. What a look means
//! is decided by whoever asks, so a newer tmpmedic judges an older capture.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::model::replay::{Landing, Play, Position, Wind};
use crate::model::snapshot::Snapshot;
use crate::model::units::WallNanos;
use crate::store::{Capture, ReadError};
use crate::sys::clock::Stopwatch;

/// So many times as fast as it was taken.
const SPEEDS: [u32; 6] = [1, 2, 5, 10, 30, 60];
/// While it plays, nobody waits longer than this for the next look, whatever the recorder did meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// What a minute is for `{` and `}`.
const MINUTE_NANOS: i64 = 60_000_000_000;
/// How far back the past goes that a screen shows.
const PAST_NANOS: i64 = 120_000_000_000;
/// One look of the past in each stretch of this length.
const STRETCH_NANOS: i64 = 10_000_000_000;

/// A capture and where one stands in it.
pub struct Replay {
    capture: Capture,
    times: Vec<WallNanos>,
    utc_offset_s: i32,
    at: usize,
    speed: usize,
    /// While it plays: since when the look on screen stands there, and what was waited before that.
    running: Option<(Stopwatch, Duration)>,
    /// Looks that are on screen in some way.
    near: BTreeMap<usize, Arc<Snapshot>>,
}

/// What is to be shown of one place in a recording.
#[derive(Clone, Debug)]
pub struct View {
    /// What was seen.
    pub now: Arc<Snapshot>,
    /// The look before it.
    pub before: Option<Arc<Snapshot>>,
    /// Some of what was seen in the minutes before, the oldest first.
    pub past: Vec<Arc<Snapshot>>,
}

/// What came of a move.
#[derive(Clone, Debug, Default)]
pub struct Wound {
    /// What is to be shown, where one stands elsewhere now.
    pub view: Option<View>,
    /// What there is to say.
    pub note: Option<String>,
}

impl Replay {
    /// Stands at the first look.
    pub fn new(capture: Capture, utc_offset_s: i32) -> Self {
        let times = (0..capture.len()).map(|look| capture.taken(look)).collect();
        Self { capture, times, utc_offset_s, at: 0, speed: 0, running: None, near: BTreeMap::new() }
    }

    /// The capture itself.
    pub fn capture(&self) -> &Capture {
        &self.capture
    }

    /// Seconds that the local time is ahead of UTC by which times are meant.
    pub fn utc_offset_s(&self) -> i32 {
        self.utc_offset_s
    }

    /// Where one stands.
    pub fn position(&self) -> Position {
        Position {
            at: self.at,
            of: self.times.len(),
            speed: SPEEDS.get(self.speed).copied().unwrap_or(1),
            play: if self.running.is_some() { Play::Running } else { Play::Paused },
        }
    }

    /// What is to be shown here.
    ///
    /// # Errors
    /// Where this part of the capture is damaged.
    pub fn view(&mut self) -> Result<View, ReadError> {
        let at = self.at;
        self.view_of(at)
    }

    /// Moves. Whoever cannot be shown leaves it where it stood.
    ///
    /// # Errors
    /// Where that part of the capture is damaged.
    pub fn wind(&mut self, wind: Wind) -> Result<Wound, ReadError> {
        let last = self.times.len().saturating_sub(1);
        let stays = |at: usize, end: &str| Landing {
            at,
            note: Some(format!("this is the {end} look of the recording")),
        };
        let landing = match wind {
            Wind::On if self.at == last => stays(last, "last"),
            Wind::On => Landing { at: self.at + 1, note: None },
            Wind::Back if self.at == 0 => stays(0, "first"),
            Wind::Back => Landing { at: self.at - 1, note: None },
            Wind::MinuteOn if self.at == last => stays(last, "last"),
            Wind::MinuteOn => Landing { at: self.minute_on().min(last), note: None },
            Wind::MinuteBack if self.at == 0 => stays(0, "first"),
            Wind::MinuteBack => Landing { at: self.minute_back(), note: None },
            Wind::To(moment) => moment.find(&self.times, self.at, self.utc_offset_s),
            Wind::Toggle => return Ok(self.toggle()),
            Wind::Faster | Wind::Slower => return Ok(self.change_speed(wind)),
        };
        self.land(landing)
    }

    /// How long until the next look is to be shown; `None` where it does not play.
    pub fn due(&self) -> Option<Duration> {
        let (since, carried) = self.running?;
        Some(self.wait_after(self.at).saturating_sub(carried).saturating_sub(since.elapsed()))
    }

    /// Goes on as far as time has gone; stops at the end.
    ///
    /// # Errors
    /// Where that part of the capture is damaged; it stops then.
    pub fn play_on(&mut self) -> Result<Wound, ReadError> {
        let Some((since, carried)) = self.running else { return Ok(Wound::default()) };
        let mut spent = carried.saturating_add(since.elapsed());
        let last = self.times.len().saturating_sub(1);
        let mut at = self.at;
        while at < last && spent >= self.wait_after(at) {
            spent = spent.saturating_sub(self.wait_after(at));
            at += 1;
        }
        if at == self.at && at < last {
            return Ok(Wound::default());
        }
        let note = (at >= last).then(|| "this is the last look of the recording".to_owned());
        self.running = None;
        let wound = self.land(Landing { at, note })?;
        if at < last {
            self.running = Some((Stopwatch::start(), spent));
        }
        Ok(wound)
    }

    /// How long one looks at a look while it plays.
    fn wait_after(&self, at: usize) -> Duration {
        let time = |at: usize| self.times.get(at).copied().unwrap_or_default().0;
        let nanos = u64::try_from(time(at + 1).saturating_sub(time(at))).unwrap_or(0);
        let speed = SPEEDS.get(self.speed).copied().unwrap_or(1);
        (Duration::from_nanos(nanos) / speed).min(LONGEST_WAIT)
    }

    fn minute_on(&self) -> usize {
        let goal = self.now().saturating_add(MINUTE_NANOS);
        self.times.partition_point(|time| time.0 < goal).max(self.at + 1)
    }

    fn minute_back(&self) -> usize {
        let goal = self.now().saturating_sub(MINUTE_NANOS);
        self.times.partition_point(|time| time.0 <= goal).saturating_sub(1).min(self.at.saturating_sub(1))
    }

    fn now(&self) -> i64 {
        self.times.get(self.at).copied().unwrap_or_default().0
    }

    fn toggle(&mut self) -> Wound {
        if self.running.take().is_some() {
            return Wound::default();
        }
        if self.at + 1 >= self.times.len() {
            let note = "this is the last look of the recording; T goes to another".to_owned();
            return Wound { view: None, note: Some(note) };
        }
        self.running = Some((Stopwatch::start(), Duration::ZERO));
        Wound::default()
    }

    fn change_speed(&mut self, wind: Wind) -> Wound {
        let wanted = if wind == Wind::Faster { self.speed + 1 } else { self.speed.saturating_sub(1) };
        self.speed = wanted.min(SPEEDS.len() - 1);
        // What was waited at the old speed does not count at the new one.
        if self.running.is_some() {
            self.running = Some((Stopwatch::start(), Duration::ZERO));
        }
        Wound::default()
    }

    fn land(&mut self, Landing { at, note }: Landing) -> Result<Wound, ReadError> {
        let view = if at == self.at { None } else { Some(self.view_of(at)?) };
        self.at = at;
        if let Some((since, carried)) = &mut self.running
            && view.is_some()
        {
            (*since, *carried) = (Stopwatch::start(), Duration::ZERO);
        }
        Ok(Wound { view, note })
    }

    fn view_of(&mut self, at: usize) -> Result<View, ReadError> {
        let past = self.past_of(at);
        let mut wanted: BTreeSet<usize> = past.iter().copied().collect();
        wanted.extend([at, at.saturating_sub(1)]);
        self.near.retain(|look, _| wanted.contains(look));
        let now = self.look(at)?;
        let before = if at == 0 { None } else { Some(self.look(at - 1)?) };
        let past = past.into_iter().map(|look| self.look(look)).collect::<Result<_, _>>()?;
        Ok(View { now, before, past })
    }

    /// The last look of each stretch in the minutes before, the oldest first.
    fn past_of(&self, at: usize) -> Vec<usize> {
        let taken = |look: usize| self.times.get(look).copied().unwrap_or_default().0;
        let oldest = taken(at).saturating_sub(PAST_NANOS);
        let mut past: Vec<usize> = Vec::new();
        let mut stretch = taken(at).div_euclid(STRETCH_NANOS);
        let first = self.times.partition_point(|time| time.0 < oldest);
        for look in (first..at).rev() {
            let its = taken(look).div_euclid(STRETCH_NANOS);
            if its < stretch {
                stretch = its;
                past.push(look);
            }
        }
        past.reverse();
        past
    }

    fn look(&mut self, at: usize) -> Result<Arc<Snapshot>, ReadError> {
        if let Some(known) = self.near.get(&at) {
            return Ok(Arc::clone(known));
        }
        let look = self.capture.snapshot(at)?;
        self.near.insert(at, Arc::clone(&look));
        Ok(look)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::asked::Asked;
    use crate::model::reading::{Gap, GapWhy};
    use crate::model::replay::Moment;
    use crate::source::nothing::nothing;
    use crate::store::{Header, Limits, Writer};

    const START: i64 = 1_769_114_467_000_000_000;

    /// A recording with looks at these seconds.
    fn replay(seconds: &[i64]) -> Replay {
        let header = Header {
            tool: "test".into(),
            host: "ci-3".into(),
            redacted: false,
            every: None,
            begun: WallNanos(START),
        };
        let mut bytes = Vec::new();
        let mut writer = Writer::begin(&mut bytes, header).unwrap();
        let mut look = nothing(Asked::default(), &Gap::new("this machine", GapWhy::NotAsked));
        for second in seconds {
            look.taken = WallNanos(START + second * 1_000_000_000);
            writer.add(&look).unwrap();
        }
        Replay::new(Capture::read(bytes.as_slice(), &Limits::default()).unwrap(), 0)
    }

    fn second_of(look: &Snapshot) -> i64 {
        (look.taken.0 - START) / 1_000_000_000
    }

    fn wound(replay: &mut Replay, wind: Wind) -> (Option<i64>, Option<String>) {
        let wound = replay.wind(wind).unwrap();
        (wound.view.map(|view| second_of(&view.now)), wound.note)
    }

    #[test]
    fn steps_to_and_fro_and_stays_at_the_ends() {
        let mut replay = replay(&[0, 2, 4]);
        let first = replay.view().unwrap();
        assert_eq!((second_of(&first.now), first.before.is_none()), (0, true));
        assert_eq!(
            wound(&mut replay, Wind::Back),
            (None, Some("this is the first look of the recording".into()))
        );
        assert_eq!(wound(&mut replay, Wind::On), (Some(2), None));
        assert_eq!(wound(&mut replay, Wind::On), (Some(4), None));
        assert_eq!(
            wound(&mut replay, Wind::On),
            (None, Some("this is the last look of the recording".into()))
        );
        let view = replay.view().unwrap();
        assert_eq!((second_of(&view.now), second_of(&view.before.unwrap())), (4, 2));
        assert_eq!(wound(&mut replay, Wind::Back), (Some(2), None));
        assert_eq!(replay.position(), Position { at: 1, of: 3, speed: 1, play: Play::Paused });
    }

    #[test]
    fn a_minute_is_never_less_than_a_step() {
        let mut replay = replay(&[0, 2, 59, 60, 61, 300, 900]);
        assert_eq!(wound(&mut replay, Wind::MinuteOn), (Some(60), None));
        assert_eq!(wound(&mut replay, Wind::MinuteOn), (Some(300), None));
        assert_eq!(wound(&mut replay, Wind::MinuteOn), (Some(900), None));
        assert_eq!(wound(&mut replay, Wind::MinuteOn).0, None);
        assert_eq!(wound(&mut replay, Wind::MinuteBack), (Some(300), None));
        assert_eq!(wound(&mut replay, Wind::MinuteBack), (Some(61), None));
        assert_eq!(wound(&mut replay, Wind::MinuteBack), (Some(0), None));
    }

    #[test]
    fn goes_to_a_time_and_says_where_that_is_beyond_an_end() {
        let mut replay = replay(&[0, 2, 4, 60]);
        assert_eq!(wound(&mut replay, Wind::To(Moment::parse("20:41:11").unwrap())), (Some(4), None));
        assert_eq!(wound(&mut replay, Wind::To(Moment::parse("#2").unwrap())), (Some(2), None));
        let (view, note) = wound(&mut replay, Wind::To(Moment::parse("+1h").unwrap()));
        assert_eq!((view, note), (Some(60), Some("the recording ends at 20:42:07".into())));
    }

    #[test]
    fn the_past_is_one_look_of_each_stretch_of_two_minutes_wherever_one_comes_from() {
        let seconds: Vec<i64> = (0..150).map(|look| look * 2).collect();
        let mut walked = replay(&seconds);
        for _ in 0..100 {
            walked.wind(Wind::On).unwrap();
        }
        let mut jumped = replay(&seconds);
        jumped.wind(Wind::To(Moment::Look(101))).unwrap();
        let past = |replay: &mut Replay| -> Vec<i64> {
            replay.view().unwrap().past.iter().map(|look| second_of(look)).collect()
        };
        assert_eq!(past(&mut walked), past(&mut jumped));
        let past = past(&mut jumped);
        assert_eq!(past.len(), 12);
        assert!(past.windows(2).all(|pair| pair[1] - pair[0] == 10) && past[0] >= 80, "{past:?}");
    }

    #[test]
    fn plays_at_the_pace_of_the_recording_and_stops_at_its_end() {
        let mut replay = replay(&[0, 2, 4, 1000]);
        assert!(replay.due().is_none());
        replay.wind(Wind::Toggle).unwrap();
        let due = replay.due().unwrap();
        assert!(due <= Duration::from_secs(2) && due > Duration::from_secs(1), "{due:?}");
        assert!(replay.play_on().unwrap().view.is_none(), "it is not time yet");
        // As if two and a half seconds had gone by.
        replay.running = Some((Stopwatch::start(), Duration::from_millis(2500)));
        assert_eq!(replay.due(), Some(Duration::ZERO));
        assert_eq!(second_of(&replay.play_on().unwrap().view.unwrap().now), 2);
        let due = replay.due().unwrap();
        assert!(due < Duration::from_millis(1600), "what was too much counts for the next look: {due:?}");
        replay.wind(Wind::On).unwrap();
        assert!(replay.due().unwrap() <= LONGEST_WAIT, "nobody waits a quarter of an hour");
        replay.running = Some((Stopwatch::start(), LONGEST_WAIT));
        let end = replay.play_on().unwrap();
        assert_eq!((second_of(&end.view.unwrap().now), end.note.is_some()), (1000, true));
        assert_eq!(replay.position().play, Play::Paused);
        replay.wind(Wind::Toggle).unwrap();
        assert_eq!(replay.position().play, Play::Paused, "there is nothing to play after the last look");
    }

    #[test]
    fn plays_faster_and_slower_within_bounds() {
        let mut replay = replay(&[0, 20]);
        let speed = |replay: &Replay| replay.position().speed;
        for expected in [2, 5, 10, 30, 60, 60] {
            replay.wind(Wind::Faster).unwrap();
            assert_eq!(speed(&replay), expected);
        }
        replay.wind(Wind::Toggle).unwrap();
        assert!(replay.due().unwrap() <= Duration::from_millis(334));
        for _ in 0..9 {
            replay.wind(Wind::Slower).unwrap();
        }
        assert_eq!(speed(&replay), 1);
    }
}
