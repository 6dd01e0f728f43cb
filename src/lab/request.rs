//! What a lab is asked for: the scenario, whose users it has, and what runs in it. Travels to its first process as JSON.

use std::io;

use serde::{Deserialize, Serialize};

use crate::model::raw_path::RawPath;
use crate::model::scenario::Scenario;
use crate::sys::term::guard::Lent;

/// An order for a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What is built.
    pub scenario: Scenario,
    /// The last chapter that is built; all of them where nothing is said.
    pub chapter: Option<usize>,
    /// Whose users there are.
    pub users: Users,
    /// What runs in it when it stands.
    pub then: Then,
    /// Environment of that, `NAME=VALUE` each.
    pub environment: Vec<RawPath>,
    /// It stays when that has ended.
    pub keep: bool,
    /// A systemd of its own is its process 1, and starts the services of the scenario.
    pub systemd: bool,
}

/// Whose users a lab has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Users {
    /// Those of the machine: root opened the lab.
    All,
    /// A range that `/etc/subuid` grants.
    Range,
    /// Only the user who opened it, as root of the lab.
    One,
}

/// What runs in a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// The console; with it the incident goes on in real time.
    Console {
        /// Its arguments.
        arguments: Vec<String>,
    },
    /// A command, when everything has happened.
    Command {
        /// With its arguments.
        words: Vec<RawPath>,
    },
}

impl Then {
    /// Lends it the terminal where it is the console; whoever is killed meanwhile still gives it back.
    pub(super) fn lend_terminal(&self) -> Option<Lent> {
        match self {
            Self::Console { .. } => Lent::start(),
            Self::Command { .. } => None,
        }
    }
}

impl Request {
    /// For the first process.
    ///
    /// # Errors
    /// Where memory is short.
    pub fn to_bytes(&self) -> io::Result<Vec<u8>> {
        Ok(serde_json::to_vec(self)?)
    }

    /// As it was written.
    ///
    /// # Errors
    /// `InvalidData` for anything else.
    pub fn parse(bytes: &[u8]) -> io::Result<Self> {
        Ok(serde_json::from_slice(bytes)?)
    }
}
