//! Floor 2: where snapshots come from.
//!
//! [`live`] looks at this machine, once or again and again; [`looks`] does so for a recorder, and adds [`listings`];
//! [`replay`] reads what was seen of another machine. [`nothing`] is the snapshot of a look that gave none, so that whoever
//! reports needs no other form for that.

pub mod listings;
pub mod live;
pub mod looker;
pub mod looks;
pub mod nothing;
mod once;
mod pace;
pub mod replay;

pub use once::look_once;
