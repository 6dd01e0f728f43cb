//! A tree that is given to a runner: nothing else is given with it, and it comes back whole.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use tmpmedic::exec::journal::Journal;
use tmpmedic::exec::treat::{self, back};
use tmpmedic::exec::undo::Undone;
use tmpmedic::model::journal::WorkId;

use super::{begin, carry_out, gift, journal, plan, state, uid};
use crate::{needs, sandbox};

/// A tree of root with a hard link to a secret, a set-user-id file and a link out of it.
fn trap(dir: &Path) -> (PathBuf, PathBuf) {
    let (tree, secret) = (dir.join("tree"), dir.join("secret"));
    std::fs::create_dir_all(tree.join("deep/er")).unwrap();
    std::fs::write(&secret, "of root").unwrap();
    std::fs::hard_link(&secret, tree.join("innocent")).unwrap();
    std::fs::write(tree.join("suid"), "#!").unwrap();
    std::fs::set_permissions(tree.join("suid"), PermissionsExt::from_mode(0o4755)).unwrap();
    std::fs::write(tree.join("deep/er/plain"), "x").unwrap();
    std::os::unix::fs::symlink(dir.join("outside"), tree.join("link")).unwrap();
    std::fs::create_dir(dir.join("outside")).unwrap();
    (tree, secret)
}

#[test]
fn chown_gives_a_secret_away_and_give_to_runner_does_not() {
    needs!("chown");
    let control = sandbox::scratch();
    let (tree, secret) = trap(control.path());
    assert!(
        std::process::Command::new("chown").args(["-R", "4242:4242"]).arg(&tree).status().unwrap().success()
    );
    assert_eq!((uid(&secret), uid(&tree.join("suid"))), (4242, 4242), "the attack works against chown -R");

    let dir = sandbox::scratch();
    let (tree, secret) = trap(dir.path());
    let came = carry_out(dir.path(), "give-to-runner", gift(&tree));
    assert!(came.is_done(), "{came:?}");
    assert_eq!((uid(&secret), uid(&tree.join("suid")), uid(&dir.path().join("outside"))), (0, 0, 0));
    for given in ["", "deep", "deep/er", "deep/er/plain"] {
        assert_eq!(uid(&tree.join(given)), 4242, "{given}");
    }
    let told = came.told.join("\n");
    assert!(told.contains("innocent: has 2 names") && told.contains("suid: has a set-id bit"), "{told}");
    assert!(told.contains("link: a link is left alone"), "{told}");
}

#[test]
fn what_is_moved_into_a_tree_while_it_is_given_stays_with_its_owner() {
    needs!();
    let dir = sandbox::scratch();
    let (tree, his) = (dir.path().join("tree"), dir.path().join("his"));
    for made in ["tree/sub", "tree/own", "his"] {
        std::fs::create_dir_all(dir.path().join(made)).unwrap();
    }
    for made in ["tree/plain", "secret", "his/other", "more"] {
        std::fs::write(dir.path().join(made), "of root").unwrap();
    }
    for own in [&his, &tree.join("own")] {
        std::os::unix::fs::chown(own, Some(4242), Some(4242)).unwrap();
    }
    // He may rename what lies in his own directories, whosever it is.
    let moves = [("secret", "sub/secret"), ("his", "sub/his"), ("more", "own/more")];
    // It is asked before the deed once, and in its walk from then on.
    let asked = AtomicU64::new(0);
    let goes_on = || {
        if asked.fetch_add(1, Ordering::Relaxed) == 1 {
            for (from, to) in moves {
                std::fs::rename(dir.path().join(from), tree.join(to)).unwrap();
            }
        }
        true
    };
    let mut journal = Journal::open(std::os::fd::AsFd::as_fd(&state(dir.path())), 0).unwrap().journal;
    begin(&mut journal, WorkId(1), "give-to-runner");
    let plan = plan("give-to-runner", gift(&tree));
    let came = treat::treat_while(&plan, (&mut journal, WorkId(1)), 0, &goes_on, &mut |_, _| {}).unwrap();
    assert!(asked.load(Ordering::Relaxed) > 2, "they came while it walked");
    for secret in ["sub/secret", "sub/his/other", "own/more"] {
        assert_eq!(uid(&tree.join(secret)), 0, "{secret}: {came:?}");
    }
    assert_eq!((uid(&tree), uid(&tree.join("plain"))), (4242, 4242), "{came:?}");
    assert!(came[0].told.iter().any(|told| told.contains("while the tree was being given")), "{came:?}");
}

