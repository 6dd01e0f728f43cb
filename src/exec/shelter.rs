//! Keeps systemd-tmpfiles(8) away from our quarantines: it would age what lies in them, and take the undo with it.
//!
//! One line of configuration in `/run` for each, by its whole name: a line for all names like ours would be a hiding place
//! for anybody. In `/run`, because the files of `/etc` are the administrator's. A quarantine on a disk outlives a boot and
//! the line does not, so every command that changes the machine writes the line again where it is missing; what only looks
//! does not. Until then systemd-tmpfiles may take what is older than the age that the machine sets for that place.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::model::mode::GROUP_OTHERS_WRITE;
use crate::model::raw_path::RawPath;
use crate::sys::dirfd::{self, Cut};
use crate::sys::{hands, stat};

/// Where runtime configuration lies, and how ours is called there. Source: tmpfiles.d(5).
const DIR: &[u8] = b"tmpfiles.d";
const NAME: &[u8] = b"tmpmedic.conf";
/// How the names of our quarantines begin.
const OURS: &[u8] = b".tmpmedic-";
/// A line for each quarantine of a machine, many times over.
const LARGEST: usize = 64 << 10;

/// Adds a line for a quarantine, unless it is there; says whether it was added.
///
/// # Errors
/// Those of openat(2), write(2) and renameat(2); EPERM where that directory is not root's alone.
pub fn protect(quarantine: &RawPath) -> io::Result<bool> {
    let run = dirfd::open_resolved(b"/run")?;
    hands::make_open_dir(run.as_fd(), DIR)?;
    protect_in(ours(run.as_fd())?.as_fd(), quarantine)
}

/// Adds the lines of quarantines in which something lies by the journal, after a boot. They are not looked at.
///
/// # Errors
/// As [`protect`], the first of them.
pub fn renew<'q>(quarantines: impl Iterator<Item = &'q RawPath>) -> io::Result<()> {
    for quarantine in quarantines {
        protect(quarantine)?;
    }
    Ok(())
}

