//! A capture that somebody names: opened so that nothing but a regular file is ever read.
//!
//! What is in it is the work of a stranger; `store` reads it within limits. No file that it names is looked at here.

use std::fs::File;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};

use crate::cmd::Refusal;
use crate::model::errno::Errno;
use crate::model::raw_path::RawPath;
use crate::store::{Capture, Limits, ReadError};

/// Reads a capture; `-` is standard input.
///
/// # Errors
/// One line that names the file and the place in it.
pub fn open(path: &Path) -> anyhow::Result<Capture> {
    let name = RawPath::from(path.as_os_str());
    let refuse = |why: String| Refusal::usage(format!("cannot read the capture `{name}`: {why}"));
    let file = open_file(path).map_err(refuse)?;
    Capture::read(file, &Limits::default()).map_err(|why| {
        // Only this one has something below it to tell.
        let below = match &why {
            ReadError::Read(below) => format!(": {}", below),
            _ => String::new(),
        };
        refuse(format!("{why}{below}"))
    })
}

/// A capture that was read, with a look in it that cannot be.
pub fn refuse_inside(path: &Path, why: anyhow::Error) -> anyhow::Error {
    if why.is::<ReadError>() {
        let name = RawPath::from(path.as_os_str());
        return Refusal::usage(format!("cannot read the capture `{name}`: {why:#}"));
    }
    why
}

/// Opening must neither wait, as a FIFO does, nor do anything, as a terminal may.
fn open_file(path: &Path) -> Result<File, String> {
    if path.as_os_str() == "-" {
        let input = rustix::stdio::stdin().try_clone_to_owned();
        return input.map(File::from).map_err(|why| why.to_string());
    }
    let text = |why: rustix::io::Errno| Errno(why.raw_os_error()).text().to_owned();
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(text)?;
    if FileType::from_raw_mode(rustix::fs::fstat(&fd).map_err(text)?.st_mode) != FileType::RegularFile {
        return Err("it is not a regular file".to_owned());
    }
    Ok(fd.into())
}
