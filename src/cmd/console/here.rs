//! Looks at this machine, with the probes and listings that the screen asks for.

use std::sync::Arc;
use std::time::Duration;

use super::chores::Chores;
use super::feed::Feed;
use super::hands::Hands;
use crate::catalog::Catalog;
use crate::cmd::probes::Probes;
use crate::model::asked::Asked;
use crate::source::live::{Flow, Live};
use crate::sys::bell::Bell;
use crate::tui::msg::{Effect, Look, Msg};
use crate::tui::{self, App};

/// This machine.
pub struct Here {
    live: Live<Arc<Look>>,
    probes: Probes,
    chores: Chores,
    hands: Hands,
}

impl Here {
    /// Starts to look; `bell` rings whenever there is something to take.
    pub fn start(catalog: Arc<Catalog>, asked: Asked, hands: Hands, bell: &Arc<Bell>) -> Self {
        let probes = Probes::default();
        let judge = probes.judge(Arc::clone(&catalog));
        let chores = Chores::new(Arc::clone(&catalog), Arc::clone(bell));
        let ringer = Arc::clone(bell);
        Self { live: Live::start((catalog, asked), judge, move || ringer.ring()), probes, chores, hands }
    }
}

impl Here {
    /// As if nothing were known: what was tried before says nothing of what is there now.
    fn look_anew(&self) {
        self.probes.forget();
        self.live.rescan();
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
        self.hands.keep(&tui::work::wanted(app));
        for msg in self.hands.take() {
            if matches!(msg, Msg::Worked { .. }) {
                self.look_anew();
            }
            came.push(msg);
        }
        came
    }

    fn perform(&mut self, effect: Effect, app: &App) -> Vec<Msg> {
        match effect {
            Effect::Rescan => self.look_anew(),
            Effect::Freeze(frozen) => self.live.set_flow(if frozen { Flow::Frozen } else { Flow::Running }),
            Effect::Probe(wish) => self.chores.probe(wish, app.snapshot()),
            Effect::Capture => self.chores.capture(app.look.clone()),
            Effect::List(wish) => self.chores.list(wish),
            Effect::Follow(wish) => self.chores.follow(wish),
            // Of the loop, or of a replay.
            Effect::Quit
            | Effect::QuitWithReport
            | Effect::Suspend
            | Effect::Copy(_)
            | Effect::Wind(_)
            | Effect::FlushInput => {}
            Effect::Plan(wish) => self.hands.plan(wish, app.look.clone()),
            Effect::Apply { digest } => return self.hands.apply(digest).into_iter().collect(),
            Effect::StopWork => self.hands.stop(),
            Effect::ReadJournal => self.hands.read_journal(),
        }
        Vec::new()
    }
}
