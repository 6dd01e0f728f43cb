//! How a workshop is opened: the first home that will do, its journal and those of the others, and what was interrupted.

use std::collections::BTreeSet;
use std::os::fd::AsFd;

use super::homes::{homes, journals};
use super::matters::matters;
use super::settle::interrupted;
use super::{Actor, Workshop, chain};
use crate::cmd::clean::StopSignal;
use crate::cmd::{Refusal, out};
use crate::exec::home::{self, Home, Unfit};
use crate::exec::journal::{self, Found, Journal, JournalError};
use crate::exec::{chronicle, shelter, undo};
use crate::exit::Exit;
use crate::model::journal::{Record, WorkId};
use crate::model::raw_path::RawPath;

/// What to do where no journal can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithoutUndo {
    /// Nothing, and there is no way without.
    Never,
    /// Nothing, unless somebody says otherwise.
    Refuse,
    /// Go on, and keep it in memory.
    Accept,
}

impl Workshop {
    /// Opens the first home with room for so many bytes, and settles what was interrupted.
    ///
    /// # Errors
    /// Another instance works; or no home will do, with the reasons; or it was stopped.
    pub fn open(us: Actor, room: u64, without: WithoutUndo, signal: &StopSignal) -> anyhow::Result<Self> {
        let mut unfit = Vec::new();
        for path in homes(us.uid) {
            let (home, actor) = (path.clone(), us.clone());
            // A journal may be long. Whoever is stopped while it is read has changed nothing, and what is read on by nobody's
            // wish changes nothing: only here it is written to, between two questions.
            let seen = signal.unless_asked("journal", move || Seen::look(&home, &actor))?;
            let opened = seen.and_then(|seen| seen.take_up((room, without), &|| !signal.is_asked()));
            if signal.is_asked() {
                return Err(Refusal::stopped());
            }
            match opened {
                Ok((journal, records, last)) => {
                    let mut shop = Self::settled(us, Some(path), journal, records, last);
                    if let Some(note) = shop.is_second_best(&unfit) {
                        out::say(&format!("tmpmedic: {note}"));
                        shop.notes.push(note);
                    }
                    return Ok(shop);
                }
                Err(Closed::Busy) => {
                    return Err(Refusal { exit: Exit::NotNow, message: busy(&path) }.into());
                }
                Err(Closed::Unfit(why)) => unfit.push(Unfit { path, why }),
            }
        }
        if without == WithoutUndo::Accept {
            return Ok(Self::settled(us, None, Journal::in_memory()?, Vec::new(), WorkId(0)));
        }
        let exit = if us.uid == 0 { Exit::Failed } else { Exit::Permission };
        let why = if unfit.is_empty() { "HOME is not set".to_owned() } else { reasons(&unfit) };
        let hint = if without == WithoutUndo::Refuse { "; --no-undo goes on without" } else { "" };
        let message = format!("no journal can be written, so nothing could be taken back ({why}){hint}");
        Err(Refusal { exit, message }.into())
    }

    /// Where a better home would not do: why, and until when an undo is known in this one.
    fn is_second_best(&self, unfit: &[Unfit]) -> Option<String> {
        let home = self.home.as_ref().filter(|_| !unfit.is_empty())?;
        let until = if home.is_below(&"/run".into()) { ": undo before the next boot" } else { "" };
        Some(format!("the journal is in {} ({}){until}", home.shown(), reasons(unfit)))
    }

    fn settled(
        us: Actor,
        home: Option<RawPath>,
        journal: Journal,
        records: Vec<Record>,
        last: WorkId,
    ) -> Self {
        let mut shop = Self { us, home, journal, records, notes: Vec::new(), last };
        for begin in interrupted(&shop.records) {
            let note = match shop.settle(&begin) {
                Ok(note) => note,
                Err(why) => format!("work {} was interrupted and cannot be looked at: {why}", begin.work.0),
            };
            out::say(&format!("tmpmedic: {note}"));
            shop.notes.push(note);
        }
        shop.keep_sheltered();
        shop
    }

