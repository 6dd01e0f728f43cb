//! The first process of a lab: builds it, starts what runs in it, buries the dead, and ends with it.
//!
//! When it ends the kernel ends everything else in its PID namespace, and with the last process the mounts go, and with
//! them the loop devices. It dies with the process that opened the lab. Called by `cmd::helper`.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::build::{Builder, name_of};
use super::cast::Troupe;
use super::request::{Request, Then, Users};
use super::resident::Resident;
use super::trouble::{LabError, during};
use super::{ground, home, users};
use crate::model::scenario::step::Step;
use crate::sys::init::{self, Inbox, News};
use crate::sys::spawn::{self, Fate, Patience, Program, Streams};
use crate::sys::{child, make, space};

/// The name of the job among the helpers.
pub const KIND: &str = "lab";
/// More than any request.
const MAX_REQUEST: u64 = 16 << 20;
/// SIGINT, by which a lab that stays up is ended.
const INTERRUPT: i32 = 2;
/// SIGHUP and SIGTERM, which are passed on.
const PASSED_ON: &[i32] = &[1, 15];

/// Opens the lab and stays until it ends; gives the exit code. `say` tells the user something.
///
/// # Errors
/// See [`LabError`].
pub fn serve(say: &dyn Fn(&str)) -> Result<u8, LabError> {
    child::die_with_parent().map_err(during("binding its life to ours"))?;
    rustix::thread::set_name(c"tmpmedic-lab").ok();
    let request = spawn::inherited(3).ok_or_else(|| io::ErrorKind::NotConnected.into());
    let request = request.and_then(read_request).map_err(during("reading the request"))?;
    let freezer = spawn::inherited(4).map(UnixStream::from);
    let inbox = Inbox::open().map_err(during("blocking signals"))?;
    rustix::process::chdir("/").map_err(|errno| during("going to /")(errno.into()))?;
    ground::lay(request.users)?;
    let (user_ns, outside) = if request.users == Users::All {
        let founded = users::found()?;
        (Some(founded.user_ns), Some(founded.outside))
    } else {
        ground::seal()?;
        (None, None)
    };
    note_scenario(&request).map_err(during("noting the scenario"))?;
    let troupe = Troupe::new(&request.scenario, request.users, user_ns, freezer);
    let builder = Builder::new(request.users, troupe, outside);
    Play { steps: steps(&request), next: 0, builder: Some(builder), inbox, request }.run(say)
}

fn read_request(fd: OwnedFd) -> io::Result<Request> {
    let mut bytes = Vec::new();
    File::from(fd).take(MAX_REQUEST).read_to_end(&mut bytes)?;
    Request::parse(&bytes)
}

/// For root of the lab only, so that the learner does not stumble over it.
fn note_scenario(request: &Request) -> io::Result<()> {
    use std::io::Write;
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
}

impl Play {
    fn run(mut self, say: &dyn Fn(&str)) -> Result<u8, LabError> {
        let in_real_time = matches!(self.request.then, Then::Console { .. });
        let mut pause = self.build(in_real_time)?;
        let resident = self.start()?;
        self.finish_building(pause)?;
        let mut code = None;
        loop {
            let news = self.inbox.next(pause);
            match news {
                News::Child => {
                    if let Some(ended) = bury(resident) {
                        code = Some(ended);
                        if !self.request.keep {
                            return Ok(ended);
                        }
                        say("The lab stays up. Join it with `tmpmedic lab --join`, end it with Ctrl-C here.");
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
                // The terminal sent it to everybody in the foreground, what runs in the lab included.
                News::Signal(_) => {}
                News::Nothing => {
                    pause = self.build(in_real_time)?;
                    self.finish_building(pause)?;
                }
            }
        }
    }

    /// Takes steps until one waits; gives how long, or nothing where all are taken.
    fn build(&mut self, in_real_time: bool) -> Result<Option<Duration>, LabError> {
        let Some(builder) = &mut self.builder else { return Ok(None) };
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
        start_resident(&self.request, user_ns)
    }
}

fn start_resident(request: &Request, user_ns: Option<BorrowedFd<'_>>) -> Result<u32, LabError> {
    let resident = Resident::of(request, user_ns.is_some());
    let start = || -> io::Result<u32> {
        let note = make::note(&resident.to_bytes()?)?;
        let mut descriptors = vec![note.as_fd()];
        descriptors.extend(user_ns);
        let program = Program::new("/proc/self/exe", &["tmpmedic", "__helper", super::resident::KIND], &[]);
        program.start(Streams::Ours, &descriptors)
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
pub(super) fn retire_into(user_ns: OwnedFd) -> io::Result<()> {
    space::join(&user_ns, space::Kind::User)?;
    // The change of credentials has undone both.
    child::die_with_parent()?;
    crate::sys::guise::be_visible()
}
