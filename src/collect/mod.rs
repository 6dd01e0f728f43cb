//! Floor.
pub mod acl;
pub mod bind_mounts;
pub mod caches;
pub mod claims;
pub mod entries;
pub mod fenced;
pub mod held;
pub mod holders;
pub mod locks;
pub mod named_sockets;
pub mod open_files;
pub mod owners;
pub mod prediction;
pub mod sightings;
#[cfg(test)]
pub(crate) mod specimen;
pub mod tallies;
pub mod temp_dirs;
pub mod vantages;
pub mod way;
