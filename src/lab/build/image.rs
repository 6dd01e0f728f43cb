//! File systems in files: ext4 on a loop device, made old, frozen, made to believe in an error.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::MountFlags;

use super::mounts::{flags_of, point};
use super::{Builder, tools};
use crate::lab::home;
use crate::model::scenario::amount::Span;
use crate::model::scenario::step::Step;
use crate::sys::mount::{self, When};
use crate::sys::space::{self, Kind};
use crate::sys::{clock, device, make};

/// An image that is mounted.
#[derive(Debug)]
pub(super) struct Image {
    at: PathBuf,
    file: PathBuf,
    flags: MountFlags,
    options: String,
}

impl Builder {
    pub(super) fn make_image(&mut self, step: &Step) -> io::Result<()> {
        let Step::Image { at, size, mkfs, options, mode, flags } = step else { return Ok(()) };
        let file = Path::new(home::IMAGES).join(format!("{}.img", self.images.len() + 1));
        make::file(&file)?.set_len(size.0.0)?;
        let file_text = file.to_string_lossy().into_owned();
        let mut arguments = vec!["-q", "-F"];
        arguments.extend(mkfs.iter().map(String::as_str));
        arguments.push(&file_text);
        tools::run("mkfs.ext4", &arguments)?;
        let image = Image { at: PathBuf::from(at), file, flags: flags_of(flags), options: options.join(",") };
        point(&image.at)?;
        let writable = Image { flags: image.flags - MountFlags::RDONLY, ..image };
        writable.mount()?;
        make::chmod(&writable.at, mode.unwrap_or(0o1777))?;
        let image = Image { flags: flags_of(flags), ..writable };
        if image.flags.contains(MountFlags::RDONLY) {
            mount::remount(&image.at, image.flags)?;
        }
        self.images.push(image);
        Ok(())
    }

    /// Unmounts, so that debugfs(8) sees all and the kernel forgets what it had read; writes the stamps; mounts again.
    pub(super) fn age(&mut self, at: &str, patterns: &[String], by: Span) -> io::Result<()> {
        let image = self.images.iter().rev().find(|image| image.at == Path::new(at));
        let image = image.ok_or(Errno::NODEV)?;
        let mut names = Vec::new();
        for pattern in patterns {
            for path in super::glob::expand(&format!("{at}/{pattern}"))? {
                below(&path, &mut names)?;
            }
        }
        let then = clock::wall_nanos() / 1_000_000_000 - i64::try_from(by.0.0).unwrap_or(0);
        let mut script = String::new();
        for path in names {
            let inside = path.strip_prefix(at).unwrap_or(&path).to_string_lossy().into_owned();
            for field in ["atime", "ctime", "mtime", "crtime"] {
                script.push_str(&format!("set_inode_field \"/{inside}\" {field} @{then}\n"));
            }
        }
        mount::detach(&image.at, When::Free)?;
        let list = Path::new(home::IMAGES).join("ages");
        tools::lines(&list, &script)?;
        let (list, file) = (list.to_string_lossy(), image.file.to_string_lossy());
        tools::run("debugfs", &["-w", "-f", &*list, &*file])?;
        image.mount()
    }
}

impl Image {
    /// The device file exists only for the moment of mounting.
    fn mount(&self) -> io::Result<()> {
        let disk = device::attach_image(Path::new("/dev"), &self.file)?;
        let mounted = mount::attach("ext4", &disk.path, &self.at, self.flags, &self.options);
        rustix::fs::unlink(&disk.path)?;
        mounted
    }
}

/// What lies there, and everything below it on the same image.
fn below(path: &Path, into: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut left = vec![path.to_path_buf()];
    while let Some(path) = left.pop() {
        let found = rustix::fs::lstat(&path)?;
        if FileType::from_raw_mode(found.st_mode) == FileType::Directory {
            for entry in std::fs::read_dir(&path)? {
                left.push(entry?.path());
            }
        }
        into.push(path);
    }
    Ok(())
}

/// Opens a place on a file system, to freeze or thaw it.
pub(in crate::lab) fn open(at: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(CWD, at, flags, Mode::empty())?)
}

/// Tells ext4 through sysfs that it found an error. The sysfs of the lab is read-only, and in a mount namespace of its user
/// namespace no other can be mounted, so it is mounted outside for the moment.
pub(super) fn report_error(at: &Path, outside: &OwnedFd) -> io::Result<()> {
    let number = rustix::fs::stat(at)?.st_dev;
    let name = format!("loop{}", rustix::fs::minor(number));
    let inside = space::open_own(Kind::Mount)?;
    space::join(outside, Kind::Mount)?;
    let told = trigger(&name);
    space::join(&inside, Kind::Mount)?;
    told
}

fn trigger(name: &str) -> io::Result<()> {
    let sys = Path::new(home::HOME).join("sys");
    point(&sys)?;
    mount::attach("sysfs", Path::new("sysfs"), &sys, MountFlags::empty(), "")?;
    let told = std::fs::write(sys.join("fs/ext4").join(name).join("trigger_fs_error"), "1");
    mount::detach(&sys, When::Now)?;
    told
}
