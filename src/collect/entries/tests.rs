//! Tests of [`super`]: what the functions of `entries` promise.

use super::*;
use crate::sys::scratch;

const AMPLE: Duration = Duration::from_mins(1);

fn wish(dir: &tempfile::TempDir, order: Order, limit: usize) -> Wish {
    Wish { dir: RawPath::from(scratch::bytes(dir)), family: None, order, limit, budget: AMPLE }
}

fn names(found: &Reading<Vec<Entry>>) -> Vec<String> {
    found.items().iter().map(|e| e.name.shown()).collect()
}

fn tree_of(dir: &tempfile::TempDir) {
    std::fs::create_dir_all(dir.path().join("go-build1/b001")).unwrap();
    std::fs::write(dir.path().join("go-build1/b001/pkg.a"), vec![1; 300_000]).unwrap();
    std::fs::write(dir.path().join("rustcVAIpSt"), vec![1; 50_000]).unwrap();
    std::fs::write(dir.path().join("notes"), b"x").unwrap();
}

#[test]
fn the_largest_come_first_with_what_lies_below_them() {
    let dir = scratch::dir();
    tree_of(&dir);
    let found = list(&wish(&dir, Order::Size, 2), &Catalog::builtin());
    assert!(found.is_whole());
    assert_eq!(names(&found), ["go-build1", "rustcVAIpSt"]);
    let first = &found.items()[0];
    assert_eq!((first.family.as_str(), first.below), ("go-build", Some(Entries(2))));
    assert!(first.bytes.0 >= 300_000);
    assert!(found.items()[1].below.is_none());
}

#[test]
fn one_family_or_none_can_be_asked_for() {
    let dir = scratch::dir();
    tree_of(&dir);
    let catalog = Catalog::builtin();
    let of = |family: &str| {
        let wish = Wish { family: Some(family.into()), ..wish(&dir, Order::Name, 10) };
        names(&list(&wish, &catalog))
    };
    assert_eq!(of("rustc"), ["rustcVAIpSt"]);
    assert_eq!(of(NO_FAMILY), ["notes"]);
    assert!(of("no-such-family").is_empty());
}

#[test]
fn only_the_best_are_kept_however_many_there_are() {
    let dir = scratch::dir();
    for n in 0..500 {
        std::fs::File::create(dir.path().join(format!("n{n:03}"))).unwrap();
    }
    let catalog = Catalog::builtin();
    assert_eq!(names(&list(&wish(&dir, Order::Name, 3), &catalog)), ["n000", "n001", "n002"]);
    let oldest = list(&wish(&dir, Order::Age, 3), &catalog);
    assert!(oldest.items().is_sorted_by_key(|e| e.newest));
    assert_eq!(oldest.items().len(), 3);
}

#[test]
fn trees_may_be_listed_level_by_level_and_through_a_process() {
    let dir = scratch::dir();
    tree_of(&dir);
    let inner = Wish {
        dir: RawPath::from(format!("/proc/{}/root", std::process::id()).as_str())
            .join(&scratch::bytes(&dir)[1..])
            .join(b"go-build1"),
        ..wish(&dir, Order::Size, 5)
    };
    assert_eq!(names(&list(&inner, &Catalog::builtin())), ["b001"]);
}

#[test]
fn a_budget_that_ends_leaves_sizes_unknown_and_says_so() {
    let dir = scratch::dir();
    tree_of(&dir);
    let hasty = Wish { budget: Duration::ZERO, ..wish(&dir, Order::Size, 5) };
    let found = list(&hasty, &Catalog::builtin());
    assert!(matches!(found.gaps()[0].why, GapWhy::OverBudget { .. }));
    assert!(found.items().iter().all(|e| e.below.is_none()));
}

#[test]
fn links_are_shown_and_not_followed_and_what_is_gone_is_a_gap() {
    let dir = scratch::dir();
    std::os::unix::fs::symlink("/proc", dir.path().join("way out")).unwrap();
    let found = list(&wish(&dir, Order::Name, 5), &Catalog::builtin());
    assert_eq!(found.items()[0].kind, Kind::Link);
    let through =
        Wish { dir: RawPath::from(scratch::bytes(&dir)).join(b"way out"), ..wish(&dir, Order::Name, 5) };
    assert!(matches!(list(&through, &Catalog::builtin()), Reading::Blind { .. }));
}

#[test]
fn looking_makes_nothing_younger() {
    let dir = scratch::dir();
    tree_of(&dir);
    let long_ago = std::time::UNIX_EPOCH + Duration::from_hours(1000);
    let inner = dir.path().join("go-build1/b001");
    std::fs::File::open(&inner)
        .unwrap()
        .set_times(std::fs::FileTimes::new().set_accessed(long_ago).set_modified(long_ago))
        .unwrap();
    let found = list(&wish(&dir, Order::Size, 2), &Catalog::builtin());
    assert_eq!(found.items()[0].below, Some(Entries(2)));
    let node = dirfd::open_resolved(inner.as_os_str().as_encoded_bytes()).unwrap();
    assert_eq!(stat::of(node.as_fd()).unwrap().accessed, 1000 * 3600 * 1_000_000_000);
}

#[test]
fn the_stamp_of_a_directory_moves_with_its_names() {
    let dir = scratch::dir();
    let path = RawPath::from(scratch::bytes(&dir));
    let empty = stamp(&path).unwrap();
    assert_eq!(stamp(&path), Some(empty));
    std::fs::write(dir.path().join("new"), b"x").unwrap();
    assert_ne!(stamp(&path), Some(empty));
    assert_eq!(stamp(&path.join(b"nothing")), None);
}
