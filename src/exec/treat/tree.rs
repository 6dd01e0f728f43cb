//! A tree that one user left, given to another: by handles, on one mount, through no link.
//!
//! Whoever may write in the tree wants us to give away what is not in it. So an object is given only through the handle
//! that it was looked at by, and only if it belonged to the old owner, is a directory or a file with one name, and gives
//! nobody rights when executed. And nothing that changed since we began, by its ctime, which a rename sets: whoever may
//! rename what is root's (it lies in a directory of his) could put it into our way at any moment. What lay in the tree
//! before is what the plan showed. Source: CVE-2017-18078 (hard links), CVE-2018-6954 (links on the way), CVE-2018-15687 (a look
//! and an act by name).

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use super::ledger::{Changed, Ledger, Refused};
use super::{rights, way};
use crate::exec::journal::JournalError;
use crate::exec::object;
use crate::model::journal::Change;
use crate::model::plan::ObjectId;
use crate::model::raw_path::RawPath;
use crate::model::treatment::{Inode, Way};
use crate::sys::getdents::Listing;
use crate::sys::stat::{self, Stat};
use crate::sys::{clock, dirfd, enter, hands};

/// How many objects share one sync of the journal; each is held by a descriptor meanwhile.
const BATCH: usize = 64;
/// How deep a tree may be; each level takes a descriptor.
const LEVELS: usize = 256;
/// What is told one by one.
const TOLD: usize = 50;
/// Set-user-id and set-group-id.
const GIVES_RIGHTS: u32 = 0o6000;

/// Why something is left.
const NEW: &str = "changed or came here while the tree was being given; once more takes it along";

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
struct Giving {
    gift: Gift,
    /// What changed later is left alone.
    began: i64,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Given {
    /// How many objects.
    pub objects: u64,
    /// What was left alone, and why.
    pub left: Vec<String>,
    /// Whether it was stopped before its end.
    pub stopped: bool,
}

struct Walk<'a, 'b> {
    ledger: &'a mut Ledger<'b>,
    giving: Giving,
    goes_on: &'a dyn Fn() -> bool,
    given: Given,
    unsaid: u64,
    waiting: Vec<Item>,
}

struct Item {
    node: OwnedFd,
    path: RawPath,
    object: ObjectId,
    from: (u32, u32),
}

/// Gives the tree.
pub fn give(
    ledger: &mut Ledger<'_>,
    at: &Way,
    inode: Inode,
    gift: Gift,
    goes_on: &dyn Fn() -> bool,
) -> Result<Result<Given, Refused>, JournalError> {
    let top = find(at, inode).and_then(|(node, object, found)| {
        let listing = dirfd::reopen_listing(node.as_fd()).map_err(Refused::at("cannot list it"))?;
        Ok((node, listing, object, found))
    });
    let (node, listing, object, found) = match top {
        Ok(top) => top,
        Err(refused) => return Ok(Err(refused)),
    };
    let giving = Giving { gift, began: clock::between_stamps() };
    let mut walk = Walk { ledger, giving, goes_on, given: Given::default(), unsaid: 0, waiting: Vec::new() };
    let path = at.reached();
    if !walk.take(node, path.clone(), object, &found)? {
        return Ok(Err(Refused::Kept(format!("it belongs to uid {} by now", found.uid))));
    }
    walk.below(listing, path)?;
    walk.flush()?;
    if walk.unsaid > 0 {
        walk.given.left.push(format!("and {} more", walk.unsaid));
    }
    Ok(Ok(walk.given))
}

/// The planned directory.
pub fn find(at: &Way, inode: Inode) -> Result<(OwnedFd, ObjectId, Stat), Refused> {
    let node = way::node(at)?;
    let (object, found) = object::of(node.as_fd()).map_err(Refused::at("cannot look at it"))?;
    if object.device != inode.device || object.inode != inode.inode || !found.is_directory() {
        return Err(Refused::Kept("another object has its name since the plan was made".to_owned()));
    }
    Ok((node, object, found))
}

impl Walk<'_, '_> {
    /// Depth first, one descriptor for each level.
    fn below(&mut self, top: OwnedFd, path: RawPath) -> Result<(), JournalError> {
        let names = self.names(top.as_fd(), &path);
        let mut levels = vec![(top, path, names)];
        while let Some((dir, path, names)) = levels.last_mut() {
            if !(self.goes_on)() {
                self.given.stopped = true;
                return Ok(());
            }
            let Some(name) = names.pop() else {
                levels.pop();
                continue;
            };
            let here = path.join(&name);
            let node = match enter::node(dir.as_fd(), &name) {
                Ok(node) => node,
                Err(error) => {
                    self.left(&here, &unentered(&error));
                    continue;
                }
            };
            let (object, found) = match object::of(node.as_fd()) {
                Ok(found) => found,
                Err(error) => {
                    self.left(&here, &error.to_string());
                    continue;
                }
            };
            let inner = if found.is_directory() { Some(enter::listing(dir.as_fd(), &name)) } else { None };
            if !self.take(node, here.clone(), object, &found)? {
                continue;
            }
            match inner {
                Some(Ok(_)) if levels.len() >= LEVELS => {
                    self.left(&here, &format!("deeper than {LEVELS} levels"));
                }
                Some(Ok(listing)) if is_same(listing.as_fd(), &object) => {
                    let names = self.names(listing.as_fd(), &here);
                    levels.push((listing, here, names));
                }
                Some(Ok(_)) => self.left(&here, "another directory has its name by now"),
                Some(Err(error)) => self.left(&here, &unentered(&error)),
                None => {}
            }
        }
        Ok(())
    }

