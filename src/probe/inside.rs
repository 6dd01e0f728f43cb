//! What happens in a helper process: it takes the view of a process and does its errand there. Called by `cmd::helper`.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use super::answer::{Described, Line, Teller};
use super::leftovers::Sweeper;
use super::mark::{Mark, inode_of};
use super::{Errand, Leftovers, Work, accounts, steps};
use crate::model::errno::Errno;
use crate::model::probe::{Step, StepResult};
use crate::model::process::{Credentials, MountNs, Pid, Variable};
use crate::model::raw_path::RawPath;
use crate::model::units::{BootNanos, Micros};
use crate::sys::clock::Stopwatch;
use crate::sys::namespace::{EnterError, Ids, Status, Target};
use crate::sys::procfile::{PidDir, Proc};

/// The variables by which programs choose a temp dir; no other value leaves the helper.
const TEMP_VARIABLES: [&str; 5] = ["TMPDIR", "TEMP", "TMP", "TEMPDIR", "GOTMPDIR"];
/// An environment of that size is what execve(2) allows at most with the usual stack limit.
const ENVIRONMENT: usize = 8 << 20;
/// Files of procfs and passwd files.
const FILE: usize = 1 << 20;
/// Descriptors that we have open during the steps and the process would not: its working directory, procfs, the temp
/// dir, our directory in it.
const HELD: u64 = 4;

