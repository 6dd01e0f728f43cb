//! Vantages: what one temp path is for the processes that see it alike.

use serde::{Deserialize, Serialize};

use super::errno::Errno;
use super::mount::Device;
use super::process::{Credentials, MountNs, Pid};
use super::raw_path::RawPath;
use super::reading::Seen;
use super::units::{Bytes, Entries, Micros, WallNanos};

/// One answer to "what is this temp path for these processes": path × mount namespace × root × credentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vantage {
    /// The directory, as those processes name it (never empty; relative ones carry the cwd in `based_on`).
    pub path: RawPath,
    /// Why it is looked at; more than one reason may hold.
    pub reasons: Vec<Reason>,
    /// The mount namespace.
    pub mount_ns: MountNs,
    /// The root directory of the processes, as our own `/proc` names it (`/` for most).
    pub root: RawPath,
    /// For a relative path: the cwd that it is relative to.
    pub based_on: Option<RawPath>,
    /// Their credentials.
    pub credentials: Credentials,
    /// The processes, ascending.
    pub pids: Vec<Pid>,
    /// Units, containers or commands of those processes, the most telling first, without repeats.
    pub names: Vec<String>,
    /// Whether a runner, build tool, cache server or build daemon is among them, and uses this path as its temp dir.
    pub is_build: bool,
    /// The way from the root to the directory, component by component, symlinks followed inside that root.
    pub walked: Vec<Component>,
    /// Which directory it is in the end.
    pub identity: Seen<Identity>,
    /// The id of the mount that serves it (in its namespace).
    pub mount_id: Option<u64>,
    /// Room on its file system.
    pub space: Seen<Space>,
    /// Whether a temp dir can be created, written and run from there.
    pub can_create: Ability,
}

impl Vantage {
    /// The last component that was reached; the directory itself where the way is whole.
    pub fn end(&self) -> Option<&Component> {
        self.walked.last()
    }

    /// The component where the way stops, if it does.
    pub fn stops_at(&self) -> Option<&Component> {
        self.walked.iter().find(|c| c.error.is_some())
    }
}

/// Why a path is a temp dir of somebody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// No variable names one, so `/tmp` it is.
    Default,
    /// The first of TMPDIR, which most tools use.
    TmpDir,
    /// Another variable: TEMP, GOTMPDIR, RUNNER_TEMP …
    Variable(String),
    /// `/var/tmp` and `/dev/shm`, to which tools fall back.
    Fallback,
    /// A directory bound into a container from outside.
    BindMount,
    /// The caller named it.
    Asked,
}

/// Which directory: no two live ones share all three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    /// Device.
    pub device: Device,
    /// Inode.
    pub inode: u64,
    /// Mount id, where statx(2) tells it (Linux 5.8).
    pub mount_id: Option<u64>,
}

/// One step of the way to a temp dir.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// The path so far, inside the root of the process.
    pub path: RawPath,
    /// What it is; `None` where it could not be looked at.
    pub facts: Option<Facts>,
    /// For a symlink: its text.
    pub link: Option<RawPath>,
    /// Whether a mount begins here.
    pub mount_point: bool,
    /// Whether these credentials may search it (directories) or use it.
    pub search: Option<bool>,
    /// The errno at which the way stops here.
    pub error: Option<Errno>,
}

/// What statx(2) says of one object, plus its ACL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Kind of object.
    pub kind: Kind,
    /// Permission bits with setuid, setgid and sticky: `0o1777`.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Link count; 0 on a deleted directory, except on overlayfs.
    pub links: u64,
    /// Size in bytes.
    pub size: Bytes,
    /// Device.
    pub device: Device,
    /// For a device node: which.
    pub special: Option<Device>,
    /// Inode.
    pub inode: u64,
    /// Birth, where the file system knows.
    pub born: Option<WallNanos>,
    /// Last change of content.
    pub modified: WallNanos,
    /// Last change of the inode.
    pub changed: WallNanos,
    /// `chattr +i`.
    pub immutable: bool,
    /// `chattr +a`.
    pub append_only: bool,
    /// The access ACL, where there is one.
    pub acl: Option<Acl>,
    /// The default ACL that new entries inherit, where there is one.
    pub default_acl: Option<Acl>,
}

