//! The figures of a temp dir: what scripts and people call them, and how their numbers read.

use crate::model::units::{Bytes, Entries};

/// What is counted of a temp dir.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Entries directly in it.
    Entries,
    /// Directories among them.
    Directories,
    /// Entries older than a day.
    Old,
    /// Old directories.
    OldDirectories,
    /// What the entries themselves take.
    Bytes,
    /// The directory itself, which tells a past peak.
    OwnSize,
    /// In use on its file system.
    SpaceUsed,
    /// Free on it for users other than root.
    SpaceFree,
    /// Inodes in use.
    InodesUsed,
    /// Free inodes.
    InodesFree,
    /// Processes that hold something in it.
    HoldingProcesses,
    /// What deleted files that are still open take on its file system.
    DeletedOpen,
}

impl What {
    /// What scripts call it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Directories => "directories",
            Self::Old => "old",
            Self::OldDirectories => "old_directories",
            Self::Bytes => "bytes",
            Self::OwnSize => "own_size",
            Self::SpaceUsed => "space_used",
            Self::SpaceFree => "space_free",
            Self::InodesUsed => "inodes_used",
            Self::InodesFree => "inodes_free",
            Self::HoldingProcesses => "holding_processes",
            Self::DeletedOpen => "deleted_open",
        }
    }

    /// What it is called in a table.
    pub fn label(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Directories => "directories",
            Self::Old => "older than 1 d",
            Self::OldDirectories => "old directories",
            Self::Bytes => "bytes",
            Self::OwnSize => "the directory itself",
            Self::SpaceUsed => "disk used",
            Self::SpaceFree => "disk free",
            Self::InodesUsed => "inodes used",
            Self::InodesFree => "inodes free",
            Self::HoldingProcesses => "processes holding",
            Self::DeletedOpen => "deleted but open",
        }
    }

    /// Whether it counts bytes.
    pub fn is_bytes(self) -> bool {
        matches!(self, Self::Bytes | Self::OwnSize | Self::SpaceUsed | Self::SpaceFree | Self::DeletedOpen)
    }

    /// A number of it, as people read it.
    pub fn shown(self, number: u64) -> String {
        if self.is_bytes() { Bytes(number).to_string() } else { Entries(number).to_string() }
    }
}