/// The request was none of ours.
#[derive(Debug, thiserror::Error)]
pub enum InsideError {
    /// It cannot be read.
    #[error("the request of a helper process cannot be read")]
    Request(#[from] serde_json::Error),
    /// It needs another kind of helper.
    #[error("the request is for another kind of helper process")]
    Kind,
    /// It could not be imitated.
    #[error("cannot see as process {pid} does")]
    Enter {
        /// Whom.
        pid: Pid,
        /// Where it failed.
        source: EnterError,
    },
    /// The command could not be run.
    #[error("cannot run `{command}`")]
    Run {
        /// Which.
        command: RawPath,
        /// What execve(2) answered.
        #[source]
        source: io::Error,
    },
}

/// Does the errand in `request` and tells about it on `out`.
///
/// # Errors
/// Only where the request cannot be read; everything else is told.
pub fn serve(request: &[u8], out: &mut dyn Write) -> Result<(), InsideError> {
    let errand: Errand = serde_json::from_slice(request)?;
    let mut tell = Teller::new(out);
    match &errand.work {
        Work::Describe => describe(&errand, &mut tell),
        Work::Probe { dir, leftovers } => probe(&errand, dir, *leftovers, &mut tell),
        Work::CleanUp { dir } => clean_up(&errand, dir, &mut tell),
        Work::Become { .. } => return Err(InsideError::Kind),
    }
    Ok(())
}

/// A process whose view we have taken.
pub(super) struct View {
    cwd: io::Result<OwnedFd>,
    sweeper: Sweeper,
}

fn probe(errand: &Errand, dir: &RawPath, leftovers: Leftovers, tell: &mut Teller<'_>) {
    let Some(view) = enter(errand, tell) else { return };
    steps::tell_access(dir, &view.cwd, tell);
    steps::take(dir, &view.cwd, &view.sweeper.own().new_name(), tell);
    if leftovers == Leftovers::Remove {
        sweep(&view, dir, tell);
    }
}

fn clean_up(errand: &Errand, dir: &RawPath, tell: &mut Teller<'_>) {
    if let Some(view) = enter(errand, tell) {
        sweep(&view, dir, tell);
    }
}

fn sweep(view: &View, dir: &RawPath, tell: &mut Teller<'_>) {
    // Where the directory cannot even be listed there is nothing to report: the steps have said why.
    let swept = steps::open_dir(dir, &view.cwd).and_then(|dir| view.sweeper.sweep(&dir));
    for name in swept.unwrap_or_default() {
        tell.tell(&Line::LeftBehind(dir.join(name.as_bytes())));
    }
}

/// Takes the view and tells how that went.
fn enter(errand: &Errand, tell: &mut Teller<'_>) -> Option<View> {
    let watch = Stopwatch::start();
    let entered = try_enter(errand, tell);
    let errno = entered.as_ref().err().map(errno_of);
    if let Err(error) = &entered {
        tell.tell(&Line::Trouble(error.what.to_owned()));
    }
    tell.tell(&Line::Step(StepResult { step: Step::Enter, errno, took: Micros(watch.micros()) }));
    entered.ok()
}

fn try_enter(errand: &Errand, tell: &mut Teller<'_>) -> Result<View, EnterError> {
    let (proc, mut target) = open(errand)?;
    let own =
        Mark::own(&proc).map_err(|source| EnterError { what: "cannot read our own /proc/self", source })?;
    let mut not_imitated = not_imitated(&target);
    // Should we get stuck, we hold no more of the target's than we must.
    if errand.work.is_relative() {
        target.hold_cwd();
    }
    let entered = target.enter(HELD)?;
    not_imitated.extend(entered.missed);
    if !not_imitated.is_empty() {
        tell.tell(&Line::NotImitated(not_imitated));
    }
    Ok(View { cwd: entered.cwd, sweeper: Sweeper::new(proc, own) })
}

/// Takes hold of the process that the errand names, with the ids that it names.
pub(super) fn open(errand: &Errand) -> Result<(Proc, Target), EnterError> {
    let proc =
        Proc::open(Path::new("/proc")).map_err(|source| EnterError { what: "cannot open /proc", source })?;
    let started = errand.started.map(|started| started.0 / nanos_per_tick());
    let mut target = Target::open(&proc, errand.pid, started)?;
    if let Some(ids) = &errand.ids {
        let status = &mut target.status;
        if ids.uid != 0 {
            status.capabilities = crate::sys::namespace::Capabilities {
                bounding: status.capabilities.bounding,
                ..Default::default()
            };
        }
        status.users = Ids::all(ids.uid);
        status.groups = Ids::all(ids.gid);
        status.more_groups.clone_from(&ids.groups);
    }
    Ok((proc, target))
}

/// What a helper process cannot take over, or not see.
fn not_imitated(target: &Target) -> Vec<String> {
    let mut all = Vec::new();
    if target.is_confined_otherwise() {
        all.push(format!("its LSM label {}", RawPath::from(target.label.as_slice()).shown()));
    }
    let Status { seccomp, filters, no_new_privileges, .. } = target.status;
    match (seccomp, filters) {
        (0, _) => {}
        (1, _) => all.push("its strict seccomp mode".to_owned()),
        (_, Some(count)) if count != 1 => all.push(format!("its {count} seccomp filters")),
        _ => all.push("its seccomp filter".to_owned()),
    }
    if no_new_privileges {
        all.push("a Landlock sandbox, if it has one: nobody can see it from outside".to_owned());
    }
    all
}

fn describe(errand: &Errand, tell: &mut Teller<'_>) {
    match open(errand) {
        Ok((_, target)) => tell.tell(&Line::Described(Box::new(described(errand.pid, &target)))),
        Err(error) => {
            let step = StepResult { step: Step::Enter, errno: Some(errno_of(&error)), took: Micros(0) };
            tell.tell(&Line::Step(step));
            tell.tell(&Line::Trouble(error.what.to_owned()));
        }
    }
}

fn described(pid: Pid, target: &Target) -> Described {
    let dir = target.dir();
    let read = |name| dir.read(name, FILE).unwrap_or_default();
    let link = |name| dir.link(name).unwrap_or_default();
    let status = &target.status;
    let passwd = dir.read_inside(Path::new("/etc/passwd"), FILE).unwrap_or_default();
    let uid = status.users.files;
    Described {
        pid,
        started: BootNanos(target.start_ticks.saturating_mul(nanos_per_tick())),
        comm: RawPath::from(read("comm").trim_ascii_end()),
        cgroup: RawPath::new(read("cgroup")),
        mount_ns: MountNs::Inode(inode_of(&link("ns/mnt")).unwrap_or(0)),
        root: RawPath::new(link("root")),
        cwd: RawPath::new(link("cwd")),
        credentials: Credentials {
            uid,
            gid: status.groups.files,
            groups: status.more_groups.clone(),
            capabilities: status.capabilities.effective,
            user: accounts::account_of(&passwd, &uid.to_string()).filter(|a| a.uid == uid).map(|a| a.name),
        },
        variables: temp_variables(dir),
    }
}

/// In the order of the block, duplicates kept.
fn temp_variables(dir: &PidDir) -> Vec<Variable> {
    let block = dir.read("environ", ENVIRONMENT).unwrap_or_default();
    let named = environment(&block).filter_map(|(name, value)| {
        let name = TEMP_VARIABLES.into_iter().find(|known| known.as_bytes() == name)?;
        Some(Variable { name: name.to_owned(), value: RawPath::from(value) })
    });
    named.collect()
}

/// The entries of an environment block that are of the form `NAME=value`, in order.
pub(super) fn environment(block: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    block.split(|byte| *byte == 0).filter_map(|entry| {
        let equals = entry.iter().position(|byte| *byte == b'=')?;
        Some((entry.get(..equals)?, entry.get(equals + 1..)?))
    })
}

fn errno_of(error: &EnterError) -> Errno {
    error.source.raw_os_error().map_or(Errno::EIO, Errno)
}

fn nanos_per_tick() -> u64 {
    1_000_000_000 / rustix::param::clock_ticks_per_second().max(1)
}
