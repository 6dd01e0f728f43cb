//! Plans, outcomes and a journal made of data, for the tests of the sheets.

use std::sync::Arc;
use std::time::Duration;

use tmpmedic::model::journal::WorkId;
use tmpmedic::model::reading::Reading;
use tmpmedic::model::treatment::{Aim, Ends};
use tmpmedic::model::units::{Bytes, Micros, Seconds, WallNanos};
use tmpmedic::model::work::{Came, Changed, Ending, Fate, Lot, Outcome, Pace, Prospect, Told, Wish, Worked};
use tmpmedic::tui::msg::{Effect, Look, Msg};
use tmpmedic::tui::{App, update};

use crate::frames::{press, seen, text};
use crate::scenes;
use crate::staged::{NOW, ago, whole};

/// Two dead runners, whose ways tmpmedic goes itself; the last way of each is only told.
pub fn treatable() -> Arc<Look> {
    let mut look = Look::clone(&scenes::two_dead_runners());
    for finding in look.diagnosis.found.iter_mut().filter(|f| f.id == "private-tmp-deleted") {
        finding.actions.swap(0, 1);
        finding.actions[0].aim = Some(Aim::DeadMount { pid: 4514, mount_id: 209 });
        finding.actions[1].aim = Some(Aim::Unit(finding.subject.name.clone()));
        let guide = tmpmedic::model::finding::Action {
            id: "guide-only".into(),
            title: "keep cleaners away from it: an x line in tmpfiles.d".into(),
            aim: None,
            ..finding.actions[0].clone()
        };
        finding.actions.push(guide);
    }
    Arc::new(look)
}

/// A screen of that size that shows it.
pub fn sick(size: (u16, u16)) -> App {
    let mut app = seen(&treatable(), size);
    update(&mut app, Msg::Tick(NOW));
    app
}

/// Fails where those words are not on screen.
pub fn shows(app: &App, words: &str) {
    assert!(text(app).contains(words), "{words} is not shown:\n{}", text(app));
}

/// What is on screen is there for a while.
pub fn read(app: &mut App) {
    let now = app.works.clock;
    update(app, Msg::Drawn(now));
    update(app, Msg::Wake(now + Duration::from_millis(300)));
}

/// The one plan that was asked for.
pub fn wished(effects: &[Effect]) -> Wish {
    let mut wishes = effects.iter().filter_map(|effect| match effect {
        Effect::Plan(wish) => Some(wish.clone()),
        _ => None,
    });
    let wish = wishes.next().expect("a plan must be asked for");
    assert!(wishes.next().is_none(), "only one");
    wish
}

/// Presses keys that ask for a plan, and answers with one.
pub fn planned(app: &mut App, keys: &str, make: impl FnOnce(Wish) -> Prospect) -> Vec<Effect> {
    let wish = wished(&press(app, keys));
    let prospect = Ok(Box::new(make(wish.clone())));
    update(app, Msg::Planned { wish, prospect })
}

/// The plan of screens: a fresh /tmp for a running service.
pub fn rebind(wish: Wish) -> Prospect {
    let step = |does: &str, by_hand: &str| Told { does: does.into(), by_hand: by_hand.into() };
    Prospect {
        wish,
        digest: "7c1f09aa".into(),
        expires: Some(WallNanos(NOW.0 + 600_000_000_000)),
        title: "Fix: /tmp of forgejo-runner@1.service is a deleted directory".into(),
        does: "Mount a fresh /tmp into the running service".into(),
        facts: vec!["interrupts nothing".into(), "lasts until its restart".into()],
        steps: vec![
            step(
                "make /tmp/systemd-private-0123-forgejo-runner@1.service-k2Xq9a/tmp, root 1777",
                "install -d -m 0700 /tmp/systemd-private-0123-forgejo-runner@1.service-k2Xq9a",
            ),
            step(
                "in the service's namespace: detach the dead /tmp, attach a clone of it",
                "nsenter -t 4514 -m sh -c 'umount -l /tmp && mount --bind /tmp/systemd-private-0123/tmp /tmp'",
            ),
            step("prove it: make and remove a temp dir as pid 4514", "tmpmedic probe --pid 4514 --dir /tmp"),
        ],
        going: vec![],
        staying: vec![],
        ends: vec![],
        notes: vec![
            "Cleaning /tmp will not help here. Re-creating the directory will not help either.".into(),
        ],
        word: None,
        barred: None,
    }
}

/// The same by a restart, which ends two processes.
pub fn restart(wish: Wish) -> Prospect {
    let ends = |pid, program: &str| Ends { pid, program: program.into() };
    Prospect {
        digest: "51de77c2".into(),
        does: "Restart forgejo-runner@1.service: systemd makes a fresh private /tmp".into(),
        facts: vec!["its running jobs die".into()],
        ends: vec![ends(4514, "forgejo-runner"), ends(4519, "cargo")],
        word: Some("restart".into()),
        ..rebind(wish)
    }
}

