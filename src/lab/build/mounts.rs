//! Mounts in memory, of other places, of layers; their flags.

use std::io;
use std::path::Path;

use rustix::fs::FileType;
use rustix::mount::MountFlags;

use crate::model::scenario::step::{MountFlag, Step};
use crate::sys::{make, mount};

pub(super) fn mount(step: &Step) -> io::Result<()> {
    match step {
        Step::Tmpfs { at, size, inodes, mode, flags } => {
            point(Path::new(at))?;
            let mut data = format!("mode={:o}", mode.unwrap_or(0o1777));
            if let Some(size) = size {
                data.push_str(&format!(",size={}", size.0.0));
            }
            if let Some(inodes) = inodes {
                data.push_str(&format!(",nr_inodes={inodes}"));
            }
            mount::attach("tmpfs", Path::new("tmpfs"), Path::new(at), flags_of(flags), &data)
        }
        Step::Bind { source, at, flags } => {
            let (source, at) = (Path::new(source), Path::new(at));
            if is_dir(source)? {
                point(at)?;
            } else {
                file_point(at)?;
            }
            mount::bind(source, at, mount::Depth::One)?;
            if flags.is_empty() { Ok(()) } else { mount::remount(at, MountFlags::BIND | flags_of(flags)) }
        }
        Step::Overlay { at, lower, upper, work } => {
            for dir in [at, upper, work] {
                point(Path::new(dir))?;
            }
            let data = format!("lowerdir={lower},upperdir={upper},workdir={work}");
            mount::attach("overlay", Path::new("overlay"), Path::new(at), MountFlags::empty(), &data)
        }
        Step::Remount { at, flags, superblock } => {
            let only_this = if *superblock { MountFlags::empty() } else { MountFlags::BIND };
            mount::remount(Path::new(at), only_this | flags_of(flags))
        }
        _ => Ok(()),
    }
}

pub(super) fn unmount(at: &Path, lazy: bool) -> io::Result<()> {
    mount::detach(at, if lazy { mount::When::Now } else { mount::When::Free })
}

/// A mount point, made where it is missing.
pub(super) fn point(at: &Path) -> io::Result<()> {
    match rustix::fs::stat(at) {
        Ok(_) => Ok(()),
        Err(_) => make::dirs(at),
    }
}

fn file_point(at: &Path) -> io::Result<()> {
    if rustix::fs::stat(at).is_ok() {
        return Ok(());
    }
    at.parent().map_or(Ok(()), make::dirs)?;
    make::file(at).map(drop)
}

fn is_dir(path: &Path) -> io::Result<bool> {
    Ok(FileType::from_raw_mode(rustix::fs::stat(path)?.st_mode) == FileType::Directory)
}

/// As mount(2) wants them.
pub(super) fn flags_of(flags: &[MountFlag]) -> MountFlags {
    flags.iter().fold(MountFlags::empty(), |all, flag| {
        all | match flag {
            MountFlag::Ro => MountFlags::RDONLY,
            MountFlag::Noexec => MountFlags::NOEXEC,
            MountFlag::Nosuid => MountFlags::NOSUID,
            MountFlag::Nodev => MountFlags::NODEV,
        }
    })
}
