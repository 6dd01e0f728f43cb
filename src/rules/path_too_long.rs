//! `path-too-long`: a temp path too long for the kernel, or for the unix sockets that tools make in it.

use crate::model::errno::Errno;
use crate::model::finding::{Confidence, Evidence, Finding, Risk, Severity};
use crate::model::process::{Pid, Process, RoleKind};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::vantage::{Can, Vantage};
use crate::rules::cohort::{self, Cohort};
use crate::rules::{Rule, RuleCard, Verdict, evidence, offers, place, scope, unseen};

/// NAME_MAX: bytes of one component. Source: limits.h, pathconf(3).
const COMPONENT_MAX: usize = 255;
/// PATH_MAX holds the final NUL byte. Source: limits.h.
const PATH_MAX: usize = 4095;

/// See the module's header.
pub struct PathTooLong;

static CARD: RuleCard = RuleCard { id: "path-too-long", title: "A temp path is too long", yields_to: &[] };

impl Rule for PathTooLong {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, t: &Thresholds) -> Verdict {
        let wanted = |v: &Vantage| v.is_build || place::is_asked(now, v);
        // Builds in numbered directories differ in path and share their fate: one finding for each unit or container.
        let long = |v: &Vantage| wanted(v) && grade(now, v, t).is_some();
        let group = |v: &Vantage| (cohort::subject(now, &v.pids, None).name, is_refused(v));
        let found = cohort::gather(now, long, group).iter().filter_map(|c| finding(c, t)).collect();
        unseen::verdict(now, found, unseen::vantages_that_matter(now), || {
            let longest = now.vantages.items().iter().filter(|v| wanted(v)).map(length).max();
            longest.map_or_else(
                || "no build's temp dir was seen".to_owned(),
                |n| {
                    format!(
                        "the longest temp path of a build has {n} bytes, tools begin to fail above {}",
                        t.path_warn
                    )
                },
            )
        })
    }
}

fn length(vantage: &Vantage) -> usize {
    place::path(vantage).as_bytes().len()
}

fn is_refused(vantage: &Vantage) -> bool {
    let path = place::path(vantage);
    let errno = vantage.can_create.can == Can::No && vantage.can_create.errno == Some(Errno::ENAMETOOLONG);
    errno || path.as_bytes().len() > PATH_MAX || longest_component(&path) > COMPONENT_MAX
}

fn longest_component(path: &RawPath) -> usize {
    path.as_bytes().split(|b| *b == b'/').map(<[u8]>::len).max().unwrap_or(0)
}

/// A process that keeps or starts a sccache server, which binds a socket in the temp dir to hear from it.
fn cache_user(now: &Snapshot, vantage: &Vantage) -> Option<Pid> {
    let starts = |p: &&Process| {
        let server = p.role.as_ref().is_some_and(|r| r.kind == RoleKind::CacheServer);
        let wrapper = p.variable("RUSTC_WRAPPER").ok().flatten();
        server && is_sccache(&p.comm) || wrapper.is_some_and(is_sccache)
    };
    vantage.pids.iter().filter_map(|pid| now.process(*pid)).find(starts).map(|p| p.pid)
}

fn is_sccache(name: &RawText) -> bool {
    name.file_name().starts_with(b"sccache")
}

fn grade(now: &Snapshot, vantage: &Vantage, t: &Thresholds) -> Option<Severity> {
    let length = length(vantage) as u64;
    if is_refused(vantage) || length > t.path_critical && cache_user(now, vantage).is_some() {
        Some(Severity::Critical)
    } else if length > t.path_warn {
        Some(Severity::Warning)
    } else {
        None
    }
}

fn finding(cohort: &Cohort<'_>, t: &Thresholds) -> Option<Finding> {
    let now = cohort.now;
    let worst = cohort.vantages.iter().copied().max_by_key(|v| (grade(now, v, t), length(v)))?;
    let severity = grade(now, worst, t)?;
    let path = place::path(worst);
    let length = length(worst);
    let pid = cache_user(now, worst).or_else(|| scope::witness(now, &worst.pids))?;
    let (means, errno) = if is_refused(worst) {
        (
            "a component of more than 255 bytes or a path of more than 4,095 gives ENAMETOOLONG",
            Some(Errno::ENAMETOOLONG),
        )
    } else if severity == Severity::Critical {
        (
            "a unix socket's path ends at 107 bytes; sccache makes one below the temp dir to start its server, which \
             fails with `path must be shorter than SUN_LEN`",
            None,
        )
    } else {
        (
            "a unix socket's path ends at 107 bytes; Python's multiprocessing adds 32 to the temp dir, other tools with \
             sockets there less: above 75 the first of them fail",
            None,
        )
    };
    let named = now.process(pid).and_then(|p| p.variables.as_ref().ok()?.iter().find(|v| v.value == path));
    let evidence = named.map_or_else(
        || measured(pid, &path, means),
        |variable| evidence::variable(pid, &variable.name, &variable.value, means),
    );
    let who = cohort.who();
    let mut all = vec![evidence];
    all.extend(evidence::probe_of(now, worst));
    Some(Finding {
        id: CARD.id.to_owned(),
        severity,
        confidence: if severity == Severity::Critical { Confidence::Proven } else { Confidence::Possible },
        title: format!("the temp path of {who} is {length} bytes long"),
        errno,
        evidence: all,
        actions: vec![offers::guide(
            "give it a short temp dir, of its own, and set TMPDIR to that where the present value comes from",
            Risk::None,
            vec!["install -d -m 1777 /var/tmp/ci".to_owned(), format!("tmpmedic check --pid {pid}")],
        )],
        subject: cohort::subject(now, &cohort.pids(), Some(path)),
    })
}

