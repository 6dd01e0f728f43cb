//! The seven conditions under which an entry may go. Each is a small pure function that says why an entry stays, or
//! nothing; unknown means that it stays.

use super::scene::Scene;
use crate::model::family::Safety;
use crate::model::plan::{Candidate, Tried};
use crate::model::raw_path::RawPath;
use crate::model::surroundings::{Claim, ClaimKind};
use crate::model::units::WallNanos;

/// One condition.
pub struct Guard {
    /// Stable id.
    pub id: &'static str,
    /// The condition, in one sentence.
    pub holds: &'static str,
    /// Why the entry stays, if it does.
    pub keeps: fn(&Candidate, &Scene<'_>) -> Option<String>,
}

/// All conditions, in the order in which they are asked: what protects others comes before what the user wishes.
pub const GUARDS: &[Guard] = &[
    Guard { id: "here", holds: "it lies on the mount of the temp dir itself", keeps: not_here },
    Guard { id: "clock", holds: "the clock can be believed", keeps: bad_clock },
    Guard {
        id: "unprotected",
        holds: "neither its family, the site nor the user protects it",
        keeps: protected,
    },
    Guard { id: "unmounted", holds: "nothing is mounted in it or from it, in any namespace", keeps: mounted },
    Guard { id: "unheld", holds: "no process of any namespace holds or names it", keeps: held },
    Guard { id: "unlocked", holds: "nobody has a BSD lock on it", keeps: locked },
    Guard { id: "old", holds: "the newest stamp in its whole tree is older than asked for", keeps: young },
    Guard { id: "expected", holds: "its owner builds here, or the user chose it", keeps: unexpected },
    Guard { id: "wanted", holds: "it is among what the user asked for", keeps: unwanted },
];

fn not_here(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    (candidate.object.mount_id != scene.place.mount_id).then(|| "a mount begins at it".to_owned())
}

/// A clock that was set back makes everything look young or of the future; one that runs ahead, old.
fn bad_clock(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    /// Clocks of a file server and its clients differ by so much without harm.
    const SLACK: i64 = 2_000_000_000;
    if scene.now < scene.surroundings.booted {
        return Some("the clock stands before this boot: no age can be believed".to_owned());
    }
    let ahead = candidate.tree.newest > WallNanos(scene.now.0.saturating_add(SLACK));
    ahead
        .then(|| format!("it has a stamp in the future{}: its age is unknown", at(&candidate.tree.newest_at)))
}

fn protected(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    let name = candidate.name.as_bytes();
    if (scene.is_ours)(name) {
        return Some("it is tmpmedic's own quarantine".to_owned());
    }
    if (scene.is_kept)(name) {
        return Some("its name is to be kept, by --keep or the site's configuration".to_owned());
    }
    if let Some(claim) = claim(candidate, scene, |kind| kind == ClaimKind::Tmpfiles) {
        return Some(format!("tmpfiles.d keeps it: {}", claim.shown.shown()));
    }
    let family = (scene.family)(&candidate.family)?;
    match family.safety {
        Safety::Never => Some(format!("never while the system is up: {}", family.why)),
        Safety::Ask if !scene.is_picked(candidate) => Some(format!("look first: {}", family.check)),
        Safety::Ask | Safety::Idle => None,
    }
}

fn mounted(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    if candidate.tree.crosses_mount {
        return Some("something is mounted in it".to_owned());
    }
    let claim = claim(candidate, scene, |kind| {
        use ClaimKind::{BindSource, LoopFile, MountPoint, OverlayLayer, Swap};
        matches!(kind, BindSource | LoopFile | MountPoint | OverlayLayer | Swap)
    })?;
    let what = match claim.kind {
        ClaimKind::BindSource => "it is mounted elsewhere",
        ClaimKind::OverlayLayer => "it is a layer of an overlay",
        ClaimKind::MountPoint => "something is mounted in it in another namespace",
        ClaimKind::LoopFile => "a loop device is made of it",
        _ => "it is swap space",
    };
    Some(format!("{what}{}: {}", party(claim), claim.shown.shown()))
}

fn held(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    let claim = claim(candidate, scene, |kind| {
        use ClaimKind::{BindSource, LoopFile, MountPoint, OverlayLayer, Swap, Tmpfiles};
        !matches!(kind, BindSource | LoopFile | MountPoint | OverlayLayer | Swap | Tmpfiles)
    });
    if let Some(claim) = claim {
        let how = match claim.kind {
            ClaimKind::Cwd => "is the working directory",
            ClaimKind::Root => "is the root directory",
            ClaimKind::Exe => "is the program",
            ClaimKind::Fd => "is open",
            ClaimKind::Map => "is mapped into memory",
            ClaimKind::Lock => "is locked",
            ClaimKind::Socket => "holds a bound socket",
            ClaimKind::Variable => "is named by a variable",
            ClaimKind::CommandLine => "is named by the command line",
            ClaimKind::NamedPid => "carries the pid",
            _ => "is in use",
        };
        return Some(format!("it {how}{}: {}", party(claim), claim.shown.shown()));
    }
    if scene.wishes.assume_unheld {
        return None;
    }
    let gap = scene.surroundings.gaps.first()?;
    let (what, why) = (&gap.what, gap.why.shown());
    Some(format!("not known whether it is held: {what}: {why}; --assume-unheld takes the risk"))
}

fn locked(candidate: &Candidate, _: &Scene<'_>) -> Option<String> {
    match &candidate.locked {
        Tried::Free | Tried::NotLockable => None,
        Tried::Taken => Some("somebody has a lock on it".to_owned()),
        Tried::Unknown(why) => Some(format!("not known whether it is locked: {why}")),
    }
}

fn young(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    if let Some(why) = &candidate.tree.unseen {
        return Some(format!("not all of it could be looked at: {why}"));
    }
    let age = scene.age(candidate).unwrap_or_default();
    (age < scene.wishes.older_than).then(|| format!("touched {age} ago{}", at(&candidate.tree.newest_at)))
}

fn unexpected(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    if scene.is_picked(candidate) || scene.wishes.owner == Some(candidate.uid) {
        return None;
    }
    if scene.own != 0 && candidate.uid != scene.own {
        return Some(format!("it belongs to uid {}", candidate.uid));
    }
    if candidate.family.is_empty() {
        let chosen = scene.wishes.families.iter().any(|family| family == "other");
        return (!chosen).then(|| "in no known family; --family other or --owner takes such in".to_owned());
    }
    let expected = scene.builders.contains(&candidate.uid) || candidate.uid == scene.own;
    (!expected).then(|| {
        let uid = candidate.uid;
        format!("it belongs to uid {uid}, under whom nothing builds here; --owner {uid} takes it in")
    })
}

fn unwanted(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    let wishes = scene.wishes;
    if !wishes.names.is_empty() && !scene.is_picked(candidate) {
        return Some("not picked".to_owned());
    }
    if wishes.owner.is_some_and(|uid| uid != candidate.uid) {
        return Some(format!("it belongs to uid {}", candidate.uid));
    }
    let family = if candidate.family.is_empty() { "other" } else { &candidate.family };
    let named = wishes.families.is_empty() || wishes.families.iter().any(|wanted| wanted == family);
    (!named).then(|| format!("family {family} was not asked for"))
}

fn claim<'a>(candidate: &Candidate, scene: &Scene<'a>, is: impl Fn(ClaimKind) -> bool) -> Option<&'a Claim> {
    scene.surroundings.claims.get(&candidate.name)?.iter().find(|claim| is(claim.kind))
}

