//! Who may do what with an object: modes, ACLs, capabilities, user namespaces.
//!
//! Turns the numbers of `sys::stat` into [`Facts`] and applies the kernel's permission check to them; it opens nothing.
//! What is not in it (security labels, seccomp, Landlock) only a probe shows. Called by `collect::vantages`.

use crate::collect::acl::{self, Asker};
use crate::model::mount::Device;
use crate::model::process::Credentials;
use crate::model::units::{Bytes, WallNanos};
use crate::model::vantage::{Facts, Kind};
use crate::sys::stat::Stat;
use crate::sys::walk::Step;

/// Search a directory, run a file.
pub const EXECUTE: u8 = 1;
/// Make and remove entries, write a file.
pub const WRITE: u8 = 2;
/// List a directory, read a file.
pub const READ: u8 = 4;

/// The facts of one step of a walk; `None` where there was nothing to look at.
pub fn facts_of(step: &Step) -> Option<Facts> {
    let stat = step.stat.as_ref()?;
    let mut facts = facts(stat);
    facts.acl = step.access_acl.as_deref().and_then(acl::parse);
    facts.default_acl = step.default_acl.as_deref().and_then(acl::parse);
    Some(facts)
}

/// The same without ACLs.
pub fn facts(stat: &Stat) -> Facts {
    let kind = kind_of(stat);
    let is_node = matches!(kind, Kind::CharDevice | Kind::BlockDevice);
    Facts {
        kind,
        mode: stat.mode & 0o7777,
        uid: stat.uid,
        gid: stat.gid,
        links: stat.links,
        size: Bytes(stat.size),
        device: device(stat.device),
        special: is_node.then(|| device(stat.special)),
        inode: stat.inode,
        born: stat.born.map(WallNanos),
        modified: WallNanos(stat.modified),
        changed: WallNanos(stat.changed),
        immutable: stat.immutable,
        append_only: stat.append_only,
        acl: None,
        default_acl: None,
    }
}

/// What kind of object it is.
pub fn kind_of(stat: &Stat) -> Kind {
    use rustix::fs::FileType;
    match stat.kind() {
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Link,
        FileType::Socket => Kind::Socket,
        FileType::Fifo => Kind::Fifo,
        FileType::CharacterDevice => Kind::CharDevice,
        FileType::BlockDevice => Kind::BlockDevice,
        FileType::RegularFile | FileType::Unknown => Kind::File,
    }
}

/// A device number as the model holds it.
pub fn device(number: (u32, u32)) -> Device {
    Device { major: number.0, minor: number.1 }
}

/// The ids that a user namespace maps, as our own namespace numbers them; only for these do its capabilities count.
///
/// Source: user_namespaces(7), "Interaction of user namespaces and other types of namespaces"; capabilities(7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    uids: Vec<(u32, u32)>,
    gids: Vec<(u32, u32)>,
}

impl Mapped {
    /// Every id, as in the first user namespace.
    pub fn all() -> Self {
        Self { uids: vec![(0, u32::MAX)], gids: vec![(0, u32::MAX)] }
    }

    /// The texts of `/proc/PID/uid_map` and `gid_map`; lines of another form map nothing.
    pub fn parse(uid_map: &[u8], gid_map: &[u8]) -> Self {
        Self { uids: ranges(uid_map), gids: ranges(gid_map) }
    }

    fn holds(&self, facts: &Facts) -> bool {
        let within = |ranges: &[(u32, u32)], id: u32| {
            ranges.iter().any(|(first, count)| id >= *first && id - *first < *count)
        };
        within(&self.uids, facts.uid) && within(&self.gids, facts.gid)
    }
}

fn ranges(map: &[u8]) -> Vec<(u32, u32)> {
    let text = String::from_utf8_lossy(map);
    let line = |line: &str| {
        let mut fields = line.split_ascii_whitespace().skip(1).map(str::parse::<u32>);
        Some((fields.next()?.ok()?, fields.next()?.ok()?))
    };
    text.lines().filter_map(line).collect()
}

/// Somebody who asks for access.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// Its ids and capabilities.
    pub credentials: &'a Credentials,
    /// What its capabilities reach.
    pub mapped: &'a Mapped,
}

impl Who<'_> {
    /// Whether all of `want` is granted on an object. Source: path_resolution(7), "Permissions"; acl(5).
    pub fn may(&self, facts: &Facts, want: u8) -> bool {
        if self.by_mode_and_acl(facts, want) {
            return true;
        }
        let has = |bit: u32| self.credentials.capabilities & (1 << bit) != 0;
        let (overrides, reads) = (has(CAP_DAC_OVERRIDE), has(CAP_DAC_READ_SEARCH));
        let by_capability = if facts.kind == Kind::Directory {
            overrides || reads && want & WRITE == 0
        } else {
            // Nobody runs a file that has no execute bit at all.
            overrides && (want & EXECUTE == 0 || facts.mode & 0o111 != 0) || reads && want == READ
        };
        by_capability && self.mapped.holds(facts)
    }

    fn by_mode_and_acl(&self, facts: &Facts, want: u8) -> bool {
        let holds = |shift: u32| (facts.mode >> shift) & u32::from(want) == u32::from(want);
        let who = self.credentials;
        let is_owner = who.uid == facts.uid;
        let in_owning_group = who.is_in_group(facts.gid);
        if is_owner {
            return holds(6);
        }
        match &facts.acl {
            // With an ACL the group bits show its mask, and an empty mask ends the search at once: acl_permission_check()
            // of fs/namei.c looks at the ACL only if some group bit is set.
            Some(acl) if facts.mode & 0o070 != 0 => {
                let is_in_group = |gid: u32| who.is_in_group(gid);
                let asker = Asker { is_owner, uid: who.uid, in_owning_group, is_in_group: &is_in_group };
                acl::grants(acl, &asker, want)
            }
            _ if in_owning_group => holds(3),
            _ => holds(0),
        }
    }
}

