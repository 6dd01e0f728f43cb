//! Floor.

pub mod overlays;
