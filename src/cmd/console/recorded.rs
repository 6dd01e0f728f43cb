//! Looks of a capture. There is no way from here to any machine: no probes, no listings, no looks of its own.

use std::sync::Arc;
use std::time::Duration;

use super::feed::Feed;
use crate::catalog::Catalog;
use crate::rules;
use crate::source::replay::{Replay, View, Wound};
use crate::store::ReadError;
use crate::tui::App;
use crate::tui::msg::{Effect, Look, Msg, Scene};

/// A capture that is replayed.
pub struct Recorded {
    replay: Replay,
    catalog: Arc<Catalog>,
}

impl Recorded {
    /// Judges by that catalog.
    pub fn new(replay: Replay, catalog: Arc<Catalog>) -> Self {
        Self { replay, catalog }
    }

    /// What a screen needs to begin with.
    ///
    /// # Errors
    /// Where the first look is damaged.
    pub fn first(&mut self) -> Result<Vec<Msg>, ReadError> {
        let view = self.replay.view()?;
        let torn = self.replay.capture().torn();
        let note =
            torn.map(|_| format!("the recording breaks off after {} looks", self.replay.position().of));
        Ok(self.told(Wound { view: Some(view), note }))
    }

    fn judged(&self, view: View) -> Scene {
        let diagnosis = rules::diagnose(&view.now, view.before.as_deref(), &self.catalog.thresholds);
        let look = Look { snapshot: Arc::unwrap_or_clone(view.now), diagnosis };
        Scene { look: Arc::new(look), past: view.past }
    }

    fn told(&self, wound: Wound) -> Vec<Msg> {
        let scene = wound.view.map(|view| Msg::Scene(Box::new(self.judged(view))));
        let position = Some(Msg::Wound(self.replay.position()));
        [position, scene, wound.note.map(Msg::Note)].into_iter().flatten().collect()
    }

    fn tell(&self, wound: Result<Wound, ReadError>) -> Vec<Msg> {
        match wound {
            Ok(wound) => self.told(wound),
            Err(why) => vec![Msg::Wound(self.replay.position()), Msg::Note(why.to_string())],
        }
    }
}

impl Feed for Recorded {
    fn patience(&self) -> Option<Duration> {
        self.replay.due()
    }

    fn take(&mut self, _app: &App) -> Vec<Msg> {
        if self.replay.due().is_none_or(|due| !due.is_zero()) {
            return Vec::new();
        }
        let wound = self.replay.play_on();
        self.tell(wound)
    }

    fn perform(&mut self, effect: Effect, _app: &App) -> Vec<Msg> {
        match effect {
            Effect::Wind(wind) => {
                let wound = self.replay.wind(wind);
                self.tell(wound)
            }
            // The keys for these are barred on screen; whatever asks for them all the same gets nothing.
            Effect::Quit
            | Effect::QuitWithReport
            | Effect::Suspend
            | Effect::Copy(_)
            | Effect::Rescan
            | Effect::Probe(_)
            | Effect::Capture
            | Effect::List(_)
            | Effect::Follow(_)
            | Effect::Freeze(_)
            | Effect::Plan(_)
            | Effect::FlushInput
            | Effect::Apply { .. }
            | Effect::StopWork
            | Effect::ReadJournal => Vec::new(),
        }
    }
}
