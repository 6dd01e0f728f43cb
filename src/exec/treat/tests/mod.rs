//! Deeds on real directories, and taking them back.
#![expect(clippy::disallowed_methods, reason = "tests make, change and remove what they look at by path")]

mod directory;
mod drop_in;
mod record;
mod rights;
mod sealed;
mod unsettled;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::*;
use crate::exec::stage::Stage;
use crate::exec::undo::Undone;
use crate::model::finding::Risk;
use crate::model::mount::Device;
use crate::model::raw_path::RawPath;
use crate::model::treatment::{Inode, Rights, Step, Way};

/// What cargo wrote down of a compiler that could not be asked.
const FAILED: &str =
    r#"{"rustc_fingerprint":1,"outputs":{"2":{"success":false,"status":"exit status: 2"}},"successes":{}}"#;

/// A plan with one deed, good until 100.
fn plan(action: &str, deed: Deed) -> Treatment {
    seal(Treatment {
        schema: SCHEMA.to_owned(),
        digest: String::new(),
        boot_id: "b".to_owned(),
        made: WallNanos(0),
        expires: WallNanos(100),
        action: action.to_owned(),
        finding: String::new(),
        subject: String::new(),
        title: String::new(),
        risk: Risk::None,
        reversible: true,
        lasts: None,
        ends: Vec::new(),
        notes: Vec::new(),
        steps: vec![Step { does: String::new(), by_hand: "true".to_owned(), deed }],
        proofs: Vec::new(),
    })
}

fn at(path: &Path) -> Way {
    Way { by: None, path: RawPath::from(path.as_os_str()) }
}

fn inode(path: &Path) -> Inode {
    let found = std::fs::symlink_metadata(path).unwrap();
    let (major, minor) = (rustix::fs::major(found.dev()), rustix::fs::minor(found.dev()));
    Inode { device: Device { major, minor }, inode: found.ino() }
}

fn rights(path: &Path) -> Rights {
    let found = std::fs::symlink_metadata(path).unwrap();
    Rights { mode: found.mode() & 0o7777, uid: found.uid(), gid: found.gid() }
}

impl Stage {
    /// A directory in the temp dir.
    fn directory(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir(&path).unwrap();
        path
    }

    fn treat(&self, action: &str, deed: Deed) -> Came {
        let (mut journal, _) = self.journal();
        self.begin(&mut journal, WorkId(1));
        let own = rustix::process::geteuid().as_raw();
        let plan = plan(action, deed);
        treat(&plan, (&mut journal, WorkId(1)), own, &mut |_, _| {}).unwrap().remove(0)
    }

    fn back(&self) -> Undone {
        let (mut journal, records) = self.journal();
        assert!(back::can(&records, WorkId(1)));
        self.begin(&mut journal, WorkId(2));
        back::take_back(&mut journal, &records, WorkId(1), WorkId(2)).unwrap()
    }

    fn set(&self, path: &Path, to: u32) -> Came {
        let from = rights(path);
        let to = Rights { mode: to, ..from };
        self.treat("repair-mode", Deed::SetRights { at: at(path), inode: inode(path), from, to })
    }
}
