//! Whom modes and ACLs let in. Sources: path_resolution(7), acl(5).
//!
//! Called by the rules about modes, owners and ACLs. Capabilities are left to the caller: the collector has decided with
//! them already, and here the question is only *which* record refuses.

use crate::model::errno::Errno;
use crate::model::finding::Evidence;
use crate::model::process::{Credentials, Pid};
use crate::model::raw_path::RawText;
use crate::model::vantage::{Acl, AclWho, Can, Component, Facts, Kind, Vantage};
use crate::rules::cohort::Cohort;
use crate::rules::place;

/// Going through a directory.
pub const SEARCH: u32 = 1;
/// Creating in a directory takes both.
pub const WRITE_SEARCH: u32 = 3;

/// A directory that refuses a vantage, and what it was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Denial<'a> {
    /// The component.
    pub component: &'a Component,
    /// What it is.
    pub facts: &'a Facts,
    /// Which permissions were needed.
    pub want: u32,
    /// Whether it is the temp dir itself, not a directory above it.
    pub is_end: bool,
}

impl Denial<'_> {
    /// Whether the mode bits alone refuse.
    pub fn is_by_mode(&self, who: &Credentials) -> bool {
        !mode_allows(self.facts, who, self.want)
    }

    /// Whether the mode bits would allow and the ACL refuses.
    pub fn is_by_acl(&self, who: &Credentials) -> bool {
        let refuses = |acl| !acl_allows(acl, self.facts, who, self.want);
        !self.is_by_mode(who) && self.facts.acl.as_ref().is_some_and(refuses)
    }
}

/// The directory that refuses a vantage with EACCES, if one does. Failing to run a program from there is not a refusal
/// of the directory, and a step after mkdir fails in what was just made.
pub fn denial(vantage: &Vantage) -> Option<Denial<'_>> {
    let last = vantage.walked.len().saturating_sub(1);
    let barred = vantage.walked.iter().position(|c| c.search == Some(false));
    let at = barred.or_else(|| refuses_creation(vantage).then_some(last))?;
    let component = vantage.walked.get(at)?;
    let facts = component.facts.as_ref().filter(|f| f.kind == Kind::Directory)?;
    let is_end = at == last && component.path == place::end(vantage);
    let want = if is_end { WRITE_SEARCH } else { SEARCH };
    Some(Denial { component, facts, want, is_end })
}

fn refuses_creation(vantage: &Vantage) -> bool {
    let ability = &vantage.can_create;
    let first = matches!(ability.step.as_deref(), None | Some("mkdir" | "create"));
    let made_a_dir = ability.step.as_deref() == Some("create");
    let refused = ability.can == Can::No && ability.errno == Some(Errno::EACCES);
    refused && first && !made_a_dir && vantage.stops_at().is_none()
}

/// Whether the mode bits alone allow `want` (4 read, 2 write, 1 search): the first class that fits decides.
pub fn mode_allows(facts: &Facts, who: &Credentials, want: u32) -> bool {
    let shift = if who.uid == facts.uid {
        6
    } else if who.is_in_group(facts.gid) {
        3
    } else {
        0
    };
    (facts.mode >> shift) & want == want
}

/// Whether an ACL allows `want`. Source: acl(5), "Access Check Algorithm".
pub fn acl_allows(acl: &Acl, facts: &Facts, who: &Credentials, want: u32) -> bool {
    let of = |wanted: AclWho| acl.entries.iter().find(|e| e.who == wanted).map(|e| u32::from(e.permissions));
    let mask = of(AclWho::Mask).unwrap_or(7);
    let grants = |permissions: u32| permissions & want == want;
    if who.uid == facts.uid {
        return grants(of(AclWho::Owner).unwrap_or(0));
    }
    if let Some(named) = of(AclWho::User(who.uid)) {
        return grants(named & mask);
    }
    let mine = acl.entries.iter().filter(|e| match e.who {
        AclWho::OwningGroup => who.is_in_group(facts.gid),
        AclWho::Group(gid) => who.is_in_group(gid),
        AclWho::Owner | AclWho::User(_) | AclWho::Mask | AclWho::Other => false,
    });
    let mut groups = mine.map(|e| u32::from(e.permissions)).peekable();
    if groups.peek().is_some() {
        return groups.any(|permissions| grants(permissions & mask));
    }
    grants(of(AclWho::Other).unwrap_or(0))
}

