//! `noexec-tmp`: files can be made in the temp dir and not run from it, which some build tools need.

use crate::model::errno::Errno;
use crate::model::finding::{Action, Confidence, Evidence, Finding, Risk, Severity};
use crate::model::mount::Mount;
use crate::model::process::{Pid, Process, RoleKind};
use crate::model::raw_path::RawText;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::vantage::{Can, HowKnown, Vantage};
use crate::rules::cohort::{self, Cohort};
use crate::rules::{Rule, RuleCard, Verdict, offers, place, scope, unseen};

/// See the module's header.
pub struct NoexecTmp;

static CARD: RuleCard = RuleCard {
    id: "noexec-tmp",
    title: "Programs cannot be run from the temp dir",
    yields_to: &["private-tmp-readonly-fallback"],
};

impl Rule for NoexecTmp {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _before: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let barred = |v: &Vantage| is_noexec(now, v);
        let cohorts = cohort::by_directory(now, |v| barred(v) && (v.is_build || place::is_asked(now, v)));
        let found = cohorts.iter().map(finding).collect();
        unseen::verdict(now, found, unseen::vantages_that_matter(now), || {
            let mut places: Vec<String> =
                now.vantages.items().iter().filter(|v| barred(v)).map(|v| v.path.shown()).collect();
            places.sort();
            places.dedup();
            match places.as_slice() {
                [] => "no temp dir is mounted noexec".to_owned(),
                all => format!(
                    "noexec: {}; no build has it as its temp dir, a policy harms nobody",
                    all.join(", ")
                ),
            }
        })
    }
}

/// By the mount or by statfs. A program that fails to run although both allow it was stopped by something else.
fn is_noexec(now: &Snapshot, vantage: &Vantage) -> bool {
    match (place::mount(now, vantage), &vantage.space) {
        (None, Err(_)) => fails_to_execute(vantage),
        (mount, space) => {
            mount.is_some_and(|m| m.has_option("noexec")) || space.as_ref().is_ok_and(|s| s.no_exec)
        }
    }
}

fn fails_to_execute(vantage: &Vantage) -> bool {
    let ability = &vantage.can_create;
    ability.can == Can::No && ability.step.as_deref() == Some("execute")
}

/// What a process runs from its temp dir, if it is known to: most compilers only write there.
fn runs_from_temp(process: &Process) -> Option<&'static str> {
    let arguments = process.arguments.as_ref().map_or(&[][..], Vec::as_slice);
    let says = |word: &str| arguments.iter().skip(1).any(|a| a.as_bytes() == word.as_bytes());
    let moved = |name: &str| process.variable(name).ok().flatten().is_some_and(|v| !v.is_empty());
    let writes_only =
        ["build", "vet", "list", "mod", "env", "fmt", "install", "get", "version", "clean", "doc"];
    let first = arguments.get(1).map(RawText::shown).unwrap_or_default();
    match process.comm.shown().as_str() {
        "go" if !writes_only.contains(&first.as_str()) && !moved("GOTMPDIR") => {
            Some("go run and go test run what they built in go-build…")
        }
        "cargo" | "cargo-install" if says("install") && !moved("CARGO_TARGET_DIR") => {
            Some("cargo install runs build scripts in cargo-install…")
        }
        "java" if !arguments.iter().any(|a| a.as_bytes().starts_with(b"-Djava.io.tmpdir=")) => {
            Some("Java unpacks native libraries there and maps them")
        }
        "just" if !moved("JUST_TEMPDIR") => Some("just runs shebang recipes from there"),
        "bazel" | "nix-build" | "rustup-init" => Some("it runs programs from there"),
        _ => None,
    }
}

