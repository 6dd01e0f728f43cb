//! Tests of [`super`]: what the functions of `claims` promise.

use super::*;
use crate::collect::specimen::{self, process, with_variable};
use crate::model::process::{Role, RoleKind};
use crate::model::reading::GapWhy;

const NAMES: &[&str] = &["TMPDIR", "TMP", "TEMP", "TEMPDIR", "GOTMPDIR"];

fn build(mut process: Process) -> Process {
    process.role = Some(Role { id: "cargo".into(), kind: RoleKind::BuildTool, title: "cargo".into() });
    process
}

fn claims(processes: Vec<Process>, asked: &Asked) -> Claims {
    let table = specimen::table(processes);
    let pids: Vec<Pid> = table.by_pid.keys().copied().collect();
    let namespaces = [specimen::namespace(1, &pids, vec![])];
    gather(&Scene { table: &table, namespaces: &namespaces, asked, temp_names: NAMES, own: Some(99) })
}

fn paths(claims: &Claims) -> Vec<(String, Vec<Pid>, bool)> {
    let row = |(key, claim): (&Key, &Claim)| {
        (key.place.path.shown(), claim.pids.iter().copied().collect(), claim.is_build)
    };
    claims.by_key.iter().map(row).collect()
}

#[test]
fn processes_that_share_everything_share_a_claim() {
    let all = vec![process(2, 1000), process(3, 1000), process(4, 1001)];
    let found = claims(all, &Asked::default());
    assert_eq!(paths(&found), [("/tmp".into(), vec![2, 3], false), ("/tmp".into(), vec![4], false)]);
}

#[test]
fn capabilities_that_say_nothing_about_files_do_not_split_a_group() {
    let (mut one, mut other) = (process(2, 0), process(3, 0));
    one.credentials.as_mut().unwrap().capabilities = DECISIVE;
    other.credentials.as_mut().unwrap().capabilities = DECISIVE | 1 << 12;
    assert_eq!(claims(vec![one.clone(), other], &Asked::default()).by_key.len(), 1);
    let mut less = process(3, 0);
    less.credentials.as_mut().unwrap().capabilities = DECISIVE & !(1 << 1);
    assert_eq!(claims(vec![one, less], &Asked::default()).by_key.len(), 2);
}

#[test]
fn only_processes_that_build_are_asked_for_other_variables_and_fallbacks() {
    let plain = with_variable(process(2, 1000), "GOTMPDIR", "/go");
    assert_eq!(paths(&claims(vec![plain.clone()], &Asked::default())).len(), 1);
    let found = claims(vec![build(plain)], &Asked::default());
    let expected = [("/dev/shm", false), ("/go", true), ("/tmp", true), ("/var/tmp", false)];
    let expected = expected.map(|(path, is_build)| (path.to_owned(), vec![2], is_build));
    assert_eq!(paths(&found), expected);
}

#[test]
fn second_choices_count_only_without_a_first() {
    let both = build(with_variable(with_variable(process(2, 7), "TMPDIR", "/a"), "TMP", "/b"));
    let found = claims(vec![both], &Asked::default());
    assert!(paths(&found).contains(&("/b".into(), vec![2], false)));
    let second = build(with_variable(process(2, 7), "TMP", "/b"));
    let found = claims(vec![second], &Asked::default());
    assert!(paths(&found).contains(&("/b".into(), vec![2], true)));
}

#[test]
fn an_empty_tmpdir_means_tmp_and_the_first_of_two_wins() {
    let empty = with_variable(process(2, 7), "TMPDIR", "");
    let found = claims(vec![empty], &Asked::default());
    assert_eq!(found.by_key.keys().next().unwrap().place.path, "/tmp".into());
    assert!(found.by_key.values().next().unwrap().reasons.contains(&Reason::Default));
    let twice = with_variable(with_variable(process(2, 7), "TMPDIR", "/first"), "TMPDIR", "/last");
    let found = claims(vec![twice], &Asked::default());
    assert_eq!(found.by_key.keys().next().unwrap().place.path, "/first".into());
}

