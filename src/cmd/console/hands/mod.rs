//! The reins of the workers: one process for each thing that was planned, told by a pipe to do it or to stop.
//!
//! The console itself changes nothing and waits for nobody: starting a worker, sending it the request and hearing what it
//! says happen in a thread of its own. Letting go of the pipe is the order to stop, so a console that dies gives it too.

use std::io::{BufRead, BufReader, Write};
use std::process::ChildStdin;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cli::Global;
use crate::cmd::orders::{self, Job, Request, Said};
use crate::cmd::surroundings::variable;
use crate::model::finding::{Action, Finding};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy, Reading};
use crate::model::work::{self, Barred, Outcome, Prospect, Told, Wish};
use crate::remedies::{self, CLEAN, GUIDE};
use crate::sys::bell::Bell;
use crate::sys::{crew, helper};
use crate::tui::msg::{Look, Msg};
use crate::tui::tabs::triage::id_of;

/// Where a journal lives for whoever is not root.
const VARIABLES: [&str; 2] = ["HOME", "XDG_STATE_HOME"];

/// All workers.
pub struct Hands {
    inbox: Arc<Inbox>,
    workers: Vec<Worker>,
    next: u64,
    config: RawPath,
    read_only: bool,
}

struct Inbox {
    heard: Mutex<Vec<(u64, Heard)>>,
    bell: Arc<Bell>,
}

enum Heard {
    Planned(Result<Box<Prospect>, String>),
    Said(Said),
    Ended,
}

struct Worker {
    number: u64,
    /// Nothing where it reads the journal.
    wish: Option<Wish>,
    reins: Arc<Mutex<Reins>>,
    state: State,
}

enum State {
    Reading,
    Planning,
    Planned(String),
    Working(String),
}

/// The pipe to a worker, once there is one.
#[derive(Default)]
struct Reins {
    to: Option<ChildStdin>,
    is_let_go: bool,
}

impl Worker {
    fn let_go(&self) {
        let mut reins = lock(&self.reins);
        reins.is_let_go = true;
        reins.to = None;
    }

    fn is_working(&self) -> bool {
        matches!(self.state, State::Working(_))
    }

    fn is_idle(&self) -> bool {
        matches!(self.state, State::Planning | State::Planned(_))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.let_go();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What is in there is put in and taken out whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inbox {
    fn put(&self, number: u64, heard: Heard) {
        lock(&self.heard).push((number, heard));
        self.bell.ring();
    }
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

struct Ending<'a> {
    inbox: &'a Inbox,
    number: u64,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.inbox.put(self.number, Heard::Ended);
    }
}

/// Starts the worker, sends it the request, and hears it out.
fn attend(request: &Request, reins: &Mutex<Reins>, inbox: &Inbox, number: u64) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(request)?;
    text.push(b'\n');
    if lock(reins).is_let_go {
        return Ok(());
    }
    let own = rustix::process::geteuid();
    // As root no variable is asked: whoever called sudo wrote them.
    let variables = VARIABLES.iter().filter(|_| !own.is_root());
    let variables = variables.filter_map(|name| Some((*name, variable(name)?)));
    let (mut child, mut to, from) = helper::start_apart(orders::KIND, variables)?;
    let sent = to.write_all(&text);
    {
        let mut reins = lock(reins);
        if !reins.is_let_go {
            reins.to = Some(to);
        }
    }
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while sent.is_ok() && from.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        if let Ok(said) = serde_json::from_slice(&line) {
            inbox.put(number, Heard::Said(said));
        }
        line.clear();
    }
    // It has closed its output, so it is about to end; unless it is waited for it stays as a zombie.
    child.wait().ok();
    sent
}

/// What to do about a wish.
enum Next {
    Ask(Box<Job>),
    Told(Box<Prospect>),
}

impl Next {
    fn journal() -> Self {
        Self::Ask(Box::new(Job::Journal))
    }
}

fn job(wish: &Wish, look: Option<&Look>) -> Result<Next, String> {
    let job = match wish {
        Wish::Clean { root, wishes } => Job::Clean { root: root.clone(), wishes: wishes.clone() },
        Wish::Undo(id) => Job::Undo(*id),
        Wish::Purge(id) => Job::Purge(*id),
        Wish::Treat { finding, action } => {
            let look = look.ok_or("no look yet")?;
            let all = &look.diagnosis.found;
            let finding = all.iter().find(|found| id_of(found) == *finding || found.id == *finding);
            let finding = finding.ok_or("it is not found any more: look again")?;
            let action = finding.actions.iter().find(|offered| offered.id == *action);
            let action = action.ok_or("the finding does not offer that any more: look again")?;
            return treat(wish, look, finding, action);
        }
    };
    Ok(Next::Ask(Box::new(job)))
}

fn treat(wish: &Wish, look: &Look, finding: &Finding, action: &Action) -> Result<Next, String> {
    match action.id.as_str() {
        GUIDE => Ok(Next::Told(Box::new(guide(wish.clone(), finding, action)))),
        CLEAN => Err("a clean-up is planned for a directory: its row in the Entries tab, then f".to_owned()),
        _ => {
            let plan = remedies::plan(&look.snapshot, finding, action);
            let plan = plan.ok_or("what was seen does not allow it any more: look again")?;
            let asked = orders::asked(&look.snapshot, &plan);
            Ok(Next::Ask(Box::new(Job::Treat { finding: finding.clone(), plan, asked })))
        }
    }
}

/// What a person does: nothing is run.
fn guide(wish: Wish, finding: &Finding, action: &Action) -> Prospect {
    let steps = action.by_hand.iter().map(|line| Told { does: String::new(), by_hand: line.clone() });
    Prospect {
        wish,
        digest: String::new(),
        expires: None,
        title: format!("Fix: {}", finding.title),
        does: action.title.clone(),
        facts: Vec::new(),
        steps: steps.collect(),
        going: Vec::new(),
        staying: Vec::new(),
        ends: Vec::new(),
        notes: Vec::new(),
        word: None,
        barred: Some(Barred { why: "for a person: tmpmedic runs none of these".to_owned(), command: None }),
    }
}
