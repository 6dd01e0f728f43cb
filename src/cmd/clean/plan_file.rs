//! A plan that comes from a file: somebody's text, until everything in it has been compared.

use std::fs::File;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};

use super::document::{self, NotAPlan};
use crate::cmd::Refusal;
use crate::cmd::surroundings::variable;
use crate::cmd::workshop::Actor;
use crate::exit::Exit;
use crate::model::mode::GROUP_OTHERS_WRITE;
use crate::model::plan::Plan;
use crate::model::raw_path::RawPath;
use crate::sys::dirfd::{Cut, read_bounded};

/// A plan of half a million entries; what is larger is something else.
const LARGEST: usize = 384 << 20;

/// Reads it.
///
/// # Errors
/// What is no regular file, is too large, could be changed by others, or is no plan.
pub fn read(path: &Path, us: &Actor) -> anyhow::Result<Vec<Plan>> {
    let shown = RawPath::from(path.as_os_str()).shown();
    let refuse = |why: &str| Refusal::usage(format!("--plan {shown}: {why}"));
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty())
        .map_err(|why| refuse(&std::io::Error::from(why).to_string()))?;
    let found = rustix::fs::fstat(&file).map_err(|why| refuse(&std::io::Error::from(why).to_string()))?;
    if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
        return Err(refuse("it is not a regular file"));
    }
    let trusted = [Some(us.uid), Some(0), us.login_uid, called_by(us)];
    if !trusted.contains(&Some(found.st_uid)) {
        return Err(refuse(&format!(
            "it belongs to uid {}, who could have written anything in it",
            found.st_uid
        )));
    }
    if found.st_mode & GROUP_OTHERS_WRITE != 0 {
        return Err(refuse("others may write to it; chmod go-w it once you have read it"));
    }
    let (text, cut) = read_bounded(&File::from(file), LARGEST).map_err(|why| refuse(&why.to_string()))?;
    if cut == Cut::Yes {
        return Err(refuse("it is larger than any plan"));
    }
    document::parse(&text).map_err(|why| match why {
        NotAPlan::Form(_) => refuse(&why.to_string()),
        NotAPlan::Changed(_) => {
            Refusal { exit: Exit::NotNow, message: format!("--plan {shown}: {why}") }.into()
        }
    })
}

/// Whoever called sudo; only root's own environment is asked.
fn called_by(us: &Actor) -> Option<u32> {
    if us.uid == 0 { variable("SUDO_UID")?.parse().ok() } else { None }
}
