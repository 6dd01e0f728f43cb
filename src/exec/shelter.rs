//! Keeps systemd-tmpfiles(8) away from our quarantines: it would age what lies in them, and take the undo with it.
//!
//! One line of configuration in `/run`, gone with the next boot as the need for it is.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use crate::model::raw_path::RawPath;
use crate::sys::{dirfd, hands, stat};

/// Where runtime configuration lies, and how ours is called there. Source: tmpfiles.d(5).
const DIR: &[u8] = b"tmpfiles.d";
const NAME: &[u8] = b"tmpmedic.conf";
/// A line for each temp dir of a machine, many times over.
const LARGEST: usize = 64 << 10;

/// Adds a line for the quarantines of a temp dir, unless it is there; says whether it was added.
///
/// # Errors
/// Those of openat(2), write(2) and renameat(2); EPERM where that directory is not root's alone.
pub fn protect(place: &RawPath) -> io::Result<bool> {
    let run = dirfd::open_resolved(b"/run")?;
    hands::make_open_dir(run.as_fd(), DIR)?;
    let dir = dirfd::open_listing(run.as_fd(), DIR)?;
    let found = stat::of(dir.as_fd())?;
    if found.uid != 0 || found.mode & 0o022 != 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    protect_in(dir.as_fd(), place)
}

fn protect_in(dir: BorrowedFd<'_>, place: &RawPath) -> io::Result<bool> {
    let before = match dirfd::open_regular(dir, NAME) {
        Ok(file) => dirfd::read_bounded(&file, LARGEST)?.0,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            b"# Made by tmpmedic: what it put aside is taken back or freed by tmpmedic.\n".to_vec()
        }
        Err(error) => return Err(error),
    };
    let line = line(place);
    if before.split(|byte| *byte == b'\n').any(|known| known == line) {
        return Ok(false);
    }
    let content = [&before[..], &line, b"\n"].concat();
    let aside = format!(".tmpmedic-{:x}", random());
    hands::put_file(dir, NAME, aside.as_bytes(), &content)?;
    Ok(true)
}

/// `x`: neither the directory nor what lies in it is cleaned. Names that could end the line are escaped as C does.
fn line(place: &RawPath) -> Vec<u8> {
    let mut line = b"x ".to_vec();
    for byte in place.as_bytes() {
        match byte {
            b'%' => line.extend_from_slice(b"%%"),
            b' ' | b'"' | b'\'' | b'\\' | b'*' | b'?' | b'[' | 0..=0x1f | 0x7f..=0xff => {
                line.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
            }
            _ => line.push(*byte),
        }
    }
    line.extend_from_slice(b"/.tmpmedic-*");
    line
}

/// A number that is not guessed by accident: the keys of a RandomState come from the kernel's random numbers. Against
/// malice mkdir refuses a name that exists, and whose it is is looked at.
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch;

    #[test]
    fn each_place_gets_one_line_and_what_stood_there_stays() {
        let dir = scratch::dir();
        let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        assert!(protect_in(handle.as_fd(), &"/tmp".into()).unwrap());
        assert!(!protect_in(handle.as_fd(), &"/tmp".into()).unwrap());
        assert!(protect_in(handle.as_fd(), &"/var/tmp".into()).unwrap());
        let text = std::fs::read_to_string(dir.path().join("tmpmedic.conf")).unwrap();
        assert_eq!(
            text.lines().skip(1).collect::<Vec<_>>(),
            ["x /tmp/.tmpmedic-*", "x /var/tmp/.tmpmedic-*"]
        );
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn no_name_ends_the_line_or_becomes_a_specifier() {
        let line = line(&RawPath::new(&b"/a b\nr /etc %m*"[..]));
        assert_eq!(line, b"x /a\\x20b\\x0ar\\x20/etc\\x20%%m\\x2a/.tmpmedic-*");
    }
}
