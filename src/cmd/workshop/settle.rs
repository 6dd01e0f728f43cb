//! What was interrupted is settled before anything else is done.

use std::os::fd::AsFd;

use super::{Workshop, now};
use crate::exec::journal::JournalError;
use crate::exec::recover::recover;
use crate::exec::{chronicle, treat, undo};
use crate::model::journal::{Begin, Came, Done, Record};
use crate::model::raw_path::RawPath;
use crate::model::units::{Seconds, WallNanos};

/// So long an interrupted work is looked at again where that failed.
const PATIENCE: Seconds = Seconds(30 * 86_400);

impl Workshop {
    /// Finds out what an interrupted run did, and writes it down. What cannot be looked at stays open for the next run, but
    /// not for ever.
    pub(super) fn settle(&mut self, begin: &Begin) -> Result<String, String> {
        let is_open = undo::steps_of(&self.records, begin.work).values().any(|step| step.done.is_none());
        if is_open {
            let settled = if begin.place.is_some() && begin.quarantine.is_some() {
                self.settle_in_place(begin)
            } else {
                self.settle_deeds(begin)
            };
            if let Err(why) = settled {
                if !is_hopeless(begin, now()) {
                    return Err(why);
                }
                self.give_up(begin, &why).map_err(|why| why.to_string())?;
            }
        }
        self.add(Record::End { work: begin.work, time: now(), before: Vec::new(), after: Vec::new() })
            .map_err(|why| why.to_string())?;
        Ok(self.settled_so(begin))
    }

    fn settled_so(&self, begin: &Begin) -> String {
        let (work, action) = (begin.work.0, RawPath::from(begin.action.as_str()).shown());
        if begin.place.is_some() {
            return match undo::still_taken(&self.records, begin.work).len() {
                0 => format!("work {work} ({action}) was interrupted; nothing of it is put aside"),
                n => format!(
                    "work {work} ({action}) was interrupted; {n} entries are put aside: tmpmedic undo {work}"
                ),
            };
        }
        let back = if begin.undoes.is_none() && treat::back::can(&self.records, begin.work) {
            format!("; a part is done: tmpmedic undo {work} takes it back")
        } else {
            String::new()
        };
        format!("work {work} ({action}) was interrupted{back}; tmpmedic journal -v names each step")
    }

    fn settle_deeds(&mut self, begin: &Begin) -> Result<(), String> {
        let settled = treat::settle::settle(&mut self.journal, &self.records, begin.work);
        let settled = settled.map_err(|why| why.to_string())?;
        self.records.push(Record::Outcome { work: begin.work, steps: settled.steps });
        settled.open.map_or(Ok(()), Err)
    }

    fn settle_in_place(&mut self, begin: &Begin) -> Result<(), String> {
        let ends = self.ends(begin)?;
        let own = self.records.iter().filter(|record| chronicle::work_of(record) == begin.work);
        let mut records: Vec<Record> = own.cloned().collect();
        undo::records_today(&mut records, begin, &ends.id);
        let ends = (ends.place.as_fd(), &ends.quarantine);
        let found = recover(&mut self.journal, &records, begin.work, ends).map_err(|why| why.to_string())?;
        self.records.extend(found.records);
        found.open.map_or(Ok(()), Err)
    }

    /// Closes what will never be looked at.
    fn give_up(&mut self, begin: &Begin, why: &str) -> Result<(), JournalError> {
        let open = undo::steps_of(&self.records, begin.work).into_iter();
        let open = open.filter(|(_, step)| step.done.is_none());
        let done = |step| Came { step, done: Done::Kept { why: format!("interrupted; given up: {why}") } };
        let steps: Vec<Came> = open.map(|(number, _)| done(number)).collect();
        self.add(Record::Outcome { work: begin.work, steps })
    }
}

/// Whether nobody will ever find out what became of an interrupted work: a disk that is away now may come back.
fn is_hopeless(begin: &Begin, now: WallNanos) -> bool {
    begin.time.age_at(now).is_some_and(|age| age >= PATIENCE)
}

/// Works that began and did not end.
pub(super) fn interrupted(records: &[Record]) -> Vec<Begin> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::journal::WorkId;

    #[test]
    fn what_cannot_be_looked_at_is_given_up_after_a_month() {
        let begin = Begin {
            work: WorkId(1),
            time: WallNanos(0),
            action: String::new(),
            title: String::new(),
            finding: None,
            digest: String::new(),
            boot_id: String::new(),
            uid: 0,
            login_uid: None,
            undoes: None,
            place: None,
            quarantine: None,
        };
        let days = |days: i64| WallNanos(days * 86_400 * 1_000_000_000);
        assert!(!is_hopeless(&begin, days(29)));
        assert!(is_hopeless(&begin, days(30)));
    }
}
