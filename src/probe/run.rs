//! Asks helper processes for probes, several at once, and makes results of what they say.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::answer::{Described, Ended};
use super::{AskedIds, Errand, Leftovers, ProbeRequest, Work};
use crate::model::probe::{ProbeResult, Step, StepResult};
use crate::model::process::{MountNs, Pid};
use crate::model::raw_path::RawPath;
use crate::model::standing::{Standing, Wait};
use crate::model::units::WallNanos;
use crate::sys::clock;
use crate::sys::helper::{self, HelperError, Pending, State, Wanted};
use crate::sys::standing;

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
    run_while(requests, deadline, parallel, None).into_iter().flatten().collect()
}

/// The same, for as long as the answers are wanted: none of those that were not there by then. A helper that has begun is
/// not ended in the middle: what it has made, only it removes.
pub fn run_while(
    requests: &[ProbeRequest],
    deadline: Duration,
    parallel: usize,
    wanted: Option<Wanted<'_>>,
) -> Vec<Option<ProbeResult>> {
    let mut results: Vec<Option<ProbeResult>> = vec![None; requests.len()];
    let mut waiting = requests.iter().enumerate().peekable();
    let mut working: Vec<(usize, &ProbeRequest)> = Vec::new();
    let mut pending: Vec<Pending> = Vec::new();
    while wanted.is_none_or(|wanted| wanted()) {
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
        helper::wait_any(&mut pending, wanted);
        while let Some(at) = pending.iter().position(|helper| helper.state() != State::Working) {
            let (index, request) = working.swap_remove(at);
            let ended = conclude(pending.swap_remove(at), request);
            put(&mut results, index, result(request, ended));
        }
    }
    pending.into_iter().map(Pending::let_go).for_each(drop);
    results
}

/// Probes one vantage and keeps everything that the helper said.
pub fn probe_one(request: &ProbeRequest, deadline: Duration) -> (ProbeResult, Ended) {
    let ended = match start(request, deadline) {
        Ok(helper) => {
            let mut pending = [helper];
            while pending.iter().all(|helper| helper.state() == State::Working) {
                helper::wait_any(&mut pending, None);
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
/// `Err` holds a failed `enter` with its errno, or where a late helper stood.
pub fn describe(pid: Pid, ids: Option<AskedIds>, deadline: Duration) -> Result<Described, Box<Ended>> {
    let errand = Errand { pid, started: None, ids, work: Work::Describe };
    let ended = match ask(&errand, deadline) {
        Ok(said) => Ended::read(&said),
        Err(HelperError::Spawn(error)) => not_started(error),
        Err(HelperError::Late { partial, standing }) => {
            Ended { late: Some(stood(standing)), ..Ended::read(&partial) }
        }
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
        let late = Some(stood(helper.standing()));
        helper.let_go();
        return Ended { late, making: None, ..said };
    }
    match helper.finish() {
        Ok(said) => Ended::read(&said),
        Err(HelperError::Late { standing, .. }) => Ended { late: Some(stood(standing)), ..said },
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
    let hung = ended.late.as_ref().is_some_and(|late| is_held(late, &ended.steps));
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
        hung,
        standing: ended.late,
        left_behind: ended.left_behind,
    }
}

/// Whether the directory holds a late helper up, and not the machine.
///
/// Before the view was taken nothing was learnt about the directory, however long it took. A sync waits for what others
/// have written, and a program is started by fork and exec, which wait for much that is no file system.
fn is_held(late: &Standing, steps: &[StepResult]) -> bool {
    let done = |step| steps.iter().any(|taken| taken.step == step);
    let entered = steps.iter().any(|taken| taken.step == Step::Enter && taken.errno.is_none());
    let next = Step::ALL.into_iter().find(|step| !done(*step));
    entered
        && match late.wait() {
            Wait::Thaw | Wait::Server => true,
            Wait::Lock => next != Some(Step::Execute),
            Wait::Deep => !matches!(next, Some(Step::Fsync | Step::Execute)),
            Wait::Other => false,
        }
}

fn stood(standing: Option<standing::Standing>) -> Standing {
    let unknown = || Standing { state: '?', wait_channel: None, stack: Vec::new() };
    standing.map_or_else(unknown, |seen| Standing {
        state: seen.state,
        wait_channel: seen.wait_channel,
        stack: seen.stack,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::units::Micros;

    fn late(state: char, channel: &str, last: Step) -> bool {
        let taken = Step::ALL.into_iter().filter(|step| *step <= last);
        let steps: Vec<StepResult> =
            taken.map(|step| StepResult { step, errno: None, took: Micros(1) }).collect();
        is_held(&Standing { state, wait_channel: Some(channel.to_owned()), stack: Vec::new() }, &steps)
    }

    #[test]
    fn only_a_helper_that_the_kernel_holds_speaks_of_its_directory() {
        assert!(late('D', "percpu_rwsem_wait", Step::Enter));
        assert!(late('D', "io_schedule", Step::Enter));
        assert!(late('S', "request_wait_answer", Step::Create));
        assert!(!late('R', "0", Step::Enter), "it waits for a processor");
        assert!(!late('S', "do_wait", Step::Rename), "its program is slow to start");
        assert!(!late('D', "percpu_rwsem_wait", Step::Rename), "fork sleeps in the same lock");
        assert!(!late('D', "jbd2_log_wait_commit", Step::Write), "a sync waits for what others wrote");
        assert!(!is_held(&stood(None), &[]), "nothing is known");
    }
}
