//! `dev-null-not-a-device`: `/dev/null` was replaced by a file, or lost its rights, or is gone.

use crate::model::errno::Errno;
use crate::model::finding::{Action, Confidence, Evidence, Finding, Risk, Severity, Subject, SubjectKind};
use crate::model::mode::OTHERS_WRITE;
use crate::model::mount::Device;
use crate::model::process::{Pid, Process};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::reading::{Gap, GapWhy};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::treatment::{Aim, Inode, Rights};
use crate::model::vantage::{Facts, Kind};
use crate::rules::{Rule, RuleCard, Verdict, builds, evidence, offers};

/// Major and minor of the null device. Source: null(4).
const NULL: Device = Device { major: 1, minor: 3 };

/// See the module's header.
pub struct DevNullNotADevice;

static CARD: RuleCard =
    RuleCard { id: "dev-null-not-a-device", title: "/dev/null is not the null device", yields_to: &[] };

impl Rule for DevNullNotADevice {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let Some(host) = now.host.value() else { return Verdict::Blind(now.host.gaps().to_vec()) };
        match &host.dev_null {
            Ok(facts) if is_null(facts) && is_open_to_all(facts) => {
                Verdict::RuledOut(format!("/dev/null is {}", seen(facts)))
            }
            Ok(facts) => Verdict::Found(vec![finding(now, Some(facts))]),
            Err(GapWhy::Vanished | GapWhy::Absent) => Verdict::Found(vec![finding(now, None)]),
            Err(why) => Verdict::Blind(vec![Gap::new("/dev/null", why.clone())]),
        }
    }
}

fn is_null(facts: &Facts) -> bool {
    facts.kind == Kind::CharDevice && facts.special == Some(NULL)
}

fn is_open_to_all(facts: &Facts) -> bool {
    facts.mode & 0o666 == 0o666
}

/// In the words of `stat -c '%F %t:%T %04a'`, device numbers in hexadecimal.
fn seen(facts: &Facts) -> String {
    let Device { major, minor } = facts.special.unwrap_or_default();
    format!("{} {major:x}:{minor:x} {:04o}", evidence::kind_of(facts), facts.mode)
}

fn finding(now: &Snapshot, facts: Option<&Facts>) -> Finding {
    let is_shut = facts.is_none_or(|f| f.mode & OTHERS_WRITE == 0);
    let users: Vec<Pid> = builds::of(now).iter().filter(|p| is_user(p)).map(|p| p.pid).collect();
    let (title, means, errno) = match facts {
        None => (
            "/dev/null is gone".to_owned(),
            "whatever redirects to it fails, or makes a file of it",
            Errno::ENOENT,
        ),
        Some(f) if is_null(f) => (
            format!("/dev/null has mode {:04o}: not everybody may use it", f.mode),
            "it must be 0666; users get EACCES from every redirection to it",
            Errno::EACCES,
        ),
        Some(f) => (
            format!("/dev/null is not the null device but a {}", evidence::kind_of(f)),
            "what is thrown away piles up in it, in memory; users who may not write it get EACCES",
            Errno::EACCES,
        ),
    };
    let evidence = Evidence {
        source: "/dev/null".to_owned(),
        observed: RawText::from(facts.map_or_else(|| "No such file or directory".to_owned(), seen).as_str()),
        means: means.to_owned(),
        by_hand: "stat -c '%F %t:%T %04a' /dev/null".to_owned(),
    };
    Finding {
        id: CARD.id.to_owned(),
        severity: if is_shut && !users.is_empty() { Severity::Critical } else { Severity::Warning },
        confidence: Confidence::Proven,
        title,
        errno: is_shut.then_some(errno),
        evidence: vec![evidence],
        actions: actions(facts),
        subject: Subject {
            kind: SubjectKind::Directory,
            name: "/dev/null".to_owned(),
            pids: users,
            path: Some(RawPath::from("/dev/null")),
        },
    }
}

/// A build or asked process that modes bind and that sees the same `/dev`: containers have one of their own.
fn is_user(process: &Process) -> bool {
    process.container.is_none() && process.credentials.as_ref().is_ok_and(|c| !c.overrides_modes())
}

fn actions(facts: Option<&Facts>) -> Vec<Action> {
    if let Some(facts) = facts.filter(|facts| is_null(facts)) {
        let from = Rights { mode: facts.mode, uid: facts.uid, gid: facts.gid };
        return vec![Action {
            id: "repair-mode".to_owned(),
            title: "give everybody their rights on /dev/null back".to_owned(),
            risk: Risk::None,
            reversible: true,
            by_hand: vec!["chmod 0666 /dev/null".to_owned()],
            aim: Some(Aim::Rights {
                by: None,
                path: "/dev/null".into(),
                inode: Inode { device: facts.device, inode: facts.inode },
                from,
                to: Rights { mode: 0o666, ..from },
            }),
        }];
    }
    vec![offers::guide(
        "put a device in its place; whatever was written into the file goes away",
        Risk::None,
        vec!["mknod -m 666 /dev/.null.new c 1 3 && mv -f /dev/.null.new /dev/null".to_owned()],
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::units::Bytes;
    use crate::rules::stage::{Stage, facts};

    fn with(dev_null: Result<Facts, GapWhy>) -> Stage {
        let mut stage = Stage::healthy().runner(70, "ci.service");
        stage.now.host.value_mut().unwrap().dev_null = dev_null;
        stage
    }

    #[test]
    fn fires_on_a_file_that_users_may_not_write() {
        let mut file = facts(Kind::File, 0o644);
        file.size = Bytes(1200);
        let Verdict::Found(found) = with(Ok(file)).check(&DevNullNotADevice) else { panic!("must be found") };
        assert_eq!(found[0].severity, Severity::Critical);
        assert_eq!(found[0].title, "/dev/null is not the null device but a regular file");
        assert_eq!(found[0].evidence[0].observed, "regular file 0:0 0644".into());
        assert_eq!(found[0].subject.pids, [70]);
    }

    #[test]
    fn warns_of_a_file_that_everybody_may_write() {
        let Verdict::Found(found) = with(Ok(facts(Kind::File, 0o666))).check(&DevNullNotADevice) else {
            panic!("must be found")
        };
        assert_eq!((found[0].severity, found[0].errno), (Severity::Warning, None));
    }

    #[test]
    fn fires_on_lost_rights_and_on_absence() {
        let mut shut = facts(Kind::CharDevice, 0o600);
        shut.special = Some(NULL);
        let Verdict::Found(found) = with(Ok(shut)).check(&DevNullNotADevice) else { panic!("must be found") };
        assert_eq!(found[0].actions[0].by_hand, ["chmod 0666 /dev/null"]);
        let Verdict::Found(found) = with(Err(GapWhy::Vanished)).check(&DevNullNotADevice) else {
            panic!("must be found")
        };
        assert_eq!(found[0].title, "/dev/null is gone");
    }

    #[test]
    fn is_ruled_out_with_what_it_is() {
        let Verdict::RuledOut(because) = Stage::healthy().check(&DevNullNotADevice) else {
            panic!("it is fine")
        };
        assert_eq!(because, "/dev/null is character special file 1:3 0666");
    }

    #[test]
    fn is_blind_where_it_cannot_be_looked_at() {
        assert!(matches!(with(Err(GapWhy::Denied)).check(&DevNullNotADevice), Verdict::Blind(_)));
    }
}
