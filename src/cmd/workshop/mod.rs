//! Where actions work: under which uid, in which boot, with which journal, in which directory and quarantine.
//!
//! Shared by every command that changes the machine. An interrupted run of before is settled here, before anything else.

mod actor;
mod matters;
mod settle;

use std::os::fd::{AsFd, OwnedFd};

use crate::catalog::Catalog;
use crate::cli::Global;
use crate::cmd::clean::StopSignal;
use crate::cmd::surroundings::variable;
use crate::cmd::{Refusal, out};
use crate::exec::home::{self, Unfit};
use crate::exec::journal::{self, Journal, JournalError};
use crate::exec::quarantine::Quarantine;
use crate::exec::{chronicle, object, shelter, undo};
use crate::exit::Exit;
use crate::model::journal::{Begin, Record, WorkId};
use crate::model::plan::ObjectId;
use crate::model::raw_path::RawPath;
use crate::model::units::WallNanos;
use crate::sys::{clock, dirfd};
pub use actor::{Actor, Names};
use matters::matters;
use settle::interrupted;

/// Refuses every action where the command line or the site says so, or where somebody else could speak for the site.
///
/// # Errors
/// A refusal that says who.
pub fn refuse_where_read_only(global: &Global, catalog: &Catalog) -> anyhow::Result<()> {
    if global.read_only {
        return Err(Refusal::permission("--read-only: nothing is changed; leave it out to act"));
    }
    if let Some(why) = &catalog.distrust {
        let help = "as root nothing is done by it; chown root and chmod go-w what you have read";
        return Err(Refusal::permission(format!("{why}: {help}")));
    }
    if catalog.read_only {
        let file = RawPath::from(global.config.as_os_str());
        return Err(Refusal::permission(format!(
            "the site forbids every action: read_only = true in {}",
            file.shown()
        )));
    }
    Ok(())
}

/// Where a journal may live, the best first. As root no variable is asked: whoever called sudo wrote them.
pub fn homes(own: u32) -> Vec<RawPath> {
    if own == 0 {
        return vec!["/var/lib/tmpmedic".into(), "/run/tmpmedic".into()];
    }
    let state = variable("XDG_STATE_HOME").filter(|path| path.starts_with('/'));
    let state = state.or_else(|| Some(format!("{}/.local/state", variable("HOME")?)));
    let state = state.map(|state| RawPath::from(state.as_str()).join(b"tmpmedic"));
    let run = RawPath::from(format!("/run/user/{own}/tmpmedic").as_str());
    state.into_iter().chain([run]).collect()
}

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

/// A journal that is ours alone now, and what it held.
pub struct Workshop {
    /// Who acts.
    pub us: Actor,
    /// Where the journal lives; nowhere where it is in memory only.
    pub home: Option<RawPath>,
    /// The journal.
    pub journal: Journal,
    /// Everything in it.
    pub records: Vec<Record>,
    /// What was settled of runs before, and where the journal lies if not at its usual place, for people.
    pub notes: Vec<String>,
    /// The last number of a work in any home, whether or not that work concerns us.
    last: WorkId,
}

