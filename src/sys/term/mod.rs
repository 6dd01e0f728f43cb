//! The terminal: taken, given back whatever happens, never waited for.
//!
//! [`Tty`] is a descriptor of its own, so that its being non-blocking does not spread to the shell that shares our standard
//! input. [`Session`] holds the raw mode and the alternate screen. [`Signals`] turns signals into something to read.
//! [`guard`] is the tiny process that gives the terminal back when this one could not. Called by `cmd`.

pub mod guard;
mod modes;
mod session;
mod signals;
mod tty;

pub use session::Session;
pub use signals::{Event, Signals};
pub use tty::{Outbox, Tty};
