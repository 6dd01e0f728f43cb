//! Asks helper processes for probes, several at once, and makes results of what they say.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::answer::{Described, Ended};
use super::{AskedIds, Errand, Leftovers, ProbeRequest, Work};
use crate::model::probe::{ProbeResult, Step};
use crate::model::process::{MountNs, Pid};
use crate::model::raw_path::RawPath;
use crate::model::units::WallNanos;
use crate::sys::clock;
use crate::sys::helper::{self, HelperError, Pending, State};

/// The kind of helper that probes.
const KIND: &str = "probe";
/// How long the removal of what a killed helper left may take.
const CLEAN_UP: Duration = Duration::from_secs(1);

/// A place as the leftovers of earlier probes depend on it: directory, namespace, root, user.
type Place = (RawPath, Option<RawPath>, MountNs, RawPath, u32);

/// Where leftovers were looked for since tmpmedic started.
static SWEPT: Mutex<BTreeSet<Place>> = Mutex::new(BTreeSet::new());

/// Probes all of them, at most `parallel` at once, each with that deadline; results in the order of the requests.
/// There are never more than four helper processes, whatever `parallel` says.
///
/// One whose helper could not be started or could not take the view has a failed `enter` as its only step.
pub fn run(requests: &[ProbeRequest], deadline: Duration, parallel: usize) -> Vec<ProbeResult> {
    let mut results: Vec<Option<ProbeResult>> = vec![None; requests.len()];
    let mut waiting = requests.iter().enumerate().peekable();
    let mut working: Vec<(usize, &ProbeRequest)> = Vec::new();
    let mut pending: Vec<Pending> = Vec::new();
    loop {
        let may_start = |working: usize| working == 0 || working < parallel && helper::has_room();
        while let Some((index, request)) = waiting.next_if(|_| may_start(pending.len())) {
            match start(request, deadline) {
                Ok(helper) => {
                    working.push((index, request));
                    pending.push(helper);
                }
                Err(ended) => put(&mut results, index, result(request, *ended)),
            }
        }
        if pending.is_empty() {
            break;
        }
        helper::wait_any(&mut pending);
        while let Some(at) = pending.iter().position(|helper| helper.state() != State::Working) {
            let (index, request) = working.swap_remove(at);
            let ended = conclude(pending.swap_remove(at), request);
            put(&mut results, index, result(request, ended));
        }
    }
    results.into_iter().flatten().collect()
}

/// Probes one vantage and keeps everything that the helper said.
pub fn probe_one(request: &ProbeRequest, deadline: Duration) -> (ProbeResult, Ended) {
    let ended = match start(request, deadline) {
        Ok(helper) => {
            let mut pending = [helper];
            while pending.iter().all(|helper| helper.state() == State::Working) {
                helper::wait_any(&mut pending);
            }
            let [helper] = pending;
            conclude(helper, request)
        }
        Err(ended) => *ended,
    };
    (result(request, ended.clone()), ended)
}

/// Asks who a process is. What the helper said where that does not come out.
///
/// # Errors
/// `Err` holds a failed `enter` with its errno, or `hung`.
pub fn describe(pid: Pid, ids: Option<AskedIds>, deadline: Duration) -> Result<Described, Box<Ended>> {
    let errand = Errand { pid, started: None, ids, work: Work::Describe };
    let ended = match ask(&errand, deadline) {
        Ok(said) => Ended::read(&said),
        Err(HelperError::Spawn(error)) => not_started(error),
        Err(HelperError::Late { partial }) => Ended { hung: true, ..Ended::read(&partial) },
        Err(error @ HelperError::Died { .. }) => {
            Ended { trouble: Some(error.to_string()), ..Ended::default() }
        }
    };
    ended.described.clone().ok_or_else(|| Box::new(ended))
}

/// The request for a helper of kind `exec`, which becomes `command` in the view of the process.
pub fn command_request(request: &ProbeRequest, command: Vec<RawPath>, tmpdir: Option<RawPath>) -> String {
    let errand = Errand { work: Work::Become { command, tmpdir }, ..errand(request, Work::Describe) };
    encode(&errand)
}

