//! Bits of a file mode by which an object is trusted or not. Source: inode(7).
//!
//! Whoever asks "may others change this?" tests one of these; a mode that is given or shown stands as its number.

/// `S_ISVTX`: an entry of this directory is renamed or removed by its owner, the directory's owner and root alone.
pub const STICKY: u32 = 0o1000;
/// `S_IRWXG | S_IRWXO`: anything for anybody but the owner.
pub const GROUP_OTHERS: u32 = 0o077;
/// `S_IWGRP | S_IWOTH`: somebody besides the owner may write.
pub const GROUP_OTHERS_WRITE: u32 = 0o022;
/// `S_IWOTH`: everybody may write.
pub const OTHERS_WRITE: u32 = 0o002;
