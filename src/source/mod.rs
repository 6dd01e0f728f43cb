//! Floor 2: where snapshots come from.
//!
//! [`live`] looks at this machine, once or again and again; [`replay`] reads what was seen of another one. [`nothing`] is
//! the snapshot of a look that gave none, so that whoever reports needs no other form for that.

pub mod live;
pub mod looker;
pub mod nothing;
mod once;
mod pace;
pub mod replay;

pub use once::look_once;
