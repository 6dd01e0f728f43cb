//! Floor 2: snapshots in a file: a capture of one, or a recording of many.