/// Kinds of file system objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Directory.
    Directory,
    /// Regular file.
    File,
    /// Symbolic link.
    Link,
    /// Unix socket.
    Socket,
    /// FIFO.
    Fifo,
    /// Character device.
    CharDevice,
    /// Block device.
    BlockDevice,
}

/// A POSIX ACL, as `system.posix_acl_access` holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acl {
    /// Entries in the order of the attribute.
    pub entries: Vec<AclEntry>,
}

impl Acl {
    /// Each entry in its short text form: `user::rwx`, `user:12345:---`. Source: acl(5).
    pub fn short(&self) -> impl Iterator<Item = String> {
        self.entries.iter().map(|entry| {
            let who = match entry.who {
                AclWho::Owner => "user:".to_owned(),
                AclWho::User(uid) => format!("user:{uid}"),
                AclWho::OwningGroup => "group:".to_owned(),
                AclWho::Group(gid) => format!("group:{gid}"),
                AclWho::Mask => "mask:".to_owned(),
                AclWho::Other => "other:".to_owned(),
            };
            let bit = |bit: u8, letter: char| if entry.permissions & bit == 0 { '-' } else { letter };
            format!("{who}:{}{}{}", bit(4, 'r'), bit(2, 'w'), bit(1, 'x'))
        })
    }
}

/// One entry of an ACL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclEntry {
    /// Whom it is about.
    pub who: AclWho,
    /// `rwx` as 4, 2, 1.
    pub permissions: u8,
}

/// Whom an ACL entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AclWho {
    /// The owner.
    Owner,
    /// A user.
    User(u32),
    /// The owning group.
    OwningGroup,
    /// A group.
    Group(u32),
    /// The limit on all but owner and others.
    Mask,
    /// Everybody else.
    Other,
}

/// Room on a file system. Source: statfs(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// Size.
    pub total: Bytes,
    /// Free, reserved blocks included.
    pub free: Bytes,
    /// Free for users other than root.
    pub available: Bytes,
    /// Inodes; 0 where the file system makes them as needed.
    pub inodes: Entries,
    /// Free inodes.
    pub inodes_free: Entries,
    /// ST_RDONLY.
    pub read_only: bool,
    /// ST_NOEXEC.
    pub no_exec: bool,
}

impl Space {
    /// Room for these credentials: the reserve is for root (CAP_SYS_RESOURCE).
    pub fn room_for(&self, who: &Credentials) -> Bytes {
        const CAP_SYS_RESOURCE: u64 = 1 << 24;
        if who.capabilities & CAP_SYS_RESOURCE != 0 { self.free } else { self.available }
    }
}

/// Whether a vantage can create temp dirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ability {
    /// The answer.
    pub can: Can,
    /// Where the answer is no: the errno of the first call that fails.
    pub errno: Option<Errno>,
    /// Where it is no: which step fails ("mkdir", "write", "execute").
    pub step: Option<String>,
    /// Where the answer comes from.
    pub how: HowKnown,
    /// How long a probe took.
    pub took: Option<Micros>,
}

impl Ability {
    /// Not known, with nothing tried.
    pub fn unknown() -> Self {
        Self { can: Can::Unknown, errno: None, step: None, how: HowKnown::Predicted, took: None }
    }

    /// Predicted from the walked way.
    pub fn predicted(can: Can, errno: Option<Errno>, step: Option<&str>) -> Self {
        Self { can, errno, step: step.map(str::to_owned), how: HowKnown::Predicted, took: None }
    }
}

/// A three-valued answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Can {
    /// It cannot.
    No,
    /// Nobody knows.
    Unknown,
    /// It can.
    Yes,
}

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HowKnown {
    /// A temp dir was made and removed for real.
    Probed,
    /// Worked out from modes, mounts and space.
    Predicted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_an_acl_as_getfacl_does() {
        let entry = |(who, permissions)| AclEntry { who, permissions };
        let entries = [(AclWho::Owner, 7), (AclWho::User(12_345), 0), (AclWho::Mask, 5)].map(entry).into();
        let short: Vec<String> = Acl { entries }.short().collect();
        assert_eq!(short, ["user::rwx", "user:12345:---", "mask::r-x"]);
    }
}
