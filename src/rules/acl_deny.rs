//! `acl-deny`: an ACL refuses what the mode bits would allow, or a default ACL makes new directories unusable.

use crate::model::errno::Errno;
use crate::model::finding::{Action, Confidence, Evidence, Finding, Risk};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::vantage::{Acl, AclWho, Vantage};
use crate::rules::cohort::{self, Cohort};
use crate::rules::rights::{self, Denial};
use crate::rules::{Rule, RuleCard, Verdict, offers, place, unseen};

/// Read, write and search.
const ALL: u8 = 7;

/// See the module's header.
pub struct AclDeny;

static CARD: RuleCard =
    RuleCard { id: "acl-deny", title: "An ACL refuses what the mode allows", yields_to: &[] };

impl Rule for AclDeny {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let vital = |v: &Vantage| place::is_temp_dir(now, v);
        let refused = |v: &Vantage| vital(v) && by_acl(v).is_some();
        let path = |v: &Vantage| by_acl(v).map(|d| (d.component.path.clone(), d.facts.inode));
        let mut found: Vec<Finding> = cohort::gather(now, refused, path).iter().filter_map(denied).collect();
        let spoilt = |v: &Vantage| vital(v) && !refused(v) && spoils_new_dirs(v).is_some();
        found.extend(cohort::by_directory(now, spoilt).iter().filter_map(spoils));
        unseen::verdict(now, found, unseen::vantages_that_matter(now), || {
            let facts = now.vantages.items().iter().flat_map(|v| &v.walked).filter_map(|c| c.facts.as_ref());
            let (seen, with) = facts.fold((0u64, 0u64), |(seen, with), f| {
                (seen + 1, with + u64::from(f.acl.is_some() || f.default_acl.is_some()))
            });
            format!("{with} of {seen} directories on the ways to temp dirs have an ACL; none refuses anybody")
        })
    }
}

fn by_acl(vantage: &Vantage) -> Option<Denial<'_>> {
    rights::denial(vantage).filter(|denial| denial.is_by_acl(&vantage.credentials))
}

/// The default ACL that takes rights from the owner of what is made here. Who overrides modes does not feel it.
fn spoils_new_dirs(vantage: &Vantage) -> Option<(&RawPath, &Acl)> {
    let (end, acl) = (vantage.end()?, place::directory(vantage)?.default_acl.as_ref()?);
    let owner = acl.entries.iter().find(|e| e.who == AclWho::Owner)?;
    (owner.permissions & ALL != ALL && !vantage.credentials.overrides_modes()).then_some((&end.path, acl))
}

fn denied(cohort: &Cohort<'_>) -> Option<Finding> {
    let Denial { component, facts, .. } = by_acl(cohort.lead)?;
    let acl = facts.acl.as_ref()?;
    let (path, who) = (&component.path, cohort.who());
    let mut evidence = vec![
        acl_seen(
            cohort,
            path,
            (acl, ""),
            "the entry that fits this process refuses it, so mkdir gives EACCES",
        ),
        rights::refusal_seen(
            cohort,
            component,
            "the mode alone would allow it; `ls -l` shows only a `+` after it",
        ),
        rights::ids_of(cohort.pid(), &cohort.lead.credentials, "the ids by which the ACL is read"),
    ];
    evidence.extend(cohort.probe());
    Some(Finding {
        id: CARD.id.to_owned(),
        severity: cohort.severity(),
        confidence: Confidence::Proven,
        title: format!("an ACL on {path} (mode {:04o}) keeps {who} out", facts.mode),
        errno: Some(Errno::EACCES),
        evidence,
        actions: vec![drop_acl(cohort, path, "-b")],
        subject: cohort.subject(),
    })
}

fn spoils(cohort: &Cohort<'_>) -> Option<Finding> {
    let (path, acl) = spoils_new_dirs(cohort.lead)?;
    let granted = acl.entries.iter().find(|e| e.who == AclWho::Owner).map_or(0, |e| e.permissions);
    let means =
        "every directory made here gets these rights instead of those asked for: its own maker cannot use it";
    let mut evidence = vec![acl_seen(cohort, path, (acl, "default:"), means)];
    evidence.extend(cohort.probe());
    Some(Finding {
        id: CARD.id.to_owned(),
        severity: cohort.severity(),
        confidence: Confidence::Proven,
        title: format!(
            "the default ACL of {path} gives new temp dirs mode 0{granted}00 for {}",
            cohort.who()
        ),
        errno: Some(Errno::EACCES),
        evidence,
        actions: vec![drop_acl(cohort, path, "-k")],
        subject: cohort.subject(),
    })
}

/// The ACL in the words of getfacl, the entries of a default ACL marked as it marks them.
fn acl_seen(cohort: &Cohort<'_>, path: &RawPath, (acl, prefix): (&Acl, &str), means: &str) -> Evidence {
    let reached = place::reach(cohort.now, cohort.lead, path);
    let only = if prefix.is_empty() { "grep -v '^default:' | grep ." } else { "grep '^default:'" };
    let entries: Vec<String> = acl.short().map(|entry| format!("{prefix}{entry}")).collect();
    Evidence {
        source: format!("ACL of {reached}"),
        observed: RawText::from(entries.join(",").as_str()),
        means: means.to_owned(),
        by_hand: format!("getfacl -pncE {} | {only} | paste -sd,", reached.quoted()),
    }
}