    fn names(&mut self, dir: BorrowedFd<'_>, path: &RawPath) -> Vec<Vec<u8>> {
        let mut buffer = Vec::with_capacity(32 << 10);
        let mut listing = Listing::new(dir, &mut buffer);
        let mut names = Vec::new();
        while let Some(entry) = listing.next() {
            match entry {
                Ok(entry) if entry.is_dot() => {}
                Ok(entry) => names.push(entry.name().to_bytes().to_vec()),
                Err(error) => {
                    self.left(path, &error.to_string());
                    break;
                }
            }
        }
        names
    }

    /// Whether what lies below may be walked: it is, or will be, the new owner's directory, or no directory at all.
    fn take(
        &mut self,
        node: OwnedFd,
        path: RawPath,
        object: ObjectId,
        found: &Stat,
    ) -> Result<bool, JournalError> {
        if found.uid == self.giving.gift.uid {
            // Also his own directory may just have come here, with what is root's in it.
            let may_enter = found.is_directory() && !self.giving.is_new(found);
            if found.is_directory() && !may_enter {
                self.left(&path, NEW);
            }
            return Ok(may_enter);
        }
        if let Some(why) = self.giving.why_not(node.as_fd(), found) {
            self.left(&path, &why);
            return Ok(false);
        }
        self.waiting.push(Item { node, path, object, from: (found.uid, found.gid) });
        if self.waiting.len() >= BATCH {
            self.flush()?;
        }
        Ok(true)
    }

    fn flush(&mut self) -> Result<(), JournalError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let items = std::mem::take(&mut self.waiting);
        let giving = self.giving;
        let to = (giving.gift.uid, giving.gift.gid);
        let changes = items.iter().map(|item| Change::Owner {
            path: item.path.clone(),
            object: item.object,
            from: item.from,
            to,
        });
        let all = self.ledger.batch(changes.collect(), |at| {
            items.get(at).map_or(Ok(None), |item| one(item.node.as_fd(), item.from, giving))
        })?;
        for (item, changed) in items.iter().zip(all) {
            match changed {
                Ok(_) => self.given.objects += 1,
                Err(refused) => self.left(&item.path, refused.why()),
            }
        }
        Ok(())
    }

    fn left(&mut self, path: &RawPath, why: &str) {
        if self.given.left.len() < TOLD {
            self.given.left.push(format!("{}: {why}", path.shown()));
        } else {
            self.unsaid += 1;
        }
    }
}

/// Looks once more through the handle, gives, and looks whether it got a second name in that moment.
fn one(node: BorrowedFd<'_>, from: (u32, u32), giving: Giving) -> Changed {
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
    fn is_new(&self, found: &Stat) -> bool {
        found.changed > self.began
    }

    fn why_not(&self, node: BorrowedFd<'_>, found: &Stat) -> Option<String> {
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

fn is_same(dir: BorrowedFd<'_>, wanted: &ObjectId) -> bool {
    object::of(dir).is_ok_and(|(found, _)| found == *wanted)
}

fn unentered(error: &io::Error) -> String {
    if error.raw_os_error() == Some(Errno::XDEV.raw_os_error()) {
        return "another mount begins here".to_owned();
    }
    error.to_string()
}
