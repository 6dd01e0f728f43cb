//! The service manager, asked by its own program; and drop-ins, whole or not at all.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use super::ledger::{Ledger, Refused};
use super::way;
use crate::exec::journal::JournalError;
use crate::exec::object;
use crate::model::journal::Change;
use crate::model::mode::GROUP_OTHERS_WRITE;
use crate::model::raw_path::{RawPath, RawText};
use crate::model::treatment::Way;
use crate::model::unit_name::is_unit_name;
use crate::sys::pidfd::Pidfd;
use crate::sys::procfile::Proc;
use crate::sys::program::{self, Ended};
use crate::sys::{clock, dirfd, enter, hands, stat};

/// Where systemctl is, by the layouts that there are.
const SYSTEMCTL: [&str; 2] = ["/usr/bin/systemctl", "/bin/systemctl"];
/// A service gets 90 s to stop and as many to start by default. Source: systemd-system.conf(5), DefaultTimeoutStopSec=.
const PATIENCE: Duration = Duration::from_secs(200);
/// How long a new process may take until it is the service's own program, and between two looks.
const BECOMES: Duration = Duration::from_secs(5);
const BETWEEN: Duration = Duration::from_millis(2);
/// Where drop-ins of the administrator live.
const PLACE: &str = "/etc/systemd/system";
/// Larger than any drop-in.
const LARGEST: u64 = 64 << 10;

/// Restarts a unit, waits, and looks whether it is up. Its main process is the service's own program then: until that is
/// executed it stands in the mount namespace of systemd, and a probe would prove nothing.
pub fn restart(unit: &str) -> Result<String, Refused> {
    check(unit)?;
    if let Err(refused) = systemctl(&["restart", "--", unit]) {
        let now = State::of(unit).map(|state| format!("; {unit} is {}", state.shown())).unwrap_or_default();
        return Err(Refused::Failed(None, format!("{}{now}", refused.why())));
    }
    let is_up = |state: &State| state.active == "active";
    let mut state = State::of(unit)?;
    if is_up(&state) && state.main_pid != 0 {
        become_its_program(state.main_pid);
        state = State::of(unit)?;
    }
    if is_up(&state) {
        return Ok(format!("{unit} is {}", state.shown()));
    }
    let why = format!("{unit} was restarted and is {} now: systemctl status {unit}", state.shown());
    Err(Refused::Failed(None, why))
}

/// What systemd says of a unit.
#[derive(Debug, Default)]
struct State {
    active: String,
    sub: String,
    result: String,
    status: String,
    main_pid: u32,
}

