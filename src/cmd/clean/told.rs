//! The same for a screen: the sheet before it, and what came of it.

use std::collections::BTreeMap;
use std::os::fd::AsFd;

use sha2::{Digest, Sha256};

use super::document::Totals;
use super::draft::{Draft, Group};
use super::outcome::{Outcome, Work, rows};
use super::page::{entries, wanted};
use super::place::Place;
use super::strangers::{self, Kept};
use super::{command, command_to_look, proof};
use crate::exec::quarantine::NoQuarantine;
use crate::exec::{object, seal};
use crate::model::plan::{Plan, Verdict, Wishes};
use crate::model::raw_path::RawPath;
use crate::model::units::{Bytes, Entries};
use crate::model::work::{self, Barred, Changed, Ending, Lot, Prospect, Told, Wish};
use crate::remedies::clean::{GUARDS, UNREAD};
use crate::report::safe;
use crate::sys::stat;

/// How many entries of a lot are named.
const SAMPLES: usize = 200;
/// More refusals than anybody reads; the journal holds all of them.
const MOST_REFUSALS: usize = 5_000;
/// The word before what cannot be taken back.
const DELETE: &str = "delete";
/// A file system with less than a so-manieth part free counts as full.
const FULL: u64 = 100;

/// The digest that whoever plans the same removals has, whenever and with whatever rights: over the boot, the directory, the
/// wishes, and exactly which objects go. Why others stay, and since when, is no part of it.
pub fn agreed(plans: &[Plan]) -> String {
    let one = |plan: &Plan| {
        let going: Vec<_> = wanted(&plan.entries).map(|e| (&e.candidate.name, &e.candidate.object)).collect();
        seal::hash(&(&plan.boot_id, &plan.root, &plan.place, &plan.wishes, going))
    };
    match plans {
        [plan] => one(plan),
        all => {
            let text: String = all.iter().map(one).collect();
            Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
        }
    }
}

