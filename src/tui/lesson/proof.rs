//! The facts that would have told: the evidence of the hidden finding, and where each of them stands on the screen.

use crate::model::finding::{Evidence, Finding};
use crate::model::reading::Gap;
use crate::model::scenario::{Scenario, ScenarioKind};
use crate::tui::msg::Look;
use crate::tui::tabs::TabId;

/// What a look proves about the truth of a lesson.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proof {
    /// The finding that names the cause.
    pub finding: Option<Finding>,
    /// Why what it looks like is not so.
    pub because: Option<String>,
    /// Why the look could tell neither.
    pub gaps: Vec<Gap>,
}

impl Proof {
    /// What this look proves.
    pub fn of(scenario: &Scenario, look: &Look) -> Self {
        let (id, diagnosis) = (&scenario.cause, &look.diagnosis);
        let finding = diagnosis.found.iter().find(|f| f.id == *id);
        let ruled_out = diagnosis.ruled_out.iter().find(|r| r.id == *id);
        let blind = diagnosis.blind.iter().find(|b| b.id == *id);
        Self {
            finding: finding.filter(|_| scenario.kind != ScenarioKind::NearMiss).cloned(),
            because: ruled_out.map(|r| r.because.clone()),
            gaps: blind.map(|b| b.gaps.clone()).unwrap_or_default(),
        }
    }

    /// Whether nothing is proved yet.
    pub fn is_empty(&self) -> bool {
        self.finding.is_none() && self.because.is_none()
    }

    /// The steps of the shortest way to the cause.
    pub fn steps(&self) -> &[Evidence] {
        self.finding.as_ref().map_or(&[], |finding| finding.evidence.as_slice())
    }
}

/// The tab that shows what was read at that source; nothing where only a shell shows it.
pub fn tab_of(source: &str) -> Option<TabId> {
    let has = |parts: &[&str]| parts.iter().any(|part| source.contains(part));
    if has(&["mountinfo", "/ns/mnt", "fstab"]) {
        Some(TabId::Mounts)
    } else if has(&["/environ", "environment"]) {
        Some(TabId::Env)
    } else if source.starts_with("entries of") {
        Some(TabId::Entries)
    } else if has(&["/fd/"]) || source.ends_with("/cwd") || source.ends_with("/exe") {
        Some(TabId::Holders)
    } else if is_of_a_directory(source) {
        Some(TabId::Access)
    } else {
        None
    }
}

/// The Access tab walks the way to a temp dir and shows what stat, statfs and the ACL say of each part.
fn is_of_a_directory(source: &str) -> bool {
    let leads = ["probe", "stat", "ACL of", "the temp dir of"];
    let rest = source.strip_prefix("/proc/").and_then(|rest| rest.split_once('/'));
    let inside = rest.is_some_and(|(_, path)| path == "root" || path.starts_with("root/"));
    inside || leads.iter().any(|lead| source.starts_with(lead))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_stands_on_the_tab_that_shows_it() {
        let table = [
            ("/proc/4514/mountinfo", Some(TabId::Mounts)),
            ("/etc/fstab line 3", Some(TabId::Mounts)),
            ("/proc/4514/environ", Some(TabId::Env)),
            ("/proc/4514/root/tmp", Some(TabId::Access)),
            ("probe as pid 4514", Some(TabId::Access)),
            ("statfs of /proc/4514/root/tmp", Some(TabId::Access)),
            ("ACL of /tmp", Some(TabId::Access)),
            ("entries of /tmp", Some(TabId::Entries)),
            ("/proc/812/fd/9", Some(TabId::Holders)),
            ("/proc/812/cwd", Some(TabId::Holders)),
            ("/proc/812/limits", None),
            ("/proc/sys/fs/file-nr", None),
        ];
        for (source, tab) in table {
            assert_eq!(tab_of(source), tab, "{source}");
        }
    }
}
