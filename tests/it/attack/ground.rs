//! The ground that is fought over: a temp dir, a canary beside it with the same names, and an attacker's directory, all on
//! one file system, so that nothing is told apart by its device.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, XattrFlags};

use super::facts::{Facts, facts};
use super::sweep::Flow;

/// What is built in the temp dir, and in the canary under the same names.
const FILES: [&str; 6] = ["sub/f1", "sub/f2", "sub/f3", "sub/deep/g1", "sub/deep/g2", "file"];
/// Who attacks, and who else there is.
pub const ATTACKER: u32 = 4242;
const VICTIM: u32 = 4343;
/// Of the entry that is cleaned.
pub const ENTRY: &str = "go-build1";

/// What an attacker does in a gap between two calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// A directory in the tree becomes a link to the canary.
    Link,
    /// The entry itself becomes one.
    Top,
    /// Somebody else's fresh tree takes the name of the entry.
    Razor,
    /// The directory that is walked is moved out of the tree.
    MoveOut,
    /// The canary is mounted into the tree.
    Bind,
    /// A file becomes a second name of one of the canary's.
    HardLink,
    /// The temp dir itself becomes a link to the canary: more than any attacker can do.
    Parent,
}

/// All of them.
pub const ATTACKS: [Attack; 7] = [
    Attack::Link,
    Attack::Top,
    Attack::Razor,
    Attack::MoveOut,
    Attack::Bind,
    Attack::HardLink,
    Attack::Parent,
];

/// The ground.
pub struct Ground {
    /// Its top: the mount point of a file system of its own.
    pub root: PathBuf,
    canary: Facts,
    kept: Facts,
    victim: Facts,
    /// What is planned to go, by inode.
    pub planned: BTreeSet<u64>,
    sub: u64,
    deep: u64,
    file: u64,
}

fn tree(top: &Path, text: &str, owner: u32) {
    for name in FILES {
        let path = top.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("{text} {name}")).unwrap();
        chown(&path, Some(owner), Some(owner)).unwrap();
    }
    for dir in ["", "sub", "sub/deep"] {
        chown(top.join(dir), Some(owner), Some(owner)).unwrap();
    }
}

fn inode(path: &Path) -> u64 {
    std::fs::symlink_metadata(path).unwrap().ino()
}

/// Exchanges two names.
pub fn exchange(one: &Path, other: &Path) -> bool {
    rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok()
}

impl Ground {
    /// Builds it anew, with nothing of a run before.
    pub fn build(root: &Path) -> Self {
        for state in ["/var/lib/tmpmedic", "/run/tmpmedic"] {
            std::fs::remove_dir_all(state).ok();
        }
        clear(root);
        let place = root.join("tmp");
        for (dir, mode, owner) in [("tmp", 0o1777, 0), ("attacker", 0o777, ATTACKER)] {
            std::fs::create_dir(root.join(dir)).unwrap();
            std::fs::set_permissions(root.join(dir), PermissionsExt::from_mode(mode)).unwrap();
            chown(root.join(dir), Some(owner), Some(owner)).unwrap();
        }
        tree(&root.join("canary"), "canary", 0);
        tree(&place.join(ENTRY), "old", 0);
        tree(&root.join("attacker/fresh"), "of a victim", VICTIM);
        std::fs::create_dir(place.join("go-build2")).unwrap();
        std::fs::write(place.join("go-build2/x"), "old").unwrap();
        std::fs::set_permissions(place.join("go-build2/x"), PermissionsExt::from_mode(0o604)).unwrap();
        rustix::fs::lsetxattr(place.join("go-build2/x"), "user.mark", b"seen", XattrFlags::empty()).ok();
        std::fs::write(place.join("precious"), "kept").unwrap();
        for (link, target) in [("top", ""), ("sub", "sub"), ("deep", "sub/deep")] {
            symlink(root.join("canary").join(target), root.join("attacker").join(link)).unwrap();
        }
        let entry = place.join(ENTRY);
        let planned = facts(&entry).into_values().chain(facts(&place.join("go-build2")).into_values());
        let planned = planned.map(|fact| fact.inode).collect();
        Self {
            canary: facts(&root.join("canary")),
            kept: facts(&place.join("precious")),
            victim: facts(&root.join("attacker/fresh")),
            planned,
            sub: inode(&entry.join("sub")),
            deep: inode(&entry.join("sub/deep")),
            file: inode(&entry.join("sub/f1")),
            root: root.to_owned(),
        }
    }

    /// The same with so much in the tree that a race has time to be won.
    pub fn build_large(root: &Path) -> Self {
        let mut ground = Self::build(root);
        for tree in [ground.place().join(ENTRY), root.join("canary")] {
            for number in 0..150 {
                for dir in ["sub", "sub/deep"] {
                    std::fs::write(tree.join(dir).join(format!("{number}")), "much").unwrap();
                }
            }
        }
        ground.canary = facts(&root.join("canary"));
        let entry = facts(&ground.place().join(ENTRY));
        ground.planned.extend(entry.into_values().map(|fact| fact.inode));
        ground
    }

    /// The temp dir.
    pub fn place(&self) -> PathBuf {
        self.root.join("tmp")
    }

    fn attackers(&self, name: &str) -> PathBuf {
        self.root.join("attacker").join(name)
    }