    /// After a boot the quarantines that outlived it are nobody's to systemd-tmpfiles.
    fn keep_sheltered(&mut self) {
        if self.us.uid != 0 {
            return;
        }
        let aside = undo::all_aside(&self.records);
        let known = self.begins().filter(|begin| aside.contains_key(&begin.work)).filter_map(|begin| {
            let ((place, _), (name, _)) = (begin.place.as_ref()?, begin.quarantine.as_ref()?);
            Some(place.join(name.as_bytes()))
        });
        let known: BTreeSet<RawPath> = known.collect();
        if let Err(why) = shelter::renew(known.iter()) {
            self.notes.push(format!(
                "systemd-tmpfiles is not told to leave quarantines alone: /run/tmpfiles.d: {why}"
            ));
        }
    }
}

enum Closed {
    Busy,
    Unfit(String),
}

/// What was read before anything is written: the journal of a home, and what all others hold.
struct Seen {
    home: Home,
    found: Found,
    others: Vec<Vec<Record>>,
    /// The works that the journal must not forget, where it is to begin anew.
    matters: Option<BTreeSet<WorkId>>,
}

impl Seen {
    /// Reads; at most an empty journal is made, where there was none.
    fn look(path: &RawPath, us: &Actor) -> Result<Self, Closed> {
        let home = home::open(std::slice::from_ref(path), us.uid).map_err(|unfit| {
            Closed::Unfit(unfit.into_iter().map(|u| u.why).collect::<Vec<_>>().join("; "))
        })?;
        let found = Found::look(home.dir.as_fd(), us.uid).map_err(closed)?;
        let others = elsewhere(path, us.uid);
        // What ours says of a work that another home remembers, it must not forget before that one does.
        let begins_anew = found.is_long() && others.iter().all(Vec::is_empty);
        let matters = begins_anew.then(|| matters(found.records(), found.tally()));
        Ok(Self { home, found, others, matters })
    }

    /// Makes of it what is written to: the journal, what it and all others hold, and the last number of a work in any of them.
    fn take_up(
        self,
        (room, without): (u64, WithoutUndo),
        goes_on: &dyn Fn() -> bool,
    ) -> Result<(Journal, Vec<Record>, WorkId), Closed> {
        let Self { home, found, others, matters } = self;
        let (path, dir) = (home.path.shown(), home.dir.as_fd());
        let opened = found.take_up(dir).map_err(closed)?;
        if let Some(copy) = &opened.copy {
            out::say(&format!(
                "tmpmedic: the journal in {path} is damaged; what lies behind is not known any more, a copy of it all is {path}/{copy}"
            ));
        }
        let (mut journal, mut records) = (opened.journal, opened.records);
        if let Some(matters) = matters
            && let Err(why) = journal.begin_anew(dir, (&mut records, &matters), goes_on)
        {
            out::say(&format!("tmpmedic: the journal in {path} is long: {}", chain(&why)));
        }
        if without == WithoutUndo::Never {
            journal.use_spare_room();
        }
        journal.reserve(room).map_err(closed)?;
        let last = chronicle::last(others.iter().chain([&records]).flatten());
        Ok((journal, chronicle::join(records, others), last))
    }
}

/// What the journals of other homes say that can be read.
fn elsewhere(home: &RawPath, own: u32) -> Vec<Vec<Record>> {
    let others: Vec<RawPath> = homes(own).into_iter().filter(|other| other != home).collect();
    let read = journals(&others, own, journal::records).filter_map(|(_, read)| read.ok());
    read.map(|content| content.records).collect()
}

fn closed(error: JournalError) -> Closed {
    match error {
        JournalError::Busy => Closed::Busy,
        other => Closed::Unfit(chain(&other)),
    }
}

fn reasons(unfit: &[Unfit]) -> String {
    let all: Vec<String> = unfit.iter().map(|u| format!("{}: {}", u.path.shown(), u.why)).collect();
    all.join("; ")
}

fn busy(home: &RawPath) -> String {
    format!("another tmpmedic is at work (it has the lock in {}); try again when it is done", home.shown())
}
