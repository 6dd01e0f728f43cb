//! Carries plans out: the journal, the quarantine, the sweep, the proof.

use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::sync::Arc;

use super::outcome::{Outcome, Work};
use super::page::wanted;
use super::place::{self, Place};
use super::progress::{Progress, Stop};
use super::proof::{self, Asking};
use super::watch::Watch;
use crate::catalog::Catalog;
use crate::cmd::workshop::{Actor, WithoutUndo, Workshop, begin_of, chain, now};
use crate::cmd::{Refusal, out};
use crate::exec::examine::{Budget, examine_while};
use crate::exec::quarantine::{NoQuarantine, Quarantine};
use crate::exec::sweep::{Eyes, Flow, Sweep};
use crate::exec::{object, seal, shelter, undo};
use crate::exit::Exit;
use crate::model::journal::{Begin, Record};
use crate::model::plan::{Candidate, Plan, Verdict};
use crate::model::raw_path::RawPath;
use crate::model::surroundings::About;
use crate::model::units::Bytes;
use crate::sys::stat;

/// What the journal holds of one entry, an intent and an outcome, with a long name.
const ROOM_EACH: u64 = 700;
/// A home has room for so many at least; for more it is taken as they come.
const AHEAD: u64 = 10_000;
/// Beginning, end and what else is written of one work.
const ROOM: u64 = 64 << 10;
/// How many changes are named where a plan is stale.
const CHANGES: usize = 20;

/// What a clean-up is carried out with.
pub struct Job<'a> {
    /// What is known before looking.
    pub catalog: &'a Arc<Catalog>,
    /// Who acts.
    pub us: &'a Actor,
    /// Under whom something builds here.
    pub builders: &'a BTreeSet<u32>,
    /// Whether somebody wants us to stop.
    pub stop: &'a Stop,
    /// What to do without a journal.
    pub without: WithoutUndo,
    /// The probes of before.
    pub asked: Vec<Asking>,
}

