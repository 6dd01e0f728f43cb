//! Mounting: new file systems, other places of the tree, flags.
//!
//! `lab` calls this in a mount namespace of its own whose propagation it has cut; `exec` in the namespace of the service
//! that it mends, in a helper process.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::libc;
use rustix::mount::{MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags};

/// MOUNT_ATTR_RDONLY and AT_RECURSIVE. Source: mount_setattr(2), linux/mount.h.
const READ_ONLY: u64 = 1;
const RECURSIVE: libc::c_int = 0x8000;
/// MOVE_MOUNT_BENEATH, which rustix does not name. Source: linux/mount.h, Linux 6.5.
const BENEATH: u32 = 0x200;
/// MOUNT_ATTR_NOSUID, NODEV, NOEXEC and MS_PRIVATE.
const NO_SUID: u64 = 2;
const NO_DEV: u64 = 4;
const NO_EXEC: u64 = 8;
const PRIVATE: u64 = 1 << 18;
/// MOUNT_ATTR_NOSYMFOLLOW, NODIRATIME, and the field MOUNT_ATTR__ATIME with two of its values; the third is 0.
const NO_FOLLOW: u64 = 0x20_0000;
const NO_DIR_ATIME: u64 = 0x80;
const ATIME: u64 = 0x70;
const NO_ATIME: u64 = 0x10;
const STRICT_ATIME: u64 = 0x20;

/// The argument of mount_setattr(2), first version.
#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    user_ns: u64,
}

/// Cuts every mount of this namespace off from the one that it was copied from.
///
/// # Errors
/// What mount(2) answers.
pub fn make_all_private() -> io::Result<()> {
    Ok(rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?)
}

/// Makes the mount at that path read-only, and with it every mount below, those that others hide included.
///
/// # Errors
/// What mount_setattr(2) answers; ENOSYS before Linux 5.12.
pub fn make_read_only(path: &Path) -> io::Result<()> {
    let path = text(path)?;
    let attr = MountAttr { set: READ_ONLY, clear: 0, propagation: 0, user_ns: 0 };
    #[expect(unsafe_code, reason = "neither rustix nor nix has mount_setattr")]
    // SAFETY: the path ends in NUL and the struct has the size that is given; both outlive the call.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            RECURSIVE,
            &raw const attr,
            size_of::<MountAttr>(),
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Mounts a new file system.
///
/// # Errors
/// What mount(2) answers.
pub fn attach(kind: &str, source: &Path, at: &Path, flags: MountFlags, data: &str) -> io::Result<()> {
    let data = CString::new(data)?;
    Ok(rustix::mount::mount(source, at, kind, flags, data.as_c_str())?)
}

/// Mounts another place of the tree, with or without what is mounted below it.
///
/// # Errors
/// What mount(2) answers.
pub fn bind(source: &Path, at: &Path, depth: Depth) -> io::Result<()> {
    let done = match depth {
        Depth::One => rustix::mount::mount_bind(source, at),
        Depth::All => rustix::mount::mount_bind_recursive(source, at),
    };
    Ok(done?)
}

/// A detached copy of the mount of a directory, from that directory on.
///
/// # Errors
/// What open_tree(2) answers: ENOSYS before Linux 5.2.
pub fn clone_tree(dir: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    Ok(rustix::mount::open_tree(dir, "", flags)?)
}

/// What a mount forbids.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own, as mount(8) has them")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forbids {
    /// Writing.
    pub write: bool,
    /// Set-user-id programs.
    pub suid: bool,
    /// Device nodes.
    pub dev: bool,
    /// Programs.
    pub exec: bool,
    /// Following links.
    pub links: bool,
}

/// Which reads a mount writes down as access times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamps {
    /// Of anything.
    pub reads: Reads,
    /// Not those of directories.
    pub no_directories: bool,
}

/// How often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    /// At most once a day, and once after a change: the default.
    #[default]
    Relative,
    /// Never.
    Never,
    /// Each.
    All,
}

