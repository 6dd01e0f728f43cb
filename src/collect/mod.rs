//! Floor.
pub mod build_log;
