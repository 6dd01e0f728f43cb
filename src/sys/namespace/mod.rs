//! Seeing the file system exactly as another process does: its mount namespace, root, ids, capabilities and limits.
//!
//! [`Target::open`] takes hold of everything that belongs to the process, [`Target::enter`] becomes like it. Only for a
//! single-threaded helper process: there is no way back. Called by `probe`.

mod enter;
mod status;
mod target;

pub use enter::{EnterError, Entered};
pub use status::{Capabilities, Ids, Limit, Limits, Status, is_zombie, start_ticks};
pub use target::Target;
