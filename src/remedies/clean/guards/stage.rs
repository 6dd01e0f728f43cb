//! An entry that is stale in every respect, and a machine on which nothing speaks for it: tests change one thing.

use std::collections::BTreeSet;

use crate::model::family::{Family, Safety};
use crate::model::plan::{Candidate, ObjectId, Tree, Tried, Verdict, Wishes};
use crate::model::surroundings::{Claim, ClaimKind, Surroundings};
use crate::model::units::{Bytes, Entries, Seconds, WallNanos};
use crate::model::vantage::Kind;
use crate::remedies::clean::{Scene, judge};

/// A day, in the unit of stamps.
pub const DAY: i64 = 86_400_000_000_000;
/// When it happens.
pub const NOW: i64 = 20_000 * DAY;

/// Some directory on that mount.
pub fn object(mount_id: u64) -> ObjectId {
    let device = crate::model::mount::Device::default();
    ObjectId { mount_id, device, inode: 7, kind: Kind::Directory, born: None }
}

/// Three days old, of a builder, in a removable family, held by nobody.
pub fn stale() -> Candidate {
    Candidate {
        name: "go-build123".into(),
        object: object(1),
        uid: 1000,
        mode: 0o700,
        family: "go-build".into(),
        tree: Tree {
            entries: Entries(4),
            bytes: Bytes(4096),
            newest: WallNanos(NOW - 3 * DAY),
            ..Tree::default()
        },
        locked: Tried::Free,
    }
}

fn family(safety: Safety, idle_s: Option<Seconds>) -> Family {
    Family {
        id: "go-build".into(),
        patterns: Vec::new(),
        maker: String::new(),
        what: String::new(),
        removed_by: String::new(),
        safety,
        idle_s,
        check: "whether go runs".into(),
        why: "it breaks what runs".into(),
        source: String::new(),
        examples: Vec::new(),
        near_misses: Vec::new(),
    }
}

/// The machine.
pub struct Stage {
    pub surroundings: Surroundings,
    pub wishes: Wishes,
    pub safety: Safety,
    pub idle: Option<Seconds>,
    pub min_age: Seconds,
    pub booted_before: i64,
    pub now: i64,
    pub own: u32,
    pub kept: &'static [u8],
}

/// Booted ten days ago; a day is old; root acts.
pub fn stage() -> Stage {
    let booted = NOW - 10 * DAY;
    Stage {
        surroundings: Surroundings {
            taken: WallNanos(NOW),
            booted: WallNanos(booted),
            ..Surroundings::default()
        },
        wishes: Wishes { older_than: Seconds(86_400), ..Wishes::default() },
        safety: Safety::Idle,
        idle: None,
        min_age: Seconds(0),
        booted_before: booted,
        now: NOW,
        own: 0,
        kept: b".testnet_password",
    }
}

impl Stage {
    /// With a claim of that kind on the entry, by a unit's process.
    pub fn claimed(kind: ClaimKind) -> Self {
        let mut stage = stage();
        let claim = Claim {
            kind,
            pid: Some(812),
            program: Some("go".into()),
            party: Some("runner@1.service".into()),
            shown: "/tmp/go-build123/b001".into(),
        };
        stage.surroundings.claims.insert("go-build123".into(), vec![claim]);
        stage
    }

    fn judge(&self, candidate: Candidate) -> (Verdict, String) {
        let family = family(self.safety, self.idle);
        let builders = BTreeSet::from([1000]);
        let scene = Scene {
            now: WallNanos(self.now),
            booted_before: WallNanos(self.booted_before),
            place: object(1),
            surroundings: &self.surroundings,
            wishes: &self.wishes,
            min_age: self.min_age,
            family: &|id| (id == "go-build").then_some(&family),
            is_kept: &|name| name == self.kept,
            is_ours: &|name| name.starts_with(b".tmpmedic-"),
            builders: &builders,
            own: self.own,
        };
        let planned = judge(candidate, &scene);
        (planned.verdict, planned.reason)
    }

    #[track_caller]
    pub fn keeps(&self, candidate: Candidate, because: &str) {
        let (verdict, reason) = self.judge(candidate);
        assert_eq!(verdict, Verdict::Keep, "{reason}");
        assert!(reason.contains(because), "{reason}");
    }

    #[track_caller]
    pub fn removes(&self, candidate: Candidate) {
        let (verdict, reason) = self.judge(candidate);
        assert_eq!(verdict, Verdict::Remove, "{reason}");
    }
}
