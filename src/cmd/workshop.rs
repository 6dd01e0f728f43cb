//! Where actions work: under which uid, in which boot, with which journal, in which directory and quarantine.
//!
//! Shared by every command that changes the machine. An interrupted run of before is settled here, before anything else.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use crate::catalog::Catalog;
use crate::cli::Global;
use crate::cmd::surroundings::variable;
use crate::cmd::{Refusal, out};
use crate::exec::home::{self, Unfit};
use crate::exec::journal::{self, Journal, JournalError};
use crate::exec::quarantine::Quarantine;
use crate::exec::{chronicle, object, shelter, treat, undo};
use crate::exit::Exit;
use crate::model::journal::{Begin, Came, Record, WorkId};
use crate::model::plan::ObjectId;
use crate::model::raw_path::RawPath;
use crate::model::units::WallNanos;
use crate::probe::account_of;
use crate::sys::procfile::Proc;
use crate::sys::{clock, dirfd, plainfile};

/// As the kernel writes a login that nobody made. Source: proc_pid_loginuid(5).
const NOBODY_LOGGED_IN: u32 = u32::MAX;

/// Who acts, and in which boot.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The uid that we act as.
    pub uid: u32,
    /// The login behind it.
    pub login_uid: Option<u32>,
    /// The boot.
    pub boot_id: String,
}

impl Actor {
    /// As this process is.
    pub fn find() -> Self {
        let proc = Proc::open(Path::new("/proc")).ok();
        let boot = proc.as_ref().and_then(|proc| proc.read("sys/kernel/random/boot_id", 64).ok());
        let login = proc.and_then(|proc| proc.own().ok()?.read("loginuid", 32).ok());
        let text = |bytes: Option<Vec<u8>>| {
            bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()).unwrap_or_default()
        };
        Self {
            uid: rustix::process::geteuid().as_raw(),
            login_uid: text(login).parse().ok().filter(|uid| *uid != NOBODY_LOGGED_IN),
            boot_id: text(boot),
        }
    }
}

/// Names of users, by the passwd file, as text.
#[derive(Debug, Default)]
pub struct Names {
    passwd: Vec<u8>,
}

impl Names {
    /// Reads the file; without it a user is a number.
    pub fn read() -> Self {
        Self { passwd: plainfile::read(Path::new("/etc/passwd"), 4 << 20).unwrap_or_default() }
    }

    /// The name, or the number where it has none.
    pub fn of(&self, uid: u32) -> String {
        let number = uid.to_string();
        let account = account_of(&self.passwd, &number).filter(|account| account.uid == uid);
        account.map_or(number, |account| account.name)
    }