/// A directory and its quarantine, opened and known to be those of the journal.
pub struct Ends {
    /// The directory.
    pub place: OwnedFd,
    /// Which one it is now.
    pub id: ObjectId,
    /// Its quarantine.
    pub quarantine: Quarantine,
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
            // A journal may be long. Whoever is stopped meanwhile leaves it as a kill would, which it is made for.
            let opened = signal.unless_asked("journal", move || open_home(&home, &actor, room, without))?;
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
        let known: std::collections::BTreeSet<RawPath> = known.collect();
        if let Err(why) = shelter::renew(known.iter()) {
            self.notes.push(format!(
                "systemd-tmpfiles is not told to leave quarantines alone: /run/tmpfiles.d: {why}"
            ));
        }
    }

    /// The journal's records, with the objects of a place as they are named today.
    pub fn records_today(records: &[Record], begin: &Begin, today: &ObjectId) -> Vec<Record> {
        let mut records = records.to_vec();
        if let Some((_, then)) = &begin.place {
            undo::translate(&mut records, then, today);
        }
        records
    }

    /// Has somebody go through the journal's records, which may be many, unless we are to stop.
    ///
    /// # Errors
    /// We are; then the shop is of no use any more.
    pub fn go_through<T: Send + 'static>(
        &mut self,
        stop: &StopSignal,
        find: impl FnOnce(&[Record]) -> T + Send + 'static,
    ) -> anyhow::Result<T> {
        let records = std::mem::take(&mut self.records);
        let find = move || {
            let found = find(&records);
            (records, found)
        };
        let (records, found) = stop.unless_asked("records", find)?;
        self.records = records;
        Ok(found)
    }

    /// Opens the directory and the quarantine of a piece of work, if they are still the same.
    ///
    /// # Errors
    /// In words, which is not.
    pub fn ends(&self, begin: &Begin) -> Result<Ends, String> {
        let (Some((path, place)), Some((name, inside))) = (&begin.place, &begin.quarantine) else {
            return Err("it worked in no directory".to_owned());
        };
        let booted = undo::Boot::of(&begin.boot_id, &self.us.boot_id);
        let shown = path.shown();
        let dir = dirfd::open_resolved(path.as_bytes()).and_then(|node| dirfd::reopen_listing(node.as_fd()));
        let dir = dir.map_err(|why| format!("{shown}: {why}"))?;
        let (id, _) = object::of(dir.as_fd()).map_err(|why| format!("{shown}: {why}"))?;
        if !undo::is_same(place, &id, booted) {
            return Err(format!("{shown} is another directory now"));
        }
        let quarantine = Quarantine::existing(dir.as_fd(), name.as_bytes(), self.us.uid)
            .map_err(|why| format!("{shown}/{}: {}", name.shown(), chain(&why)))?;
        if !undo::is_same(inside, &quarantine.id(), booted) {
            return Err(format!("{shown}/{} is another directory now", name.shown()));
        }
        if quarantine.lock().is_err() {
            return Err("another tmpmedic is at work there".to_owned());
        }
        Ok(Ends { place: dir, id, quarantine })
    }

    /// Writes a record down, and knows it.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn add(&mut self, record: Record) -> Result<(), JournalError> {
        self.journal.add(&record)?;
        self.records.push(record);
        Ok(())
    }

    /// A number that no work has had.
    pub fn next_work(&self) -> WorkId {
        WorkId(self.last.0.max(chronicle::last(&self.records).0) + 1)
    }

    /// Every beginning, oldest first.
    pub fn begins(&self) -> impl DoubleEndedIterator<Item = &Begin> {
        self.records.iter().filter_map(begin_of)
    }

    /// The beginning of a new work, to be completed.
    pub fn begin(&self, action: &str, title: String) -> Begin {
        Begin {
            work: self.next_work(),
            time: now(),
            action: action.to_owned(),
            title,
            finding: None,
            digest: String::new(),
            boot_id: self.us.boot_id.clone(),
            uid: self.us.uid,
            login_uid: self.us.login_uid,
            undoes: None,
            place: None,
            quarantine: None,
        }
    }
}

/// The beginning that a record is.
pub fn begin_of(record: &Record) -> Option<&Begin> {
    match record {
        Record::Begin(begin) => Some(begin),
        Record::Intent { .. } | Record::Outcome { .. } | Record::End { .. } => None,
    }
}

/// The time.
pub fn now() -> WallNanos {
    WallNanos(clock::wall_nanos())
}

/// An error with everything behind it, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(inner) = next {
        text.push_str(&format!(": {inner}"));
        next = inner.source();
    }
    text
}

fn reasons(unfit: &[Unfit]) -> String {
    let all: Vec<String> = unfit.iter().map(|u| format!("{}: {}", u.path.shown(), u.why)).collect();
    all.join("; ")
}

fn busy(home: &RawPath) -> String {
    format!("another tmpmedic is at work (it has the lock in {}); try again when it is done", home.shown())
}

/// What the journals of other homes say that can be read.
fn elsewhere(home: &RawPath, own: u32) -> Vec<Vec<Record>> {
    let others: Vec<RawPath> = homes(own).into_iter().filter(|other| other != home).collect();
    let others = home::existing(&others, own);
    let read = others.iter().filter_map(|other| journal::records(other.dir.as_fd(), own).ok());
    read.map(|content| content.records).collect()
}

enum Closed {
    Busy,
    Unfit(String),
}

/// The journal of a home, what it and all others hold, and the last number of a work in any of them.
fn open_home(
    path: &RawPath,
    us: &Actor,
    room: u64,
    without: WithoutUndo,
) -> Result<(Journal, Vec<Record>, WorkId), Closed> {
    let home = home::open(std::slice::from_ref(path), us.uid)
        .map_err(|unfit| Closed::Unfit(unfit.into_iter().map(|u| u.why).collect::<Vec<_>>().join("; ")))?;
    let opened = Journal::open(home.dir.as_fd(), us.uid).map_err(closed)?;
    if let Some(copy) = &opened.copy {
        out::say(&format!(
            "tmpmedic: the journal in {0} is damaged; what lies behind is not known any more, a copy of it all is {0}/{copy}",
            path.shown()
        ));
    }
    let (mut journal, mut records) = (opened.journal, opened.records);
    let others = elsewhere(path, us.uid);
    // What ours says of a work that another home remembers, it must not forget before that one does.
    if journal.is_long() && others.iter().all(Vec::is_empty) {
        let matters = matters(&records);
        if let Err(why) = journal.begin_anew(home.dir.as_fd(), &mut records, &matters) {
            out::say(&format!("tmpmedic: the journal in {} is long: {}", path.shown(), chain(&why)));
        }
    }
    if without == WithoutUndo::Never {
        journal.use_spare_room();
    }
    journal.reserve(room).map_err(closed)?;
    let last = chronicle::last(others.iter().chain([&records]).flatten());
    Ok((journal, chronicle::join(records, others), last))
}

fn closed(error: JournalError) -> Closed {
    match error {
        JournalError::Busy => Closed::Busy,
        other => Closed::Unfit(chain(&other)),
    }
}
