//! Floor.
pub mod dirfd;
pub mod getdents;
#[cfg(test)]
pub(crate) mod scratch;
pub mod stat;
pub mod walk;
