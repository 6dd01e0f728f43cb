//! Loop devices, frozen file systems, inode attributes: what only an ioctl does.
//!
//! A loop device is detached by the kernel when its last user ends (`LO_FLAGS_AUTOCLEAR`), so that nothing is left behind
//! even by a process that was killed. Called by `lab`.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::libc;
use rustix::fs::{CWD, IFlags, Mode, OFlags, ioctl_getflags, ioctl_setflags, openat};

use super::make;

/// Source: linux/loop.h.
const LOOP_CTL_GET_FREE: libc::Ioctl = 0x4c82;
const LOOP_CONFIGURE: libc::Ioctl = 0x4c0a;
const LO_FLAGS_AUTOCLEAR: u32 = 4;
/// Device numbers. Source: admin-guide/devices.txt of the kernel.
const LOOP_CONTROL: (u32, u32) = (10, 237);
const LOOP_MAJOR: u32 = 7;
/// `_IOWR('X', 119, int)` and `_IOWR('X', 120, int)`. Source: linux/fs.h.
const FIFREEZE: libc::Ioctl = 0xc004_5877_u32.cast_signed() as libc::Ioctl;
const FITHAW: libc::Ioctl = 0xc004_5878_u32.cast_signed() as libc::Ioctl;

/// struct loop_info64 as far as it is not zero, inside struct loop_config.
#[repr(C)]
struct LoopConfig {
    fd: u32,
    block_size: u32,
    numbers: [u64; 5],
    number: u32,
    encrypt_type: u32,
    encrypt_key_size: u32,
    flags: u32,
    names: [u8; 64 + 64 + 32],
    init: [u64; 2],
    reserved: [u64; 8],
}

/// A loop device that shows an image as a disk.
#[derive(Debug)]
pub struct LoopDevice {
    /// Keeps it until it is mounted.
    pub device: OwnedFd,
    /// Its device file.
    pub path: PathBuf,
}

/// Shows an image as a disk. Its device file is made in `devices`, and is the caller's to remove when it is mounted.
///
/// # Errors
/// What mknod(2), open(2) and the ioctls answer: EPERM in a user namespace, ENODEV or ENXIO without loop devices, ENOTTY
/// before Linux 5.8.
pub fn attach_image(devices: &Path, image: &Path) -> io::Result<LoopDevice> {
    let control = devices.join("loop-control");
    make::device(&control, make::Device::Character, 0o600, LOOP_CONTROL)?;
    let opened = open_device(&control);
    rustix::fs::unlink(&control)?;
    let control = opened?;
    let backing = openat(CWD, image, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    // Another program may take the free one between the two calls.
    for _ in 0..64 {
        let number = ask(&control, LOOP_CTL_GET_FREE)?.cast_unsigned();
        let path = devices.join(format!("loop{number}"));
        make::device(&path, make::Device::Block, 0o600, (LOOP_MAJOR, number))?;
        let attached = open_device(&path).and_then(|device| configure(&device, &backing).map(|()| device));
        match attached {
            Ok(device) => return Ok(LoopDevice { device, path }),
            Err(why) => {
                rustix::fs::unlink(&path)?;
                if why.raw_os_error() != Some(libc::EBUSY) {
                    return Err(why);
                }
            }
        }
    }
    Err(io::Error::from_raw_os_error(libc::EBUSY))
}

fn open_device(path: &Path) -> io::Result<OwnedFd> {
    Ok(openat(CWD, path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?)
}

fn configure(device: &OwnedFd, backing: &OwnedFd) -> io::Result<()> {
    let config = LoopConfig {
        fd: backing.as_raw_fd().cast_unsigned(),
        block_size: 0,
        numbers: [0; 5],
        number: 0,
        encrypt_type: 0,
        encrypt_key_size: 0,
        flags: LO_FLAGS_AUTOCLEAR,
        names: [0; 160],
        init: [0; 2],
        reserved: [0; 8],
    };
    #[expect(unsafe_code, reason = "neither rustix nor nix has the ioctls of loop devices")]
    // SAFETY: the kernel reads one struct loop_config, which lives until the call returns.
    let done = unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE, &raw const config) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Holds back every write to the file system on which `place` lies, until it is thawed.
///
/// # Errors
/// What the ioctl answers: EPERM without privileges, EBUSY where it is frozen already.
pub fn freeze(place: impl AsFd) -> io::Result<()> {
    ask(place, FIFREEZE).map(drop)
}

/// Lets writes go on.
///
/// # Errors
/// What the ioctl answers: EINVAL where it is not frozen.
pub fn thaw(place: impl AsFd) -> io::Result<()> {
    ask(place, FITHAW).map(drop)
}

fn ask(fd: impl AsFd, request: libc::Ioctl) -> io::Result<libc::c_int> {
    #[expect(unsafe_code, reason = "neither rustix nor nix has these ioctls")]
    // SAFETY: these requests take no argument that the kernel would read or write.
    let answer = unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), request, 0) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

/// Attributes of an inode, as `chattr` sets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Nothing of it can be changed.
    pub immutable: bool,
    /// It can only grow.
    pub append_only: bool,
}

/// Sets the attributes of what lies at that path.
///
/// # Errors
/// What the ioctls answer: EPERM without CAP_LINUX_IMMUTABLE over the host, ENOTTY where the file system has none.
pub fn set_attributes(path: &Path, wanted: Attributes) -> io::Result<()> {
    let place = openat(CWD, path, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    let mut flags = ioctl_getflags(&place)?;
    flags.set(IFlags::IMMUTABLE, wanted.immutable);
    flags.set(IFlags::APPEND, wanted.append_only);
    Ok(ioctl_setflags(&place, flags)?)
}
