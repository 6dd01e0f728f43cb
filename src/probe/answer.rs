//! What a helper says, a JSON line at a time, so that the part said before it got stuck is known.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::model::errno::Errno;
use crate::model::probe::{Step, StepResult};
use crate::model::process::{Credentials, MountNs, Pid, Variable};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::standing::Standing;
use crate::model::units::{BootNanos, Micros};

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Line {
    /// Why the process could not be imitated.
    Trouble(String),
    /// A step that was taken.
    Step(StepResult),
    /// What access(2) says of the directory, by which some programs choose it.
    Access(Option<Errno>),
    /// What is not imitated.
    NotImitated(Vec<String>),
    /// From now on this may exist.
    Making(RawPath),
    /// It does not exist any more, or never did.
    Gone,
    /// It could not be removed.
    LeftBehind(RawPath),
    /// Who the process is.
    Described(Box<Described>),
}

/// Who a process is, as far as its temp dirs are concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// Its id.
    pub pid: Pid,
    /// When it started.
    pub started: BootNanos,
    /// Its name.
    pub comm: RawText,
    /// Its cgroup paths, verbatim.
    pub cgroup: RawText,
    /// Its mount namespace.
    pub mount_ns: MountNs,
    /// Its root, as our `/proc` names it.
    pub root: RawPath,
    /// Its working directory.
    pub cwd: RawPath,
    /// Who it is.
    pub credentials: Credentials,
    /// The temp variables of its environment, in order, duplicates kept.
    pub variables: Vec<Variable>,
}

/// Everything that a helper said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// The steps taken, in order.
    pub steps: Vec<StepResult>,
    /// What is not imitated.
    pub not_imitated: Vec<String>,
    /// Names that could not be removed again.
    pub left_behind: Vec<RawPath>,
    /// What access(2) says of the directory, where it was asked.
    pub access: Option<Option<Errno>>,
    /// Why the process could not be imitated, where it could not: "cannot join its mount namespace".
    pub trouble: Option<String>,
    /// Who the process is, where that was the errand.
    pub described: Option<Described>,
    /// Where the helper stood in the kernel when the deadline came, where that came first.
    pub late: Option<Standing>,
    /// Whether there was no helper at all, because the machine refused a process.
    pub unstarted: bool,
    /// What was being made and is not known to be gone.
    pub making: Option<RawPath>,
}

impl Ended {
    /// Reads what a helper said; a last line that was cut off is dropped.
    pub(super) fn read(said: &[u8]) -> Self {
        let mut all = Self::default();
        for line in said.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            match serde_json::from_slice(line) {
                Ok(line) => all.take(line),
                // The helper is this very program; a line of another form can only be cut off.
                Err(_) => break,
            }
        }
        all
    }

    /// That nothing came of it, not even the first step.
    pub(super) fn refused(error: io::Error, why: String) -> Self {
        let late = error.kind() == io::ErrorKind::TimedOut;
        let errno = if late { Errno::ETIMEDOUT } else { error.into() };
        let step = StepResult { step: Step::Enter, errno: Some(errno), took: Micros(0) };
        Self { steps: vec![step], trouble: Some(why), unstarted: true, ..Self::default() }
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Trouble(why) => self.trouble = Some(why),
            Line::Step(step) => self.steps.push(step),
            Line::Access(errno) => self.access = Some(errno),
            Line::NotImitated(more) => self.not_imitated.extend(more),
            Line::Making(path) => self.making = Some(path),
            Line::Gone => self.making = None,
            Line::LeftBehind(path) => self.left_behind.push(path),
            Line::Described(who) => self.described = Some(*who),
        }
    }
}

/// Says lines to whoever started the helper.
pub(super) struct Teller<'a> {
    out: &'a mut dyn Write,
    alone: bool,
}

impl<'a> Teller<'a> {
    /// Says them to `out`.
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, alone: false }
    }

    /// Says one line. Nobody may listen any more; then what was made is still to be removed, so that is no error.
    pub(super) fn tell(&mut self, line: &Line) {
        let said = serde_json::to_vec(line).map_err(io::Error::from).and_then(|mut text| {
            text.push(b'\n');
            self.out.write_all(&text)?;
            self.out.flush()
        });
        self.alone |= said.is_err();
    }

    /// Whether nobody listens any more, so that there is no point in going on.
    pub(super) fn is_alone(&self) -> bool {
        self.alone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_was_said_before_it_was_cut_off() {
        let step = StepResult { step: Step::Enter, errno: None, took: Micros(7) };
        let mut said = Vec::new();
        let mut teller = Teller::new(&mut said);
        teller.tell(&Line::Making("/tmp/x".into()));
        teller.tell(&Line::Step(step.clone()));
        assert!(!teller.is_alone());
        said.extend_from_slice(b"{\"step\":{\"step\":\"mkd");
        let ended = Ended::read(&said);
        assert_eq!(ended.steps, [step]);
        assert_eq!(ended.making, Some("/tmp/x".into()));
    }

    #[test]
    fn goes_on_without_a_listener() {
        let mut full = [0_u8; 0];
        let mut out = full.as_mut_slice();
        let mut teller = Teller::new(&mut out);
        teller.tell(&Line::Gone);
        assert!(teller.is_alone());
    }
}
