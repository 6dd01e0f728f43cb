//! Floor.

pub mod child;
pub mod helper;
pub mod namespace;
