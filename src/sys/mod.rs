//! Floor.

pub mod presence;
