//! Actions that several rules offer, their commands made concrete with unit, process and path.
//!
//! Each is a title, its risk, what to paste, and what a remedy would do it to; the rule itself does nothing.

mod container;
mod directory;
mod party;
mod process;
mod service;

use crate::model::finding::{Action, Risk};

pub use container::remove;
pub use directory::{clean, find_what_fills, make_temp_dir, remount};
pub use party::{restart, unset};
pub use process::stop;
pub use service::{drop_in, restart_after_override, restart_unit, service, service_of};

/// Commands for a person to run after thinking; tmpmedic runs none of them.
pub fn guide(title: impl Into<String>, risk: Risk, by_hand: Vec<String>) -> Action {
    Action { id: "guide-only".to_owned(), title: title.into(), risk, reversible: false, by_hand, aim: None }
}

/// The same, where it can be taken back.
pub fn guide_back(title: impl Into<String>, risk: Risk, by_hand: Vec<String>) -> Action {
    Action { reversible: true, ..guide(title, risk, by_hand) }
}