#[test]
fn taking_a_gift_back_leaves_what_the_runner_wrote_since() {
    needs!();
    let dir = sandbox::scratch();
    let tree = dir.path().join("tree");
    std::fs::create_dir(&tree).unwrap();
    for name in ["kept", "written"] {
        std::fs::write(tree.join(name), "of root").unwrap();
    }
    for name in ["", "kept", "written"] {
        let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        std::fs::File::open(tree.join(name)).unwrap().set_modified(long_ago).unwrap();
    }
    assert!(carry_out(dir.path(), "give-to-runner", gift(&tree)).is_done());
    std::fs::write(tree.join("written"), "of an attacker").unwrap();
    let undone = take_back(dir.path());
    assert_eq!(undone.left.len(), 1, "{undone:?}");
    assert_eq!((uid(&tree.join("kept")), uid(&tree.join("written"))), (0, 4242));
}

/// A tree of root's that was given away long after it was made, and the work that did it.
fn given(dir: &Path) -> PathBuf {
    let tree = dir.join("tree");
    std::fs::create_dir_all(tree.join("deep")).unwrap();
    std::fs::write(tree.join("deep/plain"), "of root").unwrap();
    std::fs::write(tree.join("twin"), "of root").unwrap();
    std::fs::hard_link(tree.join("twin"), dir.join("other name")).unwrap();
    std::fs::write(dir.join("elsewhere"), "of root").unwrap();
    // Stamps are those of the last tick.
    let made = std::fs::symlink_metadata(dir.join("elsewhere")).unwrap();
    let probe = dir.join("probe");
    loop {
        std::fs::write(&probe, "x").unwrap();
        let now = std::fs::symlink_metadata(&probe).unwrap();
        if (now.ctime() - made.ctime()) * 1_000_000_000 + now.ctime_nsec() - made.ctime_nsec() > 50_000_000 {
            break;
        }
    }
    assert!(carry_out(dir, "give-to-runner", gift(&tree)).is_done());
    tree
}

fn take_back(dir: &Path) -> Undone {
    let mut opened = journal(dir);
    begin(&mut opened.journal, WorkId(2), "undo");
    back::take_back(&mut opened.journal, &opened.records, WorkId(1), WorkId(2)).unwrap()
}

#[test]
fn a_gift_comes_back_whole_though_its_proof_made_and_removed_a_temp_dir_there() {
    needs!();
    let dir = sandbox::scratch();
    let tree = given(dir.path());
    for place in ["", "deep"] {
        std::fs::create_dir(tree.join(place).join("proof")).unwrap();
        std::fs::remove_dir(tree.join(place).join("proof")).unwrap();
    }
    let undone = take_back(dir.path());
    assert_eq!(undone.left, [], "{undone:?}");
    for path in ["", "deep", "deep/plain", "twin"] {
        assert_eq!(uid(&tree.join(path)), 0, "{path}");
    }
}

#[test]
fn a_directory_into_which_something_came_or_may_come_stays_with_the_runner() {
    needs!();
    let change = |how: &dyn Fn(&Path, &Path)| {
        let dir = sandbox::scratch();
        let tree = given(dir.path());
        how(dir.path(), &tree);
        let undone = take_back(dir.path());
        let plain = std::fs::symlink_metadata(tree.join("deep/plain")).map(|found| found.uid()).ok();
        (uid(&tree), plain, undone)
    };
    let made = change(&|_, tree| std::fs::write(tree.join("build"), "of the runner").unwrap());
    assert_eq!((made.0, made.1), (4242, Some(0)), "{made:?}");
    assert!(made.2.left[0].1.contains("build came into it since"), "{made:?}");
    let moved = change(&|dir, tree| std::fs::rename(dir.join("elsewhere"), tree.join("config")).unwrap());
    assert_eq!(moved.0, 4242, "somebody else's file under a name that the runner chose: {moved:?}");
    let renamed = change(&|_, tree| std::fs::rename(tree.join("deep"), tree.join("bin")).unwrap());
    assert_eq!(renamed.0, 4242, "{renamed:?}");
    let opened = change(&|_, tree| std::fs::set_permissions(tree, PermissionsExt::from_mode(0o777)).unwrap());
    assert_eq!(opened.0, 4242, "{opened:?}");
    // One entry: version 2; the owner rwx, user 4243 rwx, the group r-x, mask rwx, others r-x.
    let entries: [(u16, u16, u32); 5] =
        [(1, 7, u32::MAX), (2, 7, 4243), (4, 5, u32::MAX), (0x10, 7, u32::MAX), (0x20, 5, u32::MAX)];
    let mut acl = 2_u32.to_le_bytes().to_vec();
    for (tag, permission, id) in entries {
        acl.extend([tag.to_le_bytes(), permission.to_le_bytes()].concat());
        acl.extend(id.to_le_bytes());
    }
    let with_acl = change(&|_, tree| {
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(tree, "system.posix_acl_default", &acl, flags).unwrap();
    });
    assert_eq!(with_acl.0, 4242, "new files would be another's: {with_acl:?}");
}
