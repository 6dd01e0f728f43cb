//! Journeys over the screen as sentences, laws over its keys and tabs, and what no key and no size may do.

mod keys;
mod looks;
pub mod storms;
mod ways;

use std::sync::Arc;

use tmpmedic::model::units::WallNanos;
use tmpmedic::tui::App;
use tmpmedic::tui::msg::Look;

use crate::frames::seen;
use crate::scenes;
use crate::staged::NOW;

const WIDE: (u16, u16) = (140, 40);

fn sick() -> App {
    seen(&scenes::two_dead_runners(), WIDE)
}

fn changed(look: &Arc<Look>, how: impl FnOnce(&mut Look)) -> Arc<Look> {
    let mut copy = Look::clone(look);
    how(&mut copy);
    Arc::new(copy)
}

fn later(look: &Arc<Look>, seconds: i64) -> Arc<Look> {
    changed(look, |look| look.snapshot.taken = WallNanos(NOW.0 + seconds * 1_000_000_000))
}