    /// Where an object lies by now, of those that its owner can still get at: whoever got hold of a directory before it
    /// went into the quarantine has everything below it, but no name in the quarantine itself.
    fn within_reach(&self, wanted: u64) -> Option<PathBuf> {
        let mut waiting = vec![self.place()];
        while let Some(dir) = waiting.pop() {
            for entry in std::fs::read_dir(&dir).ok()?.flatten() {
                let path = entry.path();
                let Ok(found) = std::fs::symlink_metadata(&path) else { continue };
                let in_quarantine =
                    dir.file_name().is_some_and(|n| n.to_string_lossy().starts_with(".tmpmedic-"));
                if found.ino() == wanted && !in_quarantine {
                    return Some(path);
                }
                if found.is_dir() {
                    waiting.push(path);
                }
            }
        }
        None
    }

    /// Attacks; whether there was anything to attack.
    pub fn attack(&self, how: Attack) -> bool {
        let name = self.place().join(ENTRY);
        match how {
            Attack::Link => [(self.sub, "sub"), (self.deep, "deep")].into_iter().any(|(wanted, link)| {
                self.within_reach(wanted).is_some_and(|at| exchange(&at, &self.attackers(link)))
            }),
            Attack::Top => swap_or_squat(&name, &self.attackers("top")),
            Attack::Razor => swap_or_squat(&name, &self.attackers("fresh")),
            Attack::MoveOut => {
                let at = self.within_reach(self.sub).or_else(|| self.within_reach(self.deep));
                at.is_some_and(|at| std::fs::rename(at, self.attackers("out")).is_ok())
            }
            Attack::Bind => [(self.deep, "canary/sub/deep"), (self.sub, "canary/sub")].into_iter().any(
                |(wanted, from)| {
                    self.within_reach(wanted)
                        .is_some_and(|at| rustix::mount::mount_bind(self.root.join(from), &at).is_ok())
                },
            ),
            Attack::HardLink => self.within_reach(self.file).is_some_and(|at| {
                let link = self.attackers("hard");
                std::fs::hard_link(self.root.join("canary/sub/f1"), &link).is_ok() && exchange(&at, &link)
            }),
            Attack::Parent => exchange(&self.place(), &self.attackers("top")),
        }
    }

    /// Exchanges and exchanges back; whether it could.
    pub fn flicker(&self, how: Attack) -> bool {
        let (at, with) = match how {
            Attack::Razor => (Some(self.place().join(ENTRY)), self.attackers("fresh")),
            _ => (self.within_reach(self.sub), self.attackers("sub")),
        };
        let Some(at) = at else { return false };
        exchange(&at, &with) && {
            // Both ends again, wherever the tree has been taken meanwhile.
            let back = || exchange(&at, &with) || self.followed(&with);
            back() || how == Attack::Razor
        }
    }

    /// Puts the directory back where its link went with the tree.
    fn followed(&self, dir: &Path) -> bool {
        let quarantines = std::fs::read_dir(self.place()).into_iter().flatten().flatten();
        let slots =
            quarantines.flat_map(|entry| std::fs::read_dir(entry.path()).into_iter().flatten().flatten());
        let mut links = slots.map(|slot| slot.path().join("sub"));
        links.any(|link| std::fs::read_link(&link).is_ok() && exchange(&link, dir))
    }

    /// What the attack brought about that must never happen; mounts and exchanged parents are put right first.
    pub fn harm(&self, how: Attack, flow: Flow) -> Vec<String> {
        unmount_below(&self.root);
        if std::fs::symlink_metadata(self.place()).is_ok_and(|found| found.is_symlink()) {
            exchange(&self.place(), &self.attackers("top"));
        }
        let mut harm = Vec::new();
        let mut canary = facts(&self.root.join("canary"));
        if how == Attack::Parent {
            // The probe asks by path, as every program does, and takes away what it made: that leaves a stamp.
            let (Some(now), Some(then)) = (canary.get_mut(Path::new("")), self.canary.get(Path::new("")))
            else {
                return vec!["the canary is gone".to_owned()];
            };
            now.written = then.written;
        }
        if canary != self.canary {
            harm.push("the canary was changed".to_owned());
        }
        if facts(&self.place().join("precious")) != self.kept {
            harm.push("what was not planned was changed".to_owned());
        }
        let victim = [self.place().join(ENTRY), self.attackers("fresh")].into_iter();
        let victim: Vec<PathBuf> = victim.filter(|at| at.exists() && facts(at) == self.victim).collect();
        if victim.len() != 1 {
            harm.push("the victim's tree is not where it was put".to_owned());
        }
        if flow.keeps_all() {
            let left: BTreeSet<u64> = facts(&self.root).into_values().map(|fact| fact.inode).collect();
            let lost = self.planned.difference(&left).count();
            if lost > 0 {
                harm.push(format!("{lost} objects were lost though nothing was to be removed for good"));
            }
        }
        harm.into_iter().map(|what| format!("{how:?}: {what}")).collect()
    }

    /// The command line of the program under test.
    pub fn command(&self, words: &[&str]) -> Vec<OsString> {
        let mut all = vec![OsString::from("/mnt/bin/tmpmedic")];
        all.extend(words.iter().map(|word| word.replace("PLACE", &self.place().to_string_lossy()).into()));
        all
    }
}

/// Takes the name, whoever has it.
fn swap_or_squat(name: &Path, with: &Path) -> bool {
    exchange(name, with) || rustix::fs::renameat_with(CWD, with, CWD, name, RenameFlags::NOREPLACE).is_ok()
}

fn unmount_below(root: &Path) {
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let points = table.lines().filter_map(|line| line.split(' ').nth(4)).map(Path::new);
    for point in points.filter(|point| point.starts_with(root) && *point != root) {
        rustix::mount::unmount(point, rustix::mount::UnmountFlags::DETACH).ok();
    }
}

fn clear(root: &Path) {
    unmount_below(root);
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if std::fs::remove_file(&path).is_err() {
            std::fs::remove_dir_all(&path).unwrap();
        }
    }
}
