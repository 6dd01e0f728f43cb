//! `tmpmedic probe`: one temp dir made and removed for real as a given process would, and what came of it.

mod choices;
mod document;
mod page;
mod sentence;
mod whom;

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use crate::cli::{Global, ProbeArgs};
use crate::cmd::helper::REQUEST;
use crate::cmd::out::{self, Lost};
use crate::exit::Exit;
use crate::model::errno::Errno;
use crate::model::probe::{ProbeResult, Step};
use crate::model::raw_path::RawPath;
use crate::model::temp_variable::Resolver;
use crate::probe::{self, Described, Ended, ProbeRequest};
use crate::sys::clock::Stopwatch;
use crate::sys::helper;
use crate::sys::pidfd::Pidfd;

use choices::Choice;
use whom::Whom;

/// Why nothing could be probed at all.
#[derive(Debug)]
struct Refusal {
    exit: u8,
    message: String,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Every step worked.
    Passed,
    /// A step failed, or gave no answer.
    Failed,
    /// The view could not be taken.
    Unknown,
}

/// Everything that is printed.
#[derive(Debug)]
struct Report {
    whom: Whom,
    who: Described,
    dir: RawPath,
    /// Whether `--dir` named it.
    asked_dir: bool,
    choices: Vec<Choice>,
    result: ProbeResult,
    trouble: Option<String>,
    /// Whether the machine refused a helper process.
    unstarted: bool,
    deadline: Duration,
    /// Whether `--exec` named a command.
    wants_command: bool,
    executed: Option<Executed>,
}

/// The command that was run in that view.
#[derive(Debug)]
struct Executed {
    command: Vec<RawPath>,
    code: i32,
}

impl Report {
    fn verdict(&self) -> Verdict {
        let entered = |r: &ProbeResult| r.steps.iter().any(|s| s.step == Step::Enter && s.errno.is_none());
        if !entered(&self.result) {
            Verdict::Unknown
        } else if self.result.passed() {
            Verdict::Passed
        } else if self.result.hung || self.result.failure().is_some() {
            Verdict::Failed
        } else {
            Verdict::Unknown
        }
    }

    /// Not where the view could not be taken, nor where a command would get as stuck as the probe did.
    fn can_execute(&self) -> bool {
        self.verdict() != Verdict::Unknown && !self.result.hung
    }

    /// Whether the view was refused for want of rights.
    fn is_refused(&self) -> bool {
        let denied = |errno| matches!(errno, Some(Errno::EPERM | Errno::EACCES));
        let failure = self.result.failure();
        !self.unstarted && failure.is_some_and(|step| step.step == Step::Enter && denied(step.errno))
    }

    /// 0 passed, 1 passed but the command did not, 2 failed, 3 unknown, 77 not permitted.
    fn exit(&self) -> u8 {
        match self.verdict() {
            Verdict::Unknown if self.is_refused() => Exit::Permission.code(),
            Verdict::Passed if self.executed.as_ref().is_some_and(|e| e.code != 0) => 1,
            Verdict::Passed => 0,
            Verdict::Failed => 2,
            Verdict::Unknown => 3,
        }
    }
}

/// The main process of a unit, where it has one.
pub(in crate::cmd) fn main_process(unit: &str) -> Option<u32> {
    whom::main_process(unit).ok().map(|whom| whom.pid)
}

/// Probes what the arguments name and prints what came of it.
///
/// # Errors
/// None so far: what goes wrong is printed and told by the exit code.
pub fn run(args: &ProbeArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let mut report = match probed(args) {
        Ok(report) => report,
        Err(refusal) => return Ok(refuse(&refusal, global)),
    };
    if !global.json && !print(&page::page(&report)) {
        return Ok(Exit::Output.code().into());
    }
    if !args.exec.is_empty() && report.can_execute() {
        report.executed = Some(execute(args, &report, global));
    }
    let rest = if global.json { document::document(&report) } else { page::executed(&report) };
    let printed = print(&rest);
    Ok(if printed { report.exit() } else { Exit::Output.code() }.into())
}

/// `--exec 'mktemp -d' --json`: everything after `--exec` is the command, and no program is called `mktemp -d`.
fn refuse_stray_words(args: &ProbeArgs) -> Result<(), Refusal> {
    let [line, stray, ..] = args.exec.as_slice() else { return Ok(()) };
    let (line, stray) = (RawPath::from(line.as_os_str()), RawPath::from(stray.as_os_str()));
    let program = line.as_bytes().split(|b| *b == b' ').next().unwrap_or_default();
    if program.len() == line.as_bytes().len() || program.contains(&b'/') {
        return Ok(());
    }
    let message = format!(
        "--exec {}: everything after it belongs to the command, `{}` too; put options of tmpmedic before --exec",
        line.quoted(),
        stray.shown()
    );
    Err(Refusal { exit: Exit::Usage.code(), message })
}

