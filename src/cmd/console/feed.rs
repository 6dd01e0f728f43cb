//! Where the looks on screen come from, and who answers what the screen asks for.
//!
//! Two of them: [`super::here`] looks at this machine and may act on it; [`super::recorded`] reads a capture and has no way
//! to act at all.

use std::time::Duration;

use crate::tui::App;
use crate::tui::msg::{Effect, Msg};

/// A source of looks.
pub trait Feed {
    /// Somebody pressed a key.
    fn attend(&self) {}
    /// How long until [`Feed::take`] gives something although no bell rang.
    fn patience(&self) -> Option<Duration>;
    /// What came since the last time.
    fn take(&mut self, app: &App) -> Vec<Msg>;
    /// Does what the screen asked for, as far as it is about looks; gives what is known at once.
    fn perform(&mut self, effect: Effect, app: &App) -> Vec<Msg>;
}