const CAP_DAC_OVERRIDE: u32 = 1;
const CAP_DAC_READ_SEARCH: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::vantage::{Acl, AclEntry, AclWho};

    fn dir(mode: u32, uid: u32, gid: u32) -> Facts {
        let stat = Stat { mode: 0o040_000 | mode, uid, gid, ..Stat::default() };
        facts(&stat)
    }

    fn user(uid: u32, groups: &[u32]) -> Credentials {
        Credentials { uid, gid: uid, groups: groups.to_vec(), capabilities: 0, user: None }
    }

    fn may(facts: &Facts, credentials: &Credentials, want: u8) -> bool {
        Who { credentials, mapped: &Mapped::all() }.may(facts, want)
    }

    #[test]
    fn the_first_class_that_fits_decides() {
        let runner = user(1000, &[50]);
        assert!(may(&dir(0o1777, 0, 0), &runner, WRITE | EXECUTE));
        assert!(!may(&dir(0o755, 0, 0), &runner, WRITE | EXECUTE), "a root-owned directory of mode 0755");
        assert!(may(&dir(0o755, 0, 0), &runner, EXECUTE));
        assert!(
            !may(&dir(0o077, 1000, 0), &runner, EXECUTE),
            "an owner without rights is not helped by others'"
        );
        assert!(!may(&dir(0o707, 0, 50), &runner, EXECUTE), "nor is a member of the group");
        assert!(may(&dir(0o070, 0, 50), &runner, WRITE | EXECUTE));
        assert!(!may(&dir(0o1666, 0, 0), &runner, EXECUTE), "without x nothing can be reached");
    }

    #[test]
    fn capabilities_overrule_modes_of_what_they_reach() {
        let mut root = user(0, &[]);
        assert!(!may(&dir(0o700, 1000, 1000), &root, WRITE | EXECUTE), "uid 0 alone means nothing");
        root.capabilities = 1 << CAP_DAC_OVERRIDE;
        assert!(may(&dir(0o000, 1000, 1000), &root, WRITE | EXECUTE));
        root.capabilities = 1 << CAP_DAC_READ_SEARCH;
        assert!(may(&dir(0o000, 1000, 1000), &root, EXECUTE));
        assert!(!may(&dir(0o000, 1000, 1000), &root, WRITE | EXECUTE));
    }

    #[test]
    fn capabilities_of_a_user_namespace_end_at_its_ids() {
        let mut inside = user(100_000, &[]);
        inside.capabilities = u64::MAX;
        let mapped =
            Mapped::parse(b"         0     100000      65536\n", b"         0     100000      65536\n");
        let who = Who { credentials: &inside, mapped: &mapped };
        assert!(who.may(&dir(0o700, 100_999, 100_999), WRITE | EXECUTE));
        assert!(!who.may(&dir(0o755, 0, 0), WRITE | EXECUTE), "host root is not mapped there");
        assert!(!who.may(&dir(0o700, 165_536, 100_000), WRITE), "one beyond the range");
        assert!(!who.may(&dir(0o700, 100_001, 99_999), WRITE), "one before the range of groups");
        assert_eq!(Mapped::parse(b"garbage\n1 2\n", b""), Mapped::default());
        assert_eq!(Mapped::parse(b"0 0 4294967295\n", b"0 0 4294967295\n"), Mapped::all());
    }

    #[test]
    fn an_acl_decides_where_the_mode_alone_would_not_tell() {
        let runner = user(1000, &[]);
        let deny = AclEntry { who: AclWho::User(1000), permissions: 0 };
        let others = AclEntry { who: AclWho::Other, permissions: 7 };
        let mut tmp = dir(0o1777, 0, 0);
        tmp.acl = Some(Acl { entries: vec![deny, others] });
        assert!(!may(&tmp, &runner, WRITE | EXECUTE));
        assert!(may(&tmp, &user(1001, &[]), WRITE | EXECUTE));
        // An empty mask: the kernel does not even look at the ACL.
        tmp.mode = 0o1707;
        assert!(may(&tmp, &runner, WRITE | EXECUTE), "then the bits for others count");
    }

    #[test]
    fn the_owner_is_judged_by_the_mode_even_with_an_acl() {
        let mut tmp = dir(0o770, 1000, 0);
        tmp.acl = Some(Acl { entries: vec![AclEntry { who: AclWho::User(1000), permissions: 0 }] });
        assert!(may(&tmp, &user(1000, &[]), WRITE | EXECUTE));
    }

    #[test]
    fn kinds_and_device_numbers_are_kept() {
        let null = Stat { mode: 0o020_666, special: (1, 3), ..Stat::default() };
        assert_eq!(facts(&null).kind, Kind::CharDevice);
        assert_eq!(facts(&null).special, Some(Device { major: 1, minor: 3 }));
        let file = Stat { mode: 0o100_644, special: (1, 3), ..Stat::default() };
        assert_eq!((facts(&file).kind, facts(&file).special), (Kind::File, None));
        assert_eq!(facts(&file).mode, 0o644);
    }
}
