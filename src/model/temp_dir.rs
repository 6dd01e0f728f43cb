//! What is in the temp dirs: counts by family, age and owner.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::raw_path::RawPath;
use super::reading::{Gap, Reading};
use super::units::{Bytes, Entries, WallNanos};
use super::vantage::Identity;

/// Upper bounds of the age classes, in seconds; the last class has none: < 1 h, < 1 d, < 7 d, < 30 d, older.
pub const AGE_BOUNDS: [u64; 4] = [3_600, 86_400, 7 * 86_400, 30 * 86_400];

/// One temp directory; several vantages may lead to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TempDir {
    /// Its path as the first of its vantages names it.
    pub path: RawPath,
    /// Where our own process reaches it: the same path, or one below `/proc/PID/root`.
    pub reached: RawPath,
    /// Which directory it is.
    pub identity: Identity,
    /// Positions of its vantages in the snapshot.
    pub vantages: Vec<u32>,
    /// Everything directly in it.
    pub total: Tally,
    /// The same by family id; what is in no family stands under `""`.
    pub families: BTreeMap<String, FamilyTally>,
    /// Size of the directory itself: it tells a past peak, because ext4 directories do not shrink.
    pub own_size: Bytes,
    /// Its link count.
    pub links: u64,
    /// Its last change, by which an unchanged directory is not read again.
    pub modified: WallNanos,
    /// What could not be counted.
    pub gaps: Vec<Gap>,
}

/// Counts of one set of entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// All entries.
    pub entries: Entries,
    /// Directories among them.
    pub directories: Entries,
    /// Entries whose newest stamp (atime, mtime, ctime, btime) is older than a day.
    pub old: Entries,
    /// Old directories.
    pub old_directories: Entries,
    /// By age class of the newest stamp, see [`AGE_BOUNDS`].
    pub ages: [u64; 5],
    /// Entries with a stamp in the future, whose age nobody knows.
    pub future: Entries,
    /// Entries that could not be looked at.
    pub unknown: Entries,
    /// Blocks held by the entries themselves, without what lies in sub-directories.
    pub bytes: Bytes,
    /// Newest and oldest of the newest stamps.
    pub newest: Option<WallNanos>,
    /// See `newest`.
    pub oldest: Option<WallNanos>,
}

/// Counts of one family in one temp dir.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyTally {
    /// The counts.
    pub tally: Tally,
    /// Entries by owner.
    pub owners: BTreeMap<u32, u64>,
    /// Entries that some process holds; `None` where not all processes could be read.
    pub held: Option<u64>,
    /// Whether the family's entries may go once they are idle and held by nobody.
    #[serde(default)]
    pub removable: bool,
}

/// What lies directly in one temp dir, as a capture keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// Where the look reached the directory: [`TempDir::reached`].
    pub reached: RawPath,
    /// The entries, the largest first; part of them where there are too many.
    pub entries: Reading<Vec<Entry>>,
}

/// One entry of a temp dir or of a tree in it, for the drill-down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub name: RawPath,
    /// What kind of object.
    pub kind: super::vantage::Kind,
    /// Family id, `""` where none.
    pub family: String,
    /// Owner.
    pub uid: u32,
    /// Permission bits.
    pub mode: u32,
    /// Blocks it holds; for a directory that was walked, with everything below.
    pub bytes: Bytes,
    /// How many entries lie below it, where walked.
    pub below: Option<Entries>,
    /// The newest of its stamps.
    pub newest: Option<WallNanos>,
}
