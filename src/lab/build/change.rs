//! Changes: what is removed, renamed, given other rights.

use std::io;
use std::path::Path;

use super::Builder;
use super::glob::expand;
use crate::model::scenario::step::Step;
use crate::sys::device::{self, Attributes};
use crate::sys::{make, remove};

/// `system.posix_acl_access`, version 2: tag, permissions and id of each entry. Source: linux/posix_acl_xattr.h.
const ACL: &str = "system.posix_acl_access";
const NO_ID: u32 = u32::MAX;

impl Builder {
    pub(super) fn change(&self, step: &Step) -> io::Result<()> {
        match step {
            Step::Remove { path } => expand(path)?.iter().try_for_each(|path| remove::tree(path)),
            Step::Rename { path, to } => make::rename(Path::new(path), Path::new(to)),
            Step::Mode { path, mode } => expand(path)?.iter().try_for_each(|path| make::chmod(path, *mode)),
            Step::Own { path, uid, gid } => {
                let ids = (self.id(*uid), self.id(*gid));
                expand(path)?.iter().try_for_each(|path| make::own(path, ids.0, ids.1))
            }
            Step::Acl { path, uid, permissions } => {
                let mode = make::mode_of(Path::new(path))?;
                make::set_attribute(Path::new(path), ACL, &acl(mode, self.id(*uid), bits(permissions)))
            }
            Step::Attributes { path, immutable, append_only } => {
                let wanted = Attributes { immutable: *immutable, append_only: *append_only };
                device::set_attributes(Path::new(path), wanted)
            }
            _ => Ok(()),
        }
    }
}

/// `rwx`, in any order; what is not named is denied.
fn bits(permissions: &str) -> u16 {
    [('r', 4), ('w', 2), ('x', 1)]
        .into_iter()
        .filter(|(letter, _)| permissions.contains(*letter))
        .fold(0, |all, (_, bit)| all | bit)
}

/// The list that `setfacl -m u:UID:PERMISSIONS` makes of the plain mode: the mask is what the groups had.
fn acl(mode: u32, uid: u32, permissions: u16) -> Vec<u8> {
    let class = |shift: u32| u16::try_from(mode >> shift & 7).unwrap_or(0);
    let mask = class(3) | permissions;
    let entries: [(u16, u16, u32); 5] = [
        (0x01, class(6), NO_ID),
        (0x02, permissions, uid),
        (0x04, class(3), NO_ID),
        (0x10, mask, NO_ID),
        (0x20, class(0), NO_ID),
    ];
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(permissions.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acl_keeps_what_the_mode_gave() {
        let bytes = acl(0o1777, 1000, bits("---"));
        assert_eq!(bytes.len(), 4 + 5 * 8);
        assert_eq!(bytes.get(12..20), Some(&[2, 0, 0, 0, 0xe8, 3, 0, 0][..]), "user 1000 gets nothing");
        assert_eq!(bits("r-x"), 5);
    }
}
