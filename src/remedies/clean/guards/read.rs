//! `read`: whether somebody who could not be read may hold it. Asked last: what stays for this alone goes as soon as somebody with
//! more rights has looked, or the user takes it upon himself.

use super::super::scene::Scene;
use super::{Guard, Reasons};
use crate::model::plan::Candidate;
use crate::model::raw_path::RawPath;
use crate::model::reading::GapWhy;
use crate::model::surroundings::{Stranger, Within};

/// So many are named one by one.
const NAMED: usize = 2;

/// See the module's header.
pub const GUARD: Guard = Guard {
    id: "read",
    holds: "whoever may hold it could be read, or the user takes that upon himself",
    kept: "perhaps held: not seen",
    why: "perhaps held by somebody who cannot be read",
    reasons: Reasons::One,
    keeps: unread,
};

fn unread(candidate: &Candidate, scene: &Scene<'_>) -> Option<String> {
    let around = scene.surroundings;
    around.hidden(Within::of(&candidate.tree), scene.wishes)?;
    let who = strangers(&around.strangers, scene.own).or_else(|| {
        around.unread.first().map(|gap| format!("{} cannot be read ({})", gap.what, gap.why.shown()))
    });
    Some(format!("not known whether it is held: {}; --assume-unheld takes the risk", who.unwrap_or_default()))
}

/// Who could not be read, in one clause: the few by name, the many by their users.
pub fn strangers(all: &[Stranger], own: u32) -> Option<String> {
    if all.is_empty() {
        return None;
    }
    let mine = |stranger: &&Stranger| stranger.uid == Some(own) && own != 0;
    if all.len() <= NAMED {
        let each: Vec<String> = all.iter().map(named).collect();
        return Some(each.join(", and "));
    }
    let count = |is: &dyn Fn(&&Stranger) -> bool| all.iter().filter(is).count();
    let root = count(&|stranger| stranger.uid == Some(0));
    let yours = count(&mine);
    let others = all.len() - root - yours;
    let parts = [(root, "of root"), (others, "of other users"), (yours, "of yours that show nothing")];
    let parts: Vec<String> =
        parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, whose)| format!("{n} {whose}")).collect();
    Some(format!("{} processes cannot be read ({})", all.len(), parts.join(", ")))
}

fn named(stranger: &Stranger) -> String {
    let whose = match stranger.uid {
        Some(0) => ", of root".to_owned(),
        Some(uid) => format!(", of uid {uid}"),
        None => String::new(),
    };
    let program = RawPath::from(stranger.program.as_str()).shown();
    let why = match &stranger.why {
        GapWhy::Absent => "its first thread has ended, others run".to_owned(),
        why => why.shown(),
    };
    format!("pid {} ({program}{whose}) cannot be read: {why}", stranger.pid)
}

#[cfg(test)]
mod tests {
    use super::super::stage::{DAY, NOW, Stage, stage, stale};
    use super::*;
    use crate::model::plan::{Tree, Tried};
    use crate::model::reading::Gap;
    use crate::model::surroundings::ClaimKind;
    use crate::model::units::WallNanos;

    fn stranger(pid: u32, uid: u32) -> Stranger {
        Stranger { uid: Some(uid), pid, program: "sshd".into(), why: GapWhy::Denied }
    }

    fn blind(mut stage: Stage) -> Stage {
        stage.surroundings.unread.push(Gap::new("open files of 3 processes", GapWhy::Denied));
        stage.surroundings.strangers = vec![stranger(1, 0), stranger(8, 1001), stranger(9, 1001)];
        stage
    }

    fn assuming(mut stage: Stage) -> Stage {
        stage.wishes.assume_unheld = true;
        stage
    }

    #[test]
    fn who_could_not_be_read_keeps_it_until_the_user_takes_it_upon_himself() {
        let why = "3 processes cannot be read (1 of root, 2 of other users); --assume-unheld";
        blind(stage()).keeps(stale(), why);
        assuming(blind(stage())).removes(stale());
    }

    #[test]
    fn nothing_else_is_taken_upon_oneself() {
        use ClaimKind::{BindSource, CommandLine, Cwd, Exe, Fd, Lock, LoopFile, Map, MountPoint};
        use ClaimKind::{NamedPid, OverlayLayer, Root, Socket, Swap, Tmpfiles, Variable};
        let held = [CommandLine, Cwd, Exe, Fd, Lock, Map, NamedPid, Root, Socket, Variable];
        let other = [BindSource, LoopFile, MountPoint, OverlayLayer, Swap, Tmpfiles];
        for kind in held.into_iter().chain(other) {
            assuming(blind(Stage::claimed(kind))).keeps(stale(), "");
        }
        for what in [
            "mount table of pid 7",
            "/proc/locks",
            "/proc",
            "backing files of loop devices",
            "/etc/tmpfiles.d",
        ] {
            let mut stage = assuming(blind(stage()));
            stage.surroundings.gaps.push(Gap::new(what, GapWhy::Denied));
            stage.keeps(stale(), &format!("not known whether it is held: {what}: permission denied"));
        }
        for locked in [Tried::Taken, Tried::Unknown("EIO".into())] {
            assuming(blind(stage())).keeps(Candidate { locked, ..stale() }, "lock");
        }
        let young = Tree { newest: WallNanos(NOW - DAY / 2), ..stale().tree };
        assuming(blind(stage())).keeps(Candidate { tree: young, ..stale() }, "touched");
    }

    #[test]
    fn a_table_of_sockets_speaks_for_what_holds_a_socket_and_for_nothing_else() {
        let mut stage = assuming(stage());
        stage.surroundings.sockets.push(Gap::new("bound unix sockets (sock_diag)", GapWhy::Denied));
        stage.removes(stale());
        let tree = Tree { has_sockets: true, ..stale().tree };
        stage.keeps(Candidate { tree, ..stale() }, "bound unix sockets");
    }

    #[test]
    fn what_stays_for_another_reason_does_not_stay_for_this() {
        let young = Tree { newest: WallNanos(NOW - DAY / 2), ..stale().tree };
        blind(stage()).keeps(Candidate { tree: young, ..stale() }, "touched");
    }

    #[test]
    fn a_few_are_named_with_their_reasons() {
        let mut headless = stranger(812, 1000);
        headless.why = GapWhy::Absent;
        assert_eq!(
            strangers(&[stranger(7, 0), headless], 0).unwrap(),
            "pid 7 (sshd, of root) cannot be read: permission denied, and pid 812 (sshd, of uid 1000) cannot be \
             read: its first thread has ended, others run"
        );
        let many = [stranger(7, 0), stranger(8, 1000), stranger(9, 1000)];
        let told = strangers(&many, 1000).unwrap();
        assert_eq!(told, "3 processes cannot be read (1 of root, 2 of yours that show nothing)");
        assert_eq!(strangers(&[], 0), None);
    }
}