fn finding(cohort: &Cohort<'_>) -> Finding {
    let now = cohort.now;
    let members: Vec<&Process> = cohort.pids().iter().filter_map(|pid| now.process(*pid)).collect();
    let runs = members.iter().find_map(|p| runs_from_temp(p).map(|why| (p.pid, why)));
    let failing = cohort.only(fails_to_execute);
    let probed =
        failing.as_ref().is_some_and(|c| c.vantages.iter().any(|v| v.can_create.how == HowKnown::Probed));
    let is_runner = members.iter().any(|p| p.role.as_ref().is_some_and(|r| r.kind == RoleKind::Runner));
    let asked = cohort.vantages.iter().any(|v| place::is_asked(now, v));
    let severity = match (runs.is_some() || asked, failing.is_some()) {
        (true, true) => Severity::Critical,
        (true, false) => Severity::Warning,
        // What a runner's next job runs nobody knows; a compiler that only writes there is not harmed.
        (false, true) if is_runner => Severity::Warning,
        (false, _) => Severity::Info,
    };
    let path = cohort.path();
    let mut evidence: Vec<Evidence> = cohort
        .mount_line("noexec: execve and mapping for execution give EACCES for every file of this mount; creating works")
        .into_iter()
        .collect();
    evidence.extend(runs.map(|(pid, why)| command_seen(now, pid, why)));
    evidence.extend(cohort.probe());
    if evidence.is_empty() {
        evidence.push(flag_seen(cohort));
    }
    let who = runs.and_then(|(pid, _)| now.process(pid)).map_or_else(|| cohort.who(), scope::label_of);
    Finding {
        id: CARD.id.to_owned(),
        severity,
        confidence: if probed { Confidence::Proven } else { Confidence::Likely },
        title: format!("{path} is mounted noexec: {who} cannot run programs from it"),
        errno: Some(Errno::EACCES),
        evidence,
        actions: actions(cohort),
        subject: cohort.subject(),
    }
}

fn command_seen(now: &Snapshot, pid: Pid, why: &str) -> Evidence {
    let words = now.process(pid).and_then(|p| p.arguments.as_ref().ok()).cloned().unwrap_or_default();
    let line: Vec<&[u8]> = words.iter().map(RawText::as_bytes).collect();
    Evidence {
        source: format!("/proc/{pid}/cmdline"),
        observed: RawText::new(line.join(&b' ')),
        means: why.to_owned(),
        by_hand: format!("tr '\\0' ' ' < /proc/{pid}/cmdline"),
    }
}

fn flag_seen(cohort: &Cohort<'_>) -> Evidence {
    let reached = cohort.reach();
    Evidence {
        source: format!("statfs of {reached}"),
        observed: "ST_NOEXEC".into(),
        means: "execve of every file there gives EACCES; creating works".to_owned(),
        by_hand: format!("awk '{{print $5, $6}}' /proc/{}/mountinfo", cohort.pid()),
    }
}

