//! One piece of work: begun, carried out and ended in the journal, which only one instance has at a time.

use std::os::fd::AsFd;

use super::{Outcome, Proved, REFUSED};
use crate::cmd::workshop::homes;
use crate::exec::home::{self, Home};
use crate::exec::journal::{Journal, JournalError, Opened};
use crate::exec::treat;
use crate::exit::Exit;
use crate::model::journal::{Begin, Figures, Record, WorkId};
use crate::model::treatment::Treatment;
use crate::model::units::WallNanos;
use crate::sys::{clock, plainfile};

/// Carries the plan out, and proves afterwards what it was for.
pub fn carry_out(
    plan: &Treatment,
    before: Vec<Proved>,
    prove: impl FnOnce(&Treatment) -> Vec<Proved>,
) -> Outcome {
    let own = rustix::process::geteuid().as_raw();
    let boot_id = small("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let now = || WallNanos(clock::wall_nanos());
    if let Err(stale) = treat::check(plan, &boot_id, now()) {
        return Outcome::refused(Exit::NotNow.code(), stale.to_string());
    }
    let home = match home::open(&homes(own), own) {
        Ok(home) => home,
        Err(unfit) => {
            let all: Vec<String> = unfit.iter().map(|u| format!("{}: {}", u.path.shown(), u.why)).collect();
            let why = format!("nothing is done that cannot be written down first: {}", all.join("; "));
            return Outcome::refused(REFUSED, why);
        }
    };
    match in_journal(plan, &home, own, before, prove, now) {
        Ok(outcome) => outcome,
        Err(JournalError::Busy) => Outcome::refused(Exit::NotNow.code(), JournalError::Busy.to_string()),
        Err(error) => Outcome::refused(REFUSED, format!("{:#}", anyhow::Error::from(error))),
    }
}

fn in_journal(
    plan: &Treatment,
    home: &Home,
    own: u32,
    before: Vec<Proved>,
    prove: impl FnOnce(&Treatment) -> Vec<Proved>,
    now: impl Fn() -> WallNanos,
) -> Result<Outcome, JournalError> {
    let Opened { mut journal, records, .. } = Journal::open(home.dir.as_fd(), own)?;
    let work = next(&records);
    journal.add(&Record::Begin(Begin {
        work,
        time: now(),
        action: plan.action.clone(),
        title: plan.title.clone(),
        finding: Some(plan.finding.clone()),
        digest: plan.digest.clone(),
        boot_id: plan.boot_id.clone(),
        uid: own,
        login_uid: small("/proc/self/loginuid")
            .and_then(|text| text.parse().ok())
            .filter(|uid| *uid != u32::MAX),
        undoes: None,
        place: None,
        quarantine: None,
    }))?;
    let steps = treat::treat(plan, (&mut journal, work), own, &mut |_, _| {})?;
    let after = prove(plan);
    let figures = |all: &[Proved]| all.iter().map(figures).collect();
    let end = Record::End { work, time: now(), before: figures(&before), after: figures(&after) };
    journal.add(&end)?;
    Ok(Outcome { refused: None, steps, before, after, work: Some(work.0) })
}

/// Only what was looked at: whether a temp dir can be made there.
fn figures(proved: &Proved) -> Figures {
    Figures { path: proved.path.as_str().into(), probe: Some(proved.word()), ..Figures::default() }
}

fn next(records: &[Record]) -> WorkId {
    let begun = records.iter().filter_map(|record| match record {
        Record::Begin(begin) => Some(begin.work.0),
        _ => None,
    });
    WorkId(begun.max().unwrap_or(0) + 1)
}

fn small(path: &str) -> Option<String> {
    let bytes = plainfile::read(std::path::Path::new(path), 4096).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim().to_owned())
}