fn measured(pid: Pid, path: &RawPath, means: &str) -> Evidence {
    Evidence {
        source: format!("the temp dir of pid {pid}"),
        observed: RawText::from(path.as_bytes().len().to_string().as_str()),
        means: format!("bytes of {path}: {means}"),
        by_hand: format!("printf %s {} | wc -c", path.quoted()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::stage::Stage;

    fn with(path: &str) -> Stage {
        Stage::healthy().runner(70, "ci.service").variable(70, "TMPDIR", path)
    }

    fn long(length: usize) -> String {
        let mut path = "/srv".to_owned();
        while path.len() + 9 < length {
            path.push_str("/01234567");
        }
        path.push('/');
        path.push_str(&"x".repeat(length - path.len()));
        path
    }

    #[test]
    fn warns_of_a_path_that_sockets_do_not_fit_in() {
        let Verdict::Found(found) = with(&long(80)).check(&PathTooLong) else { panic!("must be found") };
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].severity, found[0].confidence), (Severity::Warning, Confidence::Possible));
        assert_eq!(found[0].title, "the temp path of ci.service is 80 bytes long");
        assert!(found[0].evidence[0].by_hand.contains("/proc/70/environ"));
    }

    #[test]
    fn is_critical_above_88_bytes_where_sccache_is_used() {
        let stage = with(&long(90));
        let Verdict::Found(found) = stage.check(&PathTooLong) else { panic!("must be found") };
        assert_eq!(found[0].severity, Severity::Warning, "nobody needs a socket there");
        let stage = stage.variable(70, "RUSTC_WRAPPER", "/usr/bin/sccache");
        let Verdict::Found(found) = stage.check(&PathTooLong) else { panic!("must be found") };
        assert_eq!((found[0].severity, found[0].confidence), (Severity::Critical, Confidence::Proven));
    }

    #[test]
    fn is_critical_where_the_kernel_refuses_the_name() {
        let path = format!("/srv/{}", "x".repeat(256));
        let Verdict::Found(found) = with(&path).check(&PathTooLong) else { panic!("must be found") };
        assert_eq!((found[0].severity, found[0].errno), (Severity::Critical, Some(Errno::ENAMETOOLONG)));
    }

    #[test]
    fn is_ruled_out_with_its_figures() {
        let Verdict::RuledOut(because) = with("/var/tmp/ci").check(&PathTooLong) else {
            panic!("11 bytes are few")
        };
        assert_eq!(because, "the longest temp path of a build has 11 bytes, tools begin to fail above 75");
        assert!(matches!(with(&long(75)).check(&PathTooLong), Verdict::RuledOut(_)), "75 still fits");
    }

    #[test]
    fn leaves_processes_alone_that_build_nothing() {
        let stage = Stage::healthy().variable(100, "TMPDIR", &long(100));
        assert!(matches!(stage.check(&PathTooLong), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_without_vantages() {
        assert!(matches!(Stage::healthy().without_vantages().check(&PathTooLong), Verdict::Blind(_)));
    }

    #[test]
    fn shows_what_the_command_prints_where_no_variable_names_the_path() {
        let mut stage = with("/var/tmp/ci");
        let path = long(80);
        stage.now.asked.dirs = vec![path.as_str().into()];
        let named = path.clone();
        let stage = stage.change_vantages(
            |v| v.path == "/var/tmp".into() && v.pids.contains(&70),
            move |v| v.path = named.as_str().into(),
        );
        let Verdict::Found(found) = stage.check(&PathTooLong) else { panic!("must be found") };
        assert_eq!(found[0].evidence[0].observed, "80".into());
        assert_eq!(found[0].evidence[0].by_hand, format!("printf %s {path} | wc -c"));
    }
}
