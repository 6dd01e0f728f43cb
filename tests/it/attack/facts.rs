//! What a tree is: every object with all that must stay the same.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// All that must stay the same of an object: neither its atime nor what others do by giving it another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Which object.
    pub inode: u64,
    kind_and_mode: u32,
    owner: (u32, u32),
    /// When its content was changed.
    pub written: (i64, i64),
    content: Vec<u8>,
    attribute: Option<Vec<u8>>,
}

/// A tree by names below its top.
pub type Facts = BTreeMap<PathBuf, Fact>;

/// What a walk finds without following anything.
fn facts_below(top: &Path, under: &Path, all: &mut Facts) {
    let found = std::fs::symlink_metadata(top).unwrap_or_else(|why| panic!("{}: {why}", top.display()));
    let content = match found.file_type() {
        kind if kind.is_symlink() => std::fs::read_link(top).unwrap().into_os_string().into_encoded_bytes(),
        kind if kind.is_dir() => Vec::new(),
        _ => std::fs::read(top).unwrap(),
    };
    let mut attribute = vec![0; 64];
    let length = rustix::fs::lgetxattr(top, "user.mark", attribute.as_mut_slice());
    let attribute = length.ok().map(|length| attribute[..length].to_vec());
    let fact = Fact {
        inode: found.ino(),
        kind_and_mode: found.mode(),
        owner: (found.uid(), found.gid()),
        written: (found.mtime(), found.mtime_nsec()),
        content,
        attribute,
    };
    all.insert(under.to_owned(), fact);
    if found.is_dir() {
        for entry in std::fs::read_dir(top).unwrap() {
            let name = entry.unwrap().file_name();
            facts_below(&top.join(&name), &under.join(&name), all);
        }
    }
}

/// A tree with its top.
pub fn facts(top: &Path) -> Facts {
    let mut all = Facts::new();
    facts_below(top, Path::new(""), &mut all);
    all
}

/// What lies in the temp dir, without our quarantines and without its own stamps.
pub fn entries(place: &Path) -> Facts {
    let mut all = facts(place);
    all.retain(|name, _| !name.as_os_str().is_empty() && !name.to_string_lossy().starts_with(".tmpmedic-"));
    all
}
