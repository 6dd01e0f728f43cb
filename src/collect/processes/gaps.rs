//! How much of the process table could be read, in sentences.

use crate::collect::processes::pass::Pass;
use crate::model::errno::Errno;
use crate::model::process::Process;
use crate::model::reading::{Gap, GapWhy, Seen};
use crate::model::units::{Entries, Millis};

/// What was seen of the processes as a whole.
#[derive(Debug)]
pub struct Tally {
    /// How many are in the list, kernel threads apart.
    pub listed: Entries,
    /// How many of these showed everything.
    pub whole: Entries,
    /// What was not seen.
    pub gaps: Vec<Gap>,
}

/// Counts what was seen and words what was not.
pub fn tally<'a>(all: impl Iterator<Item = &'a Process>, pass: &Pass) -> Tally {
    let (mut whole, mut denied, mut hung, mut long, mut other) = (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
    let mut seen = 0;
    for process in all.filter(|p| !p.kernel) {
        seen += 1;
        match worst(process) {
            None => whole += 1,
            Some(GapWhy::Denied) => denied += 1,
            Some(GapWhy::Hung { .. }) => hung += 1,
            Some(GapWhy::Os(Errno::ENAMETOOLONG)) => long += 1,
            Some(_) => other += 1,
        }
    }
    let mut gaps = Vec::new();
    let mut say = |count: u64, what: &str, why: GapWhy| {
        if count > 0 {
            gaps.push(Gap::new(format!("{what}{}", counted(count)), why));
        }
    };
    say(denied, "environment, open files and links of ", GapWhy::Denied);
    say(hung, "command line and environment, in state D, of ", GapWhy::Hung { after: Millis(300) });
    say(long, "links longer than a path can be, of ", GapWhy::Os(Errno::ENAMETOOLONG));
    say(other, "parts of ", GapWhy::Vanished);
    for (why, count) in &pass.unseen {
        say(*count, "everything but the existence of ", why.clone());
    }
    say(pass.unreached, "everything but the existence of ", GapWhy::OverBudget { seen: Entries(seen) });
    let unseen: u64 = pass.unseen.values().sum();
    Tally { listed: Entries(seen + unseen + pass.unreached), whole: Entries(whole), gaps }
}

/// Why the process did not show everything; what it does not have counts as shown.
fn worst(process: &Process) -> Option<GapWhy> {
    let causes = [why(&process.variables), why(&process.root), why(&process.cwd), why(&process.exe)];
    causes.into_iter().flatten().next()
}

fn why<T>(seen: &Seen<T>) -> Option<GapWhy> {
    seen.as_ref().err().filter(|why| !matches!(why, GapWhy::Absent | GapWhy::Vanished)).cloned()
}

fn counted(count: u64) -> String {
    if count == 1 { "1 process".to_owned() } else { format!("{count} processes") }
}
