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
    let (text, gaps) = match read(&global.config) {
        Ok(text) => (text, vec![]),
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
    // Which private temp dirs are of this boot; without it each counts as live.
    let catalog = match read(Path::new("/proc/sys/kernel/random/boot_id")) {
        Ok(id) => catalog.with_boot_id(id.trim()),
        Err(_) => catalog,
    };
    Ok((Arc::new(catalog), gaps))
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
fn read(path: &Path) -> Result<String, Unread> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path, flags, Mode::empty())?;
    if FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) != FileType::RegularFile {
        return Err(Unread::Odd("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    let read = std::fs::File::from(fd).take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|why| why.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Unread::Odd("it is larger than a megabyte"));
    }
    String::from_utf8(bytes).map_err(|_not_text| Unread::Odd("it is not UTF-8"))
}
