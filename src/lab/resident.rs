//! What runs in a lab: the console, a command, a shell. A helper that enters the user namespace of the lab and becomes it.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::thread::CapabilitySet;
use serde::{Deserialize, Serialize};

use super::home;
use super::request::Then;
use crate::model::raw_path::RawPath;
use crate::sys::child;
use crate::sys::guise;
use crate::sys::space::{self, Kind};
use crate::sys::spawn::{self, Program};

/// The name of the job among the helpers.
pub const KIND: &str = "lab-resident";
/// What nobody in a lab has any use for.
const USELESS: CapabilitySet = CapabilitySet::SYS_MODULE
    .union(CapabilitySet::SYS_RAWIO)
    .union(CapabilitySet::SYS_BOOT)
    .union(CapabilitySet::SYS_TIME)
    .union(CapabilitySet::MKNOD)
    .union(CapabilitySet::SYS_PACCT)
    .union(CapabilitySet::MAC_ADMIN)
    .union(CapabilitySet::MAC_OVERRIDE)
    .union(CapabilitySet::SYSLOG)
    .union(CapabilitySet::WAKE_ALARM)
    .union(CapabilitySet::BLOCK_SUSPEND)
    .union(CapabilitySet::AUDIT_CONTROL);

/// What is to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resident {
    /// With its arguments; a program without a `/` is looked for on the search path of the lab.
    words: Vec<RawPath>,
    /// Its environment.
    environment: Vec<RawPath>,
    /// This program, whatever it is called.
    console: bool,
}

impl Resident {
    /// What is asked for, with that environment and what a lab adds to it.
    pub fn new(then: &Then, mut environment: Vec<RawPath>) -> Self {
        environment.push(RawPath::from(format!("PATH={}:{SYSTEM_PATH}", home::BIN).as_str()));
        environment.push("HOME=/".into());
        let (words, console) = match then {
            Then::Console { arguments } => {
                let mut words = vec![RawPath::from("tmpmedic")];
                words.extend(arguments.iter().map(|text| RawPath::from(text.as_str())));
                (words, true)
            }
            Then::Command { words } => (words.clone(), false),
        };
        Self { words, environment, console }
    }

    /// A manager of services instead, with its file first and only that environment beside the search path.
    pub(super) fn manager(words: &[&str], environment: &[String]) -> Self {
        let mut environment: Vec<RawPath> = environment.iter().map(|text| text.as_str().into()).collect();
        environment.push(RawPath::from(format!("PATH={SYSTEM_PATH}").as_str()));
        Self { words: words.iter().map(|word| RawPath::from(*word)).collect(), environment, console: false }
    }

    /// Its name, for messages.
    pub fn name(&self) -> String {
        self.words.first().map(RawPath::shown).unwrap_or_default()
    }

    /// For the helper.
    ///
    /// # Errors
    /// Where memory is short.
    pub fn to_bytes(&self) -> io::Result<Vec<u8>> {
        Ok(serde_json::to_vec(self)?)
    }

    /// Enters the user namespace of the lab and becomes what is to run; comes back only with the reason why not.
    pub(super) fn become_it(&self, user_ns: OwnedFd) -> io::Result<io::Error> {
        space::join(&user_ns, Kind::User)?;
        drop(user_ns);
        guise::drop_bounding(CapabilitySet::all() - USELESS);
        // One who joined a lab must not outlive the process that has the terminal.
        child::die_with_parent()?;
        let mut why = io::Error::from(Errno::NOENT);
        for file in self.files() {
            let program = Program {
                path: c_bytes(&file),
                arguments: self.words.iter().map(c_bytes).collect(),
                environment: self.environment.iter().map(c_bytes).collect(),
            };
            let refused = program.replace_us();
            if refused.kind() != io::ErrorKind::NotFound {
                why = refused;
            }
        }
        Ok(why)
    }

    /// The files that it may be, in this order.
    fn files(&self) -> Vec<RawPath> {
        let Some(name) = self.words.first() else { return Vec::new() };
        if self.console {
            return vec!["/proc/self/exe".into()];
        }
        if name.as_bytes().contains(&b'/') {
            return vec![name.clone()];
        }
        let path = format!("{}:{SYSTEM_PATH}", home::BIN);
        path.split(':').map(|dir| RawPath::from(dir).join(name.as_bytes())).collect()
    }
}

/// Where commands are looked for behind the lab's own directory.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Becomes what is to run.
///
/// # Errors
/// Returns only where that fails: with the exit code that a shell gives, and why.
pub fn serve() -> (u8, String) {
    match enter() {
        Ok((name, why)) if why.kind() == io::ErrorKind::NotFound => (127, format!("`{name}`: {why}")),
        Ok((name, why)) => (126, format!("`{name}`: {why}")),
        Err(why) => (125, format!("cannot enter the lab: {why}")),
    }
}

fn enter() -> io::Result<(String, io::Error)> {
    let note = spawn::inherited(3).ok_or(Errno::BADF)?;
    let mut bytes = Vec::new();
    File::from(note).read_to_end(&mut bytes)?;
    let resident: Resident = serde_json::from_slice(&bytes)?;
    let why = resident.become_it(spawn::inherited(4).ok_or(Errno::BADF)?)?;
    Ok((resident.name(), why))
}

fn c_bytes(text: &RawPath) -> CString {
    CString::new(text.as_bytes()).unwrap_or_default()
}
