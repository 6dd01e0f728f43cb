//! Floor 3: the screen. Pure: a message in, effects out, a frame drawn.
//!
//! [`App`] is all state; [`update()`] is the whole logic and does no I/O; [`draw()`] only reads. A tab turns the last look into
//! a table and the selected row into a text; the machinery around it (selection by identity, filter, sort, panes, sheets)
//! is the same for all. What changes a machine goes through [`work`]: wish, plan, question, work, result. Three registries carry the console: [`keys::KEYS`], from which footer, help and palette are drawn,
//! [`tabs::TABS`], and the overlays. Who performs the effects and owns the terminal is `cmd`.
//!
//! Every string of the machine under diagnosis passes `RawPath::shown` before it is laid out here.

mod act;
pub mod app;
mod can;
mod draw;
mod footer;
mod glyphs;
mod header;
mod history;
pub mod keys;
mod layout;
pub mod lesson;
mod list;
pub mod msg;
pub mod overlays;
mod press;
pub mod replay;
mod table;
pub mod tabs;
mod teach;
mod text;
pub mod theme;

mod update;
mod widgets;
mod words;
pub mod work;

pub use app::{App, Settings};
pub use draw::draw;
pub use update::update;