fn drop_acl(cohort: &Cohort<'_>, path: &RawPath, option: &str) -> Action {
    let reached = place::reach(cohort.now, cohort.lead, path).quoted();
    let what = if option == "-k" { "the default ACL" } else { "the ACL" };
    offers::guide_back(
        format!("keep a copy of it, then take {what} off {path}"),
        Risk::None,
        vec![
            format!("getfacl -p {reached} > /root/tmp-acl.txt"),
            format!("setfacl {option} {reached}"),
            "# to undo: setfacl --restore=/root/tmp-acl.txt".to_owned(),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Severity;
    use crate::model::vantage::{AclEntry, Facts};
    use crate::rules::stage::Stage;

    const OPEN: [(AclWho, u8); 4] =
        [(AclWho::Owner, 7), (AclWho::OwningGroup, 7), (AclWho::Mask, 7), (AclWho::Other, 7)];

    fn with_acl(facts: &mut Facts, entries: &[(AclWho, u8)]) {
        let entry = |(who, permissions): &(AclWho, u8)| AclEntry { who: *who, permissions: *permissions };
        facts.acl = Some(Acl { entries: entries.iter().map(entry).collect() });
    }

    fn on_tmp(stage: Stage, entries: &[(AclWho, u8)]) -> Stage {
        let entries = entries.to_vec();
        stage.change_vantages(
            |v| v.path == "/tmp".into(),
            move |v| with_acl(v.walked.last_mut().unwrap().facts.as_mut().unwrap(), &entries),
        )
    }

    fn shut_out() -> Stage {
        let mut entries = OPEN.to_vec();
        entries.insert(1, (AclWho::User(1000), 0));
        on_tmp(Stage::healthy().runner(70, "ci.service"), &entries).fails(70, "/tmp", Errno::EACCES, "mkdir")
    }

    #[test]
    fn fires_where_a_named_user_is_shut_out_of_1777() {
        let Verdict::Found(found) = shut_out().check(&AclDeny) else { panic!("must be found") };
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].severity, found[0].confidence), (Severity::Critical, Confidence::Proven));
        assert_eq!(found[0].title, "an ACL on /tmp (mode 1777) keeps ci.service out");
        let first = &found[0].evidence[0];
        assert_eq!(first.observed, "user::rwx,user:1000:---,group::rwx,mask::rwx,other::rwx".into());
        assert!(first.by_hand.starts_with("getfacl -pncE /proc/70/root/tmp"));
        assert_eq!(found[0].actions[0].by_hand[1], "setfacl -b /proc/70/root/tmp");
    }

    #[test]
    fn fires_on_a_default_acl_that_spoils_what_is_made() {
        let stage = Stage::healthy().runner(70, "ci.service").change_vantages(
            |v| v.path == "/tmp".into(),
            |v| {
                let facts = v.walked.last_mut().unwrap().facts.as_mut().unwrap();
                with_acl(facts, &[(AclWho::Owner, 0), (AclWho::OwningGroup, 5), (AclWho::Other, 5)]);
                facts.default_acl = facts.acl.take();
            },
        );
        let Verdict::Found(found) = stage.check(&AclDeny) else { panic!("must be found") };
        assert_eq!(found[0].title, "the default ACL of /tmp gives new temp dirs mode 0000 for ci.service");
        assert_eq!(
            found[0].evidence[0].observed,
            "default:user::---,default:group::r-x,default:other::r-x".into()
        );
        assert!(!found[0].subject.pids.contains(&1), "root does not feel it");
    }

    #[test]
    fn is_ruled_out_with_its_figures_where_an_acl_refuses_nobody() {
        let stage = on_tmp(Stage::healthy(), &OPEN);
        let Verdict::RuledOut(because) = stage.check(&AclDeny) else { panic!("it refuses nobody") };
        assert!(because.starts_with("2 of "), "{because}");
    }

    #[test]
    fn leaves_a_refusal_alone_that_the_mode_explains() {
        let stage = shut_out().change_vantages(
            |v| v.path == "/tmp".into(),
            |v| v.walked.last_mut().unwrap().facts.as_mut().unwrap().mode = 0o1770,
        );
        assert!(matches!(stage.check(&AclDeny), Verdict::RuledOut(_)));
    }

    #[test]
    fn leaves_a_refusal_alone_that_the_acl_does_not_explain() {
        let stage = on_tmp(Stage::healthy(), &OPEN).fails(100, "/tmp", Errno::EACCES, "mkdir");
        assert!(matches!(stage.check(&AclDeny), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_without_vantages() {
        assert!(matches!(Stage::healthy().without_vantages().check(&AclDeny), Verdict::Blind(_)));
    }
}
