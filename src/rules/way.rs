//! Where the way to a temp dir ends too early: four exclusive answers, each the business of one rule.

use crate::model::errno::Errno;
use crate::model::raw_path::RawPath;
use crate::model::vantage::{Can, Component, HowKnown, Kind, Vantage};

/// Why a way does not lead to a directory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stop<'a> {
    /// A component does not exist, and no symlink promised it.
    Missing(&'a Component),
    /// A symlink leads to something that does not exist.
    Dangling {
        /// The link.
        link: &'a Component,
        /// The first component of its target that does not exist.
        missing: &'a Component,
    },
    /// Symlinks lead in a circle, or through more than the kernel follows (40).
    Loop(&'a Component),
    /// A component exists and is no directory.
    NotDirectory(&'a Component),
}

/// Where the way of a vantage stops; `None` where it is whole, unknown, or proved whole by a probe.
///
/// A directory that exists but is dead (link count 0) is no stop: its way is whole.
pub fn stop_of(vantage: &Vantage) -> Option<Stop<'_>> {
    if vantage.can_create.can == Can::Yes && vantage.can_create.how == HowKnown::Probed {
        return None;
    }
    let Some(at) = vantage.walked.iter().position(|c| c.error.is_some()) else {
        return vantage.end().filter(|c| is_no_directory(c)).map(Stop::NotDirectory);
    };
    let stop = vantage.walked.get(at)?;
    let before = vantage.walked.get(..at)?;
    match stop.error? {
        Errno::ELOOP => Some(Stop::Loop(stop)),
        Errno::ENOTDIR => {
            let culprit = before.last().filter(|c| is_no_directory(c) && !is_no_directory(stop));
            Some(Stop::NotDirectory(culprit.unwrap_or(stop)))
        }
        Errno::ENOENT if stop.link.is_some() => Some(Stop::Dangling { link: stop, missing: stop }),
        Errno::ENOENT if stop.facts.is_none() => {
            let link = before.iter().rfind(|c| c.link.is_some());
            let promised = link.filter(|l| target_of(l).is_some_and(|t| t.is_below(&stop.path)));
            Some(promised.map_or(Stop::Missing(stop), |link| Stop::Dangling { link, missing: stop }))
        }
        _ => None,
    }
}

/// The symlinks on a way, in the order in which they are met.
pub fn links_of(vantage: &Vantage) -> impl Iterator<Item = &Component> {
    vantage.walked.iter().filter(|c| c.link.is_some())
}

/// The absolute target of a link, `.` and `..` worked out by name.
pub fn target_of(link: &Component) -> Option<RawPath> {
    let text = link.link.as_ref()?;
    let parent = link.path.as_bytes().rsplitn(2, |b| *b == b'/').nth(1).unwrap_or_default();
    let joined = RawPath::from(parent).join(text.as_bytes());
    let mut names: Vec<&[u8]> = Vec::new();
    for name in joined.as_bytes().split(|b| *b == b'/') {
        match name {
            b"" | b"." => {}
            b".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    Some(names.iter().fold(RawPath::from("/"), |path, name| path.join(name)))
}

fn is_no_directory(component: &Component) -> bool {
    component.facts.as_ref().is_some_and(|f| !matches!(f.kind, Kind::Directory | Kind::Link))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::process::Credentials;
    use crate::rules::stage::{HOST_NS, component, facts, vantage};

    fn gone(path: &str, errno: Errno) -> Component {
        Component { facts: None, error: Some(errno), ..component(path.into(), facts(Kind::Directory, 0o755)) }
    }

    fn link(path: &str, text: &str) -> Component {
        Component { link: Some(text.into()), ..component(path.into(), facts(Kind::Link, 0o777)) }
    }

    fn walked(components: Vec<Component>) -> Vantage {
        let mut v = vantage("/x".into(), HOST_NS, Credentials::default(), vec![1]);
        v.walked = components;
        v
    }

    #[test]
    fn tells_a_link_to_nothing_from_a_missing_name_behind_a_good_link() {
        let dangling =
            walked(vec![link("/tmp", "mnt/../mnt/scratch/tmp"), gone("/mnt/scratch", Errno::ENOENT)]);
        assert!(matches!(stop_of(&dangling), Some(Stop::Dangling { .. })));
        let good = walked(vec![link("/var/run", "/run"), gone("/run/ci", Errno::ENOENT)]);
        assert!(matches!(stop_of(&good), Some(Stop::Missing(_))));
        let named_so = walked(vec![link("/var/run", "/run"), gone("/var/run/ci", Errno::ENOENT)]);
        assert!(matches!(stop_of(&named_so), Some(Stop::Missing(_))));
        let mut at_the_link = link("/tmp", "/nowhere");
        at_the_link.error = Some(Errno::ENOENT);
        assert!(matches!(stop_of(&walked(vec![at_the_link])), Some(Stop::Dangling { .. })));
    }

    #[test]
    fn names_the_file_that_stands_where_a_directory_should() {
        let file = component("/etc/passwd".into(), facts(Kind::File, 0o644));
        let below = walked(vec![file.clone(), gone("/etc/passwd/t", Errno::ENOTDIR)]);
        let Some(Stop::NotDirectory(culprit)) = stop_of(&below) else { panic!("must be no directory") };
        assert_eq!(culprit.path, "/etc/passwd".into());
        assert!(matches!(stop_of(&walked(vec![file])), Some(Stop::NotDirectory(_))));
    }

    #[test]
    fn takes_a_dead_directory_and_a_whole_way_for_no_stop() {
        let mut dead = component("/tmp".into(), facts(Kind::Directory, 0o1777));
        dead.error = Some(Errno::ENOENT);
        assert_eq!(stop_of(&walked(vec![dead])), None);
        assert_eq!(stop_of(&walked(vec![component("/tmp".into(), facts(Kind::Directory, 0o1777))])), None);
    }

    #[test]
    fn believes_a_probe_that_passed() {
        let mut v = walked(vec![gone("/x", Errno::ENOENT)]);
        v.can_create.how = HowKnown::Probed;
        assert_eq!(stop_of(&v), None);
    }
}