#[test]
fn a_relative_path_belongs_to_a_working_directory() {
    let mut one = with_variable(process(2, 7), "TMPDIR", "tmp");
    one.cwd = Ok(specimen::place("/srv/a"));
    let mut other = one.clone();
    other.pid = 3;
    other.cwd = Ok(specimen::place("/srv/b"));
    let found = claims(vec![one, other], &Asked::default());
    let bases: Vec<_> = found.by_key.keys().map(|k| k.place.based_on.clone().unwrap().shown()).collect();
    assert_eq!(bases, ["/srv/a", "/srv/b"]);
}

#[test]
fn an_unreadable_environment_is_no_tmpdir_and_no_default() {
    let mut hidden = build(process(2, 7));
    hidden.variables = Err(GapWhy::Denied);
    let found = claims(vec![hidden], &Asked::default());
    assert_eq!(found.hidden, 1);
    let tmp = found.by_key.iter().find(|(key, _)| key.place.path == "/tmp".into()).unwrap().1;
    assert_eq!(tmp.reasons, BTreeSet::from([Reason::Fallback]));
    assert!(!tmp.is_build, "nobody knows that it uses /tmp");
}

#[test]
fn processes_without_namespace_are_counted_once() {
    let mut lost = build(process(2, 7));
    lost.mount_ns = Err(GapWhy::Denied);
    let found = claims(vec![lost], &Asked::default());
    assert_eq!((found.lost.len(), found.by_key.len()), (1, 0));
}

#[test]
fn kernel_threads_and_zombies_have_no_temp_dir() {
    let (mut kernel, mut zombie) = (process(2, 0), process(3, 0));
    kernel.kernel = true;
    zombie.state = 'Z';
    assert_eq!(claims(vec![kernel, zombie], &Asked::default()).by_key.len(), 0);
}

#[test]
fn named_directories_are_seen_by_ourselves_and_by_those_asked_for() {
    let asked = Asked { pids: [2].into(), dirs: vec!["/srv".into()], ..Asked::default() };
    let found = claims(vec![process(2, 7), process(3, 7), process(99, 0)], &asked);
    let srv = found.by_key.iter().filter(|(key, _)| key.place.path == "/srv".into());
    let pids: Vec<Pid> = srv.flat_map(|(_, claim)| claim.pids.iter().copied()).collect();
    assert_eq!(pids, [99, 2], "uid 0 sorts first");
}

#[test]
fn what_works_for_us_is_nobody_and_neither_are_we_where_others_are() {
    let arguments = |process: Process, words: &[&str]| Process {
        arguments: Ok(words.iter().map(|word| (*word).into()).collect()),
        ..process
    };
    let child = |pid| Process { parent: 99, ..process(pid, 7) };
    let own = arguments(Process { parent: 98, ..process(99, 7) }, &["tmpmedic"]);
    let keeper = arguments(process(98, 7), &["tmpmedic"]);
    let helper = arguments(child(3), &["tmpmedic", "__helper", "worker"]);
    let below = arguments(Process { parent: 3, ..process(4, 8) }, &["tmpmedic", "__helper", "probe"]);
    let shell = arguments(child(5), &["bash"]);
    let stranger = arguments(process(6, 9), &["tmpmedic", "__helper", "probe"]);
    let hands = [own.clone(), keeper, helper, below];
    let pids = |processes: Vec<Process>| -> BTreeSet<Pid> {
        let found = claims(processes, &Asked::default());
        found.by_key.values().flat_map(|claim| claim.pids.iter().copied()).collect()
    };
    assert_eq!(pids(hands.to_vec()), [99].into(), "alone, we are somebody");
    let tmp = |processes: Vec<Process>| {
        let found = claims(processes, &Asked::default());
        let tmp = found.by_key.into_iter().filter(|(key, _)| key.place.path == "/tmp".into());
        tmp.flat_map(|(_, claim)| claim.pids).collect::<BTreeSet<Pid>>()
    };
    assert_eq!(tmp([&hands[..], &[shell, stranger]].concat()), [5, 6].into());
}
