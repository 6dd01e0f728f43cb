//! What the journal says, in the words of the field.

use crate::cmd::clean::{Row, rows_between};
use crate::exec::undo::Step;
use crate::model::journal::{Change, Done, Figures};
use crate::model::units::Entries;
use crate::remedies::CLEAN;
use crate::report::safe;

use super::book::Entry;

/// The row of a table that every work has.
const PROBE: &str = "temp dir can be made";

/// What was done. A beginning can only say what was to be done.
pub fn title(entry: &Entry<'_>) -> String {
    let begin = entry.begin;
    if begin.action != CLEAN {
        return begin.title.clone();
    }
    let counts = entry.counts;
    let (count, how) = match counts.removals {
        0 => (counts.taken, "put aside"),
        _ => (counts.gone, "removed for good"),
    };
    let count = Entries(count);
    // All of them is one figure, not two.
    let all = begin.title.strip_prefix(&format!("of {count} "));
    all.map_or_else(|| format!("{count} {} {how}", begin.title), |rest| format!("{count} {rest} {how}"))
}

/// Whether a step is done.
pub fn is_done(step: &Step) -> bool {
    matches!(step.done, Some(Done::Done { .. }))
}

/// Whether a step was not begun because somebody stopped the work before it.
pub fn is_stopped(step: &Step) -> bool {
    matches!(&step.done, Some(Done::Kept { why }) if why.starts_with("stopped"))
}

/// What became of a step, in one word, and why where it needs a reason.
pub fn outcome(done: Option<&Done>) -> (&'static str, Option<String>) {
    match done {
        None => ("unknown", None),
        Some(Done::Done { .. }) => ("done", None),
        Some(Done::Kept { why }) => ("kept", Some(why.clone())),
        Some(Done::Failed { why, .. }) => ("failed", Some(why.clone())),
    }
}

/// The kind of a change, for programs.
pub fn kind(change: &Change) -> &'static str {
    match change {
        Change::Quarantine { .. } => "quarantine",
        Change::GiveBack { .. } => "give-back",
        Change::Purge { .. } => "purge",
        Change::Mode { .. } => "mode",
        Change::Owner { .. } => "owner",
        Change::MakeDir { .. } => "make-dir",
        Change::Made { .. } => "made",
        Change::Write { .. } => "write",
        Change::Unlink { .. } => "unlink",
        Change::Call { .. } => "call",
    }
}

/// What a change is about, for programs.
pub fn what(change: &Change) -> String {
    match change {
        Change::Quarantine { name, slot, .. } => format!("{} -> {}", name.shown(), slot.shown()),
        Change::GiveBack { slot, name, .. } => format!("{} -> {}", slot.shown(), name.shown()),
        Change::Purge { slot, .. } => slot.shown(),
        Change::Mode { path, from, to, .. } => format!("{} {from:04o} -> {to:04o}", path.shown()),
        Change::Owner { path, from, to, .. } => {
            format!("{} {}:{} -> {}:{}", path.shown(), from.0, from.1, to.0, to.1)
        }
        Change::MakeDir { path, mode, uid, gid } => format!("{} {mode:04o} {uid}:{gid}", path.shown()),
        Change::Made { path, .. } | Change::Write { path, .. } | Change::Unlink { path, .. } => path.shown(),
        Change::Call { line } => safe(line),
    }
}

/// What a step did, or what it was to do where it is not done.
pub fn sentence(step: &Step) -> String {
    let is_done = is_done(step);
    let verb = |done: &'static str, undone: &'static str| if is_done { done } else { undone };
    match &step.change {
        Change::Quarantine { name, slot, .. } => {
            // "put" is both.
            format!("put {} aside, as {} in the quarantine", name.shown(), slot.shown())
        }
        Change::GiveBack { name, .. } => format!("{} {} back", verb("gave", "give"), name.shown()),
        Change::Purge { slot, .. } => {
            format!("{} {} from the quarantine for good", verb("removed", "remove"), slot.shown())
        }
        Change::Mode { path, from, to, .. } => {
            format!("{} the mode of {} from {from:04o} to {to:04o}", verb("changed", "change"), path.shown())
        }
        Change::Owner { path, from, to, .. } => format!(
            "{} {} to uid {}, gid {}; it was of uid {}, gid {}",
            verb("gave", "give"),
            path.shown(),
            to.0,
            to.1,
            from.0,
            from.1
        ),
        Change::MakeDir { path, mode, uid, gid } => {
            let whose = if uid == gid { format!("uid {uid}") } else { format!("uid {uid}, gid {gid}") };
            format!("{} directory {}, mode {mode:04o} of {whose}", verb("made", "make"), path.shown())
        }
        Change::Made { path, .. } => {
            format!("{} which directory {} is, for the undo", verb("noted", "note"), path.shown())
        }
        Change::Write { path, from: None, .. } => format!("{} {}", verb("wrote", "write"), path.shown()),
        Change::Write { path, to, .. } if to.as_bytes().is_empty() => {
            format!("{} {}", verb("removed", "remove"), path.shown())
        }
        Change::Write { path, .. } => format!("{} {} anew", verb("wrote", "write"), path.shown()),
        Change::Unlink { path, .. } => {
            format!("{} {}; what stood in it is kept here", verb("removed", "remove"), path.shown())
        }
        Change::Call { line } => called(line, verb),
    }
}

