//! Which temp dir each kind of program takes in that view, and whether it works there.
//!
//! Python and gcc try one candidate after another, so what they take is found out by trying: Python by writing a file,
//! gcc by access(2), which says yes to some directories in which nothing can be created.

use std::collections::BTreeMap;

use crate::model::errno::Errno;
use crate::model::probe::{ProbeResult, Step, StepResult};
use crate::model::process::Variable;
use crate::model::raw_path::RawPath;
use crate::model::temp_variable::Resolver;
use crate::probe::Ended;

/// What one kind of program takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// Which kind.
    pub(super) resolver: Resolver,
    /// The directory; `None` where it finds none that works.
    pub(super) dir: Option<RawPath>,
    /// Whether temp dirs can be made and used there; `None` where that was not tried.
    pub(super) works: Option<bool>,
    /// The step that fails there.
    pub(super) failure: Option<StepResult>,
}

/// The directories that were probed so far.
#[derive(Debug)]
pub(super) struct Tried {
    by_dir: BTreeMap<RawPath, Attempt>,
}

#[derive(Clone, Debug)]
struct Attempt {
    passed: bool,
    holds_data: bool,
    accessible: bool,
    failure: Option<StepResult>,
}

impl Attempt {
    fn of(result: &ProbeResult, ended: &Ended) -> Self {
        let worked = |step| result.steps.iter().any(|s| s.step == step && s.errno.is_none());
        // Python only writes four bytes to one file, which neither a hostile umask nor a small limit of file sizes stops.
        let refused = result
            .steps
            .iter()
            .any(|s| s.step == Step::Write && !matches!(s.errno, None | Some(Errno::EFBIG)));
        let hung = StepResult { step: Step::Mkdir, errno: Some(Errno::ETIMEDOUT), took: result.took() };
        Self {
            passed: result.passed(),
            holds_data: worked(Step::Mkdir) && !refused,
            accessible: ended.access == Some(None),
            failure: result.failure().cloned().or_else(|| result.hung.then_some(hung)),
        }
    }
}

impl Tried {
    /// Begins with the probe of the directory that the user wanted.
    pub(super) fn new(dir: RawPath, result: &ProbeResult, ended: &Ended) -> Self {
        Self { by_dir: BTreeMap::from([(dir, Attempt::of(result, ended))]) }
    }
}

/// What each kind of program takes first, untried.
pub(super) fn predicted(variables: &[Variable]) -> Vec<Choice> {
    let first = |resolver: Resolver| resolver.candidates(variables).into_iter().next();
    let untried = |resolver| Choice { resolver, dir: first(resolver), works: None, failure: None };
    Resolver::ALL.into_iter().map(untried).collect()
}

/// What each kind of program takes and how it fares there; each directory is probed once.
pub(super) fn probed(
    variables: &[Variable],
    tried: &mut Tried,
    mut probe: impl FnMut(&RawPath) -> (ProbeResult, Ended),
) -> Vec<Choice> {
    let mut attempt = |dir: &RawPath| {
        let known = tried.by_dir.entry(dir.clone());
        known
            .or_insert_with(|| {
                let (result, ended) = probe(dir);
                Attempt::of(&result, &ended)
            })
            .clone()
    };
    Resolver::ALL.into_iter().map(|resolver| choose(resolver, variables, &mut attempt)).collect()
}

fn choose(
    resolver: Resolver,
    variables: &[Variable],
    attempt: &mut dyn FnMut(&RawPath) -> Attempt,
) -> Choice {
    for dir in resolver.candidates(variables) {
        let found = attempt(&dir);
        let takes = match resolver {
            Resolver::Python => found.holds_data,
            Resolver::Gcc => found.accessible,
            Resolver::RustStd | Resolver::Go | Resolver::Mktemp | Resolver::Node | Resolver::Java => true,
        };
        if takes {
            return Choice { resolver, dir: Some(dir), works: Some(found.passed), failure: found.failure };
        }
    }
    Choice { resolver, dir: None, works: Some(false), failure: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::process::{Credentials, MountNs};
    use crate::model::units::{Micros, WallNanos};

    /// A world in which `good` works, `dead` looks accessible but refuses mkdir, and everything else is not there.
    fn world(good: &'static str, dead: &'static str) -> impl Fn(&RawPath) -> (ProbeResult, Ended) {
        move |dir| {
            let (good, dead) = (*dir == good.into(), *dir == dead.into());
            let step = |step, errno| StepResult { step, errno, took: Micros(1) };
            let steps = if good {
                Step::ALL.into_iter().map(|s| step(s, None)).collect()
            } else {
                vec![step(Step::Enter, None), step(Step::Mkdir, Some(Errno::ENOENT))]
            };
            let result = ProbeResult {
                path: dir.clone(),
                based_on: None,
                pid: None,
                mount_ns: MountNs::Inode(1),
                root: "/".into(),
                credentials: Credentials::default(),
                at: WallNanos(0),
                steps,
                not_imitated: Vec::new(),
                hung: false,
                left_behind: Vec::new(),
            };
            let access = (!good && !dead).then_some(Errno::ENOENT);
            (result, Ended { access: Some(access), ..Ended::default() })
        }
    }

    fn choices(
        variables: &[Variable],
        good: &'static str,
        dead: &'static str,
    ) -> BTreeMap<&'static str, Option<RawPath>> {
        let first = Resolver::RustStd.candidates(variables).remove(0);
        let world = world(good, dead);
        let (result, ended) = world(&first);
        let mut tried = Tried::new(first, &result, &ended);
        probed(variables, &mut tried, world).into_iter().map(|c| (c.resolver.name(), c.dir)).collect()
    }

    fn tmpdir(value: &str) -> Vec<Variable> {
        vec![Variable { name: "TMPDIR".into(), value: value.into() }]
    }

    #[test]
    fn tells_a_bad_variable_from_a_dead_directory() {
        let bad = choices(&tmpdir("/missing"), "/tmp", "-");
        assert_eq!(bad["gcc"], Some("/tmp".into()));
        assert_eq!(bad["python"], Some("/tmp".into()));
        assert_eq!(bad["mktemp"], Some("/missing".into()));
        let dead = choices(&[], "/var/tmp", "/tmp");
        assert_eq!(dead["gcc"], Some("/tmp".into()), "access(2) sees nothing wrong with a dead directory");
        assert_eq!(dead["python"], Some("/var/tmp".into()));
    }

    #[test]
    fn finds_none_where_none_works() {
        assert_eq!(choices(&[], "-", "-")["python"], None);
    }

    #[test]
    fn probes_no_directory_twice() {
        let world = world("/tmp", "-");
        let (result, ended) = world(&"/tmp".into());
        let mut asked = Vec::new();
        let mut tried = Tried::new("/tmp".into(), &result, &ended);
        probed(&[], &mut tried, |dir| {
            asked.push(dir.clone());
            world(dir)
        });
        assert!(asked.is_empty(), "all take /tmp, which is known");
    }
}