/// Makes a mount forbid that and stamp so, and cuts it off from the one that it was copied from. What it forbids already
/// it goes on to forbid.
///
/// # Errors
/// What mount_setattr(2) answers; ENOSYS before Linux 5.12, EINVAL for links before 5.14.
pub fn tame(tree: BorrowedFd<'_>, forbids: Forbids, stamps: Stamps) -> io::Result<()> {
    let bit = |on: bool, bit: u64| if on { bit } else { 0 };
    let set = bit(forbids.write, READ_ONLY)
        | bit(forbids.suid, NO_SUID)
        | bit(forbids.dev, NO_DEV)
        | bit(forbids.exec, NO_EXEC)
        | bit(forbids.links, NO_FOLLOW)
        | bit(stamps.no_directories, NO_DIR_ATIME)
        | match stamps.reads {
            Reads::Relative => 0,
            Reads::Never => NO_ATIME,
            Reads::All => STRICT_ATIME,
        };
    // A field of several bits is cleared whole before it is set. Source: mount_setattr(2).
    let attr = MountAttr { set, clear: ATIME, propagation: PRIVATE, user_ns: 0 };
    #[expect(unsafe_code, reason = "neither rustix nor nix has mount_setattr")]
    // SAFETY: the path ends in NUL and the struct has the size that is given; both outlive the call, as does the handle.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const attr,
            size_of::<MountAttr>(),
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Puts a detached mount onto the directory behind a handle.
///
/// # Errors
/// What move_mount(2) answers.
pub fn attach_tree(tree: BorrowedFd<'_>, onto: BorrowedFd<'_>) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(rustix::mount::move_mount(tree, "", onto, "", flags)?)
}

/// Puts a detached mount beneath the one whose root is behind a handle: nobody sees it until the upper one is taken off.
///
/// # Errors
/// What move_mount(2) answers: EINVAL before Linux 6.5, and where the upper one is locked or is a root directory.
pub fn attach_beneath(tree: BorrowedFd<'_>, upper: BorrowedFd<'_>) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH
        | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH
        | MoveMountFlags::from_bits_retain(BENEATH);
    Ok(rustix::mount::move_mount(tree, "", upper, "", flags)?)
}

/// Takes the uppermost of the mounts that stand on the directory behind that handle off the tree. Only for a single-threaded
/// process, whose working directory it changes.
///
/// Not the one that the handle is on: umount2(2) follows the mounts on its path down, `.` included, so whatever was mounted
/// over it since goes instead. The caller looks before that there is nothing, and afterwards at what went. Source:
/// pivot_root(2), `pivot_root(".", ".")`.
///
/// # Errors
/// What umount2(2) answers: EINVAL where the handle is not on the root of a mount of this namespace.
pub fn detach_uppermost(root: BorrowedFd<'_>) -> io::Result<()> {
    rustix::process::fchdir(root)?;
    let done = rustix::mount::unmount(".", UnmountFlags::DETACH | UnmountFlags::NOFOLLOW);
    rustix::process::chdir("/")?;
    Ok(done?)
}

/// How much a bind mount takes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Only the file system itself.
    One,
    /// What is mounted below as well.
    All,
}

/// Gives a mount other flags; with [`MountFlags::BIND`] only this mount of its file system.
///
/// # Errors
/// What mount(2) answers: EBUSY where files are open for writing, EPERM for flags that are locked.
pub fn remount(at: &Path, flags: MountFlags) -> io::Result<()> {
    Ok(rustix::mount::mount_remount(at, flags, c"")?)
}

/// Takes off what is mounted on top there; `lazy` even while it is in use.
///
/// # Errors
/// What umount2(2) answers: EBUSY while it is in use, EINVAL where nothing is mounted or it is locked.
pub fn detach(at: &Path, when: When) -> io::Result<()> {
    let flags = match when {
        When::Free => UnmountFlags::NOFOLLOW,
        When::Now => UnmountFlags::NOFOLLOW | UnmountFlags::DETACH,
    };
    Ok(rustix::mount::unmount(at, flags)?)
}

/// When a mount goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Now, or not at all while somebody uses it.
    Free,
    /// Now from the tree, later for those who use it.
    Now,
}

fn text(path: &Path) -> io::Result<CString> {
    use std::os::unix::ffi::OsStrExt;
    Ok(CString::new(path.as_os_str().as_bytes())?)
}
