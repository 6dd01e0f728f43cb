//! Floor 1: eyes.
pub mod parse;
