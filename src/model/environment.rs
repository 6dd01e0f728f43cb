//! Where the value of a variable came in, along the chain of ancestors.

use serde::{Deserialize, Serialize};

use super::process::{Pid, Process, ProcessTable};
use super::raw_path::RawText;
use super::reading::Seen;

/// One process on the way from the oldest ancestor to the process in question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The process.
    pub pid: Pid,
    /// Its name.
    pub comm: RawText,
    /// Its unit, container or command.
    pub label: String,
    /// The values of the variable that it got at exec, duplicates kept; empty where unset.
    pub values: Seen<Vec<RawText>>,
    /// How it stands to its parent.
    pub change: Change,
}

/// How a value stands to the parent's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// There is no parent to compare with.
    First,
    /// The same as the parent's.
    Same,
    /// Set here: the parent program or its configuration introduced it.
    Introduced,
    /// Changed here.
    Changed,
    /// Taken away here.
    Removed,
    /// The parent's or its own environment is not readable.
    Unknown,
}

/// The chain for one variable of one process, oldest ancestor first.
///
/// `/proc/PID/environ` is what a process got at exec; what it changes itself shows first in its children. A value that
/// differs between parent and child was therefore introduced by the parent program or its configuration.
pub fn chain_of(table: &ProcessTable, pid: Pid, name: &str) -> Vec<Hop> {
    let mut chain = table.ancestors(pid);
    chain.reverse();
    let mut hops: Vec<Hop> = Vec::with_capacity(chain.len());
    for process in chain {
        let values = values_of(process, name);
        let change = hops.last().map_or(Change::First, |before| compare(&before.values, &values));
        hops.push(Hop {
            pid: process.pid,
            comm: process.comm.clone(),
            label: process.label(),
            values,
            change,
        });
    }
    hops
}

/// The values of a variable in a process' environment, in order, duplicates kept.
pub fn values_of(process: &Process, name: &str) -> Seen<Vec<RawText>> {
    let all = process.variables.as_ref().map_err(Clone::clone)?;
    Ok(all.iter().filter(|v| v.name == name).map(|v| v.value.clone()).collect())
}

fn compare(before: &Seen<Vec<RawText>>, now: &Seen<Vec<RawText>>) -> Change {
    match (before, now) {
        (Ok(before), Ok(now)) if before == now => Change::Same,
        (Ok(before), Ok(_)) if before.is_empty() => Change::Introduced,
        (Ok(_), Ok(now)) if now.is_empty() => Change::Removed,
        (Ok(_), Ok(_)) => Change::Changed,
        _ => Change::Unknown,
    }
}
