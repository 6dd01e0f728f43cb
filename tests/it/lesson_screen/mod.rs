//! The screen of a lesson: golden frames, journeys, and the law that nothing gives the cause away before it is named.

mod answers;
mod frames;
mod keys;
mod silence;

use std::sync::Arc;

use tmpmedic::model::units::WallNanos;
use tmpmedic::tui::lesson::Lesson;
use tmpmedic::tui::msg::{Look, Msg};
use tmpmedic::tui::{App, update};

use crate::frames::settings;
use crate::lesson::lesson;
use crate::scenes;
use crate::staged::NOW;

const WIDE: (u16, u16) = (140, 40);

/// A lesson at that size after one look.
fn taught(lesson: Lesson, look: &Arc<Look>, size: (u16, u16)) -> App {
    let mut app = App::new(settings()).with_lesson(lesson);
    update(&mut app, Msg::Resize { width: size.0, height: size.1 });
    update(&mut app, Msg::Look(Arc::clone(look)));
    app
}

pub fn learning(size: (u16, u16)) -> App {
    taught(lesson(), &scenes::two_dead_runners(), size)
}

fn second(app: &mut App, second: i64) {
    update(app, Msg::Tick(WallNanos(NOW.0 + second * 1_000_000_000)));
}
