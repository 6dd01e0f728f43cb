//! What a look gave: the value, and what could not be seen.
//!
//! "Looked and found nothing" is [`Reading::Whole`] and empty; "could not look" is a [`Gap`] and never zero.

use serde::{Deserialize, Serialize};

use super::errno::Errno;
use super::units::{Entries, Micros, Millis};

/// One field that was read, or why it was not.
pub type Seen<T> = Result<T, GapWhy>;

/// Why something could not be seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapWhy {
    /// EACCES or EPERM: more rights would show it.
    Denied,
    /// It does not exist here, and was not expected to vanish.
    Absent,
    /// ENOENT or ESRCH of something that was there a moment ago.
    Vanished,
    /// No answer within the deadline.
    Hung {
        /// How long it was waited for.
        after: Millis,
    },
    /// No thread or process could be made for it.
    NoThread,
    /// EMFILE or ENFILE.
    NoDescriptor,
    /// The budget ended first.
    OverBudget {
        /// How many were seen before that.
        seen: Entries,
    },
    /// The kernel's text was not of the form that it documents.
    Malformed {
        /// The offending line, escaped.
        line: String,
    },
    /// Any other error of a system call.
    Os(Errno),
    /// It was not asked for in this run.
    NotAsked,
}

impl GapWhy {
    /// Classifies an errno where it is met.
    pub fn from_errno(errno: Errno) -> Self {
        match errno {
            Errno::EACCES | Errno::EPERM => Self::Denied,
            Errno::ENOENT | Errno::ESRCH => Self::Vanished,
            Errno::EMFILE | Errno::ENFILE => Self::NoDescriptor,
            Errno::EAGAIN => Self::NoThread,
            other => Self::Os(other),
        }
    }

    /// A short clause for a report: "permission denied", "no answer in 300 ms".
    pub fn shown(&self) -> String {
        match self {
            Self::Denied => "permission denied".into(),
            Self::Absent => "not there".into(),
            Self::Vanished => "gone while looking".into(),
            Self::Hung { after } => format!("no answer in {} ms", after.0),
            Self::NoThread => "no thread or process could be made".into(),
            Self::NoDescriptor => "no file descriptor left".into(),
            Self::OverBudget { seen } => format!("stopped after {seen}, the budget of this look"),
            Self::Malformed { line } => format!("not understood: {line}"),
            Self::Os(errno) => errno.to_string(),
            Self::NotAsked => "not looked at in this run".into(),
        }
    }
}

impl From<std::io::Error> for GapWhy {
    fn from(error: std::io::Error) -> Self {
        match error.raw_os_error() {
            Some(code) => Self::from_errno(Errno(code)),
            None if error.kind() == std::io::ErrorKind::TimedOut => Self::Hung { after: Millis(0) },
            None => Self::Malformed { line: error.to_string() },
        }
    }
}

/// One thing that could not be seen, with what would let it be seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// What was looked for: "environment of 88 processes".
    pub what: String,
    /// Why it was not seen.
    pub why: GapWhy,
    /// What to do about it, where something can be done: "run as root".
    pub remedy: Option<String>,
}

impl Gap {
    /// A gap with the remedy that its reason suggests.
    pub fn new(what: impl Into<String>, why: GapWhy) -> Self {
        let remedy = match why {
            GapWhy::Denied => Some("run as root".to_owned()),
            GapWhy::Hung { .. } => Some(
                "see which mount does not answer: grep -E 'fuse|nfs|cifs' /proc/self/mountinfo".to_owned(),
            ),
            GapWhy::NoDescriptor => Some("raise the limit: ulimit -n 1024".to_owned()),
            GapWhy::NoThread => {
                Some("see the task limit: cat /proc/self/limits, pids.max of the cgroup".to_owned())
            }
            _ => None,
        };
        Self { what: what.into(), why, remedy }
    }
}

/// The outcome of one collector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading<T> {
    /// Everything that was looked for was seen.
    Whole {
        /// What was seen.
        value: T,
        /// How long it took.
        took: Micros,
    },
    /// Some of it was seen.
    Part {
        /// What was seen.
        value: T,
        /// How long it took.
        took: Micros,
        /// What was not, and why.
        gaps: Vec<Gap>,
    },
    /// Nothing was seen.
    Blind {
        /// Why not.
        gap: Gap,
    },
}

impl<T> Reading<T> {
    /// Whole where `gaps` is empty, part of it otherwise.
    pub fn of(value: T, took: Micros, gaps: Vec<Gap>) -> Self {
        if gaps.is_empty() { Self::Whole { value, took } } else { Self::Part { value, took, gaps } }
    }

    /// A section that this run was not asked to look at.
    pub fn not_asked(what: &str) -> Self {
        Self::Blind { gap: Gap::new(what, GapWhy::NotAsked) }
    }

    /// What was seen, if anything.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Whole { value, .. } | Self::Part { value, .. } => Some(value),
            Self::Blind { .. } => None,
        }
    }

    /// What was seen, to change it.
    pub fn value_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Whole { value, .. } | Self::Part { value, .. } => Some(value),
            Self::Blind { .. } => None,
        }
    }

    /// What was not seen.
    pub fn gaps(&self) -> &[Gap] {
        match self {
            Self::Whole { .. } => &[],
            Self::Part { gaps, .. } => gaps,
            Self::Blind { gap } => std::slice::from_ref(gap),
        }
    }

    /// Whether everything was seen, so that an absence is a fact.
    pub fn is_whole(&self) -> bool {
        matches!(self, Self::Whole { .. })
    }

    /// How long the look took.
    pub fn took(&self) -> Micros {
        match self {
            Self::Whole { took, .. } | Self::Part { took, .. } => *took,
            Self::Blind { .. } => Micros(0),
        }
    }
}

impl<T> Reading<Vec<T>> {
    /// The items seen; empty where blind, so ask [`Reading::is_whole`] before concluding anything from that.
    pub fn items(&self) -> &[T] {
        self.value().map_or(&[], Vec::as_slice)
    }
}

/// A resource that the machine refused to the tool itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strain {
    /// What was asked for: "a thread", "a helper process", "a descriptor".
    pub asked: String,
    /// What the machine answered.
    pub errno: Errno,
}
