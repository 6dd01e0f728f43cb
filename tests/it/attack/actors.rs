//! Programs that the sandboxes start: this test binary, asked for one ignored test by name.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use tmpmedic::exec::journal::Journal;
use tmpmedic::exec::treat;
use tmpmedic::model::journal::{Record, WorkId};
use tmpmedic::model::mount::Device;
use tmpmedic::model::treatment::{Deed, Inode, Way};
use tmpmedic::model::units::WallNanos;

use super::ground::ATTACKER;
use crate::fix;

fn tree() -> PathBuf {
    std::env::var_os("TREE").expect("it is told which").into()
}

/// What a first draft does: lists, looks and removes by path.
fn remove(path: &Path) {
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path());
        } else {
            std::fs::remove_file(entry.path()).ok();
        }
    }
    std::fs::remove_dir(path).ok();
}

#[test]
#[ignore = "an actor: removes a tree"]
fn removes_by_path() {
    remove(&tree());
}

/// The same with owners.
fn give(path: &Path) {
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        lchown(entry.path(), Some(ATTACKER), Some(ATTACKER)).ok();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            give(&entry.path());
        }
    }
}

#[test]
#[ignore = "an actor: gives a tree away"]
fn gives_by_path() {
    give(&tree());
}

/// The deed of `give-to-runner`, in the journal of the machine: the finding it belongs to takes a container.
#[test]
#[ignore = "an actor: gives a tree away"]
fn gives_a_tree_away() {
    let tree = tree();
    let Ok(found) = std::fs::symlink_metadata(&tree) else { return };
    let device = Device { major: rustix::fs::major(found.dev()), minor: rustix::fs::minor(found.dev()) };
    let deed = Deed::GiveTree {
        at: Way { by: None, path: tree.as_os_str().into() },
        inode: Inode { device, inode: found.ino() },
        old_uid: 0,
        uid: ATTACKER,
        gid: ATTACKER,
    };
    let state = Path::new("/var/lib/tmpmedic");
    std::fs::create_dir_all(state).unwrap();
    std::fs::set_permissions(state, PermissionsExt::from_mode(0o700)).unwrap();
    let mut journal = Journal::open(File::open(state).unwrap().as_fd(), 0).unwrap().journal;
    let (work, action) = (WorkId(1), "give-to-runner");
    fix::begin(&mut journal, work, action);
    let plan = fix::plan(action, deed);
    treat::treat(&plan, (&mut journal, work), 0, &mut |_, _| {}).unwrap();
    journal.add(&Record::End { work, time: WallNanos(0), before: Vec::new(), after: Vec::new() }).unwrap();
}

fn root() -> PathBuf {
    std::env::var_os("GROUND").expect("it is told where").into()
}

fn is_full() -> bool {
    std::env::var_os("TMPMEDIC_ATTACK").is_some_and(|how| how == "full")
}

#[test]
#[ignore = "an actor: attacks every gap on a ground of its own"]
fn attacks_every_gap() {
    super::print(&super::sweep::all(&root(), [12, 16].map(|count| (!is_full()).then_some(count))));
}

#[test]
#[ignore = "an actor: kills tmpmedic everywhere"]
fn kills_it_everywhere() {
    use super::sweep::Flow;
    let (calls, moments) = match (is_full(), std::env::var("WHEN").as_deref()) {
        (true, _) => (None, 200),
        (false, Ok("at-calls")) => (Some(16), 0),
        (false, _) => (Some(3), 20),
    };
    let flows = [Flow::Clean, Flow::Delete, Flow::Purge, Flow::Undo];
    super::print(&flows.map(|flow| super::kill::kill(&root(), flow, calls, moments)));
}

#[test]
#[ignore = "an actor: starts a second tmpmedic beside one that stands still"]
fn starts_a_second_one() {
    use super::sweep::Flow;
    let flows = [Flow::Clean, Flow::Delete, Flow::Purge, Flow::Undo];
    super::print(&flows.map(|flow| super::kill::excludes(&root(), flow)));
}

#[test]
#[ignore = "an actor: races tmpmedic"]
fn races() {
    let (enough, seconds) = if is_full() { (60, 40) } else { (8, 12) };
    super::print(&super::race::all(&root(), enough, std::time::Duration::from_secs(seconds)));
}

#[test]
#[ignore = "an actor: takes a name again"]
fn takes_a_name_again() {
    super::print(&[0, ATTACKER].map(|owner| super::sweep::squat(&root(), owner)));
}

#[test]
#[ignore = "an actor: attacks every gap of a rebind"]
fn attacks_a_rebind() {
    super::print(&[super::rebind::sweep((!is_full()).then_some(16))]);
}
