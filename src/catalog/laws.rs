//! Laws over the tables: what every entry must be, whoever wrote it.

use super::roles::Sample;
use super::variables::secret;
use super::{Catalog, site};

const BOOT: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn every_family_is_sound_and_cites_why_and_where_from() {
    for family in Catalog::builtin().families.iter() {
        assert_eq!(site::check_family(family), Ok(()), "{}", family.id);
        for text in
            [&family.maker, &family.what, &family.removed_by, &family.check, &family.why, &family.source]
        {
            assert!(!text.trim().is_empty(), "{} leaves a field empty", family.id);
        }
        assert!(!family.examples.is_empty() && !family.near_misses.is_empty(), "{} lacks names", family.id);
    }
}

#[test]
fn every_familys_examples_are_classified_as_it_and_its_near_misses_are_not() {
    let families = Catalog::builtin().families.with_boot_id(BOOT);
    let mut wrong = Vec::new();
    for family in families.iter() {
        let is_one = |name: &&String| families.classify(name.as_bytes()).is_some_and(|f| f.id == family.id);
        wrong.extend(family.examples.iter().filter(|name| !is_one(name)).map(|name| (&family.id, name)));
        wrong.extend(family.near_misses.iter().filter(is_one).map(|name| (&family.id, name)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_roles_examples_have_it_and_its_near_misses_do_not() {
    let roles = Catalog::builtin().roles;
    let mut wrong = Vec::new();
    for entry in roles.iter() {
        let role = |sample: &String| roles.role_of(&Sample::parse(sample).clues()).map(|role| role.id);
        let has_it = |sample: &&String| role(sample).as_ref() == Some(&entry.id);
        wrong.extend(entry.examples.iter().filter(|s| !has_it(s)).map(|s| (&entry.id, s, role(s))));
        wrong.extend(entry.near_misses.iter().filter(has_it).map(|s| (&entry.id, s, role(s))));
        assert!(!entry.examples.is_empty() && !entry.near_misses.is_empty(), "{} lacks samples", entry.id);
        for text in [&entry.title, &entry.why, &entry.source] {
            assert!(!text.trim().is_empty(), "{} leaves a field empty", entry.id);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_id_stands_twice() {
    let catalog = Catalog::builtin();
    let families = catalog.families.iter().map(|f| f.id.as_str());
    let roles = catalog.roles.iter().map(|r| r.id.as_str());
    let variables = catalog.variables.iter().map(|v| v.name.as_str());
    for mut ids in [families.collect::<Vec<_>>(), roles.collect(), variables.collect()] {
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}

#[test]
fn no_variable_of_ours_can_hold_a_secret_and_each_says_what_it_means() {
    for known in Catalog::builtin().variables.iter() {
        assert_eq!(secret(&known.name), None, "{}", known.name);
        for text in [&known.owner, &known.meaning, &known.source] {
            assert!(!text.trim().is_empty(), "{} leaves a field empty", known.name);
        }
    }
}
