//! The first process of a lab: builds it, starts what runs in it, buries the dead, and ends with it.
//!
//! When it ends the kernel ends everything else in its PID namespace, and with the last process the mounts go, and with
//! them the loop devices. It dies with the process that opened the lab. Called by `cmd::helper`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::build::{Builder, name_of};
use super::cast::Troupe;
use super::request::{Request, Then};
use super::resident::Resident;
use super::service::Services;
use super::trouble::{LabError, during};
use super::users::{self, Founded};
use super::{cgroup, ground, home, open, systemd};
use crate::model::scenario::step::Step;
use crate::sys::clock::Stopwatch;
use crate::sys::init::{self, Inbox, News};
use crate::sys::spawn::{self, Fate, Patience, Program, Streams};
use crate::sys::{child, make, space, stdio};

/// The name of the job among the helpers.
pub const KIND: &str = "lab";
/// Its descriptors: the request, the socket to the process that opened the lab; then, as far as the request needs them, those
/// to the freezer, to the keeper of the cgroup, to the one who will be systemd.
const REQUEST: i32 = 3;
const VOICE: i32 = 4;
const OTHERS: i32 = 5;
/// A lab that could not be built.
const FAILED: u8 = 70;
/// What is said when nothing runs in the lab any more.
const STAYS: &str = "the lab stays up: join it with `tmpmedic lab --join`, end it with Ctrl-C here\n";
/// More than any request.
const MAX_REQUEST: u64 = 16 << 20;
/// SIGINT, by which a lab that stays up is ended.
const INTERRUPT: i32 = 2;
/// SIGHUP and SIGTERM, which are passed on.
const PASSED_ON: &[i32] = &[1, 15];

/// Opens the lab and stays until it ends; gives the exit code. What is to be said goes to the process that opened it.
pub fn serve() -> u8 {
    let Some(mut voice) = spawn::inherited(VOICE).map(UnixStream::from) else { return FAILED };
    play(&mut voice).unwrap_or_else(|error| {
        // With nobody to hear it the lab ends as well.
        voice.write_all(format!("{}\n", error.chain()).as_bytes()).ok();
        FAILED
    })
}

fn play(voice: &mut UnixStream) -> Result<u8, LabError> {
    child::die_with_parent().map_err(during("binding its life to ours"))?;
    let request = spawn::inherited(REQUEST).ok_or_else(|| io::ErrorKind::NotConnected.into());
    let request = request.and_then(read_request).map_err(during("reading the request"))?;
    let name = if request.systemd { home::NAME_BESIDE_SYSTEMD } else { home::NAME };
    rustix::thread::set_name(&spawn::c_text(name)).ok();
    let mut numbers = OTHERS..;
    let mut socket = |is_there: bool| {
        let number = is_there.then(|| numbers.next()).flatten();
        number.and_then(spawn::inherited).map(UnixStream::from)
    };
    let freezer = socket(open::freezes(&request));
    let (keeper, call) = (socket(request.systemd), socket(request.systemd));
    let inbox = Inbox::open().map_err(during("blocking signals"))?;
    rustix::process::chdir("/").map_err(|errno| during("going to /")(errno.into()))?;
    if let Some(keeper) = keeper {
        cgroup::enter(&keeper).map_err(during("entering a cgroup"))?;
        #[expect(
            clippy::mem_forget,
            reason = "open until the kernel closes it: the keeper kills when it closes"
        )]
        std::mem::forget(keeper);
    }
    ground::lay(request.users)?;
    if request.systemd {
        cgroup::show().map_err(during("mounting the cgroup tree"))?;
        systemd::name_users(&request.scenario).map_err(during("naming the users of its services"))?;
    }
    let Founded { user_ns, outside } = users::found()?;
    note_scenario(&request).map_err(during("noting the scenario"))?;
    let kept = freezer.as_ref().map(UnixStream::try_clone).transpose();
    let freezer_kept = kept.map_err(during("keeping hold of the freezer"))?;
    let mut troupe = Troupe::new(&request.scenario, request.users, user_ns, freezer);
    if let Some(call) = call {
        systemd::boot(call)?;
        troupe.give(Services::open().map_err(during("preparing services"))?);
    }
    let builder = Builder::new(request.users, troupe, outside);
    let steps = steps(&request);
    Play { steps, next: 0, builder: Some(builder), inbox, request, _freezer: freezer_kept }.run(voice)
}

fn read_request(fd: OwnedFd) -> io::Result<Request> {
    let mut bytes = Vec::new();
    File::from(fd).take(MAX_REQUEST).read_to_end(&mut bytes)?;
    Request::parse(&bytes)
}

/// For root of the lab only, so that the learner does not stumble over it.
fn note_scenario(request: &Request) -> io::Result<()> {
    let path = std::path::Path::new(home::SCENARIO);
    make::file(path)?.write_all(&serde_json::to_vec(&request.scenario)?)?;
    make::chmod(path, 0o600)
}

