//! Mounting: new file systems, other places of the tree, flags; only ever in a mount namespace of our own.
//!
//! Whoever calls this has made such a namespace and cut its propagation. Called by `lab`.

use std::ffi::CString;
use std::io;
use std::path::Path;

use nix::libc;
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};

/// MOUNT_ATTR_RDONLY and AT_RECURSIVE. Source: mount_setattr(2), linux/mount.h.
const READ_ONLY: u64 = 1;
const RECURSIVE: libc::c_int = 0x8000;

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

/// Mounts another place of the tree, with what is mounted below it where `deep`.
///
/// # Errors
/// What mount(2) answers.
pub fn bind(source: &Path, at: &Path, depth: Depth) -> io::Result<()> {
    Ok(match depth {
        Depth::One => rustix::mount::mount_bind(source, at)?,
        Depth::All => rustix::mount::mount_bind_recursive(source, at)?,
    })
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
