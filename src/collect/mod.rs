//! Floor 1: eyes.
pub mod parse;
//! Floor.

pub mod overlays;