fn actions(cohort: &Cohort<'_>) -> Vec<Action> {
    let mut actions = vec![offers::guide_back(
        "give the tools that need it a temp dir elsewhere; the policy stays",
        Risk::None,
        vec![
            "install -d -m 0700 \"$HOME/.cache/tmp\"".to_owned(),
            "export GOTMPDIR=$HOME/.cache/tmp JUST_TEMPDIR=$HOME/.cache/tmp CARGO_TARGET_DIR=$PWD/target"
                .to_owned(),
            "export JAVA_TOOL_OPTIONS=-Djava.io.tmpdir=$HOME/.cache/tmp".to_owned(),
        ],
    )];
    let point = cohort.mount().map(|m: &Mount| m.point.clone());
    actions.extend(point.map(|point| {
        offers::guide_back(
            "allow it again; noexec may be part of a security baseline",
            Risk::None,
            vec![
                offers::remount(cohort.pid(), &point, "exec"),
                format!("# to undo: {}", offers::remount(cohort.pid(), &point, "noexec")),
            ],
        )
    }));
    actions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::process::Role;
    use crate::model::vantage::Ability;
    use crate::rules::stage::{Stage, mount, process};

    fn noexec(mut stage: Stage, pid: Pid) -> Stage {
        let mut tmp = mount(60, 25, "/", "/tmp", "tmpfs", "tmpfs");
        tmp.options = "rw,nosuid,nodev,noexec".into();
        stage = stage.mount(pid, tmp);
        stage.change_vantages(
            move |v| v.pids.contains(&pid) && v.path == "/tmp".into(),
            |v| v.mount_id = Some(60),
        )
    }

    fn tool(words: &[&str]) -> Process {
        let mut tool = process(300, 1, words[0], 1001);
        tool.arguments = Ok(words.iter().map(|w| (*w).into()).collect());
        tool.role = Some(Role { id: words[0].into(), kind: RoleKind::BuildTool, title: words[0].into() });
        tool
    }

    fn probed(stage: Stage) -> Stage {
        stage.change_vantages(
            |v| v.path == "/tmp".into(),
            |v| {
                v.can_create = Ability {
                    how: HowKnown::Probed,
                    ..Ability::predicted(Can::No, Some(Errno::EACCES), Some("execute"))
                };
            },
        )
    }

    fn found(stage: &Stage) -> Vec<Finding> {
        match stage.check(&NoexecTmp) {
            Verdict::Found(found) => found,
            other => panic!("must be found, not {other:?}"),
        }
    }

    #[test]
    fn is_critical_where_a_probe_failed_and_a_tool_runs_from_there() {
        let found = found(&probed(noexec(Stage::healthy().put(tool(&["go", "test", "./..."])), 300)));
        assert_eq!((found[0].severity, found[0].confidence), (Severity::Critical, Confidence::Proven));
        assert_eq!(found[0].title, "/tmp is mounted noexec: go (pid 300) cannot run programs from it");
        assert!(found[0].evidence.iter().any(|e| e.observed == "go test ./...".into()));
    }

    #[test]
    fn warns_where_a_runner_lives_there() {
        let stage = noexec(Stage::healthy().runner(70, "ci.service"), 70);
        assert_eq!(found(&probed(stage))[0].severity, Severity::Warning);
    }

    #[test]
    fn is_only_context_for_compilers_which_write_and_do_not_run() {
        for words in [["rustc", "-"], ["cargo", "build"], ["go", "vet"]] {
            let stage = probed(noexec(Stage::healthy().put(tool(&words)), 300));
            assert_eq!(found(&stage)[0].severity, Severity::Info, "{words:?}");
        }
    }

    #[test]
    fn is_ruled_out_as_a_policy_where_nobody_builds() {
        let Verdict::RuledOut(because) = noexec(Stage::healthy(), 100).check(&NoexecTmp) else {
            panic!("no build")
        };
        assert_eq!(because, "noexec: /tmp; no build has it as its temp dir, a policy harms nobody");
    }

    #[test]
    fn leaves_tools_alone_whose_temp_dir_was_moved() {
        let stage = noexec(Stage::healthy().put(tool(&["go", "test"])), 300);
        let stage = probed(stage).change(300, |p| {
            let value = "/var/tmp/go".into();
            p.variables = Ok(vec![crate::model::process::Variable { name: "GOTMPDIR".into(), value }]);
        });
        assert_eq!(found(&stage)[0].severity, Severity::Info);
    }

    #[test]
    fn leaves_a_refusal_alone_that_the_mount_does_not_explain() {
        let stage = probed(Stage::healthy().put(tool(&["go", "test"])));
        assert!(matches!(stage.check(&NoexecTmp), Verdict::RuledOut(_)), "a security module, perhaps");
    }

    #[test]
    fn is_ruled_out_where_programs_run() {
        let Verdict::RuledOut(because) = Stage::healthy().check(&NoexecTmp) else { panic!("all is well") };
        assert_eq!(because, "no temp dir is mounted noexec");
    }

    #[test]
    fn is_blind_without_vantages() {
        assert!(matches!(Stage::healthy().without_vantages().check(&NoexecTmp), Verdict::Blind(_)));
    }
}
