//! Tests of [`super`]: what the functions of `temp_dirs` promise.

use super::*;
use crate::collect::fenced::Fence;
use crate::collect::specimen::{self, process, with_variable};
use crate::collect::vantages;
use crate::model::asked::Asked;
use crate::model::mount::Mount;
use crate::model::raw_path::RawPath;
use crate::model::units::Entries;
use crate::model::vantage::Reason;
use crate::sys::scratch;

fn look(dir: &tempfile::TempDir, extra: Vec<Mount>) -> (Vec<Vantage>, Vec<MountNamespace>) {
    let path = RawPath::from(scratch::bytes(dir));
    let table = specimen::table(vec![with_variable(process(7, 0), "TMPDIR", path)]);
    let namespaces = vec![specimen::namespace(1, &[7], extra)];
    let asked = Asked::default();
    let found = vantages::survey(&table, &namespaces, &asked, &["TMPDIR"], &mut Fence::new());
    let mut found = found.items().to_vec();
    for vantage in &mut found {
        // The table of these tests does not know the ids of this machine's mounts.
        vantage.mount_id = Some(1);
    }
    (found, namespaces)
}

fn count(counter: &mut Counter, dir: &tempfile::TempDir, budget: Duration) -> TempDir {
    let (vantages, namespaces) = look(dir, vec![]);
    let catalog = catalog();
    let now = WallNanos(clock::wall_nanos() + 10_000_000_000);
    let found = counter.count(&vantages, &namespaces, &catalog, now, budget);
    found.items()[0].clone()
}

fn catalog() -> Arc<Catalog> {
    static SHARED: std::sync::OnceLock<Arc<Catalog>> = std::sync::OnceLock::new();
    Arc::clone(SHARED.get_or_init(|| Arc::new(Catalog::builtin())))
}

const AMPLE: Duration = Duration::from_mins(1);

fn fill(dir: &tempfile::TempDir, names: std::ops::Range<u32>) {
    for n in names {
        std::fs::File::create(dir.path().join(format!("a long name that fills the pieces {n:06}"))).unwrap();
    }
}

#[test]
fn counts_what_is_there_and_says_where_it_was_reached() {
    let dir = scratch::dir();
    fill(&dir, 0..3);
    let found = count(&mut Counter::new(), &dir, AMPLE);
    assert_eq!((found.total.entries.0, found.gaps.len()), (3, 0));
    assert_eq!((found.reached, found.vantages), (RawPath::from(scratch::bytes(&dir)), vec![0]));
}

#[test]
fn an_unchanged_directory_is_not_read_again_and_a_changed_one_is() {
    let dir = scratch::dir();
    fill(&dir, 0..3);
    let mut counter = Counter::new();
    count(&mut counter, &dir, AMPLE);
    let first = counter.known.values().next().unwrap().counted;
    count(&mut counter, &dir, AMPLE);
    assert_eq!(counter.known.values().next().unwrap().counted, first, "not read again");
    fill(&dir, 3..5);
    counter.known.values_mut().next().unwrap().cost = Duration::ZERO;
    assert_eq!(count(&mut counter, &dir, AMPLE).total.entries.0, 5);
}

#[test]
fn a_large_directory_streams_and_keeps_its_last_whole_count() {
    let dir = scratch::dir();
    fill(&dir, 0..20_000);
    let mut counter = Counter::new();
    let part = count(&mut counter, &dir, Duration::ZERO);
    let seen = part.total.entries.0;
    assert!(seen > 0 && seen < 20_000, "one piece: {seen}");
    assert_eq!(part.gaps[0].why, GapWhy::OverBudget { seen: Entries(seen) });
    let whole = count(&mut counter, &dir, AMPLE);
    assert_eq!((whole.total.entries.0, whole.gaps.len()), (20_000, 0));
    fill(&dir, 20_000..20_001);
    counter.known.values_mut().next().unwrap().cost = Duration::ZERO;
    let again = count(&mut counter, &dir, Duration::from_nanos(1));
    assert_eq!((again.total.entries.0, again.gaps.len()), (20_000, 0), "the last whole count stays");
    assert_eq!(count(&mut counter, &dir, AMPLE).total.entries.0, 20_001);
}

