//! POSIX ACLs as the extended attribute holds them, and what they grant.
//!
//! Bytes in, data out; nothing is looked up. Called by `collect::owners`. Source: acl(5), and the layout of
//! `struct posix_acl_xattr_header` and `_entry` in the kernel's `posix_acl_xattr.h`: little endian, version 2.

use crate::model::vantage::{Acl, AclEntry, AclWho};

/// The only version that exists.
const VERSION: u32 = 2;
/// Bytes of an entry: tag, permissions, id.
const ENTRY: usize = 8;

/// Parses the value of `system.posix_acl_access` or `_default`; `None` where it is not of the documented form.
pub fn parse(value: &[u8]) -> Option<Acl> {
    let (header, body) = value.split_at_checked(4)?;
    if u32::from_le_bytes(header.try_into().ok()?) != VERSION || !body.len().is_multiple_of(ENTRY) {
        return None;
    }
    let entries = body.chunks_exact(ENTRY).map(parse_entry).collect::<Option<Vec<_>>>()?;
    Some(Acl { entries })
}

fn parse_entry(bytes: &[u8]) -> Option<AclEntry> {
    let (tag, rest) = bytes.split_at_checked(2)?;
    let (permissions, id) = rest.split_at_checked(2)?;
    let id = u32::from_le_bytes(id.try_into().ok()?);
    let who = match u16::from_le_bytes(tag.try_into().ok()?) {
        0x01 => AclWho::Owner,
        0x02 => AclWho::User(id),
        0x04 => AclWho::OwningGroup,
        0x08 => AclWho::Group(id),
        0x10 => AclWho::Mask,
        0x20 => AclWho::Other,
        _ => return None,
    };
    let permissions = u8::try_from(u16::from_le_bytes(permissions.try_into().ok()?)).ok()?;
    (permissions <= 7).then_some(AclEntry { who, permissions })
}

/// Who asks, as an ACL tells people apart.
pub struct Asker<'a> {
    /// Whether it owns the object.
    pub is_owner: bool,
    /// Its uid.
    pub uid: u32,
    /// Whether it is in the owning group.
    pub in_owning_group: bool,
    /// Whether it is in some other group.
    pub is_in_group: &'a dyn Fn(u32) -> bool,
}

