//! The reins of the workers: one process for each thing that was planned, told by a pipe to do it or to stop.
//!
//! The console itself changes nothing and waits for nobody: starting a worker, sending it the request and hearing what it
//! says happen in a thread of its own. Letting go of the pipe is the order to stop, so a console that dies gives it too.

mod inbox;
mod job;
mod worker;

use std::io::Write;
use std::sync::{Arc, Mutex};

use crate::cli::Global;
use crate::cmd::orders::{self, Request, Said};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::work::{self, Outcome, Wish};
use crate::sys::bell::Bell;
use crate::sys::crew;
use crate::tui::msg::{Look, Msg};

use inbox::{Heard, Inbox, lock};
use job::{Next, job};
use worker::{Ending, Reins, State, Worker, attend};

/// All workers.
pub struct Hands {
    inbox: Arc<Inbox>,
    workers: Vec<Worker>,
    next: u64,
    config: RawPath,
    read_only: bool,
}

impl Hands {
    /// Nothing to do yet; `bell` rings when a worker says something.
    pub fn new(global: &Global, bell: Arc<Bell>) -> Self {
        // A worker stands in the root directory.
        let config = std::path::absolute(&global.config).unwrap_or_else(|_| global.config.clone());
        Self {
            inbox: Arc::new(Inbox { heard: Mutex::default(), bell }),
            workers: Vec::new(),
            next: 0,
            config: RawPath::from(config.as_os_str()),
            read_only: global.read_only,
        }
    }

    /// Has somebody say what would be done.
    pub fn plan(&mut self, wish: Wish, look: Option<Arc<Look>>) {
        // Whoever asks again wants the new plan, not the one that is being made or was shown.
        self.workers.retain(|worker| !worker.is_idle() || worker.wish.as_ref() != Some(&wish));
        self.start(Some(wish), State::Planning, look);
    }

    /// Lets go of every plan that no sheet shows or waits for any more. What is under way is never let go of here.
    pub fn keep(&mut self, wanted: &[&Wish]) {
        let is_wanted = |worker: &Worker| worker.wish.as_ref().is_some_and(|wish| wanted.contains(&wish));
        self.workers.retain(|worker| !worker.is_idle() || is_wanted(worker));
    }

    /// Has somebody read what was done until now.
    pub fn read_journal(&mut self) {
        if !self.workers.iter().any(|worker| matches!(worker.state, State::Reading)) {
            self.start(None, State::Reading, None);
        }
    }

    fn start(&mut self, wish: Option<Wish>, state: State, look: Option<Arc<Look>>) {
        self.next += 1;
        let (number, reins) = (self.next, Arc::<Mutex<Reins>>::default());
        self.workers.push(Worker { number, wish: wish.clone(), reins: Arc::clone(&reins), state });
        let (config, read_only, inbox) = (self.config.clone(), self.read_only, Arc::clone(&self.inbox));
        let begun = crew::spawn("worker", move || {
            // However it goes, even by a panic, somebody hears of the end.
            let _ending = Ending { inbox: &inbox, number };
            match wish.as_ref().map_or_else(|| Ok(Next::journal()), |wish| job(wish, look.as_deref())) {
                Ok(Next::Ask(job)) => {
                    let request = Request { wish, job: *job, config, read_only };
                    if let Err(why) = attend(&request, &reins, &inbox, number) {
                        let why = format!("cannot start a worker process: {why}");
                        inbox.put(number, Heard::Planned(Err(why)));
                    }
                }
                Ok(Next::Told(prospect)) => inbox.put(number, Heard::Planned(Ok(prospect))),
                Err(why) => inbox.put(number, Heard::Planned(Err(why))),
            }
        });
        if let Err(why) = begun {
            self.inbox.put(number, Heard::Planned(Err(format!("no thread can be made: {why}"))));
        }
    }