/// The ids by which the kernel decides for a process.
pub fn ids_of(pid: Pid, who: &Credentials, means: &str) -> Evidence {
    let groups: Vec<String> = who.groups.iter().map(u32::to_string).collect();
    let observed = format!("fsuid {}, fsgid {}, groups {}", who.uid, who.gid, groups.join(" "));
    Evidence {
        source: format!("/proc/{pid}/status"),
        observed: RawText::from(observed.trim_end()),
        means: means.to_owned(),
        by_hand: format!(
            "awk '/^Uid:/ {{u=$5}} /^Gid:/ {{g=$5}} /^Groups:/ {{$1=\"\"; s=$0}} END {{print \"fsuid \" u \", fsgid \" g \", groups\" s}}' /proc/{pid}/status"
        ),
    }
}

/// Owner and mode of the directory that refuses, as stat shows them.
pub fn refusal_seen(cohort: &Cohort<'_>, component: &Component, means: &str) -> Evidence {
    let path = place::reach(cohort.now, cohort.lead, &component.path);
    let observed =
        component.facts.as_ref().map_or_else(String::new, |f| format!("{:04o} {}:{}", f.mode, f.uid, f.gid));
    Evidence {
        source: format!("stat of {path}"),
        observed: RawText::from(observed.as_str()),
        means: means.to_owned(),
        by_hand: format!("stat -c '%04a %u:%g' {}", path.quoted()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::vantage::AclEntry;
    use crate::rules::stage::facts;

    fn user(uid: u32, groups: &[u32]) -> Credentials {
        Credentials { uid, gid: uid, groups: groups.to_vec(), capabilities: 0, user: None }
    }

    fn acl(entries: &[(AclWho, u8)]) -> Acl {
        let entries =
            entries.iter().map(|(who, permissions)| AclEntry { who: *who, permissions: *permissions });
        Acl { entries: entries.collect() }
    }

    #[test]
    fn lets_the_first_fitting_class_decide() {
        let mut dir = facts(Kind::Directory, 0o0077);
        dir.uid = 1000;
        assert!(!mode_allows(&dir, &user(1000, &[]), WRITE_SEARCH), "the owner's own bits are none");
        assert!(mode_allows(&dir, &user(2000, &[]), WRITE_SEARCH));
        dir.gid = 5;
        dir.mode = 0o1707;
        assert!(!mode_allows(&dir, &user(2000, &[5]), WRITE_SEARCH), "the group's bits are none");
    }

    #[test]
    fn follows_the_algorithm_of_acl_5() {
        let dir = facts(Kind::Directory, 0o1777);
        let base = [(AclWho::Owner, 7), (AclWho::OwningGroup, 7), (AclWho::Mask, 7), (AclWho::Other, 7)];
        let mut named = base.to_vec();
        named.push((AclWho::User(12_345), 0));
        assert!(
            !acl_allows(&acl(&named), &dir, &user(12_345, &[]), WRITE_SEARCH),
            "the named user is shut out"
        );
        assert!(acl_allows(&acl(&named), &dir, &user(1000, &[]), WRITE_SEARCH));
        let mut group = base.to_vec();
        group.push((AclWho::Group(50), 0));
        assert!(
            !acl_allows(&acl(&group), &dir, &user(1000, &[50]), WRITE_SEARCH),
            "a group that fits decides"
        );
        let masked = [(AclWho::Owner, 7), (AclWho::User(9), 7), (AclWho::Mask, 5), (AclWho::Other, 7)];
        assert!(!acl_allows(&acl(&masked), &dir, &user(9, &[]), WRITE_SEARCH), "the mask limits named users");
        assert!(acl_allows(&acl(&masked), &dir, &user(0, &[]), WRITE_SEARCH), "but never the owner");
    }
}
