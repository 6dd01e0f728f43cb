//! Where a value came in: the process whose child got it although it had not got it itself.

use crate::model::environment::{Change, Hop, chain_of};
use crate::model::finding::Evidence;
use crate::model::process::Pid;
use crate::model::raw_path::RawText;
use crate::model::snapshot::Snapshot;
use crate::rules::evidence;

/// The evidence that names who introduced the value of a variable, where the chain of parents tells.
///
/// `/proc/PID/environ` is what a process got at exec, so a value that a child has and its parent lacks was set by the
/// parent program or its configuration. Source: proc_pid_environ(5).
pub fn of(now: &Snapshot, pid: Pid, name: &str) -> Option<Evidence> {
    let hops = chain_of(now.processes.value()?, pid, name);
    let at = hops.iter().rposition(|h| matches!(h.change, Change::Introduced | Change::Changed))?;
    let (parent, child) = (hops.get(at.checked_sub(1)?)?, hops.get(at)?);
    let means = told(parent, child, name);
    match parent.values.as_ref().ok()?.first() {
        Some(value) => Some(evidence::variable(parent.pid, name, value, &means)),
        None => Some(Evidence {
            source: format!("/proc/{}/environ", parent.pid),
            observed: RawText::from(format!("variables named {name}: 0").as_str()),
            means,
            by_hand: format!(
                "echo \"variables named {name}: $(grep -zc '^{name}=' /proc/{}/environ)\"",
                parent.pid
            ),
        }),
    }
}

fn told(parent: &Hop, child: &Hop, name: &str) -> String {
    let child_is = format!("{} (pid {})", child.comm.shown(), child.pid);
    let had = if parent.values.as_ref().is_ok_and(Vec::is_empty) { "had no" } else { "had another" };
    if parent.pid == 1 {
        return format!(
            "pid 1 {had} {name}, {child_is} has this one: the unit, a drop-in or an environment file sets it"
        );
    }
    format!(
        "{} (pid {}) {had} {name} when it started, its child {child_is} has this one: that program or its \
         configuration sets it",
        parent.comm.shown(),
        parent.pid
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::stage::{Stage, process};

    #[test]
    fn names_the_program_between_whose_start_and_whose_child_the_value_appears() {
        let stage = Stage::healthy()
            .runner(41, "r@1.service")
            .put(process(42, 41, "bash", 1000))
            .variable(42, "TMPDIR", "/nope")
            .put(process(43, 42, "cargo", 1000))
            .variable(43, "TMPDIR", "/nope");
        let found = of(&stage.now, 43, "TMPDIR").unwrap();
        assert_eq!(found.source, "/proc/41/environ");
        assert_eq!(found.observed.shown(), "variables named TMPDIR: 0", "a bare figure says nothing");
        assert_eq!(found.by_hand, "echo \"variables named TMPDIR: $(grep -zc '^TMPDIR=' /proc/41/environ)\"");
        assert!(found.means.contains("forgejo-runner (pid 41) had no TMPDIR"), "{}", found.means);
    }

    #[test]
    fn says_nothing_where_the_chain_is_not_readable() {
        let stage = Stage::healthy()
            .runner(41, "r@1.service")
            .without_environment(41)
            .put(process(42, 41, "bash", 1000))
            .variable(42, "TMPDIR", "/nope");
        assert_eq!(of(&stage.now, 42, "TMPDIR"), None);
    }
}
