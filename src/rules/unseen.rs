//! What was not seen: when it forbids to rule a cause out, and when it is enough to say so.
//!
//! Called by the rules about vantages.

use crate::model::finding::Finding;
use crate::model::process::Process;
use crate::model::reading::{Gap, GapWhy};
use crate::model::snapshot::Snapshot;
use crate::rules::{Verdict, builds};

/// A verdict over vantages: as [`Verdict::of`], and what is ruled out says whom it leaves out.
pub fn verdict(
    now: &Snapshot,
    found: Vec<Finding>,
    gaps: Vec<Gap>,
    because: impl FnOnce() -> String,
) -> Verdict {
    Verdict::of(found, gaps, || {
        let left_out: Vec<&str> = now.vantages.gaps().iter().map(|gap| gap.what.as_str()).take(2).collect();
        let because = because();
        if left_out.is_empty() { because } else { format!("{because}; not seen: {}", left_out.join(", ")) }
    })
}

/// What keeps a cause from being ruled out. A process whose environment may not be read keeps it only where it builds or was
/// asked about: elsewhere it is enough to say that it is left out.
pub fn gaps(now: &Snapshot) -> Vec<Gap> {
    let unread = |p: &&Process| p.variables.is_err() || p.credentials.is_err() || p.mount_ns.is_err();
    let hides_a_build = builds::of(now).iter().any(unread);
    let is_blind = now.vantages.value().is_none();
    let matters = |gap: &&Gap| is_blind || hides_a_build || gap.why != GapWhy::Denied;
    now.vantages.gaps().iter().filter(matters).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reading::Reading;
    use crate::model::units::Micros;
    use crate::rules::stage::Stage;

    #[test]
    fn a_stranger_that_may_not_be_read_is_left_out_and_a_build_makes_blind() {
        let part = |mut stage: Stage| {
            let value = stage.now.vantages.items().to_vec();
            let gaps = vec![Gap::new("temp dir of 1 process", GapWhy::Denied)];
            stage.now.vantages = Reading::Part { value, took: Micros(1), gaps };
            stage
        };
        let stage = part(Stage::healthy().runner(70, "ci.service").without_environment(100));
        let said = verdict(&stage.now, vec![], gaps(&stage.now), || "all is well".to_owned());
        assert_eq!(said, Verdict::RuledOut("all is well; not seen: temp dir of 1 process".to_owned()));
        let stage = part(Stage::healthy().runner(70, "ci.service").without_environment(70));
        assert_eq!(gaps(&stage.now).len(), 1, "whatever it uses may be the fault");
    }
}
