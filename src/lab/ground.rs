//! The ground of a lab: what every incident is built on, and what keeps it in.
//!
//! The order matters: nothing is mounted for the lab before everything of the host is read-only, and the procfs of the
//! lab becomes read-only before anything but its first process runs. Called by `init`.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::mount::MountFlags;

use super::home;
use super::request::Users;
use super::trouble::{LabError, during};
use crate::sys::{make, mount, space};

/// Directories that are the lab's own, with their permission bits.
const OWN: &[(&str, u32)] =
    &[("/tmp", 0o1777), ("/var/tmp", 0o1777), ("/mnt", 0o755), ("/home", 0o755), ("/run", 0o755)];
/// Device files, with their numbers. Source: admin-guide/devices.txt of the kernel.
const DEVICES: &[(&str, (u32, u32))] = &[
    ("null", (1, 3)),
    ("zero", (1, 5)),
    ("full", (1, 7)),
    ("random", (1, 8)),
    ("urandom", (1, 9)),
    ("tty", (5, 0)),
];
const LINKS: &[(&str, &str)] = &[
    ("ptmx", "pts/ptmx"),
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// Makes this mount namespace the ground of a lab. The procfs stays writable until [`seal`].
pub fn lay(users: Users) -> Result<(), LabError> {
    mount::make_all_private().map_err(during("cutting the mounts off from the host"))?;
    mount::make_read_only(Path::new("/")).map_err(during("making the mounts of the host read-only"))?;
    space::set_host_name("lab").map_err(during("naming the lab"))?;
    let none = MountFlags::empty();
    mount::attach("proc", Path::new("proc"), Path::new("/proc"), none, "")
        .map_err(during("mounting /proc"))?;
    devices(users).map_err(during("making /dev"))?;
    for (path, mode) in OWN {
        if is_dir(path) {
            tmpfs(Path::new(path), *mode).map_err(during(format!("mounting {path}")))?;
        }
    }
    furnish().map_err(during("copying tmpmedic into the lab"))
}

/// Makes the procfs read-only, through which root could change the whole machine.
pub fn seal() -> Result<(), LabError> {
    mount::make_read_only(Path::new("/proc")).map_err(during("making /proc read-only"))
}

fn is_dir(path: &str) -> bool {
    rustix::fs::lstat(path).is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::Directory)
}

fn tmpfs(at: &Path, mode: u32) -> io::Result<()> {
    mount::attach("tmpfs", Path::new("tmpfs"), at, MountFlags::empty(), &format!("mode={mode:o}"))
}

/// No device of the host but those that every program expects and that reach nothing. Without privileges over the host
/// device files cannot be made, only bound.
fn devices(users: Users) -> io::Result<()> {
    let host =
        rustix::fs::openat(CWD, "/dev", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    tmpfs(Path::new("/dev"), 0o755)?;
    for (name, numbers) in DEVICES {
        let path = Path::new("/dev").join(name);
        if users == Users::All {
            make::device(&path, make::Device::Character, 0o666, *numbers)?;
        } else {
            bind_device(&host, name, &path)?;
        }
    }
    for (name, to) in LINKS {
        make::link(&Path::new("/dev").join(name), Path::new(to))?;
    }
    for (name, mode) in [("shm", 0o1777), ("pts", 0o755), ("mqueue", 0o1777)] {
        make::dir(&Path::new("/dev").join(name), make::Rights { mode, uid: 0, gid: 0 })?;
    }
    tmpfs(Path::new("/dev/shm"), 0o1777)?;
    let options = "newinstance,ptmxmode=0666,mode=0620";
    mount::attach("devpts", Path::new("devpts"), Path::new("/dev/pts"), MountFlags::empty(), options)
}

fn bind_device(host: &OwnedFd, name: &str, path: &Path) -> io::Result<()> {
    make::file(path)?;
    let source = format!("/proc/self/fd/{}/{name}", host.as_raw_fd());
    mount::bind(Path::new(&source), path, mount::Depth::One)
}

fn furnish() -> io::Result<()> {
    for (name, mode) in [("cast", 0o755), ("wings", 0o755), ("bin", 0o755), ("images", 0o700)] {
        make::dir(&Path::new(home::HOME).join(name), make::Rights { mode, uid: 0, gid: 0 })?;
    }
    let program = Path::new(home::PROGRAM);
    // Closed before anything executes it: ETXTBSY.
    io::copy(&mut File::open("/proc/self/exe")?, &mut make::file(program)?)?;
    make::chmod(program, 0o755)?;
    make::second_name(program, &Path::new(home::BIN).join("tmpmedic"))?;
    make::second_name(program, &home::wings())?;
    make::dirs(Path::new("/run/lock"))
}