#[test]
fn a_change_within_the_step_of_the_clock_is_not_missed() {
    let dir = scratch::dir();
    fill(&dir, 0..1);
    let (vantages, namespaces) = look(&dir, vec![]);
    let mut counter = Counter::new();
    let at = vantages[0].end().unwrap().facts.as_ref().unwrap().modified;
    counter.count(&vantages, &namespaces, &catalog(), at, AMPLE);
    assert_eq!(counter.known.values().next().unwrap().version, None);
    counter.count(&vantages, &namespaces, &catalog(), WallNanos(at.0 + CLOCK_STEP + 1), AMPLE);
    let known = counter.known.values_mut().next().unwrap();
    known.cost = Duration::ZERO;
    counter.count(&vantages, &namespaces, &catalog(), WallNanos(at.0 + CLOCK_STEP + 1), AMPLE);
    assert!(counter.known.values().next().unwrap().version.is_some());
}

#[test]
fn a_doubtful_file_system_is_not_read() {
    let dir = scratch::dir();
    fill(&dir, 0..3);
    let (mut vantages, namespaces) = look(&dir, vec![specimen::mount(9, "/", b"/elsewhere", "nfs4")]);
    vantages[0].mount_id = Some(9);
    let found = Counter::new().count(&vantages, &namespaces, &catalog(), WallNanos(0), AMPLE);
    let found = &found.items()[0];
    assert_eq!((found.total.entries.0, found.gaps[0].why.clone()), (0, GapWhy::NotAsked));
}

#[test]
fn a_doubtful_mount_among_the_entries_is_left_alone() {
    let dir = scratch::dir();
    fill(&dir, 0..1);
    std::fs::create_dir(dir.path().join("remote")).unwrap();
    let point = [scratch::bytes(&dir), b"/remote"].concat();
    let (vantages, namespaces) = look(&dir, vec![specimen::mount(9, "/", &point, "fuse.sshfs")]);
    let found = Counter::new().count(&vantages, &namespaces, &catalog(), WallNanos(0), AMPLE);
    let total = &found.items()[0].total;
    assert_eq!((total.entries.0, total.unknown.0), (2, 1));
}

#[test]
fn bound_work_dirs_are_no_temp_dirs() {
    let dir = scratch::dir();
    let (mut vantages, namespaces) = look(&dir, vec![]);
    vantages[0].reasons = vec![Reason::BindMount];
    let mut counter = Counter::new();
    assert!(counter.count(&vantages, &namespaces, &catalog(), WallNanos(0), AMPLE).items().is_empty());
    vantages[0].reasons.push(Reason::Asked);
    assert_eq!(counter.count(&vantages, &namespaces, &catalog(), WallNanos(0), AMPLE).items().len(), 1);
}

#[test]
fn a_directory_that_was_exchanged_is_not_counted_for_the_other() {
    let dir = scratch::dir();
    let (mut vantages, namespaces) = look(&dir, vec![]);
    vantages[0].identity.as_mut().unwrap().inode += 1;
    let found = Counter::new().count(&vantages, &namespaces, &catalog(), WallNanos(0), AMPLE);
    assert_eq!(found.items()[0].gaps[0].why, GapWhy::Vanished);
}

#[test]
fn vantages_of_one_directory_are_one_temp_dir() {
    let dir = scratch::dir();
    let (mut vantages, namespaces) = look(&dir, vec![]);
    let mut other = vantages[0].clone();
    other.root = "/srv/root".into();
    other.pids = vec![1, 2, 3, 4, 5, 6];
    vantages.push(other);
    let found = Counter::new().count(&vantages, &namespaces, &catalog(), WallNanos(0), AMPLE);
    assert_eq!(found.items().len(), 1);
    assert_eq!(found.items()[0].vantages, [0, 1]);
    assert_eq!(found.items()[0].reached, RawPath::from(scratch::bytes(&dir)));
}
