//! Journeys through recordings, without a screen.

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
    assert_eq!(wound(&mut replay, Wind::On), (None, Some("this is the last look of the recording".into())));
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