    /// Has a plan carried out; gives what can be said at once.
    pub fn apply(&mut self, digest: String) -> Option<Msg> {
        let refuse = |digest: String, why: &str| {
            Some(Msg::Worked { digest, outcome: Box::new(orders::refused(why.to_owned())) })
        };
        if self.workers.iter().any(Worker::is_working) {
            return refuse(digest, "something else is being done; wait for it, or stop it first");
        }
        let known = |worker: &&mut Worker| matches!(&worker.state, State::Planned(known) if *known == digest);
        let Some(worker) = self.workers.iter_mut().rev().find(known) else {
            return refuse(digest, "the plan is stale: nobody has it any more; f plans again");
        };
        let told = lock(&worker.reins).to.as_mut().is_some_and(|to| to.write_all(orders::APPLY).is_ok());
        if !told {
            return refuse(digest, "the plan is stale: its worker has ended; f plans again");
        }
        worker.state = State::Working(digest);
        None
    }

    /// Stops what is under way at its next step boundary, planning too.
    pub fn stop(&self) {
        let busy = |worker: &&Worker| matches!(worker.state, State::Planning | State::Working(_));
        self.workers.iter().filter(busy).for_each(Worker::let_go);
    }

    /// What was heard since the last time.
    pub fn take(&mut self) -> Vec<Msg> {
        let heard = std::mem::take(&mut *lock(&self.inbox.heard));
        heard.into_iter().filter_map(|(number, heard)| self.hear(number, heard)).collect()
    }

    fn hear(&mut self, number: u64, heard: Heard) -> Option<Msg> {
        let at = self.workers.iter().position(|worker| worker.number == number)?;
        let worker = self.workers.get_mut(at)?;
        let wish = worker.wish.clone();
        match (heard, &worker.state) {
            (Heard::Said(Said::Journal(reading)), State::Reading) => {
                self.workers.remove(at);
                Some(Msg::Journal(reading))
            }
            (Heard::Ended | Heard::Planned(_), State::Reading) => {
                self.workers.remove(at);
                Some(Msg::Journal(Reading::Blind { gap: Gap::new("the journal", GapWhy::NoThread) }))
            }
            (Heard::Planned(prospect) | Heard::Said(Said::Planned(prospect)), State::Planning) => {
                match &prospect {
                    Ok(prospect) => worker.state = State::Planned(prospect.digest.clone()),
                    Err(_) => drop(self.workers.remove(at)),
                }
                Some(Msg::Planned { wish: wish?, prospect })
            }
            // Without a digest it is that of planning.
            (Heard::Said(Said::Pace(pace)), State::Planning) => {
                Some(Msg::Working { digest: String::new(), pace: Box::new(pace) })
            }
            (Heard::Said(Said::Pace(pace)), State::Working(digest)) => {
                Some(Msg::Working { digest: digest.clone(), pace: Box::new(pace) })
            }
            (Heard::Said(Said::Worked(outcome)), State::Working(digest)) => {
                let digest = digest.clone();
                self.workers.remove(at);
                Some(Msg::Worked { digest, outcome })
            }
            (Heard::Ended, State::Planning) => {
                self.workers.remove(at);
                let why = "the worker process ended without a word".to_owned();
                Some(Msg::Planned { wish: wish?, prospect: Err(why) })
            }
            (Heard::Ended, State::Working(digest)) => {
                let digest = digest.clone();
                self.workers.remove(at);
                Some(Msg::Worked { digest, outcome: Box::new(lost()) })
            }
            (Heard::Ended, State::Planned(digest)) => {
                // A sheet that nobody carries out has no worker.
                if !digest.is_empty() {
                    self.workers.remove(at);
                }
                None
            }
            _ => None,
        }
    }
}

/// The worker was killed: what it did is in the journal, and settled by whoever opens that next.
fn lost() -> Outcome {
    let why = "the worker process ended in the middle: the journal (8) holds what it did, and the next action finds out the rest";
    Outcome { ending: work::Ending::Part, ..orders::refused(why.to_owned()) }
}