/// A clean-up.
pub fn clean(wish: Wish) -> Prospect {
    let Wish::Clean { wishes, .. } = &wish else { panic!("a clean-up is wished for: {wish:?}") };
    let lot = |what: &str, entries, bytes, oldest, samples: &[(&str, &str)]| Lot {
        what: what.into(),
        entries,
        bytes: Bytes(bytes),
        oldest: Some(Seconds(oldest)),
        samples: samples.iter().map(|(path, why)| ((*path).into(), (*why).into())).collect(),
    };
    let word = wishes.delete.then(|| "delete".to_owned());
    Prospect {
        digest: "c1ea0000".into(),
        title: "Clean up: /tmp".into(),
        does: if wishes.delete {
            "Remove idle entries of /tmp for good"
        } else {
            "Put idle entries of /tmp aside"
        }
        .into(),
        facts: vec!["interrupts nothing".into()],
        steps: vec![],
        going: vec![
            lot(
                "go-build",
                401,
                12 << 30,
                19 * 86_400,
                &[("/tmp/go-build1043", "idle for 19 d"), ("/tmp/go-build2244", "idle for 18 d")],
            ),
            lot("rustc", 97, 3 << 30, 9 * 86_400, &[]),
            lot("", 191, 41 << 20, 30 * 86_400, &[]),
        ],
        staying: vec![
            lot("younger than 1 d", 796, 2 << 30, 86_000, &[]),
            lot(
                "held by cargo (pid 4611) of forgejo-runner@3.service",
                4,
                700 << 20,
                3_600,
                &[("/tmp/rustc0kPqR7", "open by cargo (4611)")],
            ),
            lot("protected: systemd keeps it", 2, 0, 9 * 86_400, &[]),
        ],
        notes: vec!["A full disk gets no room by putting aside: d removes for good.".into()],
        word,
        ..rebind(wish)
    }
}

/// Half done.
pub fn half() -> Pace {
    Pace {
        phase: "putting aside".into(),
        steps: vec![],
        done: 491,
        of: Some(1_491),
        bytes: Bytes(3 << 30),
        took: Micros(4_000_000),
    }
}

/// It helped.
pub fn helped() -> Outcome {
    let line = |what: &str, before: &str, after: &str, change: &str| Changed {
        what: what.into(),
        before: before.into(),
        after: after.into(),
        change: change.into(),
    };
    Outcome {
        ending: Ending::Whole,
        headline: "forgejo-runner@1 can create temp dirs again (0.2 ms)".into(),
        work: Some(WorkId(7)),
        can_undo: true,
        steps: vec![Fate::Done, Fate::Done, Fate::Done],
        table: vec![
            line("probe as pid 4514", "ENOENT", "yes, 0.2 ms", ""),
            line("entries of /tmp", "1,491", "1,492", "+1"),
        ],
        refusals: vec![],
        notes: vec!["It lasts until the service is restarted; systemd makes its own then.".into()],
        report: "### Fix: /tmp of forgejo-runner@1.service is a deleted directory\n\ndone\n".into(),
    }
}

/// A part of it.
pub fn in_part() -> Outcome {
    Outcome {
        ending: Ending::Part,
        headline: "687 of 689 entries are put aside".into(),
        steps: vec![],
        refusals: vec![
            ("/tmp/go-build77".into(), "opened by cargo (4611) since it was planned".into()),
            ("/tmp/rustc\u{1b}[2J".into(), "another object has its name now".into()),
        ],
        ..helped()
    }
}

fn work(number: u64, days: i64, action: &str, title: &str) -> Worked {
    Worked {
        work: WorkId(number),
        time: ago(days * 86_400 + 60),
        who: "root (alice)".into(),
        action: action.into(),
        title: title.into(),
        finding: None,
        digest: "7c1f09aa".into(),
        steps: vec![("one".into(), Some(Fate::Done)), ("two".into(), Some(Fate::Done))],
        table: vec![],
        aside: 0,
        aside_bytes: Bytes(0),
        can_undo: false,
        undone_by: None,
        purged: None,
        came: Came { all: 2, done: 2, ..Came::default() },
    }
}

/// What was done: the newest can be taken back, one was, one is old and still put aside, one broke off.
pub fn journal() -> Reading<Vec<Worked>> {
    whole(vec![
        Worked {
            finding: Some("private-tmp-deleted".into()),
            can_undo: true,
            table: helped().table,
            ..work(9, 0, "rebind-private-tmp", "mount a fresh /tmp into forgejo-runner@1.service")
        },
        work(8, 1, "undo", "undo #6: mode of /var/tmp"),
        Worked {
            aside: 687,
            aside_bytes: Bytes(15 << 30),
            can_undo: true,
            came: Came { all: 2, done: 1, ..Came::default() },
            steps: vec![
                ("put aside /tmp/go-build1".into(), Some(Fate::Done)),
                ("put aside /tmp/go-build77".into(), Some(Fate::Kept("opened by cargo (4611)".into()))),
            ],
            ..work(7, 9, "clean", "clean-up of /tmp: 689 entries")
        },
        Worked { undone_by: Some(WorkId(8)), ..work(6, 10, "repair-mode", "make /var/tmp root 1777 again") },
        Worked {
            steps: vec![("restart forgejo-runner@2.service".into(), None)],
            came: Came { all: 1, unknown: 1, ..Came::default() },
            ..work(5, 11, "restart-unit", "restart forgejo-runner@2.service")
        },
    ])
}
