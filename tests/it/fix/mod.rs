//! The guided actions through the binary, each on a machine that is broken for real, and against those who race it.

mod gifts;
pub mod races;
mod runs;

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use tmpmedic::exec::journal::{Journal, JournalError, Opened};
use tmpmedic::exec::treat::{self, Came};
use tmpmedic::model::journal::{Record, WorkId};
use tmpmedic::model::mount::Device;
use tmpmedic::model::treatment::{Deed, Inode, Treatment, Way};

use crate::specimen;

/// A plan with one deed.
pub fn plan(action: &str, deed: Deed) -> Treatment {
    treat::seal(specimen::treatment(action, deed))
}

/// A piece of work begins.
pub fn begin(journal: &mut Journal, work: WorkId, action: &str) {
    journal.add(&Record::Begin(specimen::begin(work, action))).unwrap();
}

fn state(dir: &Path) -> std::fs::File {
    let state = dir.join("state");
    if !state.exists() {
        std::fs::create_dir(&state).unwrap();
        std::fs::set_permissions(&state, PermissionsExt::from_mode(0o700)).unwrap();
    }
    std::fs::File::open(state).unwrap()
}

/// Its journal. A child that another test is about to start holds the lock of one that was closed, until it is executed.
fn journal(dir: &Path) -> Opened {
    use std::os::fd::AsFd;
    loop {
        match Journal::open(state(dir).as_fd(), 0) {
            Err(JournalError::Busy) => std::thread::yield_now(),
            other => return other.unwrap(),
        }
    }
}

fn carry_out(dir: &Path, action: &str, deed: Deed) -> Came {
    let mut opened = journal(dir);
    let work = WorkId(opened.records.iter().filter(|r| matches!(r, Record::Begin(_))).count() as u64 + 1);
    begin(&mut opened.journal, work, action);
    treat::treat(&plan(action, deed), (&mut opened.journal, work), 0, &mut |_, _| {}).unwrap().remove(0)
}

fn gift(tree: &Path) -> Deed {
    let found = std::fs::symlink_metadata(tree).unwrap();
    let device = Device { major: rustix::fs::major(found.dev()), minor: rustix::fs::minor(found.dev()) };
    let inode = Inode { device, inode: found.ino() };
    Deed::GiveTree {
        at: Way { by: None, path: tree.as_os_str().into() },
        inode,
        old_uid: 0,
        uid: 4242,
        gid: 4242,
    }
}

fn uid(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().uid()
}
