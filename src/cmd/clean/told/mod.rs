//! A clean-up as the console tells it: the sheet before it, and what came of it.

mod came;
mod elsewhere;
mod lots;
mod prospect;

use crate::model::units::Bytes;

pub use came::outcome;
pub use elsewhere::elsewhere;
pub use prospect::prospect;

/// `, 41.0 M`; nothing where it is nothing.
fn room_of(bytes: Bytes) -> String {
    if bytes.0 == 0 { String::new() } else { format!(", {bytes}") }
}