    /// The number of a user, by name or number.
    pub fn uid_of(&self, name: &str) -> Option<u32> {
        account_of(&self.passwd, name).map(|account| account.uid).or_else(|| name.parse().ok())
    }
}

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
    /// What was settled of runs before, for people.
    pub notes: Vec<String>,
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
    /// Another instance works; or no home will do, with the reasons.
    pub fn open(us: Actor, room: u64, without: WithoutUndo) -> anyhow::Result<Self> {
        let mut unfit = Vec::new();
        for path in homes(us.uid) {
            match open_home(&path, &us, room) {
                Ok((journal, records)) => {
                    let records = chronicle::join(records, elsewhere(&path, us.uid));
                    return Ok(Self::settled(us, Some(path), journal, records));
                }
                Err(Closed::Busy) => {
                    return Err(Refusal { exit: Exit::NotNow, message: busy(&path) }.into());
                }
                Err(Closed::Unfit(why)) => unfit.push(Unfit { path, why }),
            }
        }
        if without == WithoutUndo::Accept {
            return Ok(Self::settled(us, None, Journal::in_memory()?, Vec::new()));
        }
        let exit = if us.uid == 0 { Exit::Failed } else { Exit::Permission };
        let why: Vec<String> = unfit.iter().map(|u| format!("{}: {}", u.path.shown(), u.why)).collect();
        let why = if why.is_empty() { "HOME is not set".to_owned() } else { why.join("; ") };
        let hint = if without == WithoutUndo::Refuse { "; --no-undo goes on without" } else { "" };
        let message = format!("no journal can be written, so nothing could be taken back ({why}){hint}");
        Err(Refusal { exit, message }.into())
    }

    fn settled(us: Actor, home: Option<RawPath>, journal: Journal, records: Vec<Record>) -> Self {
        let mut shop = Self { us, home, journal, records, notes: Vec::new() };
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

    /// Finds out what an interrupted run did, and writes it down.
    fn settle(&mut self, begin: &Begin) -> Result<String, String> {
        if begin.place.is_some() && begin.quarantine.is_some() {
            self.settle_in_place(begin)
        } else {
            self.settle_deeds(begin)
        }
    }

    fn settle_deeds(&mut self, begin: &Begin) -> Result<String, String> {
        let steps = treat::settle::settle(&mut self.journal, &self.records, begin.work);
        let steps = steps.map_err(|why| why.to_string())?;
        self.records.push(Record::Outcome { work: begin.work, steps });
        self.add(Record::End { work: begin.work, time: now(), before: Vec::new(), after: Vec::new() })
            .map_err(|why| why.to_string())?;
        let (work, action) = (begin.work.0, RawPath::from(begin.action.as_str()).shown());
        let back = if begin.undoes.is_none() && treat::back::can(&self.records, begin.work) {
            format!("; a part is done: tmpmedic undo {work} takes it back")
        } else {
            String::new()
        };
        Ok(format!("work {work} ({action}) was interrupted{back}; tmpmedic journal -v names each step"))
    }

    fn settle_in_place(&mut self, begin: &Begin) -> Result<String, String> {
        let ends = self.ends(begin)?;
        let records = self.records_today(begin, &ends);
        let found =
            undo::recover(&mut self.journal, &records, begin.work, (ends.place.as_fd(), &ends.quarantine));
        let found = found.map_err(|why| why.to_string())?;
        let steps = found.iter().map(|(step, done)| Came { step: *step, done: done.clone() }).collect();
        self.records.push(Record::Outcome { work: begin.work, steps });
        self.add(Record::End { work: begin.work, time: now(), before: Vec::new(), after: Vec::new() })
            .map_err(|why| why.to_string())?;
        let (work, action) = (begin.work.0, RawPath::from(begin.action.as_str()).shown());
        let aside = undo::still_taken(&self.records, begin.work).len();
        Ok(match aside {
            0 => format!("work {work} ({action}) was interrupted; nothing of it is put aside"),
            n => format!(
                "work {work} ({action}) was interrupted; {n} entries are put aside: tmpmedic undo {work}"
            ),
        })
    }

    /// The journal's records, with the objects of a place as they are named today.
    pub fn records_today(&self, begin: &Begin, ends: &Ends) -> Vec<Record> {
        let mut records = self.records.clone();
        if let Some((_, then)) = &begin.place {
            undo::translate(&mut records, then, &ends.id);
        }
        records
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
        WorkId(self.begins().map(|begin| begin.work.0).max().unwrap_or(0) + 1)
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

fn busy(home: &RawPath) -> String {
    format!("another tmpmedic is at work (it has the lock in {}); try again when it is done", home.shown())
}

/// Works that began and did not end.
fn interrupted(records: &[Record]) -> Vec<Begin> {
    let mut open = std::collections::BTreeMap::new();
    for record in records {
        match record {
            Record::Begin(begin) => {
                open.insert(begin.work, begin.clone());
            }
            Record::End { work, .. } => {
                open.remove(work);
            }
            Record::Intent { .. } | Record::Outcome { .. } => {}
        }
    }
    open.into_values().collect()
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

fn open_home(path: &RawPath, us: &Actor, room: u64) -> Result<(Journal, Vec<Record>), Closed> {
    let home = home::open(std::slice::from_ref(path), us.uid)
        .map_err(|unfit| Closed::Unfit(unfit.into_iter().map(|u| u.why).collect::<Vec<_>>().join("; ")))?;
    let opened = Journal::open(home.dir.as_fd(), us.uid).map_err(closed)?;
    if let Some(copy) = &opened.copy {
        out::say(&format!(
            "tmpmedic: the journal in {0} is damaged; what lies behind is not known any more, a copy of it all is {0}/{copy}",
            path.shown()
        ));
    }
    let mut journal = opened.journal;
    journal.reserve(room).map_err(closed)?;
    Ok((journal, opened.records))
}

fn closed(error: JournalError) -> Closed {
    match error {
        JournalError::Busy => Closed::Busy,
        other => Closed::Unfit(chain(&other)),
    }
}
