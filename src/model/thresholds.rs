//! Numbers by which rules judge, each with its reason; a site's configuration may raise them.

use serde::{Deserialize, Serialize};

use super::units::{Bytes, Entries, Seconds};

/// Thresholds of the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Less room than this for the user in question is "full": a directory and one block of data do not fit.
    pub full_below: Bytes,
    /// Per cent of blocks or inodes used from which a warning is due: one build needs head-room.
    pub nearly_full_percent: u64,
    /// Room that makes a high percentage harmless: 2 % of a large disk is plenty.
    pub roomy_from: Bytes,
    /// Free inodes that make a high percentage harmless.
    pub roomy_inodes: Entries,
    /// Deleted-but-open files pinning at least this much are worth a word.
    pub pinned_from: Bytes,
    /// Entries in one temp dir from which listing it takes noticeable time (tens of milliseconds on ext4).
    pub many_entries: Entries,
    /// Old entries of removable families from which one speaks of a leak.
    pub leaked_from: Entries,
    /// How old "old" is.
    pub old_after: Seconds,
    /// Longest temp path for which unix sockets of common tools still fit into sun_path (108 bytes).
    pub path_warn: u64,
    /// Path length at which a compiler-cache server cannot bind its socket any more.
    pub path_critical: u64,
    /// Link count at which ext4 without `dir_nlink` refuses another sub-directory.
    pub links_max: u64,
    /// A file-size limit below this cannot hold the output of an ordinary link.
    pub file_size_floor: Bytes,
    /// Per cent of descriptors or tasks used from which a warning is due.
    pub limit_percent: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            full_below: Bytes(64 << 10),
            nearly_full_percent: 95,
            roomy_from: Bytes(8 << 30),
            roomy_inodes: Entries(100_000),
            pinned_from: Bytes(1 << 30),
            many_entries: Entries(50_000),
            leaked_from: Entries(50),
            old_after: Seconds(86_400),
            path_warn: 75,
            path_critical: 88,
            links_max: 64_999,
            file_size_floor: Bytes(64 << 20),
            limit_percent: 95,
        }
    }
}
