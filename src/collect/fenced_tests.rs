//! Tests of [`super`]: what the functions of `fenced` promise.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::*;
use crate::collect::{look_helper, specimen};
use crate::sys::scratch;

fn namespace(extra: Option<Mount>) -> MountNamespace {
    specimen::namespace(1, &[1], extra.into_iter().collect())
}

fn hung_mount(point: &[u8]) -> Mount {
    let device = Device { major: 0, minor: 90 };
    Mount { device, ..specimen::mount(90, "/", point, "fuse.sshfs") }
}

fn request(path: &[u8]) -> Request {
    Request { pid: None, path: RawPath::from(path), cwd: None }
}

static NOW: AtomicU64 = AtomicU64::new(1);

fn late(state: char) -> HelperError {
    let standing = Standing { state, wait_channel: None, stack: Vec::new() };
    HelperError::Late { partial: Vec::new(), standing: Some(standing) }
}

/// A fence whose helpers never answer, and the number of helpers that were asked.
fn silent() -> (Fence, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let ask = move |_: &[u8], _: Duration| {
        count.fetch_add(1, Ordering::SeqCst);
        Err(late('D'))
    };
    (Fence::with(Box::new(ask), || NOW.load(Ordering::SeqCst)), asked)
}

#[test]
fn a_hung_file_system_is_left_alone_for_a_growing_while() {
    let dir = scratch::dir();
    let mount = [scratch::bytes(&dir), b"/hung"].concat();
    let namespaces = [namespace(Some(hung_mount(&mount)))];
    let (mut fence, asked) = silent();
    let target = request(&[&mount[..], b"/tmp"].concat());
    let root = RawPath::from("/");
    let mut look = |at: u64| {
        NOW.store(at, Ordering::SeqCst);
        fence.learn(&namespaces);
        let way = fence.walk(&target, namespaces.first(), &root);
        assert!(matches!(way.end, End::Unseen(GapWhy::Hung { after: Millis(300) })));
        let last = way.steps.last().unwrap();
        assert_eq!((&last.path, last.mounts), (&mount, true), "how far it goes is shown all the same");
        asked.load(Ordering::SeqCst)
    };
    let second = 1_000_000_000;
    assert_eq!(look(second), 1);
    assert_eq!(look(2 * second), 1, "within the pause");
    assert_eq!(look(4 * second), 2, "after 2 s");
    assert_eq!(look(7 * second), 2, "the pause has doubled");
    assert_eq!(look(9 * second), 3);
}

#[test]
fn a_helper_that_is_awake_at_its_deadline_is_only_late() {
    let dir = scratch::dir();
    let mount = [scratch::bytes(&dir), b"/slow"].concat();
    let namespaces = [namespace(Some(hung_mount(&mount)))];
    let mut fence = Fence::with(Box::new(|_, _| Err(late('R'))), || 1);
    fence.learn(&namespaces);
    let way = fence.walk(&request(&mount), namespaces.first(), &"/".into());
    assert!(
        matches!(way.end, End::Unseen(GapWhy::OverBudget { .. })),
        "nothing is known of that file system"
    );
}

#[test]
fn a_healthy_place_needs_no_helper() {
    let dir = scratch::dir();
    let namespaces = [namespace(Some(hung_mount(b"/somewhere/else")))];
    let (mut fence, asked) = silent();
    fence.learn(&namespaces);
    let way = fence.walk(&request(scratch::bytes(&dir)), namespaces.first(), &"/".into());
    assert!(way.arrived());
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    assert!(fence.is_doubtful(Device { major: 0, minor: 90 }));
}

#[test]
fn a_later_mount_on_top_of_a_doubtful_one_counts() {
    let dir = scratch::dir();
    let mut namespace = namespace(Some(hung_mount(scratch::bytes(&dir))));
    let cover = specimen::mount(91, "/", scratch::bytes(&dir), "tmpfs");
    namespace.mounts.value_mut().unwrap().push(cover);
    let (mut fence, asked) = silent();
    assert!(fence.walk(&request(scratch::bytes(&dir)), Some(&namespace), &"/".into()).arrived());
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[test]
fn without_a_mount_table_nothing_is_touched_here() {
    let (mut fence, asked) = silent();
    let way = fence.walk(&request(b"/"), None, &"/".into());
    assert!(matches!(way.end, End::Unseen(GapWhy::Hung { .. })));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn an_answer_is_asked_for_once_and_trusted_for_a_while() {
    let dir = scratch::dir();
    let path = scratch::bytes(&dir).to_vec();
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let ask = move |input: &[u8], _: Duration| {
        count.fetch_add(1, Ordering::SeqCst);
        let mut out = Vec::new();
        look_helper::serve(input, &mut out).unwrap();
        Ok(out)
    };
    let mut fence = Fence::with(Box::new(ask), || 5);
    let namespace = namespace(Some(hung_mount(&path)));
    for _ in 0..3 {
        let way = fence.walk(&request(&path), Some(&namespace), &"/".into());
        assert!(way.arrived(), "a doubtful mount that answers is as good as any");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn paths_inside_a_root_are_found_in_the_table_of_the_namespace() {
    assert_eq!(in_namespace(&"/".into(), b"/tmp"), "/tmp".into());
    assert_eq!(in_namespace(&"/srv/root".into(), b"/tmp"), "/srv/root/tmp".into());
    assert_eq!(in_namespace(&"/srv/root".into(), b"/"), "/srv/root/".into());
}
