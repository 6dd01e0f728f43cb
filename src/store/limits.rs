//! How much of a capture is read, and so how much of one is written.

/// Bounds of a capture. A recorder stops before it writes what no reader would take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub file: u64,
    /// Bytes of one frame, inflated.
    pub frame: u64,
    /// Bytes of all frames, inflated.
    pub inflated: u64,
    /// Snapshots.
    pub snapshots: usize,
    /// How deep lists and objects may lie in each other; serde_json alone would take 128.
    pub depth: usize,
    /// Values in one snapshot or in one frame.
    pub elements: u64,
    /// Bytes of one string.
    pub string: usize,
    /// Bytes of memory that the values of one snapshot may take, by a careful estimate.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file: 64 << 20,
            // 5,000 processes and 20,000 entries are some 20 MiB.
            frame: 64 << 20,
            inflated: 512 << 20,
            snapshots: 50_000,
            depth: 64,
            elements: 1_000_000,
            // A command line may be 2 MiB long; mount tables and values of variables are shorter.
            string: 4 << 20,
            memory: 256 << 20,
        }
    }
}
