//! What the guards know beside the entry itself.

use std::collections::BTreeSet;

use crate::model::family::Family;
use crate::model::plan::{Candidate, ObjectId, Wishes};
use crate::model::surroundings::Surroundings;
use crate::model::units::{Seconds, WallNanos};

/// Everything that a guard may ask.
pub struct Scene<'a> {
    /// Now.
    pub now: WallNanos,
    /// When this boot began, as the first look had it: a clock that is set afterwards moves it.
    pub booted_before: WallNanos,
    /// The temp dir.
    pub place: ObjectId,
    /// What speaks for entries.
    pub surroundings: &'a Surroundings,
    /// What the user wants.
    pub wishes: &'a Wishes,
    /// The site lets nothing go that is younger.
    pub min_age: Seconds,
    /// The family of that id.
    pub family: &'a dyn Fn(&str) -> Option<&'a Family>,
    /// Whether a name matches one of the globs of `wishes.keep` or of the site's configuration.
    pub is_kept: &'a dyn Fn(&[u8]) -> bool,
    /// Whether a name is that of a quarantine of ours.
    pub is_ours: &'a dyn Fn(&[u8]) -> bool,
    /// Users under whom something builds or runs jobs here.
    pub builders: &'a BTreeSet<u32>,
    /// The uid that we act as.
    pub own: u32,
}

impl Scene<'_> {
    /// Whether the user picked this entry by name.
    pub fn is_picked(&self, candidate: &Candidate) -> bool {
        self.wishes.names.contains(&candidate.name)
    }

    /// The age of an entry by the newest stamp in it; `None` where that lies in the future.
    pub fn age(&self, candidate: &Candidate) -> Option<Seconds> {
        candidate.tree.newest.age_at(self.now)
    }

    /// Why an entry goes, in one line.
    pub fn in_favour(&self, candidate: &Candidate) -> String {
        let age = self.age(candidate).map_or_else(String::new, |age| format!("untouched for {age}, "));
        let family = match candidate.family.as_str() {
            "" => "in no known family, chosen".to_owned(),
            family => format!("family {family}"),
        };
        format!("{age}held by nobody, {family}")
    }
}
