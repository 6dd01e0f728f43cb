//! Whether a file system that may keep us waiting for ever answers: asked by a helper process, with a deadline, before we go
//! on to it ourselves, because what hangs there cannot be ended.

use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use super::ledger::Refused;
use crate::model::raw_path::RawPath;
use crate::sys::helper::{self, HelperError};
use crate::sys::{dirfd, stat};

/// The kind of the helper.
pub const HELPER: &str = "answers";
/// A server that is there answers within a fraction of that; one that is not is not worth more.
const PATIENCE: Duration = Duration::from_secs(2);

/// Refuses where the file system of that handle, of that mount and kind, is not known to answer.
pub fn ask(node: BorrowedFd<'_>, point: &[u8], kind: &[u8]) -> Result<(), Refused> {
    let request = format!("{}/fd/{}", std::process::id(), node.as_raw_fd());
    judged(&helper::ask(HELPER, request.as_bytes(), PATIENCE), point, kind)
}

fn judged(answer: &Result<Vec<u8>, HelperError>, point: &[u8], kind: &[u8]) -> Result<(), Refused> {
    let which = format!("{} ({})", RawPath::new(point).shown(), RawPath::new(kind).shown());
    Err(Refused::Kept(match answer {
        Ok(said) if said == b"yes" => return Ok(()),
        Ok(said) => {
            format!(
                "not known whether {which} answers ({}): nothing is done on it",
                RawPath::new(&said[..]).shown()
            )
        }
        Err(HelperError::Late { .. }) => {
            format!("{which} does not answer within {} s: nothing is done on it", PATIENCE.as_secs())
        }
        Err(other) => format!("not known whether {which} answers ({other}): nothing is done on it"),
    }))
}

/// What happens in the helper process: the handle of the other process is followed, and its file system asked for its room,
/// which no cache answers. Called by `cmd::helper`.
///
/// # Errors
/// Where the answer cannot be given.
pub fn serve(request: &[u8], out: &mut dyn Write) -> io::Result<()> {
    let asked = dirfd::open_trusted_dir(b"/proc")
        .and_then(|proc| dirfd::open_magic_dir(proc.as_fd(), request))
        .and_then(|node| stat::room(node.as_fd()));
    match asked {
        Ok(_) => out.write_all(b"yes"),
        Err(error) => out.write_all(error.to_string().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch;

    fn word(answer: &Result<Vec<u8>, HelperError>) -> Result<(), String> {
        judged(answer, b"/srv/share", b"nfs4").map_err(|why| match why {
            Refused::Kept(why) | Refused::Failed(_, why) => why,
        })
    }

    #[test]
    fn only_an_answer_lets_anybody_pass() {
        assert_eq!(word(&Ok(b"yes".to_vec())), Ok(()));
        let late = HelperError::Late { partial: Vec::new(), standing: None };
        let why = word(&Err(late)).unwrap_err();
        assert_eq!(why, "/srv/share (nfs4) does not answer within 2 s: nothing is done on it");
        let dead = HelperError::Died { how: "was killed by signal 9".into(), partial: b"yes".to_vec() };
        assert!(word(&Err(dead)).unwrap_err().contains("not known whether"));
        assert!(word(&Ok(b"Stale file handle".to_vec())).unwrap_err().contains("(Stale file handle)"));
        assert!(word(&Ok(Vec::new())).is_err());
    }

    #[test]
    fn the_helper_asks_the_file_system_of_a_handle_of_ours() {
        let dir = scratch::dir();
        let node = dirfd::open_resolved(scratch::bytes(&dir)).unwrap();
        let asked = |number: i32| {
            let mut said = Vec::new();
            serve(format!("{}/fd/{number}", std::process::id()).as_bytes(), &mut said).unwrap();
            String::from_utf8(said).unwrap()
        };
        assert_eq!(asked(node.as_raw_fd()), "yes");
        assert_ne!(asked(i32::MAX), "yes");
    }
}
