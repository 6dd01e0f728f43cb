//! Looks at this machine, with the probes and listings that the screen asks for.

use std::sync::Arc;
use std::time::Duration;

use super::chores::Chores;
use super::feed::Feed;
use crate::catalog::Catalog;
use crate::cmd::probes::Probes;
use crate::model::asked::Asked;
use crate::source::live::{Flow, Live};
use crate::sys::bell::Bell;
use crate::tui::App;
use crate::tui::msg::{Effect, Look, Msg};

/// This machine.
pub struct Here {
    live: Live<Arc<Look>>,
    probes: Probes,
    chores: Chores,
}

impl Here {
    /// Starts to look; `bell` rings whenever there is something to take.
    pub fn start(catalog: Arc<Catalog>, asked: Asked, bell: &Arc<Bell>) -> Self {
        let probes = Probes::default();
        let judge = probes.judge(Arc::clone(&catalog));
        let chores = Chores::new(Arc::clone(&catalog), Arc::clone(bell));
        let ringer = Arc::clone(bell);
        Self { live: Live::start((catalog, asked), judge, move || ringer.ring()), probes, chores }
    }
}

impl Feed for Here {
    fn attend(&self) {
        self.live.attend();
    }

    fn patience(&self) -> Option<Duration> {
        self.live.next_slice()
    }

    fn take(&mut self, app: &App) -> Vec<Msg> {
        let mut came = Vec::new();
        self.live.slice();
        if let Some(look) = self.live.take() {
            if !app.settings.read_only {
                self.chores.probe_all(self.probes.due(&look.snapshot));
            }
            came.push(Msg::Look(look));
        }
        for msg in self.chores.take() {
            if let Msg::Probed(result) = &msg {
                self.probes.add(result.clone());
                self.live.judge_again();
            }
            came.push(msg);
        }
        came
    }

    fn perform(&mut self, effect: Effect, app: &App) -> Vec<Msg> {
        match effect {
            Effect::Rescan => {
                self.probes.forget();
                self.live.rescan();
            }
            Effect::Freeze(frozen) => self.live.set_flow(if frozen { Flow::Frozen } else { Flow::Running }),
            Effect::Probe(wish) => self.chores.probe(wish, app.snapshot()),
            Effect::Capture => self.chores.capture(app.look.clone()),
            Effect::List(wish) => self.chores.list(wish),
            Effect::Follow(wish) => self.chores.follow(wish),
            // Of the loop, or of a replay.
            Effect::Quit | Effect::QuitWithReport | Effect::Suspend | Effect::Copy(_) | Effect::Wind(_) => {}
            Effect::Plan(_)
            | Effect::FlushInput
            | Effect::Apply { .. }
            | Effect::StopWork
            | Effect::ReadJournal => {}
        }
        Vec::new()
    }
}
