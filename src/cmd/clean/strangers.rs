//! What stays only because somebody could not be read, and the two ways on: more rights, or taking it upon oneself.

use std::collections::BTreeSet;

use super::command;
use super::draft::Draft;
use super::page::entries;
use crate::exec::seal;
use crate::model::plan::{Plan, Planned, Tried, Verdict, Wishes, wished_family};
use crate::model::reading::GapWhy;
use crate::model::units::Bytes;
use crate::remedies::clean::{UNREAD, strangers};

/// Words for it.
#[derive(Debug, PartialEq, Eq)]
pub struct Kept {
    /// What stays, for whom, and what taking it upon oneself means.
    pub why: String,
    /// The command by which root does exactly that; nothing where we are root, or root sees no more than we do.
    pub as_root: Option<String>,
    /// The command that takes it upon oneself.
    pub assuming: String,
}

/// What there is to say of a plan; nothing where everything could be read, or nothing stays for that alone.
pub fn kept(draft: &Draft, own: u32) -> Option<Kept> {
    let group = draft.staying.get(UNREAD)?;
    let one = draft.strangers.len() == 1;
    let unnamed = || draft.unread.first().map(|gap| format!("{} cannot be read", gap.what));
    let who = strangers(&draft.strangers, own).or_else(unnamed)?;
    let (verb, stay) = if group.entries == 1 { ("is", "stays") } else { ("are", "stay") };
    let bytes = if group.bytes == Bytes(0) { String::new() } else { format!(", {},", group.bytes) };
    let none = if one {
        "that it neither holds nor has mounted one of them"
    } else {
        "that none of these holds one of them or has it mounted"
    };
    let why = format!(
        "{}{bytes} {verb} old enough and {stay} only because {who}. --assume-unheld takes it upon you {none}; known \
         holders, locks, mounts and every other condition still keep an entry.",
        entries(group.entries)
    );
    let assumed = Wishes { assume_unheld: true, ..draft.plan.wishes.clone() };
    let roots = std::slice::from_ref(&draft.plan.root);
    Some(Kept {
        why,
        as_root: (own != 0 && would_root_see(draft)).then(|| as_root(&draft.plan, &group.members, own)),
        assuming: command(roots, &assumed, None),
    })
}

/// Only what was denied is shown to more rights; what has no first thread any more, or is outside this pid namespace, is not.
fn would_root_see(draft: &Draft) -> bool {
    let denied = |why: &GapWhy| *why == GapWhy::Denied;
    draft.unread.iter().all(|gap| denied(&gap.why)) && draft.strangers.iter().all(|who| denied(&who.why))
}

/// Root would also take what others own, and not what belongs to one under whom nothing builds: so whose and which kind is
/// said.
fn as_root(plan: &Plan, members: &[usize], own: u32) -> String {
    let mut plan = plan.clone();
    for at in members {
        if let Some(entry) = plan.entries.get_mut(*at) {
            entry.verdict = Verdict::Remove;
        }
    }
    let going = || plan.entries.iter().filter(|entry| entry.verdict == Verdict::Remove);
    let family = |entry: &Planned| wished_family(&entry.candidate.family).to_owned();
    if plan.wishes.families.is_empty() && plan.wishes.names.is_empty() {
        let families: BTreeSet<String> = going().map(family).collect();
        plan.wishes.families = families.into_iter().collect();
    }
    plan.wishes.owner = plan.wishes.owner.or(Some(own));
    // What we could not look into root may let go too.
    let is_dark = |entry: &Planned| {
        let it = &entry.candidate;
        it.uid == own && (it.tree.unseen.is_some() || matches!(it.locked, Tried::Unknown(_)))
    };
    let is_same = !plan.entries.iter().any(is_dark);
    let digest = is_same.then(|| seal::digest(&plan));
    format!("sudo {}", command(std::slice::from_ref(&plan.root), &plan.wishes, digest.as_deref()))
}
