//! The machine itself, and whose eyes look at it.

use serde::{Deserialize, Serialize};

use super::process::{Credentials, MountNs};
use super::raw_path::RawPath;
use super::reading::Seen;
use super::units::{BootNanos, Bytes, Entries, WallNanos};
use super::vantage::Facts;

/// Facts about the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Node name.
    pub name: String,
    /// Kernel release.
    pub kernel: String,
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: Seen<String>,
    /// Load averages over 1, 5 and 15 minutes, in hundredths.
    pub load_centi: [u64; 3],
    /// CPUs.
    pub cpus: u64,
    /// Memory.
    pub memory_total: Bytes,
    /// Memory that could be given out.
    pub memory_available: Bytes,
    /// Open files of the whole machine, and their limit. Source: /proc/sys/fs/file-nr.
    pub open_files: Seen<(Entries, Entries)>,
    /// Pressure: share of the last 10 s in which some task waited for I/O, hundredths of a per cent.
    pub io_pressure: Seen<u64>,
    /// `/dev/null`, by lstat.
    pub dev_null: Seen<Facts>,
    /// `/etc/fstab` entries as (line number, device, mount point, options).
    pub fstab: Seen<Vec<FstabLine>>,
    /// systemd runs as PID 1 of this machine.
    pub has_systemd: bool,
    /// ext4 file systems: errors counted since the last fsck, by block device name. Source: /sys/fs/ext4/DEV/errors_count.
    pub fs_errors: Vec<FsErrors>,
    /// cgroups whose pids.max is near: (cgroup, current, max).
    pub task_limits: Vec<TaskLimit>,
}

/// One line of fstab that names a mount point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FstabLine {
    /// Line number, from 1.
    pub line: u32,
    /// What to mount.
    pub device: RawPath,
    /// Where.
    pub point: RawPath,
    /// File system type.
    pub fs_type: String,
    /// Options.
    pub options: String,
}

/// Errors that ext4 recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FsErrors {
    /// Name below `/sys/fs/ext4`.
    pub device: String,
    /// errors_count.
    pub count: u64,
    /// last_error_func, where recorded.
    pub function: String,
    /// last_error_time, seconds since 1970.
    pub last: u64,
}

/// A cgroup with a limit of tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskLimit {
    /// Its path in the pids hierarchy.
    pub cgroup: RawPath,
    /// Tasks now.
    pub current: u64,
    /// pids.max.
    pub max: u64,
    /// pids.events `max`: how often a fork was refused.
    pub refused: u64,
}

/// Whose eyes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Eyes {
    /// Our credentials.
    pub credentials: Credentials,
    /// Our mount namespace.
    pub mount_ns: Seen<MountNs>,
    /// Our own pid.
    pub pid: u32,
    /// Processes in the list.
    pub processes: Entries,
    /// Of those (kernel threads apart), how many showed everything.
    pub readable: Entries,
    /// `hidepid` of the proc mount, where set.
    pub hidepid: Option<String>,
    /// Clock of the look.
    pub taken: WallNanos,
    /// The same since boot.
    pub boot: BootNanos,
}