/// What would be done.
pub fn prospect(wish: Wish, draft: &Draft, place: &Place, no_help: &[String]) -> Prospect {
    let plan = &draft.plan;
    let totals = Totals::of(std::slice::from_ref(plan));
    let (root, delete) = (plan.root.shown(), plan.wishes.delete);
    let how = if delete { "removed for good" } else { "put aside" };
    let digest = agreed(std::slice::from_ref(plan));
    let all = totals.remove + totals.keep;
    let line = command(std::slice::from_ref(&plan.root), &plan.wishes, Some(&digest));
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
        digest,
        expires: Some(plan.expires),
        title: format!("Clean up: {root}"),
        does: match (totals.remove, all) {
            (0, 0) => "nothing lies there".to_owned(),
            (0, _) => format!("none of {} can go", entries(all)),
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
        going: going(draft),
        staying: staying(draft),
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

/// What there is to say of a directory that only other processes see under its name: it is cleaned from there.
pub fn elsewhere(wish: Wish, root: &RawPath, wishes: &Wishes) -> Option<Prospect> {
    let rest = root.as_bytes().strip_prefix(b"/proc/")?;
    let (pid, rest) = rest.split_at_checked(rest.iter().position(|byte| *byte == b'/')?)?;
    let pid: u32 = std::str::from_utf8(pid).ok()?.parse().ok()?;
    let inside = RawPath::from(rest.strip_prefix(b"/root").filter(|rest| rest.starts_with(b"/"))?);
    let there = |line: String| format!("nsenter -t {pid} -m {line}");
    let (roots, shown) = (std::slice::from_ref(&inside), inside.shown());
    let look = there(command_to_look(roots, wishes));
    Some(Prospect {
        wish,
        digest: String::new(),
        expires: None,
        title: format!("Clean up: {shown} of pid {pid}"),
        does: format!("{shown} as pid {pid} sees it is another directory than ours"),
        facts: Vec::new(),
        steps: vec![
            Told { does: "plan it there: nothing is changed".to_owned(), by_hand: look.clone() },
            Told { does: "do it there".to_owned(), by_hand: there(command(roots, wishes, None)) },
        ],
        going: Vec::new(),
        staying: Vec::new(),
        ends: Vec::new(),
        notes: vec![
            "In a container that has no tmpmedic, copy the binary into it first: it needs nothing else."
                .to_owned(),
        ],
        word: None,
        barred: Some(Barred {
            why: "it is cleaned from the mount namespace that it is in; this plans it there:".to_owned(),
            command: Some(look),
        }),
    })
}

fn going(draft: &Draft) -> Vec<Lot> {
    let mut all: Vec<Lot> = lots(
        draft,
        draft.going.iter().map(|(family, group)| {
            (if family.is_empty() { "in no known family" } else { family.as_str() }, group)
        }),
    );
    all.sort_by_key(|lot| std::cmp::Reverse((lot.entries, lot.bytes)));
    all
}

fn staying(draft: &Draft) -> Vec<Lot> {
    let by_guard: BTreeMap<&str, &Group> = draft.staying.iter().map(|(id, group)| (*id, group)).collect();
    let known =
        GUARDS.iter().filter_map(|guard| Some((unheld(guard.id, guard.holds), *by_guard.get(guard.id)?)));
    lots(draft, known)
}

/// Why an entry stays for which that guard does not hold.
fn unheld(id: &str, holds: &'static str) -> &'static str {
    match id {
        "here" => "on another mount",
        "clock" => "stamped in the future: the clock cannot be believed",
        "unprotected" => "protected by its family, the site or the user",
        "unmounted" => "something is mounted in it or from it",
        "unheld" => "a process holds or names it",
        "removable" => "of other users: root alone may remove them",
        "unlocked" => "somebody has a lock on it",
        "old" => "touched too recently",
        "expected" => "of a user who builds nothing here",
        "wanted" => "not among what was asked for",
        UNREAD => "perhaps held by somebody who cannot be read",
        _ => holds,
    }
}

fn lots<'a>(draft: &Draft, groups: impl Iterator<Item = (&'a str, &'a Group)>) -> Vec<Lot> {
    let lot = |(what, group): (&str, &Group)| Lot {
        what: what.to_owned(),
        entries: group.entries,
        bytes: group.bytes,
        oldest: group.oldest,
        samples: group
            .members
            .iter()
            .take(SAMPLES)
            .filter_map(|at| draft.plan.entries.get(*at))
            .map(|entry| (entry.candidate.name.clone(), entry.reason.clone()))
            .collect(),
    };
    groups.map(lot).collect()
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

/// Whoever is not root leaves what others own.
fn others(draft: &Draft) -> Option<String> {
    let own = rustix::process::geteuid();
    let theirs = |entry: &&crate::model::plan::Planned| {
        entry.verdict == Verdict::Keep && entry.candidate.uid != own.as_raw()
    };
    let count = draft.plan.entries.iter().filter(theirs).count();
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    let verb = if count == 1 { "takes" } else { "take" };
    (!own.is_root() && count > 0)
        .then(|| format!("{} of other users {verb} root, who sees more and plans anew", entries(count)))
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

/// What came of it.
pub fn outcome(outcome: &Outcome) -> work::Outcome {
    let whole = outcome.exit() == 0;
    let done: u64 = outcome.works.iter().map(Work::done).sum();
    let ending = match () {
        () if whole => Ending::Whole,
        () if outcome.stopped => Ending::Stopped,
        () if done == 0 => Ending::Refused,
        () => Ending::Part,
    };
    let refusals = outcome.works.iter().flat_map(|work| {
        let all = work.swept.kept.iter().chain(&work.swept.failed);
        let whole = work.refused.iter().map(|why| (work.root.shown(), why.clone()));
        whole.chain(all.map(|(name, why)| (work.root.join(name.as_bytes()).shown(), why.clone())))
    });
    let count = refusals.clone().count();
    let mut notes = outcome.notes.clone();
    if count > MOST_REFUSALS {
        notes.push(format!("and {} more; tmpmedic journal -v names each", count - MOST_REFUSALS));
    }
    let is_aside = outcome.works.iter().any(|work| !work.swept.taken.is_empty());
    if is_aside {
        notes.push("what was put aside still takes its room; purge frees it, undo takes it back".to_owned());
    }
    if outcome.home.is_none() && done > 0 {
        notes.push("no journal was written: undo knows nothing of this".to_owned());
    }
    // Whoever could before, and was not asked again, tells nothing.
    let asked = outcome.asked.iter().filter(|asking| asking.after.is_some() || !asking.before.passed());
    let table = outcome.works.iter().filter(|work| work.id.is_some()).flat_map(rows);
    let table =
        table.map(|(what, before, after, change)| Changed { what: what.to_owned(), before, after, change });
    work::Outcome {
        ending,
        headline: outcome.works.iter().map(headline).collect::<Vec<_>>().join("; "),
        work: outcome.works.iter().find_map(|work| work.id),
        can_undo: is_aside && outcome.home.is_some(),
        steps: Vec::new(),
        table: table.chain(asked.map(answer)).collect(),
        refusals: refusals.take(MOST_REFUSALS).collect(),
        notes,
        report: outcome.markdown(),
    }
}

fn headline(work: &Work) -> String {
    let how = if work.for_good { "removed for good" } else { "put aside" };
    let (root, done) = (work.root.shown(), Entries(work.done()));
    if work.swept.stopped {
        let rest = Entries(work.wanted.saturating_sub(work.done()));
        let verb = if rest.0 == 1 { "stays" } else { "stay" };
        return format!(
            "{root}: stopped after {done} of {}; {rest} {verb} where they were",
            entries(work.wanted)
        );
    }
    format!("{root}: {done} of {} {how}{}", entries(work.wanted), room_of(work.swept.bytes))
}

/// `, 41.0 M`; nothing where it is nothing.
fn room_of(bytes: Bytes) -> String {
    if bytes.0 == 0 { String::new() } else { format!(", {bytes}") }
}

fn answer(asking: &proof::Asking) -> Changed {
    let (before, after) = asking.answers();
    Changed {
        what: format!("{} as {}", asking.before.path.shown(), safe(&asking.who)),
        before,
        after: after.unwrap_or_else(|| "not asked".to_owned()),
        change: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_another_namespace_is_cleaned_from_there() {
        let wishes = Wishes { delete: true, ..Wishes::default() };
        let told = |root: &str| elsewhere(Wish::Undo(None), &root.into(), &wishes);
        let prospect = told("/proc/42/root/var/tmp").unwrap();
        let barred = prospect.barred.unwrap();
        assert_eq!(barred.command.unwrap(), "nsenter -t 42 -m tmpmedic clean /var/tmp --older-than 0s");
        let last = &prospect.steps[1].by_hand;
        assert_eq!(last, "nsenter -t 42 -m tmpmedic clean /var/tmp --older-than 0s --apply --delete --yes");
        for ours in ["/tmp", "/proc/42/rooted/tmp", "/proc/42/root", "/proc/self/root/tmp", "/procx/1/root/x"]
        {
            assert_eq!(told(ours), None, "{ours}");
        }
    }
}
