//! Looks, probes and writes, once or again and again, until the time is over or a signal comes.

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::target::{self, Target};
use super::{Done, header, host_of, name_of, public_names};
use crate::cli::CaptureArgs;
use crate::cmd::check::{asked, probe_all};
use crate::cmd::console::probes::Probes;
use crate::model::snapshot::Snapshot;
use crate::model::units::{Millis, WallNanos};
use crate::source::looks::Looks;
use crate::store::redact::Redactor;
use crate::store::{StoreError, Writer};
use crate::sys::clock::Stopwatch;
use crate::sys::term::{Event, Signals};

/// The collectors end by themselves at the deadline; this much later they are taken for stuck.
const GRACE: Duration = Duration::from_millis(500);
/// How long the probes of the first snapshot may take.
const PROBING: Duration = Duration::from_secs(10);

/// How a recording ended.
#[derive(Debug)]
pub enum Course {
    /// As it was asked for.
    Complete,
    /// By a signal, cleanly.
    Stopped,
    /// At the size of a capture.
    Full(String),
    /// The output took no more.
    Failed(String),
}

impl Course {
    /// Why not everything that was asked for was written.
    pub fn failure(&self) -> Option<String> {
        match self {
            Self::Complete | Self::Stopped => None,
            Self::Full(why) | Self::Failed(why) => Some(why.clone()),
        }
    }
}

/// What the waiting ended with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Woken {
    Look,
    Time,
    Signal,
}

/// The recorder.
pub struct Recording {
    looks: Looks,
    signals: Option<Signals>,
    deadline: Duration,
    redactor: Option<Redactor>,
    probes: Probes,
}

impl Recording {
    /// Nothing is looked at or written yet.
    pub fn new(args: &CaptureArgs, looks: Looks, signals: Option<Signals>) -> Self {
        Self { looks, signals, deadline: args.deadline, redactor: None, probes: Probes::default() }
    }

    /// Records; nothing where a signal came before the first snapshot.
    pub fn run(mut self, args: &CaptureArgs) -> anyhow::Result<Option<Done>> {
        let watch = Stopwatch::start();
        let Some(mut now) = self.look() else { return Ok(None) };
        asked::verify(&args.whom, &now)?;
        self.probes.recall(&mut now);
        if !args.no_probe {
            // What could not be probed is predicted, and says so.
            probe_all(&mut now, PROBING, &mut Vec::new());
            now.probes.iter().for_each(|result| self.probes.add(result.clone()));
        }
        self.redactor = args.redact.then(|| Redactor::new(public_names()));
        let first = self.redacted(now)?;
        let every = args.length.map(|_| Millis(u64::try_from(args.every.as_millis()).unwrap_or(u64::MAX)));
        let header = header(host_of(&first), args.redact, every);
        let target = Target::open(&name_of(args, &header))?;
        let mut taken = (first.taken, first.taken);
        let (written, course) = {
            let begun = Writer::begin(&target, header.clone());
            let mut writer = begun.map_err(|why| target::lost(told(&target, why)))?;
            let course = match writer.add(&first) {
                Ok(_) => self.go_on(&mut writer, (args.length, args.every), watch, &mut taken.1),
                Err(why) => Err(why),
            };
            (writer.written(), course)
        };
        let course = course.unwrap_or_else(|why| match why {
            StoreError::Full { .. } if written.snapshots > 0 => Course::Full(told(&target, why)),
            why => Course::Failed(told(&target, why)),
        });
        target.cut(written.bytes);
        let course = match target.sync() {
            Err(why) if !matches!(course, Course::Failed(_)) => {
                Course::Failed(told(&target, StoreError::Write(why)))
            }
            _ => course,
        };
        Ok(Some(Done { header, written, course, first: taken.0, last: taken.1, target }))
    }

    /// The snapshots after the first.
    fn go_on(
        &mut self,
        writer: &mut Writer<&Target>,
        (length, every): (Option<Duration>, Duration),
        watch: Stopwatch,
        last: &mut WallNanos,
    ) -> Result<Course, StoreError> {
        let Some(length) = length else { return Ok(Course::Complete) };
        let mut next = Duration::ZERO;
        loop {
            // Beats that were missed are left out, so that a slow machine is not worked harder.
            while next <= watch.elapsed() {
                next += every;
            }
            if next > length {
                return Ok(Course::Complete);
            }
            if self.wait(watch.left_of(next), Wait::Signal) == Woken::Signal {
                return Ok(Course::Stopped);
            }
            let Some(mut now) = self.look() else { return Ok(Course::Stopped) };
            self.probes.recall(&mut now);
            *last = now.taken;
            writer.add(&self.redacted(now)?)?;
        }
    }

    /// One look, or what is to be said instead of one; nothing where a signal came first.
    fn look(&mut self) -> Option<Snapshot> {
        let watch = Stopwatch::start();
        let patience = self.deadline + GRACE;
        self.looks.ask(self.deadline);
        loop {
            if let Some(now) = self.looks.take() {
                return Some(now);
            }
            match self.wait(watch.left_of(patience), Wait::Look) {
                Woken::Look => {}
                Woken::Time => return Some(self.looks.missing(self.deadline)),
                Woken::Signal => return None,
            }
        }
    }

    fn redacted(&mut self, now: Snapshot) -> Result<Snapshot, StoreError> {
        match &mut self.redactor {
            Some(redactor) => redactor.redact(&now),
            None => Ok(now),
        }
    }

    /// Waits for a signal, and for a look where one is expected.
    fn wait(&self, patience: Duration, wait: Wait) -> Woken {
        let watch = Stopwatch::start();
        loop {
            let left = watch.left_of(patience);
            let timeout = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            };
            let look = if wait == Wait::Look { PollFlags::IN } else { PollFlags::empty() };
            let mut ready = vec![PollFd::new(&self.looks, look)];
            ready.extend(self.signals.as_ref().map(|signals| PollFd::new(signals, PollFlags::IN)));
            let count = poll(&mut ready, Some(&timeout)).unwrap_or(0);
            let has_look = ready.first().is_some_and(|fd| fd.revents().contains(PollFlags::IN));
            drop(ready);
            if self.ends() {
                return Woken::Signal;
            }
            if has_look {
                return Woken::Look;
            }
            if count == 0 && watch.left_of(patience).is_zero() {
                return Woken::Time;
            }
        }
    }

    /// Whether a signal asks for the end; one that asks for a pause gets it.
    fn ends(&self) -> bool {
        let Some(signals) = &self.signals else { return false };
        let mut ends = false;
        while let Some(event) = signals.next() {
            match event {
                Event::End(_) => ends = true,
                // A recorder that cannot be stopped goes on, which harms nothing.
                Event::Stop => drop(Signals::stop_here()),
                Event::Continued | Event::Resized => {}
            }
        }
        ends
    }
}

/// What is waited for beside signals.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    Look,
    Signal,
}

/// Why the capture is not longer, and that what there is can be read.
fn told(target: &Target, why: StoreError) -> String {
    let what = match (target.name(), &why) {
        (Some(name), _) => format!("`{name}`"),
        (None, _) => "standard output".to_owned(),
    };
    let why = format!("{:#}", anyhow::Error::from(why));
    format!("{why}, {what}; what was written before can be read")
}
