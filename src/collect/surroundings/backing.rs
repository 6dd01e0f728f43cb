//! Files that the kernel itself stands on: images of loop devices, and swap files.
//!
//! Sources: the kernel's drivers/block/loop.c (`backing_file`), proc_swaps(5).

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Scene;
use super::claims::Claims;
use crate::collect::parse::{lines, split_once, unescape};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy};
use crate::model::surroundings::ClaimKind;
use crate::sys::plainfile;

const PATH_MAX: usize = 8 << 10;
const SWAPS_MAX: usize = 1 << 20;
/// The kernel's mark behind a file without a name.
const DELETED: &[u8] = b" (deleted)";

/// Claims what lies in the directory. The kernel writes paths as the namespace has them in which the file was opened.
pub fn look(scene: &Scene<'_>, claims: &mut Claims) {
    match loop_files(Path::new("/sys/block")) {
        Ok(files) => files.iter().for_each(|file| claim(scene, file, ClaimKind::LoopFile, claims)),
        Err(error) => claims.unseen(Gap::new("backing files of loop devices (/sys/block)", error.into())),
    }
    match scene.proc.read("swaps", SWAPS_MAX).map_err(GapWhy::from) {
        Ok(text) => swap_files(&text).iter().for_each(|file| claim(scene, file, ClaimKind::Swap, claims)),
        // A kernel without swap has no such file.
        Err(GapWhy::Vanished) => {}
        Err(why) => claims.unseen(Gap::new("/proc/swaps", why)),
    }
}

fn claim(scene: &Scene<'_>, file: &RawPath, kind: ClaimKind, claims: &mut Claims) {
    if let Some(entry) = scene.ground.entry_anywhere(file.as_bytes()) {
        claims.add(entry.name, kind, None, file);
    }
}

fn loop_files(block: &Path) -> io::Result<Vec<RawPath>> {
    let mut found = Vec::new();
    for name in plainfile::names(block)?.iter().filter(|name| name.as_bytes().starts_with(b"loop")) {
        let path = block.join(name).join(OsStr::new("loop/backing_file"));
        match plainfile::read(&path, PATH_MAX) {
            Ok(text) => found.push(backing(&text)),
            // A loop device without a file.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // Detached while we looked. Source: sysfs answers ENODEV for what is being removed.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error()) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// A file that lost its name keeps the mark, so that it is taken for no entry of the name without it.
fn backing(text: &[u8]) -> RawPath {
    let path = text.strip_suffix(b"\n").unwrap_or(text);
    RawPath::from(path)
}

/// The first column; the kernel escapes blanks in it.
fn swap_files(text: &[u8]) -> Vec<RawPath> {
    let files =
        lines(text).skip(1).filter_map(|line| split_once(line, b' ').or_else(|| split_once(line, b'\t')));
    let paths = files.map(|(path, _)| RawPath::new(unescape(path)));
    paths.filter(|path| path.is_absolute() && !path.as_bytes().ends_with(DELETED)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_swap_files_with_blanks() {
        let text = b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n\
            /tmp/a\\040b                             file\t\t1020\t\t0\t\t-2\n\
            /dev/sda2                               partition\t1020\t\t0\t\t-3\n\
            /tmp/gone\\040(deleted)                  file\t\t1020\t\t0\t\t-4\n";
        assert_eq!(swap_files(text), ["/tmp/a b".into(), "/dev/sda2".into()]);
        assert_eq!(swap_files(b"Filename\n"), []);
    }

    #[test]
    fn reads_the_files_of_loop_devices_and_passes_over_the_rest() {
        let home = crate::sys::scratch::dir();
        for name in ["loop0/loop", "loop1", "sda/loop"] {
            std::fs::create_dir_all(home.path().join(name)).unwrap();
        }
        std::fs::write(home.path().join("loop0/loop/backing_file"), "/tmp/x.img\n").unwrap();
        std::fs::write(home.path().join("sda/loop/backing_file"), "/tmp/y.img\n").unwrap();
        assert_eq!(loop_files(home.path()).unwrap(), ["/tmp/x.img".into()]);
        assert!(loop_files(&home.path().join("none")).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(text: Vec<u8>) {
            swap_files(&text);
            backing(&text);
        }
    }
}
