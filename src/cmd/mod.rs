//! Floor.

pub mod helper;
pub mod probe;
