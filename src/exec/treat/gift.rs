//! Which object of a tree may be given, and giving it.

use std::os::fd::BorrowedFd;

use super::ledger::{Changed, Refused};
use super::rights;
use crate::sys::stat::{self, Stat};
use crate::sys::{dirfd, hands};

/// Set-user-id and set-group-id.
const GIVES_RIGHTS: u32 = 0o6000;

/// Why something is left.
pub const NEW: &str = "changed or came here while the tree was being given; once more takes it along";

/// From whom to whom.
#[derive(Clone, Copy, Debug)]
pub struct Gift {
    /// Whose objects.
    pub old_uid: u32,
    /// To whom.
    pub uid: u32,
    /// To which group.
    pub gid: u32,
}

/// A gift as it is carried out.
#[derive(Clone, Copy, Debug)]
pub struct Giving {
    /// From whom to whom.
    pub gift: Gift,
    /// What changed later is left alone.
    pub began: i64,
}

/// Looks once more through the handle, gives, and looks whether it got a second name in that moment.
pub fn one(node: BorrowedFd<'_>, from: (u32, u32), giving: Giving) -> Changed {
    let look = || stat::of(node).map_err(Refused::at("cannot look at it"));
    let found = look()?;
    if let Some(why) = giving.why_not(node, &found) {
        return Err(Refused::Kept(why));
    }
    let changed = rights::give(node, (giving.gift.uid, giving.gift.gid))?;
    if found.is_regular() && look()?.links != 1 {
        hands::give(node, from.0, from.1).map_err(Refused::at("cannot take it back"))?;
        return Err(Refused::Kept("it got a second name meanwhile (a hard link)".to_owned()));
    }
    Ok(changed)
}

impl Giving {
    /// Whether it changed, or came here, since.
    pub fn is_new(&self, found: &Stat) -> bool {
        found.changed > self.began
    }

    /// Why it is left alone, where it is.
    pub fn why_not(&self, node: BorrowedFd<'_>, found: &Stat) -> Option<String> {
        if found.uid != self.gift.old_uid {
            return Some(format!("belongs to uid {}", found.uid));
        }
        if self.is_new(found) {
            return Some(NEW.to_owned());
        }
        if found.is_directory() {
            return None;
        }
        if found.is_link() {
            return Some("a link is left alone".to_owned());
        }
        if !found.is_regular() {
            return Some("neither a file nor a directory".to_owned());
        }
        if found.links != 1 {
            return Some(format!("has {} names (hard links), one of which may be elsewhere", found.links));
        }
        if found.mode & GIVES_RIGHTS != 0 {
            return Some(format!("has a set-id bit (mode {:04o})", found.mode & 0o7777));
        }
        match dirfd::attribute(node, "security.capability") {
            Ok(None) => None,
            Ok(Some(_)) => Some("has capabilities".to_owned()),
            Err(error) => Some(format!("whether it has capabilities is not known: {error}")),
        }
    }
}
