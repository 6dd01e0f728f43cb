#![expect(clippy::disallowed_methods, reason = "a test looks at its own private directory by path")]

use std::os::fd::AsFd;

use super::*;
use crate::exec::stage::{Says, Stage};
use crate::exec::undo;
use crate::model::reading::{Gap, GapWhy};
use crate::model::surroundings::{Claim, ClaimKind};

/// More than the first three batches together.
const MANY: usize = 1_500;

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("e{n:05}")).collect()
}

fn filled(count: usize) -> (Stage, Plan) {
    let (stage, names) = (Stage::new(), names(count));
    for (n, name) in names.iter().enumerate() {
        if n % 2 == 0 {
            std::fs::write(stage.path(name), name).unwrap();
        } else {
            std::fs::create_dir_all(stage.path(name).join("a/b/c")).unwrap();
            std::fs::write(stage.path(name).join("a/b/x"), name).unwrap();
        }
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let plan = stage.plan(&names);
    (stage, plan)
}

fn held() -> Claim {
    Claim { kind: ClaimKind::Cwd, pid: None, program: None, party: None, shown: "/q/1-0".into() }
}

fn on(_: Progress) -> Flow {
    Flow::On
}

#[test]
fn a_plan_of_many_batches_is_carried_out_whole_and_can_be_taken_back() {
    let (stage, plan) = filled(MANY);
    let swept = stage.sweep(&plan, &mut Says::default(), &mut on);
    let taken: Vec<String> = swept.taken.iter().map(|(name, _)| name.shown()).collect();
    assert_eq!((taken, &swept.kept[..], &swept.failed[..]), (names(MANY), &[][..], &[][..]));
    let (mut journal, records) = stage.journal();
    let aside = undo::still_taken(&records, WorkId(1));
    stage.begin(&mut journal, WorkId(2));
    let ends = (stage.place.as_fd(), &stage.quarantine);
    let undone = undo::give_back(&mut journal, &aside, WorkId(2), ends).unwrap();
    assert_eq!((undone.back.len(), undone.left.len()), (MANY, 0));
    for (n, name) in names(MANY).iter().enumerate() {
        let file = if n % 2 == 0 { stage.path(name) } else { stage.path(name).join("a/b/x") };
        assert_eq!(std::fs::read_to_string(file).unwrap(), *name);
    }
}

#[test]
fn what_is_removed_for_good_by_two_threads_is_gone_and_nothing_else() {
    let (stage, mut plan) = filled(MANY);
    std::fs::write(stage.path("beside"), "kept").unwrap();
    plan.wishes.delete = true;
    let swept = stage.sweep(&plan, &mut Says::default(), &mut on);
    let removed: Vec<String> = swept.removed.iter().map(RawPath::shown).collect();
    assert_eq!((removed, &swept.failed[..], swept.stopped), (names(MANY), &[][..], false));
    assert_eq!(swept.objects.0, (MANY / 2 + MANY / 2 * 5) as u64);
    assert_eq!(std::fs::read_dir(stage.path(".q")).unwrap().count(), 0);
    assert_eq!(std::fs::read_to_string(stage.path("beside")).unwrap(), "kept");
}

#[test]
fn looks_at_the_machine_ask_about_each_entry_once_on_either_side() {
    let (stage, plan) = filled(MANY);
    let mut says = Says::default();
    stage.sweep(&plan, &mut says, &mut on);
    let of =
        |path: &str| says.asked.iter().filter(|(at, _)| *at == path.into()).map(|(_, count)| *count).sum();
    let asked: [usize; 2] = [of("/q"), of("/tmp")];
    assert_eq!(asked, [MANY, MANY]);
    // How large the batches are is a matter of how fast the machine is.
    assert!(says.asked.len() < MANY / 20, "{} looks at the machine", says.asked.len());
}

#[test]
fn stops_after_the_entry_at_which_it_is_told_in_whatever_batch() {
    for end in [1_u64, 64, 65, 700] {
        let (stage, plan) = filled(1_000);
        let mut stop = |at: Progress| if at.done == end { Flow::Stop } else { Flow::On };
        let swept = stage.sweep(&plan, &mut Says::default(), &mut stop);
        assert!(swept.stopped);
        assert_eq!(swept.taken.len() as u64, end);
        let left = std::fs::read_dir(stage.path("")).unwrap().count() as u64;
        assert_eq!(left, 1_000 - end + 1, "the others and the quarantine");
    }
}

#[test]
fn where_nobody_knows_who_took_hold_of_it_in_the_meantime_it_goes_back() {
    let (stage, mut plan) = filled(3);
    let unread = vec![Gap::new("open files of 1 process", GapWhy::Denied)];
    let swept = stage.sweep(&plan, &mut Says { unread: unread.clone(), ..Says::default() }, &mut on);
    assert_eq!((swept.taken.len(), swept.kept.len()), (0, 3));
    assert!(swept.kept[0].1.contains("open files of 1 process"), "{:?}", swept.kept);
    assert!(stage.path("e00001/a/b/x").exists());
    plan.wishes.assume_unheld = true;
    let (stage, again) = filled(3);
    let plan = Plan { wishes: plan.wishes, ..again };
    let swept = stage.sweep(&plan, &mut Says { unread, ..Says::default() }, &mut on);
    assert_eq!(swept.taken.len(), 3, "{:?}", swept.kept);
    let (stage, again) = filled(3);
    let plan = Plan { wishes: plan.wishes, ..again };
    let gaps = vec![Gap::new("mount table of pid 7", GapWhy::Denied)];
    let swept = stage.sweep(&plan, &mut Says { gaps, ..Says::default() }, &mut on);
    assert_eq!(swept.taken.len(), 0, "no risk is taken with what is no process");
}

#[test]
fn what_became_fresh_between_look_and_claim_is_not_removed_for_good_but_goes_back() {
    let (stage, mut plan) = filled(6);
    plan.wishes.delete = true;
    let (dir, file, gone) = (stage.path("e00001/a/b/new"), stage.path("e00002"), stage.path("e00003/a/b/x"));
    let mode = stage.path("e00005");
    let meanwhile = Some(Box::new(move || {
        std::fs::write(dir, "precious").unwrap();
        std::fs::write(file, "anew").unwrap();
        std::fs::remove_file(gone).unwrap();
        std::fs::set_permissions(mode, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    }) as Box<dyn FnOnce()>);
    let swept = stage.sweep(&plan, &mut Says { meanwhile, ..Says::default() }, &mut on);
    let removed: Vec<String> = swept.removed.iter().map(RawPath::shown).collect();
    assert_eq!(removed, ["e00000", "e00004"]);
    let kept: Vec<String> = swept.kept.iter().map(|(name, _)| name.shown()).collect();
    assert_eq!(kept, ["e00001", "e00002", "e00003", "e00005"]);
    assert!(swept.kept.iter().all(|(_, why)| why.contains("has its place back")), "{:?}", swept.kept);
    assert_eq!(std::fs::read_to_string(stage.path("e00001/a/b/new")).unwrap(), "precious");
    assert_eq!(std::fs::read_to_string(stage.path("e00002")).unwrap(), "anew");
    assert_eq!(std::fs::read_dir(stage.path(".q")).unwrap().count(), 0);
}

#[test]
fn a_lock_taken_between_look_and_claim_is_asked_for_in_the_quarantine() {
    // Without an unread process whoever has a lock is seen by his descriptor; what goes for good is asked all the same.
    let unread = vec![Gap::new("open files of 1 process", GapWhy::Denied)];
    for (delete, unread) in [(false, unread.clone()), (true, unread), (true, Vec::new())] {
        let (stage, mut plan) = filled(3);
        (plan.wishes.delete, plan.wishes.assume_unheld) = (delete, true);
        let (keep, held) = std::sync::mpsc::channel();
        let paths = [stage.path("e00001"), stage.path("e00002")];
        let meanwhile = Some(Box::new(move || {
            for path in paths {
                let file = OwnedFd::from(std::fs::File::open(path).unwrap());
                crate::sys::hands::lock(&file).unwrap();
                keep.send(file).unwrap();
            }
        }) as Box<dyn FnOnce()>);
        let swept = stage.sweep(&plan, &mut Says { unread, meanwhile, ..Says::default() }, &mut on);
        assert_eq!(swept.taken.len() + swept.removed.len(), 1, "{:?}", swept.kept);
        assert!(swept.kept.iter().all(|(_, why)| why.contains("lock")), "{:?}", swept.kept);
        assert!(stage.path("e00001").exists() && stage.path("e00002").exists());
        drop(held);
    }
}

#[test]
fn what_cannot_go_back_stays_known_as_put_aside() {
    let (stage, plan) = filled(2);
    // Held by somebody, while its name is taken again.
    let claims = [("1-0".into(), vec![held()])].into();
    let path = stage.path("e00000");
    let mut step = |at: Progress| {
        if at.done == 2 {
            std::fs::write(&path, "somebody else's").unwrap();
        }
        Flow::On
    };
    let swept = stage.sweep(&plan, &mut Says { claims, ..Says::default() }, &mut step);
    assert!(swept.kept[0].1.contains("lies in the quarantine as 1-0"), "{:?}", swept.kept);
    let aside = undo::still_taken(&stage.records(), WorkId(1));
    assert_eq!(aside.len(), 2, "{aside:?}");
}

#[test]
fn wherever_a_removal_is_stopped_the_journal_has_aside_exactly_what_still_has_its_name_there() {
    let mut rests = 0;
    for end in 0..60 {
        let (stage, mut plan) = filled(6);
        plan.wishes.delete = true;
        let asked = std::cell::Cell::new(0);
        let goes_on = || {
            asked.set(asked.get() + 1);
            asked.get() <= end
        };
        let swept = stage.sweep_while(&plan, &mut Says::default(), &mut on, &goes_on);
        let names = std::fs::read_dir(stage.path(".q")).unwrap();
        let names: Vec<String> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        rests += names.iter().filter(|name| name.contains("-d")).count();
        let mut there: Vec<String> = names.into_iter().filter(|name| !name.contains("-d")).collect();
        there.sort();
        let aside = undo::still_taken(&stage.records(), WorkId(1));
        let mut aside: Vec<String> = aside.into_iter().map(|(slot, ..)| slot.shown()).collect();
        aside.sort();
        assert_eq!(aside, there, "after {end} questions: {swept:#?}");
    }
    assert!(rests > 0, "none was stopped in the middle of a tree");
}
