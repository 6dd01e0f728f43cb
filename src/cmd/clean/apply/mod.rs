//! Carries plans out: the journal, the quarantine, the sweep, the proof.

mod changes;
mod quarantine;

use super::document::Totals;
use super::ground::Ground;
use super::outcome::{Outcome, Work};
use super::page::entries;
use super::place::{self, Place};
use super::progress::{Progress, Stop};
use super::proof::{self, Asking};
use crate::cmd::workshop::{WithoutUndo, Workshop, chain, now};
use crate::cmd::{Refusal, out};
use crate::exec::sweep::{Flow, Sweep};
use crate::exec::{seal, shelter};
use crate::exit::Exit;
use crate::model::journal::{Begin, Record};
use crate::model::plan::Plan;
use crate::remedies::CLEAN;

pub use changes::refuse_changes;

/// What the journal holds of one entry, an intent and an outcome, with a long name.
const ROOM_EACH: u64 = 700;
/// A home has room for so many at least; for more it is taken as they come.
const AHEAD: u64 = 10_000;
/// Beginning, end and what else is written of one work.
const ROOM: u64 = 64 << 10;

/// What a clean-up is carried out with.
pub struct Job<'a> {
    /// The machine around, and who acts.
    pub ground: &'a Ground,
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
        let count = Totals::of(plans).remove;
        let mut outcome = Outcome { stopped: self.stop.is_asked(), ..Outcome::default() };
        let mut shop = None;
        if count > 0 && !outcome.stopped {
            let room = ROOM.saturating_add(ROOM_EACH.saturating_mul(count.min(AHEAD)));
            let mut opened = Workshop::open(self.ground.us.clone(), room, self.without, self.stop)?;
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
        let checked = seal::check_while(plan, &self.ground.us.boot_id, now(), &goes_on);
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
        let (name, quarantine) = quarantine::open(shop, place, plan)?;
        if self.ground.us.uid == 0 {
            match shelter::protect(&place.path.join(name.as_bytes())) {
                Ok(_) => {}
                Err(why) => out::say(&format!(
                    "tmpmedic: systemd-tmpfiles is not told to leave the quarantine alone: /run/tmpfiles.d: {why}"
                )),
            }
        }
        let mut watch = self.ground.watch(&plan.wishes, place)?;
        // What will have been done only the steps tell.
        let title = format!("of {} in {}", entries(work.wanted), plan.root.shown());
        let begin = Begin {
            digest: plan.digest.clone(),
            place: Some((place.path.clone(), place.id)),
            quarantine: Some((name.clone(), quarantine.id())),
            ..shop.begin(CLEAN, title)
        };
        let id = begin.work;
        shop.add(Record::Begin(begin))?;
        work.id = Some(id);
        work.quarantine = Some(place.path.join(name.as_bytes()));
        let phase = if plan.wishes.delete { "removing" } else { "putting aside" };
        progress.begin(&format!("{}: {phase}", place.path.shown()), Some(work.wanted));
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
