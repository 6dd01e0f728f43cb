//! The catalog with what the site's configuration adds to it.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::catalog::Catalog;
use crate::cli::Global;
use crate::cmd::Refusal;
use crate::model::errno;
use crate::model::mode::{GROUP_OTHERS_WRITE, STICKY};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy};

/// Where the configuration is looked for unasked.
const DEFAULT: &str = "/etc/tmpmedic/config.toml";
/// More than any configuration needs; what is larger is something else.
const MAX_BYTES: u64 = 1 << 20;

/// The catalog, and a gap where a configuration is there that we may not read.
///
/// # Errors
/// A configuration that was named and is not there, or one that is broken.
pub fn load(global: &Global) -> anyhow::Result<(Arc<Catalog>, Vec<Gap>)> {
    let named = global.config != Path::new(DEFAULT);
    let path = RawPath::from(global.config.as_os_str());
    let mut distrust = None;
    let (text, gaps) = match read(&global.config) {
        Ok(read) => {
            distrust = read.distrust.filter(|_| rustix::process::geteuid().is_root());
            (read.text, vec![])
        }
        Err(Unread::Os(Errno::NOENT | Errno::NOTDIR)) if !named => (String::new(), vec![]),
        Err(Unread::Os(Errno::ACCESS)) if !named => {
            (String::new(), vec![Gap::new(format!("site configuration {path}"), GapWhy::Denied)])
        }
        Err(Unread::Os(why)) => {
            let why = errno::Errno(why.raw_os_error());
            return Err(Refusal::usage(format!("cannot read the configuration {path}: {}", why.text())));
        }
        Err(Unread::Odd(why)) => {
            return Err(Refusal::usage(format!("cannot read the configuration {path}: {why}")));
        }
    };
    let catalog =
        Catalog::load(&text).map_err(|why| Refusal::usage(format!("the configuration {path}, {why}")))?;
    let catalog = catalog.distrusted(distrust.map(|why| format!("the configuration {path} {why}")));
    // Which private temp dirs are of this boot; without it each counts as live.
    let catalog = match read(Path::new("/proc/sys/kernel/random/boot_id")) {
        Ok(id) => catalog.with_boot_id(id.text.trim()),
        Err(_) => catalog,
    };
    Ok((Arc::new(catalog), gaps))
}

/// A file that was read.
struct Text {
    text: String,
    /// Why root must not act by it.
    distrust: Option<String>,
}

/// Why a configuration could not be read.
enum Unread {
    Os(Errno),
    Odd(&'static str),
}

impl From<Errno> for Unread {
    fn from(errno: Errno) -> Self {
        Self::Os(errno)
    }
}

/// Reads a regular file of ordinary size; opening anything else must not block.
fn read(path: &Path) -> Result<Text, Unread> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path, flags, Mode::empty())?;
    let found = rustix::fs::fstat(&fd)?;
    if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
        return Err(Unread::Odd("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    let read = std::fs::File::from(fd).take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|why| why.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Unread::Odd("it is larger than a megabyte"));
    }
    let text = String::from_utf8(bytes).map_err(|_not_text| Unread::Odd("it is not UTF-8"))?;
    let distrust = distrust(found.st_uid, found.st_mode).or_else(|| {
        let parent =
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let parent = rustix::fs::stat(parent).ok()?;
        // Where only owners may rename, root's own file stays what it is.
        let sticky = parent.st_mode & STICKY != 0;
        let why = distrust(
            parent.st_uid,
            if sticky { parent.st_mode & !GROUP_OTHERS_WRITE } else { parent.st_mode },
        )?;
        Some(format!("lies in a directory that {why}"))
    });
    Ok(Text { text, distrust })
}

/// Whether somebody else than root decides what it says.
fn distrust(uid: u32, mode: u32) -> Option<String> {
    match (uid, mode & GROUP_OTHERS_WRITE) {
        (0, 0) => None,
        (0, _) => Some(format!("may be written by others (mode {:04o})", mode & 0o7777)),
        (uid, _) => Some(format!("belongs to uid {uid}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_trusts_only_what_nobody_else_can_write() {
        assert_eq!(distrust(0, 0o100_644), None);
        assert_eq!(distrust(0, 0o100_664).as_deref(), Some("may be written by others (mode 0664)"));
        assert_eq!(distrust(0, 0o100_646).as_deref(), Some("may be written by others (mode 0646)"));
        assert_eq!(distrust(4242, 0o100_600).as_deref(), Some("belongs to uid 4242"));
    }
}