fn probed(args: &ProbeArgs) -> Result<Report, Refusal> {
    let watch = Stopwatch::start();
    refuse_stray_words(args)?;
    let left = || args.deadline.saturating_sub(Duration::from_micros(watch.micros()));
    let whom = whom::resolve(args)?;
    let who =
        probe::describe(whom.pid, whom.ids.clone(), left()).map_err(|ended| not_described(&whom, &ended))?;
    let dir = match &args.dir {
        Some(dir) => RawPath::from(dir.as_os_str()),
        None => Resolver::RustStd.candidates(&who.variables).into_iter().next().unwrap_or_default(),
    };
    let request = |dir: &RawPath| request(&whom, &who, dir);
    let (result, ended) = probe::probe_one(&request(&dir), left());
    let mut tried = choices::Tried::new(dir.clone(), &result, &ended);
    let entered = ended.steps.iter().any(|step| step.step == Step::Enter && step.errno.is_none());
    let choices = if args.dir.is_some() || !entered {
        choices::predicted(&who.variables)
    } else {
        choices::probed(&who.variables, &mut tried, |dir| probe::probe_one(&request(dir), left()))
    };
    Ok(Report {
        asked_dir: args.dir.is_some(),
        trouble: ended.trouble,
        unstarted: ended.unstarted,
        deadline: args.deadline,
        wants_command: !args.exec.is_empty(),
        executed: None,
        whom,
        who,
        dir,
        choices,
        result,
    })
}

fn request(whom: &Whom, who: &Described, dir: &RawPath) -> ProbeRequest {
    ProbeRequest {
        path: dir.clone(),
        based_on: (!dir.is_absolute()).then(|| who.cwd.clone()),
        pid: who.pid,
        started: Some(who.started),
        ids: whom.ids.clone(),
        mount_ns: who.mount_ns,
        root: who.root.clone(),
        credentials: who.credentials.clone(),
    }
}

fn not_described(whom: &Whom, ended: &Ended) -> Refusal {
    let errno = ended.steps.iter().find_map(|step| step.errno);
    let why = ended.trouble.clone().unwrap_or_else(|| "no answer in time".to_owned());
    let (pid, by_hand) = (whom.pid, format!("sudo tmpmedic probe --pid {}", whom.pid));
    let hidden = errno == Some(Errno::ENOENT) && Pidfd::open(pid).is_ok();
    match errno {
        _ if ended.unstarted => Refusal { exit: 3, message: why },
        _ if hidden => Refusal {
            exit: Exit::Permission.code(),
            message: format!("pid {pid} is hidden from this user (hidepid); run as root: {by_hand}"),
        },
        Some(errno @ (Errno::EPERM | Errno::EACCES)) => Refusal {
            exit: Exit::Permission.code(),
            message: format!(
                "pid {pid} may not be looked at: {why} ({}); run as root: {by_hand}",
                errno.name()
            ),
        },
        Some(Errno::ENOENT | Errno::ESRCH | Errno::EINVAL) => Refusal {
            exit: Exit::Usage.code(),
            message: format!("pid {pid} cannot be probed: {why}; `ps -e` lists those that can"),
        },
        _ => Refusal { exit: 3, message: format!("pid {pid} could not be looked at: {why}") },
    }
}

/// With `--json` the command's output goes to standard error, because standard output holds exactly one document.
fn execute(args: &ProbeArgs, report: &Report, global: &Global) -> Executed {
    let command: Vec<RawPath> = args.exec.iter().map(|word| RawPath::from(word.as_os_str())).collect();
    let request = request(&report.whom, &report.who, &report.dir);
    let tmpdir = report.asked_dir.then(|| report.dir.clone());
    let request = probe::command_request(&request, command.clone(), tmpdir);
    let output = if global.json { io::stderr().into() } else { Stdio::inherit() };
    // As system(3): a Ctrl-C is for the command, and we are still here to say how it ended.
    let held = nix::sys::signal::SigSet::from_iter([nix::sys::signal::SIGINT, nix::sys::signal::SIGQUIT]);
    held.thread_block().ok();
    let code = match helper::run_attached("exec", (REQUEST, &request), output) {
        Ok(status) => code_of(status),
        Err(error) => {
            complain(&format!("cannot start the command: {error}"));
            125
        }
    };
    Executed { command, code }
}

fn code_of(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

fn refuse(refusal: &Refusal, global: &Global) -> ExitCode {
    complain(&refusal.message);
    if global.json && !print(&document::refusal(&refusal.message)) {
        return Exit::Output.code().into();
    }
    refusal.exit.into()
}

/// False where the output was lost; a reader who went away has lost nothing.
fn print(text: &str) -> bool {
    match out::write(text) {
        Err(lost @ Lost::Failed(_)) => {
            complain(&format!("{:#}", anyhow::Error::from(lost)));
            false
        }
        Ok(()) | Err(Lost::Pipe) => true,
    }
}

fn complain(message: &str) {
    out::say(&format!("tmpmedic: {message}"));
}
