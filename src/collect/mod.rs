//! Floor 1: eyes.
pub mod build_log;
pub mod overlays;
pub mod parse;