/// Every step with its chapter and its number, from 1.
fn steps(request: &Request) -> Vec<(usize, usize, Step)> {
    let chapters = request.scenario.chapters.iter().take(request.chapter.unwrap_or(usize::MAX));
    let numbered = (1..).zip(chapters).flat_map(|(chapter, of)| {
        (1..).zip(&of.steps).map(move |(number, step)| (chapter, number, step.clone()))
    });
    numbered.collect()
}

/// The course of a lab.
struct Play {
    steps: Vec<(usize, usize, Step)>,
    next: usize,
    /// Nothing when all is built.
    builder: Option<Builder>,
    inbox: Inbox,
    request: Request,
    /// Open as long as we live: what is frozen is thawed when it closes.
    _freezer: Option<UnixStream>,
}

impl Play {
    fn run(mut self, voice: &mut UnixStream) -> Result<u8, LabError> {
        let mut watch = Stopwatch::start();
        let mut pause = self.build()?;
        let resident = self.start()?;
        stdio::let_go_of_streams().map_err(during("closing its standard streams"))?;
        self.finish_building(pause)?;
        let mut code = None;
        loop {
            let news = self.inbox.next(pause.map(|time| watch.left_of(time)), None);
            match news {
                News::Child => {
                    if let Some(ended) = bury(resident) {
                        code = Some(ended);
                        if !self.request.keep {
                            return Ok(ended);
                        }
                        // With nobody to hear it the lab ends as well.
                        voice.write_all(STAYS.as_bytes()).ok();
                    }
                }
                News::Signal(number) if code.is_some() => {
                    // What waits for nothing but its end.
                    return Ok(if number == INTERRUPT { code.unwrap_or(0) } else { signal_code(number) });
                }
                News::Signal(number) if PASSED_ON.contains(&number) => {
                    // Gone already: then its end is the next news.
                    init::signal_child(resident, number).ok();
                }
                News::Nothing | News::Readable if pause.is_some() => {
                    watch = Stopwatch::start();
                    pause = self.build()?;
                    self.finish_building(pause)?;
                }
                // A signal from the terminal went to everybody in the foreground, what runs in the lab included.
                News::Signal(_) | News::Nothing | News::Readable => {}
            }
        }
    }

    /// Takes steps until one waits; gives how long, or nothing where all are taken.
    fn build(&mut self) -> Result<Option<Duration>, LabError> {
        let Some(builder) = &mut self.builder else { return Ok(None) };
        // With a command everything has happened before it looks.
        let in_real_time = matches!(self.request.then, Then::Console { .. });
        while let Some((chapter, number, step)) = self.steps.get(self.next) {
            self.next += 1;
            if let Step::Wait { time } = step
                && in_real_time
            {
                return Ok(Some(Duration::from_secs(time.0.0)));
            }
            builder.take(step).map_err(|source| LabError::Step {
                chapter: *chapter,
                step: *number,
                what: name_of(step),
                source,
            })?;
        }
        Ok(None)
    }

    /// When nothing is left to build, nobody in the lab has privileges over the host, not even its first process.
    fn finish_building(&mut self, pause: Option<Duration>) -> Result<(), LabError> {
        if pause.is_some() {
            return Ok(());
        }
        let Some(builder) = self.builder.take() else { return Ok(()) };
        builder.retire().map_err(during("giving up privileges"))
    }

    fn start(&self) -> Result<u32, LabError> {
        let user_ns = self.builder.as_ref().and_then(Builder::user_ns);
        let user_ns = user_ns.ok_or_else(|| io::ErrorKind::NotConnected.into());
        start_resident(&self.request, user_ns.map_err(during("entering its user namespace"))?)
    }
}

fn start_resident(request: &Request, user_ns: BorrowedFd<'_>) -> Result<u32, LabError> {
    let resident = Resident::new(&request.then, request.environment.clone());
    let start = || -> io::Result<u32> {
        let note = make::note(&resident.to_bytes()?)?;
        let program = Program::new("/proc/self/exe", &["tmpmedic", "__helper", super::resident::KIND], &[]);
        program.start(Streams::Ours, &[note.as_fd(), user_ns])
    };
    start().map_err(|source| LabError::Start { program: resident.name(), source })
}

/// Buries every child that has ended; the code of the resident where it is among them. A stop of the resident stops the
/// whole job, so that the shell gets its terminal back.
fn bury(resident: u32) -> Option<u8> {
    let mut code = None;
    while let Ok(Some((pid, fate))) = spawn::wait(None, Patience::None) {
        match fate {
            Fate::Ended(ended) if pid == resident => code = Some(ended),
            Fate::Stopped if pid == resident => {
                // Without a shell nobody would let us go on; then nothing is stopped.
                init::stop_our_job().ok();
            }
            Fate::Ended(_) | Fate::Stopped => {}
        }
    }
    code
}

fn signal_code(number: i32) -> u8 {
    u8::try_from(128 + number).unwrap_or(u8::MAX)
}

/// Moves this process into the user namespace of the lab.
pub(super) fn retire_into(user_ns: &OwnedFd) -> io::Result<()> {
    space::join(user_ns, space::Kind::User)?;
    // The change of credentials has undone both.
    child::die_with_parent()?;
    crate::sys::guise::be_visible()
}
