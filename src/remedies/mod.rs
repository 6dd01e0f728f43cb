//! Floor 1: proposals. Pure: from what was seen to a plan that says each step before it is done.
//!
//! [`clean`] plans which entries of a temp dir may go; its guards are asked again by `exec` at the moment of acting.

pub mod clean;
