//! The tables of other namespaces: unix sockets of a network namespace, mounts of a mount namespace in which nobody lives.
//!
//! They can be seen from inside only, and whoever joins a namespace changes what he is, so a helper process goes. [`serve`]
//! is its body.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::collect::budget::Until;
use crate::model::errno::Errno;
use crate::model::process::Pid;
use crate::model::raw_path::{RawPath, RawText};
use crate::model::reading::{GapWhy, Seen};
use crate::model::surroundings::ClaimKind;
use crate::model::units::Millis;
use crate::sys::dirfd;
use crate::sys::elsewhere::{self, Kind};
use crate::sys::helper::{self, HelperError};
use crate::sys::stat::{self, Stat};
use crate::sys::unix_diag::{self, Bound};

/// The kind of helper by which [`serve`] is reached.
pub const HELPER: &str = "elsewhere";

/// A thousand namespaces take that long.
const PATIENCE: Duration = Duration::from_secs(2);
/// More than a table of 100,000 mounts.
const TABLE_MAX: usize = 32 << 20;

/// The links of a process that lead to where it stands.
pub const LINKS: [(ClaimKind, &str); 3] =
    [(ClaimKind::Cwd, "cwd"), (ClaimKind::Root, "root"), (ClaimKind::Exe, "exe")];

/// A namespace to look into, or a process to look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Door {
    /// A network namespace: a link below `/proc`, or an absolute path on which it is mounted.
    Net(RawPath),
    /// The same for a mount namespace.
    Mounts(RawPath),
    /// A process: what its working directory, root and program are, whatever their paths say.
    Stands(Pid),
}

/// What was seen there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// Its inode and its bound sockets.
    Sockets(u64, Vec<Bound>),
    /// Its inode and its mount table, verbatim.
    Mounts(u64, RawText),
    /// Those of the three that it has.
    Stands(Vec<Standing>),
    /// It could not be seen.
    Unseen(Errno),
}

/// An object that a process stands in, as the object itself tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Standing {
    /// Which of its links.
    pub kind: ClaimKind,
    /// Through which mount it is seen, where the kernel tells.
    pub mount_id: Option<u64>,
    /// Its device, as stat(2) has it.
    pub device: (u32, u32),
    /// Its inode.
    pub inode: u64,
}

/// Asks a helper to look through doors; one answer for each.
pub fn ask(doors: &[Door], until: Until<'_>) -> Vec<Seen<View>> {
    if doors.is_empty() {
        return Vec::new();
    }
    let patience = PATIENCE.min(until.left());
    let after = Millis(u64::try_from(patience.as_millis()).unwrap_or(u64::MAX));
    let Ok(request) = serde_json::to_vec(doors) else { return vec![Err(GapWhy::NotAsked); doors.len()] };
    let (answer, why) = match helper::ask_while(HELPER, &request, patience, until.goes_on()) {
        Ok(answer) => (answer, GapWhy::Malformed { line: "the helper said too little".to_owned() }),
        Err(HelperError::Late { partial, .. }) => (partial, GapWhy::Hung { after }),
        Err(HelperError::Died { how, partial }) => (partial, GapWhy::Malformed { line: how }),
        Err(HelperError::Spawn(error)) => (Vec::new(), error.into()),
    };
    understand(&answer, doors.len(), &why)
}

fn understand(answer: &[u8], count: usize, missing: &GapWhy) -> Vec<Seen<View>> {
    let mut found = vec![Err(missing.clone()); count];
    for line in answer.split_inclusive(|b| *b == b'\n').filter(|line| line.ends_with(b"\n")) {
        let Ok((at, view)) = serde_json::from_slice::<(usize, View)>(line) else { continue };
        if let Some(slot) = found.get_mut(at) {
            *slot = match view {
                View::Unseen(errno) => Err(GapWhy::from_errno(errno)),
                view => Ok(view),
            };
        }
    }
    found
}

/// The helper's part: a line for each door, processes first and network namespaces next, because the way back out of a
/// namespace is longer than anybody needs.
///
/// # Errors
/// Where the answer cannot be written, the request is none, or there is no procfs.
pub fn serve(request: &[u8], out: &mut dyn Write) -> io::Result<()> {
    let doors: Vec<Door> = serde_json::from_slice(request)?;
    let proc = dirfd::open_trusted_dir(b"/proc")?;
    let numbered = || doors.iter().enumerate();
    let stands = numbered().filter(|(_, door)| matches!(door, Door::Stands(_)));
    let net = numbered().filter(|(_, door)| matches!(door, Door::Net(_)));
    let mounts = numbered().filter(|(_, door)| matches!(door, Door::Mounts(_)));
    for (at, door) in stands.chain(net).chain(mounts) {
        let view = look(&proc, door).unwrap_or_else(|error| View::Unseen(Errno::from(error)));
        let mut line = serde_json::to_vec(&(at, view))?;
        line.push(b'\n');
        out.write_all(&line)?;
        out.flush()?;
    }
    Ok(())
}

fn look(proc: &impl AsFd, door: &Door) -> io::Result<View> {
    match door {
        Door::Net(way) => {
            let inode = elsewhere::join(proc.as_fd(), way.as_bytes(), Kind::Net)?;
            unix_diag::bound().map(|bound| View::Sockets(inode, bound))
        }
        Door::Mounts(way) => {
            let inode = elsewhere::join(proc.as_fd(), way.as_bytes(), Kind::Mount)?;
            let file = dirfd::open_procfs_file(proc.as_fd(), b"self/mountinfo")?;
            let (text, _) = dirfd::read_bounded(&file, TABLE_MAX)?;
            Ok(View::Mounts(inode, RawText::new(text)))
        }
        Door::Stands(pid) => stands(proc.as_fd(), &format!("{pid}/")).map(View::Stands),
    }
}

/// Where a process stands, by its links below `dir`.
///
/// # Errors
/// Those of statx(2).
pub fn stands(dir: BorrowedFd<'_>, before: &str) -> io::Result<Vec<Standing>> {
    let mut found = Vec::new();
    for (kind, name) in LINKS {
        match stat::through_magic(dir, format!("{before}{name}").as_bytes()) {
            Ok(stat) => {
                let Stat { mount_id, device, inode, .. } = stat;
                found.push(Standing { kind, mount_id, device, inode });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_of_each_door_what_is_behind_it_or_why_not() {
        let doors = [Door::Net("self/ns/net".into()), Door::Net("no-such/ns/net".into())];
        let mut answer = Vec::new();
        let request = serde_json::to_vec(&doors[1..]).unwrap();
        serve(&request, &mut answer).unwrap();
        let found = understand(&answer, 2, &GapWhy::NotAsked);
        assert_eq!(found, [Err(GapWhy::Vanished), Err(GapWhy::NotAsked)]);
    }

    #[test]
    fn half_a_line_is_no_answer() {
        assert_eq!(understand(b"[0,{\"sockets\":[1,[]]}]", 1, &GapWhy::NotAsked), [Err(GapWhy::NotAsked)]);
        let whole =
            understand(b"[0,{\"sockets\":[1,[]]}]\n[7,{\"unseen\":\"EPERM\"}]\nx\n", 1, &GapWhy::NotAsked);
        assert_eq!(whole, [Ok(View::Sockets(1, Vec::new()))]);
    }
}
