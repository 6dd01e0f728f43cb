//! The cast from the side of the first process: who is started how, who is whose child, and how they end.
//!
//! A member of the cast is this program, executed under the name of a program of the cast with exactly the arguments and
//! the environment that the scenario gives. Through a socket it gets its part (`part`), plays itself into it, and answers.
//! A process whose parent is another of the cast must be made by that one, long before it is needed: until it is called it
//! waits in the wings as a child of its parent.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::Signal;

use super::home;
use super::part::{self, Opening, Part};
use super::request::Users;
use super::service::Services;
use super::unit;
use crate::model::scenario::Scenario;
use crate::model::scenario::cast::Cast;
use crate::model::scenario::step::Step;
use crate::sys::make::{self, Rights};
use crate::sys::pidfd::Pidfd;
use crate::sys::spawn::{self, Patience, Program, Streams};

/// How long a process may take to end after it was told to.
const PATIENCE: Duration = Duration::from_secs(5);

/// All processes of a scenario.
#[derive(Debug)]
pub struct Troupe {
    users: Users,
    /// The user namespace of everybody else.
    user_ns: OwnedFd,
    /// Which processes are whose children, from the whole scenario.
    children: BTreeMap<String, Vec<String>>,
    /// Those who wait in the wings, by the socket on which they are called.
    wings: BTreeMap<String, UnixStream>,
    /// Those who have been started.
    playing: BTreeMap<String, u32>,
    /// With systemd: who starts members of the cast that have a unit.
    services: Option<Services>,
    /// Those who were started so, by their units.
    units: BTreeMap<String, String>,
    /// Users and groups of those who live in a service, descendants included.
    served: BTreeMap<String, (u32, u32)>,
    /// Asks for the file system at a path to be frozen until the lab ends.
    freezer: Option<UnixStream>,
}

impl Troupe {
    /// For a scenario. `freezer` leads to the process that outlives the lab and thaws.
    pub fn new(scenario: &Scenario, users: Users, user_ns: OwnedFd, freezer: Option<UnixStream>) -> Self {
        let mut children: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for cast in casts(scenario) {
            if let Some(parent) = &cast.parent {
                children.entry(parent.clone()).or_default().extend(names(cast));
            }
        }
        let (wings, playing) = (BTreeMap::new(), BTreeMap::new());
        let (units, served) = (BTreeMap::new(), BTreeMap::new());
        Self { users, user_ns, children, wings, playing, services: None, units, served, freezer }
    }

    /// From now on systemd starts what has a unit.
    pub(super) fn give(&mut self, services: Services) {
        self.services = Some(services);
    }