/// Takes the lines of quarantines that there are no more away, and the file with the last of them.
///
/// # Errors
/// Those of openat(2), write(2), renameat2(2) and unlinkat(2).
pub fn forget() -> io::Result<()> {
    let run = dirfd::open_resolved(b"/run")?;
    match ours(run.as_fd()) {
        Ok(dir) => forget_in(dir.as_fd(), &may_exist),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn ours(run: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let dir = dirfd::open_listing(run, DIR)?;
    let found = stat::of(dir.as_fd())?;
    if found.uid != 0 || found.mode & GROUP_OTHERS_WRITE != 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(dir)
}

fn forget_in(dir: BorrowedFd<'_>, exists: &dyn Fn(&[u8]) -> bool) -> io::Result<()> {
    let Some(before) = content(dir)? else { return Ok(()) };
    let lines: Vec<&[u8]> = before.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let stays = |line: &&[u8]| quarantine_of(line).is_none_or(|quarantine| exists(&quarantine));
    let kept: Vec<&[u8]> = lines.iter().copied().filter(stays).collect();
    if kept.len() == lines.len() {
        return Ok(());
    }
    if kept.iter().all(|line| line.starts_with(b"#")) {
        return hands::unlink(dir, NAME);
    }
    let aside = format!(".tmpmedic-{:x}", random());
    hands::put_file(dir, NAME, aside.as_bytes(), &[kept.join(&b'\n'), b"\n".to_vec()].concat())
}

/// What the file holds; `None` where there is none. One that is longer than ours ever is stays as it is.
fn content(dir: BorrowedFd<'_>) -> io::Result<Option<Vec<u8>>> {
    match dirfd::open_regular(dir, NAME).and_then(|file| dirfd::read_bounded(&file, LARGEST)) {
        Ok((content, Cut::No)) => Ok(Some(content)),
        Ok((_, Cut::Yes)) => Err(io::ErrorKind::FileTooLarge.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether it is there; also where nobody knows.
fn may_exist(quarantine: &[u8]) -> bool {
    dirfd::open_resolved(quarantine).map_or_else(|error| error.kind() != io::ErrorKind::NotFound, |_| true)
}

/// The quarantine of a line of ours, unescaped.
fn quarantine_of(line: &[u8]) -> Option<Vec<u8>> {
    let mut rest = line.strip_prefix(b"x ")?;
    rest.rsplit(|b| *b == b'/').next().filter(|name| name.starts_with(OURS))?;
    let mut path = Vec::with_capacity(rest.len());
    while let Some((byte, after)) = rest.split_first() {
        let (byte, after) = match (byte, after) {
            (b'%', [b'%', after @ ..]) => (b'%', after),
            (b'\\', [b'x', high, low, after @ ..]) => {
                let digits = [*high, *low];
                (u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?, after)
            }
            (byte, after) => (*byte, after),
        };
        path.push(byte);
        rest = after;
    }
    Some(path)
}

fn protect_in(dir: BorrowedFd<'_>, quarantine: &RawPath) -> io::Result<bool> {
    let header = b"# Made by tmpmedic: what it put aside is taken back or freed by tmpmedic.\n";
    let before = content(dir)?.unwrap_or_else(|| header.to_vec());
    let line = line(quarantine);
    if before.split(|byte| *byte == b'\n').any(|known| known == line) {
        return Ok(false);
    }
    let end: &[u8] = if before.is_empty() || before.ends_with(b"\n") { b"" } else { b"\n" };
    let content = [&before[..], end, &line, b"\n"].concat();
    let aside = format!(".tmpmedic-{:x}", random());
    hands::put_file(dir, NAME, aside.as_bytes(), &content)?;
    Ok(true)
}

/// `x`: neither the directory nor what lies in it is cleaned. Names that could end the line are escaped as C does.
fn line(quarantine: &RawPath) -> Vec<u8> {
    let mut line = b"x ".to_vec();
    for byte in quarantine.as_bytes() {
        match byte {
            b'%' => line.extend_from_slice(b"%%"),
            b' ' | b'"' | b'\'' | b'\\' | b'*' | b'?' | b'[' | 0..=0x1f | 0x7f..=0xff => {
                line.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
            }
            _ => line.push(*byte),
        }
    }
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
    fn each_quarantine_gets_one_line_and_what_stood_there_stays() {
        let dir = scratch::dir();
        let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        assert!(protect_in(handle.as_fd(), &"/tmp/.tmpmedic-0-1".into()).unwrap());
        assert!(!protect_in(handle.as_fd(), &"/tmp/.tmpmedic-0-1".into()).unwrap());
        assert!(protect_in(handle.as_fd(), &"/var/tmp/.tmpmedic-0-2".into()).unwrap());
        let text = std::fs::read_to_string(dir.path().join("tmpmedic.conf")).unwrap();
        assert_eq!(
            text.lines().skip(1).collect::<Vec<_>>(),
            ["x /tmp/.tmpmedic-0-1", "x /var/tmp/.tmpmedic-0-2"],
            "whoever calls his own names like ours is not sheltered"
        );
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_line_goes_with_its_quarantine_and_the_file_with_its_last_line() {
        let dir = scratch::dir();
        let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        let odd = RawPath::new(&b"/srv/a b%*\\x41\xff/.tmpmedic-0-2"[..]);
        for quarantine in [&"/tmp/.tmpmedic-0-1".into(), &odd] {
            protect_in(handle.as_fd(), quarantine).unwrap();
        }
        forget_in(handle.as_fd(), &|quarantine| quarantine == odd.as_bytes()).unwrap();
        let text = std::fs::read(dir.path().join("tmpmedic.conf")).unwrap();
        assert!(text.starts_with(b"# Made by") && text.ends_with(&[&line(&odd)[..], b"\n"].concat()));
        assert_eq!(text.split(|byte| *byte == b'\n').count(), 3, "one line is left");
        forget_in(handle.as_fd(), &|_| false).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        forget_in(handle.as_fd(), &|_| false).unwrap();
    }

    #[test]
    fn a_line_that_somebody_added_by_hand_keeps_the_file_and_a_long_file_stays() {
        let dir = scratch::dir();
        let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        protect_in(handle.as_fd(), &"/tmp/.tmpmedic-0-1".into()).unwrap();
        let file = dir.path().join("tmpmedic.conf");
        let before = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{before}x /tmp/theirs\n")).unwrap();
        forget_in(handle.as_fd(), &|_| false).unwrap();
        assert!(std::fs::read_to_string(&file).unwrap().ends_with("\nx /tmp/theirs\n"));
        let long = "#".repeat(LARGEST + 1);
        std::fs::write(&file, &long).unwrap();
        assert!(protect_in(handle.as_fd(), &"/tmp/.tmpmedic-0-1".into()).is_err());
        assert!(std::fs::read_to_string(&file).unwrap() == long, "nothing of it is lost");
    }

    #[test]
    fn no_name_ends_the_line_or_becomes_a_specifier() {
        let line = line(&RawPath::new(&b"/a b\nr /etc %m*/.tmpmedic-0-1"[..]));
        assert_eq!(line, b"x /a\\x20b\\x0ar\\x20/etc\\x20%%m\\x2a/.tmpmedic-0-1");
    }
}