impl State {
    fn of(unit: &str) -> Result<Self, Refused> {
        let ended = ask(&["show", "-p", "ActiveState,SubState,Result,ExecMainStatus,MainPID", "--", unit])?;
        let mut state = Self::default();
        for line in String::from_utf8_lossy(&ended.said).lines() {
            match line.split_once('=') {
                Some(("ActiveState", value)) => value.clone_into(&mut state.active),
                Some(("SubState", value)) => value.clone_into(&mut state.sub),
                Some(("Result", value)) => value.clone_into(&mut state.result),
                Some(("ExecMainStatus", value)) => value.clone_into(&mut state.status),
                Some(("MainPID", value)) => state.main_pid = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        Ok(state)
    }

    /// `active (running), main pid 4514` or `failed (Result=exit-code, status 7)`.
    fn shown(&self) -> String {
        let Self { active, sub, result, status, main_pid } = self;
        if active == "active" && *main_pid != 0 {
            return format!("{active} ({sub}), main pid {main_pid}");
        }
        if result.is_empty() || result == "success" {
            return format!("{active} ({sub})");
        }
        format!("{active} ({sub}; Result={result}, status {status})")
    }
}

/// systemd names a process that it is about to make a service's `(program)`. Source: systemd, exec_child().
fn become_its_program(pid: u32) {
    let (Ok(pidfd), Ok(proc)) = (Pidfd::open(pid), Proc::open(Path::new("/proc"))) else { return };
    let Ok(dir) = proc.pid(pid) else { return };
    let begun = clock::Stopwatch::start();
    let is_waiting = || dir.read("comm", 64).is_ok_and(|name| name.starts_with(b"("));
    while is_waiting() && begun.micros() < BECOMES.as_micros().try_into().unwrap_or(u64::MAX) {
        if !matches!(pidfd.has_ended_within(BETWEEN), Ok(false)) {
            return;
        }
    }
}

/// Lets the manager read its files anew.
pub fn reload() -> Result<(), Refused> {
    systemctl(&["daemon-reload"])
}

fn check(unit: &str) -> Result<(), Refused> {
    if is_unit_name(unit) {
        Ok(())
    } else {
        Err(Refused::Kept(format!("`{}` is no unit name", RawPath::from(unit).shown())))
    }
}

fn systemctl(arguments: &[&str]) -> Result<(), Refused> {
    let ended = ask(arguments)?;
    if ended.code == Some(0) {
        return Ok(());
    }
    let talk = RawText::new(ended.talk.trim_ascii()).shown();
    Err(Refused::Failed(
        None,
        format!("systemctl {}: {talk}", arguments.first().copied().unwrap_or_default()),
    ))
}

fn ask(arguments: &[&str]) -> Result<Ended, Refused> {
    let all = [&["--no-ask-password", "--no-pager"], arguments].concat();
    program::run(&SYSTEMCTL, &all, PATIENCE).map_err(|error| {
        let what = format!("systemctl {}", arguments.first().copied().unwrap_or_default());
        match error.kind() {
            // Its client is killed, the job in the manager goes on.
            io::ErrorKind::TimedOut => {
                let seconds = PATIENCE.as_secs();
                Refused::Failed(
                    None,
                    format!("{what} is not done after {seconds} s; it goes on: systemctl list-jobs"),
                )
            }
            io::ErrorKind::NotFound => Refused::Failed(None, "there is no systemctl here".to_owned()),
            _ => Refused::at(what)(error),
        }
    })
}

/// What a drop-in holds now; `None` where there is none.
pub fn drop_in(unit: &str, file: &str) -> Result<Option<RawText>, Refused> {
    check(unit)?;
    let dir = match way::node(&Way { by: None, path: RawPath::from(format!("{PLACE}/{unit}.d").as_str()) }) {
        Ok(dir) => dir,
        Err(Refused::Failed(Some(crate::model::errno::Errno::ENOENT), _)) => return Ok(None),
        Err(other) => return Err(other),
    };
    content(&dir, file)
}

/// What a file of a directory holds; `None` where there is none.
pub fn content(dir: &OwnedFd, file: &str) -> Result<Option<RawText>, Refused> {
    match dirfd::open_regular(dir.as_fd(), file.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Refused::at(format!("cannot read {file}"))(error)),
        Ok(opened) => {
            let mut bytes = Vec::new();
            opened
                .take(LARGEST)
                .read_to_end(&mut bytes)
                .map_err(Refused::at(format!("cannot read {file}")))?;
            Ok(Some(RawText::new(bytes)))
        }
    }
}

/// Whether what stands there is what the plan showed.
pub fn is_still((unit, file): (&str, &str), before: Option<&RawText>) -> Result<(), Refused> {
    is_same(file, drop_in(unit, file)?.as_ref(), before)
}

fn is_same(file: &str, now: Option<&RawText>, before: Option<&RawText>) -> Result<(), Refused> {
    if now == before {
        Ok(())
    } else {
        Err(Refused::Kept(format!("{file} is not what it was when the plan was made")))
    }
}

/// Writes a drop-in, if what stands there is what the plan showed.
pub fn write(
    ledger: &mut Ledger<'_>,
    (unit, file): (&str, &str),
    before: Option<&RawText>,
    after: &RawText,
    own: u32,
) -> Result<Result<(), Refused>, JournalError> {
    let path = RawPath::from(format!("{PLACE}/{unit}.d/{file}").as_str());
    let dir = match directory(ledger, unit, own)? {
        Ok(dir) => dir,
        Err(refused) => return Ok(Err(refused)),
    };
    let change = Change::Write { path, from: before.cloned(), to: after.clone() };
    let changed = ledger.change(change, || {
        is_same(file, content(&dir, file)?.as_ref(), before)?;
        replace(&dir, file, after.as_bytes()).map_err(Refused::at(format!("cannot write {file}")))?;
        Ok(None)
    })?;
    Ok(changed.map(|_changed| ()))
}

/// The directory of the drop-ins of a unit, made where it is missing.
fn directory(
    ledger: &mut Ledger<'_>,
    unit: &str,
    own: u32,
) -> Result<Result<OwnedFd, Refused>, JournalError> {
    let open = || {
        check(unit)?;
        let place = way::node(&Way { by: None, path: PLACE.into() })?;
        let name = format!("{unit}.d");
        let dir = enter::listing(place.as_fd(), name.as_bytes());
        Ok((place, name, dir))
    };
    let (place, name, dir) = match open() {
        Ok(all) => all,
        Err(refused) => return Ok(Err(refused)),
    };
    let dir = match dir {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let path = RawPath::from(PLACE).join(name.as_bytes());
            let change = Change::MakeDir { path: path.clone(), mode: 0o755, uid: own, gid: 0 };
            let mut made = None;
            let changed = ledger.change(change, || {
                hands::make_private_dir(place.as_fd(), name.as_bytes())
                    .map_err(Refused::at(format!("cannot make {name}")))?;
                let dir = enter::listing(place.as_fd(), name.as_bytes())
                    .map_err(Refused::at(format!("cannot enter {name}")))?;
                hands::set_mode(dir.as_fd(), 0o755).map_err(Refused::at("cannot set its mode"))?;
                made = Some(dir);
                Ok(None)
            })?;
            if let Some(object) = made.as_ref().and_then(|dir| object::of(dir.as_fd()).ok()) {
                ledger.note(Change::Made { path, object: object.0 })?;
            }
            changed.and_then(|_| made.ok_or_else(|| Refused::Kept("it was not made".to_owned())))
        }
        other => other.map_err(Refused::at(format!("cannot enter {name}"))),
    };
    let safe = |dir: OwnedFd| {
        let found = stat::of(dir.as_fd()).map_err(Refused::at(format!("cannot look at {name}")))?;
        let ours = (found.uid == 0 || found.uid == own) && found.mode & GROUP_OTHERS_WRITE == 0;
        if ours { Ok(dir) } else { Err(Refused::Kept(format!("others may change {name}"))) }
    };
    Ok(dir.and_then(safe))
}

/// The file is the old one or the new one, never a part of it.
pub fn replace(dir: &OwnedFd, file: &str, bytes: &[u8]) -> io::Result<()> {
    let aside = format!(".{file}.tmpmedic-{}", std::process::id());
    let mut new = hands::create_new(dir.as_fd(), aside.as_bytes(), 0o644)?;
    let written = new.write_all(bytes).and_then(|()| new.sync_all());
    let placed = written
        .and_then(|()| hands::move_plainly(dir.as_fd(), aside.as_bytes(), dir.as_fd(), file.as_bytes()));
    if placed.is_err() {
        hands::unlink(dir.as_fd(), aside.as_bytes()).ok();
    }
    placed?;
    hands::sync_names(dir.as_fd())
}