fn party(claim: &Claim) -> String {
    let pid = claim.pid.map(|pid| format!(" of pid {pid}")).unwrap_or_default();
    let who = claim.party.as_ref().or(claim.program.as_ref());
    let who = who.map(|who| format!(" ({})", RawPath::from(who.as_str()).shown())).unwrap_or_default();
    format!("{pid}{who}")
}

fn at(below: &RawPath) -> String {
    if below.is_empty() { String::new() } else { format!(", at {}", below.shown()) }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::model::family::Family;
    use crate::model::plan::{ObjectId, Tree, Verdict, Wishes};
    use crate::model::reading::{Gap, GapWhy};
    use crate::model::surroundings::Surroundings;
    use crate::model::units::{Bytes, Entries, Seconds};
    use crate::model::vantage::Kind;
    use crate::remedies::clean::judge;

    const DAY: i64 = 86_400_000_000_000;
    const NOW: i64 = 20_000 * DAY;

    fn object(mount_id: u64) -> ObjectId {
        ObjectId {
            mount_id,
            device: crate::model::mount::Device::default(),
            inode: 7,
            kind: Kind::Directory,
            born: None,
        }
    }

    /// Three days old, of a builder, in a removable family, held by nobody.
    fn stale() -> Candidate {
        Candidate {
            name: "go-build123".into(),
            object: object(1),
            uid: 1000,
            mode: 0o700,
            family: "go-build".into(),
            tree: Tree {
                entries: Entries(4),
                bytes: Bytes(4096),
                newest: WallNanos(NOW - 3 * DAY),
                ..Tree::default()
            },
            locked: Tried::Free,
        }
    }

    fn family(safety: Safety) -> Family {
        Family {
            id: "go-build".into(),
            patterns: Vec::new(),
            maker: String::new(),
            what: String::new(),
            removed_by: String::new(),
            safety,
            idle_s: None,
            check: "whether go runs".into(),
            why: "it breaks what runs".into(),
            source: String::new(),
            examples: Vec::new(),
            near_misses: Vec::new(),
        }
    }

    struct Stage {
        surroundings: Surroundings,
        wishes: Wishes,
        safety: Safety,
        now: i64,
        own: u32,
        kept: &'static [u8],
    }

    fn stage() -> Stage {
        Stage {
            surroundings: Surroundings {
                taken: WallNanos(NOW),
                booted: WallNanos(NOW - 10 * DAY),
                claims: BTreeMap::new(),
                gaps: Vec::new(),
            },
            wishes: Wishes { older_than: Seconds(86_400), ..Wishes::default() },
            safety: Safety::Idle,
            now: NOW,
            own: 0,
            kept: b".testnet_password",
        }
    }

    impl Stage {
        fn judge(&self, candidate: Candidate) -> (Verdict, String) {
            let family = family(self.safety);
            let builders = BTreeSet::from([1000]);
            let scene = Scene {
                now: WallNanos(self.now),
                place: object(1),
                surroundings: &self.surroundings,
                wishes: &self.wishes,
                family: &|id| (id == "go-build").then_some(&family),
                is_kept: &|name| name == self.kept,
                is_ours: &|name| name.starts_with(b".tmpmedic-"),
                builders: &builders,
                own: self.own,
            };
            let planned = judge(candidate, &scene);
            (planned.verdict, planned.reason)
        }

        #[track_caller]
        fn keeps(&self, candidate: Candidate, because: &str) {
            let (verdict, reason) = self.judge(candidate);
            assert_eq!(verdict, Verdict::Keep, "{reason}");
            assert!(reason.contains(because), "{reason}");
        }

        #[track_caller]
        fn removes(&self, candidate: Candidate) {
            let (verdict, reason) = self.judge(candidate);
            assert_eq!(verdict, Verdict::Remove, "{reason}");
        }

        fn claimed(kind: ClaimKind) -> Self {
            let mut stage = stage();
            let claim = Claim {
                kind,
                pid: Some(812),
                program: Some("go".into()),
                party: Some("runner@1.service".into()),
                shown: "/tmp/go-build123/b001".into(),
            };
            stage.surroundings.claims.insert("go-build123".into(), vec![claim]);
            stage
        }
    }

    #[test]
    fn what_is_stale_in_every_respect_goes() {
        stage().removes(stale());
    }

    #[test]
    fn what_lies_on_another_mount_stays() {
        stage().keeps(Candidate { object: object(2), ..stale() }, "a mount begins at it");
        let tree = Tree { crosses_mount: true, ..stale().tree };
        stage().keeps(Candidate { tree, ..stale() }, "mounted in it");
    }

    #[test]
    fn what_was_touched_lately_stays_and_older_than_zero_takes_it() {
        let tree = Tree { newest: WallNanos(NOW - DAY + 1), newest_at: "b001/x".into(), ..stale().tree };
        let young = Candidate { tree, ..stale() };
        stage().keeps(young.clone(), "at b001/x");
        let wishes = Wishes { older_than: Seconds(0), ..Wishes::default() };
        Stage { wishes, ..stage() }.removes(young);
    }

    #[test]
    fn exactly_as_old_as_asked_is_old_enough() {
        let tree = Tree { newest: WallNanos(NOW - DAY), ..stale().tree };
        stage().removes(Candidate { tree, ..stale() });
    }

    #[test]
    fn an_age_that_nobody_knows_keeps_it() {
        let tree = Tree { newest: WallNanos(NOW + DAY), ..stale().tree };
        let wishes = Wishes { older_than: Seconds(0), ..Wishes::default() };
        Stage { wishes, ..stage() }.keeps(Candidate { tree, ..stale() }, "in the future");
        Stage { now: NOW - 400 * DAY, ..stage() }.keeps(stale(), "before this boot");
        let tree = Tree { unseen: Some("b001: Permission denied".into()), ..stale().tree };
        stage().keeps(Candidate { tree, ..stale() }, "not all of it could be looked at");
    }

    #[test]
    fn every_kind_of_claim_keeps_it_and_names_who() {
        use ClaimKind::*;
        for kind in [
            Cwd,
            Root,
            Exe,
            Fd,
            Map,
            Lock,
            Socket,
            BindSource,
            OverlayLayer,
            MountPoint,
            LoopFile,
            Swap,
            Variable,
            CommandLine,
            NamedPid,
        ] {
            Stage::claimed(kind).keeps(stale(), "of pid 812 (runner@1.service)");
        }
        Stage::claimed(Tmpfiles).keeps(stale(), "tmpfiles.d");
    }

    #[test]
    fn a_claim_on_another_entry_says_nothing() {
        Stage::claimed(ClaimKind::Cwd).removes(Candidate { name: "go-build124".into(), ..stale() });
    }

    #[test]
    fn what_could_not_be_looked_at_counts_as_held_unless_the_user_takes_the_risk() {
        let mut stage = stage();
        stage.surroundings.gaps.push(Gap::new("open files of 88 processes", GapWhy::Denied));
        stage.keeps(stale(), "not known whether it is held");
        stage.wishes.assume_unheld = true;
        stage.removes(stale());
    }

    #[test]
    fn a_lock_keeps_it_and_so_does_one_that_could_not_be_tried() {
        stage().keeps(Candidate { locked: Tried::Taken, ..stale() }, "has a lock on it");
        stage().keeps(
            Candidate { locked: Tried::Unknown("EIO".into()), ..stale() },
            "not known whether it is locked",
        );
        stage().removes(Candidate { locked: Tried::NotLockable, ..stale() });
    }

    #[test]
    fn protected_names_and_families_stay_even_when_picked() {
        let picked = |name: &str| Wishes { names: vec![name.into()], ..stage().wishes };
        let kept = Candidate { name: ".testnet_password".into(), ..stale() };
        Stage { wishes: picked(".testnet_password"), ..stage() }.keeps(kept, "to be kept");
        let never = Stage { safety: Safety::Never, wishes: picked("go-build123"), ..stage() };
        never.keeps(stale(), "never while the system is up");
        stage().keeps(Candidate { name: ".tmpmedic-0-x".into(), ..stale() }, "own quarantine");
    }

    #[test]
    fn a_family_that_needs_a_look_goes_only_when_picked() {
        let ask = Stage { safety: Safety::Ask, ..stage() };
        ask.keeps(stale(), "look first: whether go runs");
        let wishes = Wishes { names: vec!["go-build123".into()], ..ask.wishes.clone() };
        Stage { wishes, ..ask }.removes(stale());
    }

    #[test]
    fn an_owner_under_whom_nothing_builds_must_be_chosen() {
        let foreign = Candidate { uid: 4242, ..stale() };
        stage().keeps(foreign.clone(), "--owner 4242");
        let wishes = Wishes { owner: Some(4242), ..stage().wishes };
        Stage { wishes, ..stage() }.removes(foreign.clone());
        Stage { own: 4242, ..stage() }.removes(foreign);
        Stage { own: 4242, ..stage() }.keeps(stale(), "belongs to uid 1000");
    }

    #[test]
    fn what_is_in_no_family_must_be_asked_for() {
        let unknown = Candidate { family: String::new(), name: "x".into(), ..stale() };
        stage().keeps(unknown.clone(), "in no known family");
        let wishes = Wishes { families: vec!["other".into()], ..stage().wishes };
        Stage { wishes, ..stage() }.removes(unknown);
    }

    #[test]
    fn only_what_was_asked_for_goes() {
        let wishes = |change: fn(&mut Wishes)| {
            let mut wishes = stage().wishes;
            change(&mut wishes);
            Stage { wishes, ..stage() }
        };
        wishes(|w| w.families = vec!["rustc".into()]).keeps(stale(), "was not asked for");
        wishes(|w| w.owner = Some(1001)).keeps(stale(), "belongs to uid 1000");
        wishes(|w| w.names = vec!["other".into()]).keeps(stale(), "not picked");
    }

    #[test]
    fn ids_of_guards_are_unique_and_each_says_its_condition() {
        let ids: BTreeSet<&str> = GUARDS.iter().map(|guard| guard.id).collect();
        assert_eq!(ids.len(), GUARDS.len());
        assert!(GUARDS.iter().all(|guard| !guard.holds.is_empty()));
    }
}