impl Job<'_> {
    /// Does it.
    ///
    /// # Errors
    /// Where nothing was changed: a stale plan, no journal, no quarantine.
    pub fn run(mut self, plans: &[Plan], progress: &mut Progress<'_>) -> anyhow::Result<Outcome> {
        let places = plans.iter().map(|plan| self.place_of(plan)).collect::<anyhow::Result<Vec<Place>>>()?;
        let count: u64 = plans.iter().map(count).sum();
        let mut outcome = Outcome { stopped: self.stop.is_asked(), ..Outcome::default() };
        let mut shop = None;
        if count > 0 && !outcome.stopped {
            let room = ROOM.saturating_add(ROOM_EACH.saturating_mul(count.min(AHEAD)));
            let mut opened = Workshop::open(self.us.clone(), room, self.without, self.stop)?;
            outcome.notes = std::mem::take(&mut opened.notes);
            outcome.home.clone_from(&opened.home);
            shop = Some(opened);
        }
        for (plan, place) in plans.iter().zip(&places) {
            self.one(plan, place, (shop.as_mut(), progress), &mut outcome)?;
        }
        if !outcome.stopped {
            progress.begin("proving", None);
            proof::again(&mut self.asked, &|| !self.stop.is_asked());
        }
        for (place, work) in places.iter().zip(&mut outcome.works) {
            work.after.probe = proof::worst(&self.asked, &place.path, |asking| asking.after.as_ref());
            if let (Some(id), Some(shop)) = (work.id, shop.as_mut()) {
                let (before, after) = (vec![work.before.clone()], vec![work.after.clone()]);
                shop.add(Record::End { work: id, time: now(), before, after })?;
            }
        }
        outcome.asked = self.asked;
        Ok(outcome)
    }

    /// Whether a plan may still be carried out, in the directory that it names.
    fn place_of(&self, plan: &Plan) -> anyhow::Result<Place> {
        let stale =
            |why: seal::Stale| anyhow::Error::from(Refusal { exit: Exit::NotNow, message: why.to_string() });
        let goes_on = || !self.stop.is_asked();
        let checked = seal::check_while(plan, &self.us.boot_id, now(), &goes_on);
        checked.ok_or_else(Refusal::stopped)?.map_err(stale)?;
        let place = place::open(&plan.root)?;
        if place.id != plan.place {
            return Err(stale(seal::Stale::Place(plan.root.shown())));
        }
        Ok(place)
    }

    fn one(
        &self,
        plan: &Plan,
        place: &Place,
        (shop, progress): (Option<&mut Workshop>, &mut Progress<'_>),
        outcome: &mut Outcome,
    ) -> anyhow::Result<()> {
        let goes_on = || !self.stop.is_asked();
        let mut before = place.figures(now(), &goes_on);
        outcome.stopped |= self.stop.is_asked();
        before.probe = proof::worst(&self.asked, &place.path, |asking| Some(&asking.before));
        let mut work = Work::nothing(plan, before);
        if let Some(shop) = shop.filter(|_| work.wanted > 0 && !outcome.stopped) {
            match self.sweep(plan, place, shop, progress, &mut work) {
                Ok(()) => {}
                // What other directories came to is worth telling.
                Err(why) if outcome.works.iter().any(|work| work.id.is_some()) => {
                    work.refused = Some(format!("{why:#}"));
                }
                Err(why) => return Err(why),
            }
            work.after = place.figures(now(), &goes_on);
            outcome.stopped |= work.swept.stopped;
        }
        outcome.works.push(work);
        Ok(())
    }

    fn sweep(
        &self,
        plan: &Plan,
        place: &Place,
        shop: &mut Workshop,
        progress: &mut Progress<'_>,
        work: &mut Work,
    ) -> anyhow::Result<()> {
        let (name, quarantine) = open_quarantine(shop, place, plan)?;
        if self.us.uid == 0 {
            match shelter::protect(&place.path.join(name.as_bytes())) {
                Ok(_) => {}
                Err(why) => out::say(&format!(
                    "tmpmedic: systemd-tmpfiles is not told to leave the quarantine alone: /run/tmpfiles.d: {why}"
                )),
            }
        }
        let mut watch = Watch::new(self.catalog, &plan.wishes, self.builders, self.us.uid, place.id)?;
        // What will have been done only the steps tell.
        let title = format!("of {} in {}", super::page::entries(count(plan)), plan.root.shown());
        let begin = Begin {
            digest: plan.digest.clone(),
            place: Some((place.path.clone(), place.id)),
            quarantine: Some((name.clone(), quarantine.id())),
            ..shop.begin("clean", title)
        };
        let id = begin.work;
        shop.add(Record::Begin(begin))?;
        work.id = Some(id);
        work.quarantine = Some(place.path.join(name.as_bytes()));
        let phase = if plan.wishes.delete { "removing" } else { "putting aside" };
        progress.begin(&format!("{}: {phase}", place.path.shown()), Some(count(plan)));
        let sweep = Sweep {
            place: place.dir.try_clone()?,
            quarantine: &quarantine,
            quarantine_path: place.path.join(name.as_bytes()),
            journal: &mut shop.journal,
            work: id,
            eyes: &mut watch.looks,
            judge: &watch.jury,
            goes_on: &|| !self.stop.is_asked(),
        };
        let swept = sweep.run(plan, &mut |at| {
            if progress.tell(at.done, at.bytes) { Flow::On } else { Flow::Stop }
        });
        progress.end();
        work.swept = swept.map_err(|why| Refusal {
            exit: Exit::Failed,
            message: format!(
                "the journal cannot be written any more ({}); what was put aside is given back by `tmpmedic undo {}`",
                chain(&why),
                id.0
            ),
        })?;
        Ok(())
    }
}

fn count(plan: &Plan) -> u64 {
    u64::try_from(wanted(&plan.entries).count()).unwrap_or(u64::MAX)
}

/// The quarantine of an earlier work in the same directory, or a new one.
fn open_quarantine(shop: &Workshop, place: &Place, plan: &Plan) -> anyhow::Result<(RawPath, Quarantine)> {
    let own = shop.us.uid;
    let known = shop.records.iter().rev().filter_map(begin_of).filter_map(|begin| {
        let (Some((path, then)), Some((name, inside))) = (&begin.place, &begin.quarantine) else {
            return None;
        };
        let booted = undo::Boot::of(&begin.boot_id, &shop.us.boot_id);
        let is_here = *path == place.path && undo::is_same(then, &place.id, booted);
        is_here.then_some((name, inside, booted))
    });
    for (name, inside, booted) in known {
        let Ok(found) = Quarantine::existing(place.dir.as_fd(), name.as_bytes(), own) else { continue };
        if undo::is_same(inside, &found.id(), booted) {
            let around = object::of(place.dir.as_fd()).map(|(_, around)| NoQuarantine::of(&around, own));
            if let Ok(Some(why)) = around {
                return Err(no_quarantine(place, plan, &why));
            }
            locked(&found)?;
            return Ok((name.clone(), found));
        }
    }
    let owner = match own {
        0 => shop.us.boot_id.chars().filter(|c| *c != '-').take(8).collect(),
        uid => uid.to_string(),
    };
    let name =
        RawPath::from(format!(".tmpmedic-{owner}-{:012x}", shelter::random() & 0xffff_ffff_ffff).as_str());
    let made = Quarantine::open(place.dir.as_fd(), name.as_bytes(), own);
    let quarantine = made.map_err(|why| no_quarantine(place, plan, &why))?;
    locked(&quarantine)?;
    Ok((name, quarantine))
}