fn start(request: &ProbeRequest, deadline: Duration) -> Result<Pending, Box<Ended>> {
    let leftovers = if is_first_time(request) { Leftovers::Remove } else { Leftovers::LeaveAlone };
    let errand = errand(request, Work::Probe { dir: request.path.clone(), leftovers });
    Pending::start(KIND, encode(&errand).as_bytes(), deadline).map_err(|error| {
        Box::new(match error {
            HelperError::Spawn(error) => not_started(error),
            other => Ended { trouble: Some(other.to_string()), ..Ended::default() },
        })
    })
}

fn conclude(helper: Pending, request: &ProbeRequest) -> Ended {
    let said = Ended::read(helper.partial());
    if helper.state() == State::Late && said.making.is_some() {
        // It may be in the middle of a mkdir that will still happen when the file system wakes up. Nobody but itself can
        // remove that directory then, so it lives on; where nothing was begun it is killed.
        helper.let_go();
        return Ended { hung: true, making: None, ..said };
    }
    match helper.finish() {
        Ok(said) => Ended::read(&said),
        Err(HelperError::Late { .. }) => Ended { hung: true, ..said },
        Err(HelperError::Spawn(error)) => not_started(error),
        Err(error @ HelperError::Died { .. }) => after_death(said, &error, request),
    }
}

/// A helper that was killed may have left its directory.
fn after_death(said: Ended, error: &HelperError, request: &ProbeRequest) -> Ended {
    let mut left_behind = said.left_behind;
    if said.making.is_some() {
        let errand = errand(request, Work::CleanUp { dir: request.path.clone() });
        match ask(&errand, CLEAN_UP) {
            Ok(answer) => left_behind.extend(Ended::read(&answer).left_behind),
            Err(_) => left_behind.extend(said.making.clone()),
        }
    }
    Ended { left_behind, making: None, trouble: Some(error.to_string()), ..said }
}

fn ask(errand: &Errand, deadline: Duration) -> Result<Vec<u8>, HelperError> {
    helper::ask(KIND, encode(errand).as_bytes(), deadline)
}

fn errand(request: &ProbeRequest, work: Work) -> Errand {
    Errand { pid: request.pid, started: request.started, ids: request.ids.clone(), work }
}

/// Our own types have a JSON form always; an empty request is refused by the helper.
fn encode(errand: &Errand) -> String {
    serde_json::to_string(errand).unwrap_or_default()
}

fn not_started(error: io::Error) -> Ended {
    let why = format!("cannot start a helper process: {error}");
    Ended::refused(error, why)
}

fn is_first_time(request: &ProbeRequest) -> bool {
    let ProbeRequest { path, based_on, mount_ns, root, credentials, .. } = request;
    let place = (path.clone(), based_on.clone(), *mount_ns, root.clone(), credentials.uid);
    SWEPT.lock().unwrap_or_else(PoisonError::into_inner).insert(place)
}

fn put(results: &mut [Option<ProbeResult>], index: usize, result: ProbeResult) {
    if let Some(slot) = results.get_mut(index) {
        *slot = Some(result);
    }
}

pub(super) fn result(request: &ProbeRequest, ended: Ended) -> ProbeResult {
    // Before the view was taken nothing was learnt about the directory, however long it took.
    let entered = ended.steps.iter().any(|step| step.step == Step::Enter && step.errno.is_none());
    ProbeResult {
        path: request.path.clone(),
        based_on: request.based_on.clone(),
        pid: Some(request.pid),
        mount_ns: request.mount_ns,
        root: request.root.clone(),
        credentials: request.credentials.clone(),
        at: WallNanos(clock::wall_nanos()),
        steps: ended.steps,
        not_imitated: ended.not_imitated,
        hung: ended.hung && entered,
        left_behind: ended.left_behind,
    }
}
