//! The sheet of a clean-up: what would go and stay, what is worth knowing before, and why it cannot be done from here.

use std::os::fd::AsFd;

use super::{lots, room_of};
use crate::cmd::clean::document::Totals;
use crate::cmd::clean::draft::Draft;
use crate::cmd::clean::page::{entries, fate, none_of};
use crate::cmd::clean::place::Place;
use crate::cmd::clean::strangers::{self, Kept};
use crate::cmd::clean::{command, command_to_look};
use crate::exec::object;
use crate::exec::quarantine::NoQuarantine;
use crate::model::plan::Wishes;
use crate::model::units::{Bytes, Entries};
use crate::model::work::{Barred, Prospect, Told, Wish};
use crate::remedies::clean::FOREIGN;
use crate::sys::stat;

/// The word before what cannot be taken back.
const DELETE: &str = "delete";
/// A file system with less than a so-manieth part free counts as full.
const FULL: u64 = 100;

/// What would be done.
pub fn prospect(wish: Wish, draft: &Draft, place: &Place, no_help: &[String]) -> Prospect {
    let plan = &draft.plan;
    let totals = Totals::of(std::slice::from_ref(plan));
    let (root, delete) = (plan.root.shown(), plan.wishes.delete);
    let how = fate(&plan.wishes);
    let all = totals.remove + totals.keep;
    let line = command(std::slice::from_ref(&plan.root), &plan.wishes, Some(&plan.digest));
    let mut notes = no_help.to_vec();
    notes.extend(room(place, &plan.wishes));
    let others = others(draft);
    let as_root = others
        .as_ref()
        .map(|_| format!("sudo {}", command_to_look(std::slice::from_ref(&plan.root), &plan.wishes)));
    if let (Some(why), Some(line), true) = (&others, &as_root, totals.remove > 0) {
        notes.push(format!("{why}: {line}"));
    }
    let kept = strangers::kept(draft, rustix::process::geteuid().as_raw());
    notes.extend(kept.iter().map(|kept| format!("{} To take it upon you: {}", kept.why, kept.assuming)));
    notes.extend(draft.gaps.iter().map(|gap| {
        let remedy = gap.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        format!("not seen, so nobody knows who holds what there: {}: {}{remedy}", gap.what, gap.why.shown())
    }));
    let steps = [
        Told { does: format!("{} {how}, each looked at once more", entries(totals.remove)), by_hand: line },
        Told {
            does: "prove it: temp dirs are made again, by whoever could not before".to_owned(),
            by_hand: format!("tmpmedic check --dir {}", plan.root.quoted()),
        },
    ];
    Prospect {
        wish,
        digest: plan.digest.clone(),
        expires: Some(plan.expires),
        title: format!("Clean up: {root}"),
        does: match (totals.remove, all) {
            (0, _) => none_of(all),
            (going, _) => format!(
                "{} of {} {how}{}; {} stay",
                Entries(going),
                entries(all),
                room_of(Bytes(totals.bytes)),
                Entries(totals.keep)
            ),
        },
        facts: vec![
            "interrupts nothing".to_owned(),
            if delete { "cannot be taken back" } else { "can be taken back" }.to_owned(),
        ],
        // Where nothing goes there is no command that is worth copying.
        steps: if totals.remove == 0 { Vec::new() } else { steps.to_vec() },
        going: lots::going(draft),
        staying: lots::staying(draft),
        ends: Vec::new(),
        notes,
        word: delete.then(|| DELETE.to_owned()),
        barred: match (kept, others.filter(|_| totals.remove == 0)) {
            (Some(kept), _) if totals.remove == 0 => Some(held_by_strangers(kept)),
            (_, Some(why)) => Some(Barred { why, command: as_root }),
            _ => barred(place, totals, all),
        },
    }
}

/// What putting aside is worth on a full file system.
fn room(place: &Place, wishes: &Wishes) -> Option<String> {
    let room = stat::room(place.dir.as_fd()).ok()?;
    let is_low = |free: u64, of: u64| of > 0 && free <= of / FULL;
    let what = match (is_low(room.available, room.total), is_low(room.inodes_free, room.inodes)) {
        (false, false) => return None,
        (true, _) => "full",
        (false, true) => "out of inodes",
    };
    Some(if wishes.delete {
        format!(
            "the file system is {what}: what is removed for good frees it at once, and cannot be taken back"
        )
    } else {
        format!(
            "the file system is {what}, and putting aside frees nothing: removing for good does (--delete), which is final"
        )
    })
}

/// Whoever is not root leaves what others own. What stays for another reason as well, root leaves too.
fn others(draft: &Draft) -> Option<String> {
    let count = draft.staying.get(FOREIGN)?.entries;
    let verb = if count == 1 { "takes" } else { "take" };
    Some(format!("{} of other users {verb} root, who sees more and plans anew", entries(count)))
}

fn held_by_strangers(kept: Kept) -> Barred {
    let (why, command) = match kept.as_root {
        Some(line) => ("what is old enough stays because others cannot be read; as root they can:", line),
        None => (
            "what is old enough stays because not everybody could be read; to take it upon you:",
            kept.assuming,
        ),
    };
    Barred { why: why.to_owned(), command: Some(command) }
}

fn barred(place: &Place, totals: Totals, all: u64) -> Option<Barred> {
    if totals.remove == 0 {
        let why = if all == 0 {
            "there is nothing to do"
        } else {
            "nothing in it may go: each entry stays for the reason below"
        };
        return Some(Barred { why: why.to_owned(), command: None });
    }
    let (_, around) = object::of(place.dir.as_fd()).ok()?;
    let why = NoQuarantine::of(&around, rustix::process::geteuid().as_raw())?;
    let help = matches!(why, NoQuarantine::NotSticky { .. });
    let command =
        help.then(|| format!("tmpmedic fix --action repair-mode --dir {} --apply", place.path.quoted()));
    Some(Barred { why: if help { format!("repair-mode first: {why}") } else { why.to_string() }, command })
}
