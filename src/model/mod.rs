//! Floor 0: the data that every other room speaks of.
//!
//! Plain data with serde derives: no I/O, no clock, no borrows, ordered maps only. A [`snapshot::Snapshot`] is one look
//! at one machine; [`finding::Diagnosis`] is what `rules` makes of it. Nothing here imports another room.

pub mod asked;
pub mod cache;
pub mod change;
pub mod environment;
pub mod errno;
pub mod family;
pub mod finding;
pub mod holder;
pub mod host;
pub mod journal;
pub mod log_line;
pub mod mode;
pub mod mount;
pub mod plan;
pub mod probe;
pub mod process;
pub mod raw_path;
pub mod reading;
pub mod replay;
pub mod scenario;
pub mod snapshot;
#[cfg(test)]
pub mod specimen;
pub mod standing;
pub mod surroundings;
pub mod temp_dir;
pub mod temp_variable;
pub mod thresholds;
pub mod treatment;
pub mod unit_name;
pub mod units;
pub mod vantage;
pub mod work;
