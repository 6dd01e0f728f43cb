//! A replay on screen: its frames, journeys through a recording, and what it bars.

mod bars;
mod frames;
mod time;

use std::sync::Arc;

use tmpmedic::catalog::Catalog;
use tmpmedic::model::snapshot::Snapshot;
use tmpmedic::model::units::{Entries, Millis, WallNanos};
use tmpmedic::rules;
use tmpmedic::source::replay::{Replay, View, Wound};
use tmpmedic::store::{Capture, Header, Limits, Writer};
use tmpmedic::tui::msg::{Effect, Look, Msg, Scene};
use tmpmedic::tui::{App, Settings, update};

use crate::frames::{press, settings, text};
use crate::scenes;
use crate::staged::NOW;

const WIDE: (u16, u16) = (140, 40);
const SIZES: [(u16, u16); 3] = [(140, 40), (80, 24), (40, 15)];
/// Nineteen days after the capture.
const TODAY: WallNanos = WallNanos(NOW.0 + 19 * 86_400 * 1_000_000_000);

/// A recording of these snapshots.
pub fn tape(looks: &[Snapshot]) -> Vec<u8> {
    let header = Header {
        tool: "test".into(),
        host: "ci-3".into(),
        redacted: false,
        every: (looks.len() > 1).then_some(Millis(2000)),
        begun: looks[0].taken,
    };
    let mut bytes = Vec::new();
    let mut writer = Writer::begin(&mut bytes, header).unwrap();
    for look in looks {
        writer.add(look).unwrap();
    }
    bytes
}

/// The look of a machine so many seconds later, with so many entries in its first temp dir.
pub fn at(look: &Arc<Look>, second: i64, entries: u64) -> Snapshot {
    let mut now = look.snapshot.clone();
    now.taken = WallNanos(NOW.0 + second * 1_000_000_000);
    now.temp_dirs.value_mut().unwrap()[0].total.entries = Entries(entries);
    now
}

/// Two seconds apart, two more entries each time; in the second half all is well.
fn recording(count: usize) -> Vec<Snapshot> {
    let (sick, well) = (scenes::two_dead_runners(), scenes::healthy());
    let look = |n: usize| {
        let second = i64::try_from(n).unwrap() * 2;
        at(if n < count / 2 { &sick } else { &well }, second, 1000 + 2 * u64::try_from(n).unwrap())
    };
    (0..count).map(look).collect()
}

/// A screen with the replay that performs what it asks for, as `cmd` does.
struct Deck {
    app: App,
    replay: Replay,
}

impl Deck {
    fn of(looks: &[Snapshot]) -> Self {
        let capture = Capture::read(tape(looks).as_slice(), &Limits::default()).unwrap();
        let mut app = App::new(Settings { read_only: true, ..settings() });
        update(&mut app, Msg::Resize { width: WIDE.0, height: WIDE.1 });
        update(&mut app, Msg::Tick(TODAY));
        let mut deck = Self { app, replay: Replay::new(capture, 0) };
        let view = deck.replay.view().unwrap();
        deck.tell(Wound { view: Some(view), note: None });
        deck
    }

    fn tell(&mut self, wound: Wound) {
        update(&mut self.app, Msg::Wound(self.replay.position()));
        if let Some(View { now, before, past }) = wound.view {
            let diagnosis = rules::diagnose(&now, before.as_deref(), &Catalog::builtin().thresholds);
            let look = Arc::new(Look { snapshot: Snapshot::clone(&now), diagnosis });
            update(&mut self.app, Msg::Scene(Box::new(Scene { look, past })));
        }
        if let Some(note) = wound.note {
            update(&mut self.app, Msg::Note(note));
        }
    }

    fn press(&mut self, keys: &str) -> Vec<Effect> {
        let mut others = Vec::new();
        for effect in press(&mut self.app, keys) {
            match effect {
                Effect::Wind(wind) => {
                    let wound = self.replay.wind(wind).unwrap();
                    self.tell(wound);
                }
                other => others.push(other),
            }
        }
        others
    }

    fn shows(&self, words: &str) {
        assert!(text(&self.app).contains(words), "{words}\n{}", text(&self.app));
    }
}
