//! What runs in a lab: the console, a command, a shell. A helper that enters the user namespace of the lab and becomes it.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read};

use rustix::io::Errno;
use rustix::thread::CapabilitySet;
use serde::{Deserialize, Serialize};

use super::home;
use super::request::{Request, Then};
use crate::model::raw_path::RawPath;
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
    /// The next descriptor is the user namespace that it has to enter.
    enters: bool,
}

impl Resident {
    /// What the request asks for.
    pub fn of(request: &Request, enters: bool) -> Self {
        Self::new(&request.then, request.environment.clone(), enters)
    }

    /// The same for one who joins a lab that is open.
    pub fn new(then: &Then, mut environment: Vec<RawPath>, enters: bool) -> Self {
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
        Self { words, environment, console, enters }
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
    if resident.enters {
        let user_ns = spawn::inherited(4).ok_or(Errno::BADF)?;
        space::join(&user_ns, Kind::User)?;
    }
    guise::drop_bounding(CapabilitySet::all() - USELESS);
    let mut why = io::Error::from(Errno::NOENT);
    for file in resident.files() {
        let program = Program {
            path: c_bytes(&file),
            arguments: resident.words.iter().map(c_bytes).collect(),
            environment: resident.environment.iter().map(c_bytes).collect(),
        };
        let refused = program.replace_us();
        if refused.kind() != io::ErrorKind::NotFound {
            why = refused;
        }
    }
    Ok((resident.name(), why))
}

fn c_bytes(text: &RawPath) -> CString {
    CString::new(text.as_bytes()).unwrap_or_default()
}