fn locked(quarantine: &Quarantine) -> anyhow::Result<()> {
    quarantine.lock().map_err(|why| {
        let message = format!("another tmpmedic is at work in that directory ({why})");
        Refusal { exit: Exit::NotNow, message }.into()
    })
}

/// Why there can be none, and what to do about it.
fn no_quarantine(place: &Place, plan: &Plan, why: &NoQuarantine) -> anyhow::Error {
    use rustix::io::Errno;
    let dir = place.path.quoted();
    let (mut exit, mut help) = (Exit::Failed, String::new());
    match why {
        NoQuarantine::NotSticky { .. } => help = format!("; chmod 1777 {dir}"),
        NoQuarantine::Os { source, .. } => match source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::ROFS) => help = format!("; findmnt -T {dir} shows the mount, dmesg why it became so"),
            Some(Errno::NOSPC) => help = no_room(place, &dir),
            Some(Errno::ACCESS | Errno::PERM) => exit = Exit::Permission,
            _ => {}
        },
        NoQuarantine::ForeignOwner { .. } | NoQuarantine::NotOurs { .. } => {}
    }
    let message = format!("nothing was changed in {}: {}{help}", plan.root.shown(), chain(why));
    Refusal { exit, message }.into()
}

/// What is another one than was shown, though its age may still do. That it was read is no change.
fn changed(found: &Candidate, planned: &Candidate) -> Option<String> {
    let (now, then) = (&found.tree, &planned.tree);
    let what = if (found.uid, found.mode) != (planned.uid, planned.mode) {
        "its owner or mode"
    } else if (now.entries, now.bytes) != (then.entries, then.bytes) {
        "what lies in it"
    } else {
        return None;
    };
    Some(format!("{what} has changed"))
}

/// A directory takes an inode, and on most file systems a block.
fn no_room(place: &Place, dir: &str) -> String {
    if stat::room(place.dir.as_fd()).is_ok_and(|room| room.inodes_free > 0) {
        return format!(
            "; not even a directory can be made: df {dir}. Remove one file of your own there by hand; then again"
        );
    }
    format!(
        "; not even a directory can be made: df -i {dir}. Remove one file of your own there by hand, or on tmpfs: \
         mount -o remount,nr_inodes=1m {dir}; then again"
    )
}

/// What is no longer as a plan that came from a file says; nothing has been changed then.
///
/// # Errors
/// A refusal that names the changes.
pub fn refuse_changes(plan: &Plan, job: &Job<'_>, progress: &mut Progress<'_>) -> anyhow::Result<()> {
    let place = job.place_of(plan)?;
    let mut watch = Watch::new(job.catalog, &plan.wishes, job.builders, job.us.uid, place.id)?;
    let goes_on = || !job.stop.is_asked();
    let surroundings = watch
        .looks
        .surroundings_while(place.dir.as_fd(), &place.path, About::All, &goes_on)
        .ok_or_else(Refusal::stopped)?;
    progress.begin(&format!("{}: comparing", place.path.shown()), Some(count(plan)));
    let mut changes = Vec::new();
    for (done, planned) in (0..).zip(wanted(&plan.entries)) {
        let candidate = &planned.candidate;
        let change =
            match examine_while(place.dir.as_fd(), candidate.name.as_bytes(), Budget::default(), &goes_on) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some("it is gone".to_owned()),
                Err(error) => Some(error.to_string()),
                Ok(found) if found.object != candidate.object => {
                    Some("another object has its name".to_owned())
                }
                Ok(found) => {
                    let change = changed(&found, candidate);
                    let (judged, _) = watch.jury.judged(found, &surroundings, now());
                    if judged.verdict == Verdict::Keep { Some(judged.reason) } else { change }
                }
            };
        changes.extend(change.map(|why| format!("  {}: {why}", candidate.name.shown())));
        if !progress.tell(done, Bytes(0)) {
            return Err(Refusal::stopped());
        }
    }
    progress.end();
    if changes.is_empty() {
        return Ok(());
    }
    let count = changes.len();
    changes.truncate(CHANGES);
    if count > CHANGES {
        changes.push(format!("  and {} more", count - CHANGES));
    }
    let message = format!(
        "{}: nothing was changed, because {count} of its entries are not as the plan says; make it anew\n{}",
        plan.root.shown(),
        changes.join("\n")
    );
    Err(Refusal { exit: Exit::NotNow, message }.into())
}