/// Whether an ACL grants all of `want` (4, 2, 1), by the algorithm of acl(5), "ACCESS CHECK ALGORITHM".
///
/// The first class that fits decides: an owner is never helped by a group, and a member of any named group never falls
/// through to the others.
pub fn grants(acl: &Acl, asker: &Asker<'_>, want: u8) -> bool {
    let holds = |permissions: u8| permissions & want == want;
    let of = |who: AclWho| acl.entries.iter().find(|e| e.who == who).map(|e| e.permissions);
    let masked = |permissions: u8| holds(permissions) && of(AclWho::Mask).is_none_or(holds);
    if asker.is_owner {
        return of(AclWho::Owner).is_some_and(holds);
    }
    if let Some(permissions) = of(AclWho::User(asker.uid)) {
        return masked(permissions);
    }
    let groups = acl.entries.iter().filter(|e| match e.who {
        AclWho::OwningGroup => asker.in_owning_group,
        AclWho::Group(gid) => (asker.is_in_group)(gid),
        AclWho::Owner | AclWho::User(_) | AclWho::Mask | AclWho::Other => false,
    });
    let mut groups = groups.map(|e| e.permissions).peekable();
    if groups.peek().is_some() {
        return groups.any(masked);
    }
    of(AclWho::Other).is_some_and(holds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The bytes of the attribute, as the kernel would give them.
    fn bytes(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut out = VERSION.to_le_bytes().to_vec();
        for (tag, permissions, id) in entries {
            out.extend(tag.to_le_bytes());
            out.extend(permissions.to_le_bytes());
            out.extend(id.to_le_bytes());
        }
        out
    }

    const NOBODY: u32 = u32::MAX;

    fn asks(acl: &Acl, uid: u32, groups: &[u32], want: u8) -> bool {
        let is_in_group = |gid: u32| groups.contains(&gid);
        let asker = Asker {
            is_owner: uid == 0,
            uid,
            in_owning_group: groups.contains(&0),
            is_in_group: &is_in_group,
        };
        grants(acl, &asker, want)
    }

    #[test]
    fn reads_what_setfacl_writes() {
        // setfacl -m u:12345:--- on a directory of mode 1777
        let value =
            bytes(&[(1, 7, NOBODY), (2, 0, 12_345), (4, 7, NOBODY), (0x10, 7, NOBODY), (0x20, 7, NOBODY)]);
        let acl = parse(&value).unwrap();
        assert_eq!(acl.entries[1], AclEntry { who: AclWho::User(12_345), permissions: 0 });
        assert!(!asks(&acl, 12_345, &[], 3), "the entry for that user denies");
        assert!(asks(&acl, 12_346, &[], 3), "the next user is not concerned");
        assert!(!asks(&acl, 12_345, &[0], 3), "the owning group does not help a user who is named");
    }

    #[test]
    fn refuses_what_is_no_acl() {
        let good = bytes(&[(1, 7, NOBODY)]);
        assert!(parse(&good).is_some());
        assert_eq!(parse(&good[..11]), None, "half an entry");
        assert_eq!(parse(&[1, 0, 0, 0]), None, "version 1");
        assert_eq!(parse(b""), None);
        assert_eq!(parse(&bytes(&[(3, 7, NOBODY)])), None, "an unknown tag");
        assert_eq!(parse(&bytes(&[(1, 8, NOBODY)])), None, "a permission that does not exist");
        assert_eq!(parse(&VERSION.to_le_bytes()).unwrap().entries, []);
    }

    #[test]
    fn the_mask_limits_users_and_groups_but_not_owner_and_others() {
        let acl = parse(&bytes(&[
            (1, 7, NOBODY),
            (2, 7, 5),
            (4, 7, NOBODY),
            (8, 7, 50),
            (0x10, 4, NOBODY),
            (0x20, 7, NOBODY),
        ]))
        .unwrap();
        assert!(asks(&acl, 0, &[], 7), "the owner");
        assert!(!asks(&acl, 5, &[], 2), "a named user");
        assert!(asks(&acl, 5, &[], 4), "what the mask leaves");
        assert!(!asks(&acl, 6, &[0], 2), "the owning group");
        assert!(!asks(&acl, 6, &[50], 2), "a named group");
        assert!(asks(&acl, 6, &[], 7), "others");
    }

    #[test]
    fn any_one_group_may_grant_but_none_falls_through_to_others() {
        let acl = parse(&bytes(&[
            (1, 7, NOBODY),
            (4, 0, NOBODY),
            (8, 0, 50),
            (8, 3, 51),
            (0x10, 7, NOBODY),
            (0x20, 7, NOBODY),
        ]))
        .unwrap();
        assert!(!asks(&acl, 6, &[50], 3), "others would have been allowed");
        assert!(asks(&acl, 6, &[50, 51], 3));
        assert!(!asks(&acl, 6, &[50, 51], 7), "no single group grants all of it");
    }

    proptest! {
        #[test]
        fn never_panics_and_keeps_what_it_accepts(value in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(acl) = parse(&value) {
                prop_assert_eq!(acl.entries.len(), (value.len() - 4) / ENTRY);
            }
        }

        #[test]
        fn reads_back_every_entry(entries in proptest::collection::vec(
            (prop_oneof![Just(1_u16), Just(2), Just(4), Just(8), Just(16), Just(32)], 0_u16..8, any::<u32>()), 0..40)) {
            let acl = parse(&bytes(&entries)).unwrap();
            for (entry, (tag, permissions, id)) in acl.entries.iter().zip(&entries) {
                prop_assert_eq!(u16::from(entry.permissions), *permissions);
                match entry.who {
                    AclWho::User(uid) => prop_assert_eq!((2, *id), (*tag, uid)),
                    AclWho::Group(gid) => prop_assert_eq!((8, *id), (*tag, gid)),
                    _ => {}
                }
            }
        }
    }
}
