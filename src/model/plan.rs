//! What is about to be changed, told before it is done.

use serde::{Deserialize, Serialize};

use super::mount::Device;
use super::units::WallNanos;
use super::vantage::Kind;

/// Which object: no two that ever lived on one mount share all of it. An inode number is used again after a removal; its
/// birth then is another one, where the file system tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectId {
    /// Through which mount it was seen.
    pub mount_id: u64,
    /// Device.
    pub device: Device,
    /// Inode.
    pub inode: u64,
    /// What kind of object.
    pub kind: Kind,
    /// When it was made, where the file system tells.
    pub born: Option<WallNanos>,
}
