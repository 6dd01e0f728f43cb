//! A way as certain credentials meet it: how far they come, to which directory, with how much room.
//!
//! The way itself was walked once for all (`collect::way`). Called by `collect::vantages`.

use crate::collect::owners::{self, EXECUTE, Who};
use crate::collect::way::{End, Way};
use crate::model::errno::Errno;
use crate::model::raw_path::RawPath;
use crate::model::reading::{GapWhy, Seen};
use crate::model::units::{Bytes, Entries};
use crate::model::vantage::{Component, Identity, Kind, Space};
use crate::sys::stat::Room;
use crate::sys::walk::Step;

/// A way as certain credentials meet it.
pub struct Judged {
    /// Its steps, to where they come.
    pub walked: Vec<Component>,
    /// Whether they come to the directory itself, even if they may do nothing in it.
    pub arrived: bool,
}

/// Adds to each step whether these credentials may search it, and ends the way where they may not.
pub fn judge(way: &Way, who: Who<'_>) -> Judged {
    let mut walked: Vec<Component> = Vec::with_capacity(way.steps.len());
    for (at, step) in way.steps.iter().enumerate() {
        let component = component(step, who);
        let denied = component.search == Some(false);
        walked.push(component);
        if denied && at + 1 < way.steps.len() {
            return Judged { walked, arrived: false };
        }
    }
    Judged { arrived: way.arrived(), walked }
}

fn component(step: &Step, who: Who<'_>) -> Component {
    let facts = owners::facts_of(step);
    let directory = facts.as_ref().filter(|f| f.kind == Kind::Directory);
    let search = directory.map(|f| who.may(f, EXECUTE));
    let denied = (search == Some(false)).then_some(Errno::EACCES);
    Component {
        path: RawPath::from(step.path.as_slice()),
        facts,
        link: step.link.as_deref().map(RawPath::from),
        mount_point: step.mounts,
        search,
        error: step.errno.map(Errno).or(denied),
    }
}

impl Judged {
    /// Whether what is there is no directory.
    pub fn is_file(&self) -> bool {
        self.walked.last().is_some_and(|c| c.error == Some(Errno::ENOTDIR))
    }

    /// Which directory they come to.
    pub fn identity(&self, way: &Way) -> Seen<Identity> {
        let reached = way.steps.last().and_then(|step| step.stat.as_ref()).filter(|_| self.arrived);
        let identity = reached.map(|stat| Identity {
            device: owners::device(stat.device),
            inode: stat.inode,
            mount_id: stat.mount_id,
        });
        identity.ok_or_else(|| self.why_not(way))
    }

    /// How much room is there.
    pub fn space(&self, way: &Way) -> Seen<Space> {
        match &way.end {
            End::Arrived(Ok(room)) if self.arrived => Ok(space_of(room)),
            End::Arrived(Err(errno)) if self.arrived => Err(GapWhy::from_errno(*errno)),
            _ => Err(self.why_not(way)),
        }
    }

    /// Why there is no directory at the end, as far as it is known.
    fn why_not(&self, way: &Way) -> GapWhy {
        match (self.walked.iter().find_map(|c| c.error), &way.end) {
            (Some(Errno::ENOENT), _) => GapWhy::Absent,
            (Some(errno), _) => GapWhy::Os(errno),
            (None, End::Unseen(why)) => why.clone(),
            (None, _) => GapWhy::NotAsked,
        }
    }
}

/// Room as the model holds it.
fn space_of(room: &Room) -> Space {
    Space {
        total: Bytes(room.total),
        free: Bytes(room.free),
        available: Bytes(room.available),
        inodes: Entries(room.inodes),
        inodes_free: Entries(room.inodes_free),
        read_only: room.read_only,
        no_exec: room.no_exec,
    }
}
