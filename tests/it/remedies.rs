//! Each cause has a way out: something that tmpmedic does, or commands for a person.

use std::collections::BTreeSet;

use tmpmedic::model::finding::Severity;
use tmpmedic::model::thresholds::Thresholds;
use tmpmedic::{remedies, rules};

/// Causes that no recorded lab shows, each with the test that does.
const ELSEWHERE: [(&str, &str); 2] = [("container-tmp", "rules"), ("root-owned-bind-dir", "docker")];

#[test]
fn whatever_is_found_offers_a_way_with_commands_and_what_tmpmedic_does_is_planned() {
    let mut shown: BTreeSet<String> = ELSEWHERE.iter().map(|(id, _)| (*id).to_owned()).collect();
    for (scenario, now) in crate::captures::recorded() {
        for finding in rules::diagnose(&now, None, &Thresholds::default()).found {
            let cause = &finding.id;
            shown.insert(cause.clone());
            assert!(!finding.actions.is_empty(), "{scenario}: {cause} leaves its reader alone");
            for action in &finding.actions {
                let id = &action.id;
                assert!(!action.by_hand.is_empty(), "{scenario}: {id} of {cause} has no command");
                let known = [remedies::GUIDE, remedies::CLEAN].contains(&id.as_str());
                assert!(
                    known
                        || remedies::plan(&now, &finding, action).is_some_and(|plan| !plan.steps.is_empty()),
                    "{scenario}: {id} of {cause} is offered and cannot be planned"
                );
            }
            if finding.severity > Severity::Info && finding.actions.iter().all(|a| a.id == remedies::GUIDE) {
                assert!(tmpmedic::catalog::runbook::page(cause).is_some(), "{cause} has no page");
            }
        }
    }
    let all: BTreeSet<String> = rules::RULES.iter().map(|rule| rule.card().id.to_owned()).collect();
    assert_eq!(all.difference(&shown).collect::<Vec<_>>(), Vec::<&String>::new(), "never looked at");
}