/// What a call did. It is written down as the command that would do the same, and every command that tmpmedic writes down
/// has its words here; any other is told as it is.
fn called(line: &str, verb: impl Fn(&'static str, &'static str) -> &'static str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let told = match words[..] {
        ["systemctl", "restart", "--", unit] => format!("{} {unit}", verb("restarted", "restart")),
        ["systemctl", "daemon-reload"] => format!("{} systemd read its unit files again", verb("had", "let")),
        ["rmdir", path] => format!("{} directory {path}", verb("removed", "remove")),
        ["kill", "-TERM", pid, ..] => {
            format!("{} process {}", verb("ended", "end"), pid.trim_end_matches(';'))
        }
        ["install", "-d", "-m", outer, parent, "&&", "install", "-d", "-m", mode, path] => format!(
            "{} directory {path}, mode {mode} of uid 0, in {parent}, mode {outer} of uid 0",
            verb("made", "make")
        ),
        ["nsenter", "-t", pid, "-m", "sh", "-c", .., "mount", "--bind", source, point] => format!(
            "{} {source} on {} in the mount namespace of pid {pid}, in place of the dead one",
            verb("mounted", "mount"),
            point.trim_end_matches('\'')
        ),
        _ => format!("{} {line}", verb("ran", "run")),
    };
    safe(&told)
}

/// The lines of before → after that say something. A treatment counts nothing: it only tells whether a temp dir can be made.
pub fn rows(before: &Figures, after: &Figures) -> impl Iterator<Item = Row> {
    let is_counted = |figures: &Figures| figures.inodes.is_some() || figures.entries.is_some();
    let all = is_counted(before) || is_counted(after);
    rows_between(before, after).into_iter().filter(move |(what, ..)| all || *what == PROBE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mount::Device;
    use crate::model::plan::ObjectId;
    use crate::model::vantage::Kind;

    fn done(change: Change) -> Step {
        Step { change, done: Some(Done::Done { changed: None }) }
    }

    fn call(line: &str) -> Step {
        done(Change::Call { line: line.to_owned() })
    }

    #[test]
    fn a_step_is_told_by_what_it_did_and_not_by_its_command() {
        let make = Change::MakeDir { path: "/x".into(), mode: 0o700, uid: 1000, gid: 1000 };
        assert_eq!(sentence(&done(make.clone())), "made directory /x, mode 0700 of uid 1000");
        assert_eq!(sentence(&Step { change: make, done: None }), "make directory /x, mode 0700 of uid 1000");
        let device = Device { major: 254, minor: 1 };
        let object = ObjectId { mount_id: 1, device, inode: 2, kind: Kind::Directory, born: None };
        let mode = Change::Mode { path: "/tmp".into(), object, from: 0o755, to: 0o1777 };
        assert_eq!(sentence(&done(mode)), "changed the mode of /tmp from 0755 to 1777");
        let (name, slot) = ("go-build1".into(), "1-0".into());
        let aside = Change::Quarantine { name, object, slot, bytes: None };
        assert_eq!(sentence(&done(aside)), "put go-build1 aside, as 1-0 in the quarantine");
    }

    #[test]
    fn every_command_that_is_written_down_has_its_words() {
        for (line, told) in [
            ("systemctl restart -- a.service", "restarted a.service"),
            ("systemctl daemon-reload", "had systemd read its unit files again"),
            ("rmdir /mnt/tmp", "removed directory /mnt/tmp"),
            ("kill -TERM 812", "ended process 812"),
            ("kill -TERM 812; timeout 10 tail --pid=812 -f /dev/null || kill -KILL 812", "ended process 812"),
            (
                "install -d -m 0700 /tmp/systemd-private-1 && install -d -m 1777 /tmp/systemd-private-1/tmp",
                "made directory /tmp/systemd-private-1/tmp, mode 1777 of uid 0, in /tmp/systemd-private-1, mode 0700 of uid 0",
            ),
            (
                "nsenter -t 7 -m sh -c 'umount -l /tmp && mount --bind /tmp/systemd-private-1/tmp /tmp'",
                "mounted /tmp/systemd-private-1/tmp on /tmp in the mount namespace of pid 7, in place of the dead one",
            ),
            ("true", "ran true"),
        ] {
            assert_eq!(sentence(&call(line)), told);
        }
    }
}
