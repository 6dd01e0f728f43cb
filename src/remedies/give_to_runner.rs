//! `give-to-runner`: what root left in a directory of a runner goes to the runner.

use super::{Card, GIVE, Remedy, draft};
use crate::model::finding::Finding;
use crate::model::snapshot::Snapshot;
use crate::model::treatment::{Aim, Deed, Step, Treatment};

/// See the module's header.
pub struct GiveToRunner;

static CARD: Card = Card {
    id: GIVE,
    title: "give a directory of root to its runner",
    reversible: true,
    verification: "a temp dir is made there as the runner",
    page: "Walks the tree by handles, on one mount, through no link, and gives directories and files of the old owner to the runner. Files with several names, with set-user-id bits or with capabilities stay, each named. Undo takes back what nobody changed since.",
};

impl Remedy for GiveToRunner {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, now: &Snapshot, finding: &Finding) -> Option<Treatment> {
        let (action, Aim::Tree { by, path, inode, old_uid, uid, gid }) = draft::aim(finding, &CARD)? else {
            return None;
        };
        let at = draft::way(now, *by, path)?;
        let place = at.reached().quoted();
        let mut plan = draft::frame(now, finding, action);
        plan.notes = vec![
            "Files with more than one name, with set-user-id bits or with capabilities stay as they are, and are named."
                .to_owned(),
        ];
        plan.steps = vec![Step {
            does: format!("give {} with what uid {old_uid} left below it to {uid}:{gid}", path.shown()),
            by_hand: format!(
                "find {place} -xdev -uid {old_uid} \\( -type d -o -type f -links 1 ! -perm /6000 \\) -exec chown -h --from={old_uid} {uid}:{gid} {{}} +"
            ),
            deed: Deed::GiveTree { at, inode: *inode, old_uid: *old_uid, uid: *uid, gid: *gid },
        }];
        Some(plan)
    }
}