    /// The user namespace of everybody but the first process.
    pub(super) fn user_ns(&self) -> BorrowedFd<'_> {
        self.user_ns.as_fd()
    }

    /// Starts a process, or as many as it is to be.
    pub(super) fn start(&mut self, cast: &Cast) -> io::Result<()> {
        check_program(&cast.program)?;
        let file = home::program(&cast.program);
        if rustix::fs::lstat(&file).is_err() {
            make::second_name(Path::new(home::PROGRAM), &file)?;
        }
        for (number, name) in (1..).zip(names(cast)) {
            let pid = match &cast.unit {
                Some(unit) if self.services.is_some() => {
                    let unit = unit::name_of(unit, cast.count.map(|_| number)).map_err(io::Error::other)?;
                    self.start_service(&name, unit, cast)?
                }
                _ => self.start_one(&name, cast, &file)?,
            };
            self.playing.insert(name, pid);
        }
        Ok(())
    }

    fn start_service(&mut self, name: &str, unit: String, cast: &Cast) -> io::Result<u32> {
        let mut part = Part::of(cast, self.users);
        part.in_service = true;
        part.wings = self.below(name);
        part.reports = self.with_descendants(name);
        let services = self.services.as_ref().ok_or(Errno::SRCH)?;
        let started = services.start(&unit, &part)?;
        self.wings.extend(started.wings);
        self.served.extend(part.reports.into_iter().map(|name| (name, (cast.uid, cast.gid))));
        self.units.insert(name.to_owned(), unit);
        Ok(started.pid)
    }

    /// The user of a service is that of everything in it.
    fn check_served(&self, name: &str, cast: &Cast) -> io::Result<bool> {
        let Some(ids) = self.served.get(name) else { return Ok(false) };
        let is_plain = cast.inside.is_empty() && cast.root.is_none() && !cast.private_tmp;
        if *ids != (cast.uid, cast.gid) || !is_plain {
            let why = "what a service starts has its user, its mounts and its root";
            return Err(io::Error::other(why));
        }
        Ok(true)
    }

    fn start_one(&mut self, name: &str, cast: &Cast, file: &Path) -> io::Result<u32> {
        let in_service = self.check_served(name, cast)?;
        let private = cast.private_tmp.then(|| private_dirs(cast.unit.as_deref().unwrap_or(name)));
        let private = private.transpose()?;
        let mut part = Part { private, in_service, ..Part::of(cast, self.users) };
        let (mut to_it, pid) = if cast.parent.is_some() {
            let mut to_it = self.wings.remove(name).ok_or(Errno::SRCH)?;
            part.wings = self.below(name);
            to_it.write_all(&Opening::of(cast, file).to_line()?)?;
            (to_it, None)
        } else {
            let (ours, theirs) = UnixStream::pair()?;
            part.wings = self.below(name);
            let mut sockets = vec![theirs];
            self.fill_wings(name, &mut sockets)?;
            let pid = self.execute(cast, file, &sockets)?;
            (ours, Some(pid))
        };
        to_it.write_all(&serde_json::to_vec(&part)?)?;
        to_it.shutdown(Shutdown::Write)?;
        let mut answer = String::new();
        to_it.read_to_string(&mut answer)?;
        match answer.strip_prefix(part::PLAYING) {
            Some(number) => number.trim().parse().map_err(io::Error::other),
            None if answer.is_empty() => Err(io::Error::other(format!("it died ({pid:?})"))),
            None => Err(io::Error::other(answer)),
        }
    }

    fn execute(&self, cast: &Cast, file: &Path, sockets: &[UnixStream]) -> io::Result<u32> {
        let mut descriptors: Vec<BorrowedFd<'_>> = sockets.iter().map(AsFd::as_fd).collect();
        descriptors.insert(1, self.user_ns());
        Opening::of(cast, file).program().start(Streams::Nowhere, &descriptors)
    }

    /// A socket for each descendant of that process, in the order of [`Troupe::below`].
    fn fill_wings(&mut self, name: &str, sockets: &mut Vec<UnixStream>) -> io::Result<()> {
        for child in self.children.get(name).cloned().unwrap_or_default() {
            let (ours, theirs) = UnixStream::pair()?;
            self.wings.insert(child.clone(), ours);
            sockets.push(theirs);
            self.fill_wings(&child, sockets)?;
        }
        Ok(())
    }

    /// How many processes each child of that process stands for: itself and its descendants.
    fn below(&self, name: &str) -> Vec<usize> {
        let children = self.children.get(name).map(Vec::as_slice).unwrap_or_default();
        children.iter().map(|child| 1 + self.below(child).iter().sum::<usize>()).collect()
    }

    /// Itself and all its descendants, in the order of their sockets.
    fn with_descendants(&self, name: &str) -> Vec<String> {
        let children = self.children.get(name).map(Vec::as_slice).unwrap_or_default();
        let below = children.iter().flat_map(|child| self.with_descendants(child));
        std::iter::once(name.to_owned()).chain(below).collect()
    }

    /// Ends a process, or all of that name.
    pub(super) fn stop(&mut self, name: &str, signal: Signal) -> io::Result<()> {
        let many = format!("{name}-");
        let is_meant = |other: &str| {
            other == name || other.strip_prefix(&many).is_some_and(|n| n.parse::<u32>().is_ok())
        };
        let meant: Vec<(String, u32)> =
            self.playing.iter().filter(|(n, _)| is_meant(n)).map(|(n, pid)| (n.clone(), *pid)).collect();
        if meant.is_empty() {
            return Err(Errno::SRCH.into());
        }
        self.playing.retain(|other, _| !is_meant(other));
        for (name, pid) in meant {
            if let Some(unit) = self.units.remove(&name) {
                Services::stop(&unit, signal)?;
                continue;
            }
            let process = Pidfd::open(pid)?;
            process.signal(signal)?;
            if !process.has_ended_within(PATIENCE)? {
                return Err(Errno::TIMEDOUT.into());
            }
            // A child of another of the cast is buried by that one.
            spawn::wait(Some(pid), Patience::None).ok();
        }
        Ok(())
    }

    /// Has the file system at a path frozen until the lab ends.
    pub(super) fn freeze(&mut self, at: &str) -> io::Result<()> {
        let freezer = self.freezer.as_mut().ok_or(Errno::OPNOTSUPP)?;
        freezer.write_all(format!("{at}\n").as_bytes())?;
        let mut answer = [0; 4];
        freezer.read_exact(&mut answer)?;
        match i32::from_le_bytes(answer) {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }

    /// The user namespace; whoever is still in the wings goes home.
    pub(super) fn into_user_ns(self) -> OwnedFd {
        self.user_ns
    }
}

/// Every member of the cast, in all chapters.
pub fn casts(scenario: &Scenario) -> impl Iterator<Item = &Cast> {
    scenario.chapters.iter().flat_map(|chapter| &chapter.steps).filter_map(|step| match step {
        Step::Start(cast) => Some(&**cast),
        _ => None,
    })
}

/// What the processes of one entry are called.
fn names(cast: &Cast) -> Vec<String> {
    match cast.count {
        Some(count) => (1..=count).map(|number| format!("{}-{number}", cast.name)).collect(),
        None => vec![cast.name.clone()],
    }
}

fn check_program(name: &str) -> io::Result<()> {
    if name.is_empty() || name.contains('/') || matches!(name, "." | "..") {
        return Err(io::Error::other(format!("`{name}` is no name of a program")));
    }
    Ok(())
}

/// `/tmp/systemd-private-BOOT-UNIT-XXXXXX/tmp` and the same in `/var/tmp`, as systemd makes them.
fn private_dirs(unit: &str) -> io::Result<[String; 2]> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().replace('-', "");
    let mut letters = [0; 6];
    File::open("/dev/urandom")?.read_exact(&mut letters)?;
    let suffix: String = letters.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
    let private = |root: &str| -> io::Result<String> {
        let above = format!("{root}/systemd-private-{boot}-{unit}-{suffix}");
        make::dir(Path::new(&above), Rights { mode: 0o700, uid: 0, gid: 0 })?;
        let dir = format!("{above}/tmp");
        make::dir(Path::new(&dir), Rights { mode: 0o1777, uid: 0, gid: 0 })?;
        Ok(dir)
    };
    Ok([private("/tmp")?, private("/var/tmp")?])
}

impl Opening {
    /// What a process is executed with.
    fn program(&self) -> Program {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        Program::new(&self.file, &arguments, &self.environment)
    }
}
