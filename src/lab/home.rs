//! Where a lab keeps what is its own, inside itself.

use std::path::PathBuf;

use crate::sys::spawn;

/// A directory in the lab's own `/run`.
pub const HOME: &str = "/run/tmpmedic-lab";
/// One copy of this program; all others are names of it.
pub const PROGRAM: &str = "/run/tmpmedic-lab/program";
/// This program under the names of the cast: whatever is executed from here plays a part.
const CAST: &str = "/run/tmpmedic-lab/cast/";
/// This program as one that waits in the wings: it becomes a member of the cast when it is called.
const WINGS: &str = "/run/tmpmedic-lab/wings/";
/// First on the search path, so that a command finds `tmpmedic`.
pub const BIN: &str = "/run/tmpmedic-lab/bin";
/// Images of file systems.
pub const IMAGES: &str = "/run/tmpmedic-lab/images";
/// The scenario, for the learning mode of every console.
pub const SCENARIO: &str = "/run/tmpmedic-lab/scenario.json";
/// Name of the first process, by which a running lab is found.
pub const NAME: &str = "tmpmedic-lab";

/// What this process is, as it was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A member of the cast.
    Cast,
    /// One that waits to become a member of the cast.
    Wings,
}

/// Whether this process was executed as an actor, and as which.
pub fn stage() -> Option<Stage> {
    let path = spawn::executed_as();
    if path.starts_with(CAST.as_bytes()) {
        Some(Stage::Cast)
    } else if path.starts_with(WINGS.as_bytes()) {
        Some(Stage::Wings)
    } else {
        None
    }
}

/// The file of a program of the cast.
pub fn program(name: &str) -> PathBuf {
    PathBuf::from(format!("{CAST}{name}"))
}

/// The file of those in the wings.
pub fn wings() -> PathBuf {
    PathBuf::from(format!("{WINGS}{NAME}"))
}
