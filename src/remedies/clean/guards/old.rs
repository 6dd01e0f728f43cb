//! `old`: the newest stamp in its whole tree.

use super::super::scene::Scene;
use super::{Guard, Reasons, at};
use crate::model::family::Family;
use crate::model::plan::Candidate;
use crate::model::units::Seconds;

/// See the module's header.
pub const GUARD: Guard = Guard {
    id: "old",
    holds: "the newest stamp in its whole tree is older than asked for",
    kept: "touched too lately",
    why: "touched too recently",
    reasons: Reasons::Few,
    keeps: young,
};

fn young(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    if let Some(why) = &candidate.tree.unseen {
        return Some(format!("not all of it could be looked at: {why}"));
    }
    let age = scene.age(candidate).unwrap_or_default();
    let touched = || format!("touched {age} ago{}", at(&candidate.tree.newest_at));
    if age < scene.wishes.older_than {
        return Some(touched());
    }
    if age < scene.min_age {
        let why = format!("the site lets nothing go before {}", scene.min_age);
        return Some(format!("{}; {why}", touched()));
    }
    let idle = idle(candidate, scene).filter(|idle| age < *idle)?;
    let family = &candidate.family;
    Some(format!("{}; family {family} may rest for {idle}, --older-than overrules that", touched()))
}

/// How long its family may lie idle, where the user named no time.
fn idle(candidate: &Candidate, scene: &Scene<'_>) -> Option<Seconds> {
    if !scene.wishes.by_family || scene.is_picked(candidate) {
        return None;
    }
    (scene.family)(&candidate.family).and_then(|family: &Family| family.idle_s)
}

#[cfg(test)]
mod tests {
    use super::super::stage::{DAY, NOW, Stage, stage, stale};
    use super::*;
    use crate::model::plan::{Tree, Wishes};
    use crate::model::units::WallNanos;

    fn of_age(nanos: i64) -> Candidate {
        Candidate { tree: Tree { newest: WallNanos(NOW - nanos), ..stale().tree }, ..stale() }
    }

    #[test]
    fn what_was_touched_lately_stays_and_older_than_zero_takes_it() {
        let mut young = of_age(DAY - 1);
        young.tree.newest_at = "b001/x".into();
        stage().keeps(young.clone(), "at b001/x");
        let wishes = Wishes { older_than: Seconds(0), ..Wishes::default() };
        Stage { wishes, ..stage() }.removes(young);
    }

    #[test]
    fn exactly_as_old_as_asked_is_old_enough() {
        stage().removes(of_age(DAY));
    }

    #[test]
    fn a_tree_of_which_only_a_part_was_seen_stays_however_old() {
        let tree = Tree { unseen: Some("b001: more than 1000000 objects".into()), ..stale().tree };
        let wishes = Wishes { older_than: Seconds(0), ..Wishes::default() };
        let all = Stage { wishes, ..stage() };
        all.keeps(Candidate { tree, ..stale() }, "not all of it could be looked at: b001");
    }

    #[test]
    fn the_site_can_only_ask_for_more() {
        let site = |min_age| Stage { min_age: Seconds(min_age), ..stage() };
        site(2 * 86_400).keeps(of_age(DAY), "the site lets nothing go before 2 d");
        site(2 * 86_400).removes(of_age(2 * DAY));
        site(60).keeps(of_age(DAY - 1), "touched");
        let mut zero = site(3_600);
        zero.wishes.older_than = Seconds(0);
        zero.keeps(of_age(3_599_000_000_000), "the site lets nothing go before 1 h");
    }

    #[test]
    fn a_family_may_rest_as_long_as_its_table_says_unless_the_user_named_a_time() {
        let week = Stage { idle: Some(Seconds(7 * 86_400)), ..stage() };
        week.removes(of_age(3 * DAY));
        let mut by_family = Stage { idle: Some(Seconds(7 * 86_400)), ..stage() };
        by_family.wishes.by_family = true;
        by_family.keeps(of_age(3 * DAY), "family go-build may rest for 7 d");
        by_family.removes(of_age(7 * DAY));
        by_family.wishes.names = vec!["go-build123".into()];
        by_family.removes(of_age(3 * DAY));
    }
}
