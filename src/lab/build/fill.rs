//! Fills file systems: with bytes, with inodes.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use rustix::io::Errno;

use crate::sys::{guise, make};

/// Large pieces first, then as small as they get, so that nothing is left for anybody.
const PIECES: &[usize] = &[1 << 16, 4096, 512, 1];

/// Writes until nothing more fits, as that user.
pub(super) fn fill(dir: &Path, uid: u32) -> io::Result<()> {
    let path = (1..).map(|n| dir.join(format!("ballast{n}"))).find(|path| rustix::fs::lstat(path).is_err());
    let Some(path) = path else { return Ok(()) };
    let file = make::file(&path)?;
    make::own(&path, uid, uid)?;
    if uid == 0 {
        return write_all(&file);
    }
    // The file system asks who writes, not whose file it is, before it opens its reserve.
    guise::as_user(uid, || write_all(&file))
}

fn write_all(mut file: &File) -> io::Result<()> {
    for size in PIECES {
        let piece = vec![0; *size];
        loop {
            match file.write(&piece) {
                Ok(_) => {}
                Err(why) if is_full(&why) => break,
                Err(why) => return Err(why),
            }
        }
        file.sync_all().or_else(|why| if is_full(&why) { Ok(()) } else { Err(why) })?;
    }
    Ok(())
}

fn is_full(why: &io::Error) -> bool {
    why.raw_os_error() == Some(Errno::NOSPC.raw_os_error())
}

/// Makes empty files until no inode is left.
pub(super) fn fill_inodes(dir: &Path) -> io::Result<()> {
    for number in 1_u32.. {
        match make::file(&dir.join(format!("f{number}"))) {
            Ok(_) => {}
            Err(why) if is_full(&why) => return Ok(()),
            Err(why) => return Err(why),
        }
    }
    Ok(())
}
