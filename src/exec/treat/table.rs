//! What a mount table says of a dead mount: what lies beneath it, what it forbids, and whether it is what went.

use super::ledger::Refused;
use crate::model::mount::Device;
use crate::model::raw_path::{RawPath, RawText};
use crate::sys::mount::{Forbids, Reads, Stamps};

/// Fields of a line. Source: proc_pid_mountinfo(5).
const ID: usize = 0;
const PARENT: usize = 1;
const DEVICE: usize = 2;
const ROOT: usize = 3;
const POINT: usize = 4;
const OPTIONS: usize = 5;

fn field(line: &[u8], at: usize) -> Option<&[u8]> {
    line.split(|b| *b == b' ').nth(at)
}

/// Whether an earlier run was interrupted before its last step: the dead mount stands on one of the fresh directory. The
/// name of that directory has a random ending, so on one device it is no other one's.
pub fn is_beneath(table: &[u8], dead: &RawText, (fresh, device): (&RawPath, Device)) -> bool {
    let mut names = fresh.as_bytes().rsplit(|b| *b == b'/');
    let (Some(last), Some(name)) = (names.next(), names.next()) else { return false };
    let end = [b"/", name, b"/", last].concat();
    let parent = field(dead.as_bytes(), PARENT);
    let device = format!("{}:{}", device.major, device.minor);
    parent.is_some()
        && table.split(|b| *b == b'\n').any(|line| {
            field(line, ID) == parent
                && field(line, DEVICE) == Some(device.as_bytes())
                && field(line, ROOT).is_some_and(|root| root.ends_with(&end))
                && field(line, POINT) == field(dead.as_bytes(), POINT)
        })
}

/// Whether of the mounts on that point the dead one has gone, and no other.
///
/// # Errors
/// What went, or stayed: it has happened.
pub fn went(before: &[u8], after: &[u8], dead: &RawText) -> Result<(), Refused> {
    let (id, point) = (field(dead.as_bytes(), ID), field(dead.as_bytes(), POINT));
    let stays = |line: &[u8]| after.split(|b| *b == b'\n').any(|other| field(other, ID) == field(line, ID));
    let here = before.split(|b| *b == b'\n').filter(|line| !line.is_empty() && field(line, POINT) == point);
    let others = here.filter(|line| field(line, ID) != id && !stays(line));
    let others: Vec<String> = others.map(|line| format!("`{}`", RawText::new(line).shown())).collect();
    let has_gone = !stays(dead.as_bytes());
    let point = RawText::new(point.unwrap_or_default()).shown();
    let why = match (has_gone, others.is_empty()) {
        (true, true) => return Ok(()),
        (true, false) => format!("with the dead mount on {point} another one went: {}", others.join(", ")),
        (false, true) => format!(
            "the dead mount on {point} is still there: what somebody mounted over it in that moment was taken off instead"
        ),
        (false, false) => {
            format!("the dead mount on {point} is still there: {} was taken off instead", others.join(", "))
        }
    };
    Err(Refused::Failed(None, why))
}

/// The options of a mount, by its line of the mount table; without a word about access times each read is stamped.
pub fn options(line: &RawText) -> (Forbids, Stamps) {
    let options = field(line.as_bytes(), OPTIONS).unwrap_or_default();
    let has = |word: &[u8]| options.split(|b| *b == b',').any(|option| option == word);
    let forbids = Forbids {
        write: has(b"ro"),
        suid: has(b"nosuid"),
        dev: has(b"nodev"),
        exec: has(b"noexec"),
        links: has(b"nosymfollow"),
    };
    let reads = match (has(b"noatime"), has(b"relatime")) {
        (true, _) => Reads::Never,
        (false, true) => Reads::Relative,
        (false, false) => Reads::All,
    };
    (forbids, Stamps { reads, no_directories: has(b"nodiratime") })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEAD: &str = "70 30 0:40 /systemd-private-0-r.service-x/tmp//deleted /tmp rw - tmpfs lab rw";
    const BELOW: &str = "30 1 0:30 / / rw - ext4 /dev/vda rw";
    const NEWER: &str = "90 70 0:41 / /tmp rw - tmpfs newcomer rw";

    fn told(before: &[&str], after: &[&str]) -> Option<String> {
        let text = |lines: &[&str]| format!("{}\n", lines.join("\n")).into_bytes();
        let went = went(&text(before), &text(after), &DEAD.into());
        went.err().map(|refused| {
            assert!(matches!(refused, Refused::Failed(..)), "what has happened is not taken for nothing");
            refused.why().to_owned()
        })
    }

    #[test]
    fn the_options_of_the_dead_mount_are_those_of_the_live_one() {
        let of = |words: &str| {
            options(&format!("70 30 0:40 /x//deleted /tmp {words} - tmpfs lab rw").as_str().into())
        };
        let (none, relative) = (Forbids::default(), Stamps::default());
        assert_eq!(of("rw,relatime"), (none, relative));
        assert_eq!(of("ro,nosuid,relatime").0, Forbids { write: true, suid: true, ..none });
        assert_eq!(
            of("rw,nodev,noexec,nosymfollow").0,
            Forbids { dev: true, exec: true, links: true, ..none }
        );
        assert_eq!(of("rw,noatime,nodiratime").1, Stamps { reads: Reads::Never, no_directories: true });
        assert_eq!(of("rw").1.reads, Reads::All);
    }

    #[test]
    fn an_interrupted_run_is_known_by_the_name_of_its_fresh_directory() {
        let (fresh, device) =
            ("/tmp/systemd-private-0-r.service-x/tmp".into(), Device { major: 0, minor: 40 });
        let beneath = "30 1 0:40 /systemd-private-0-r.service-x/tmp /tmp rw - tmpfs lab rw";
        let is = |line: &str, device| {
            is_beneath(format!("{line}\n{DEAD}\n").as_bytes(), &DEAD.into(), (&fresh, device))
        };
        assert!(is(beneath, device));
        assert!(!is(BELOW, device), "it stands on the machine's own");
        assert!(!is(beneath, Device { minor: 41, ..device }), "the same name on another device");
    }

    #[test]
    fn only_the_dead_mount_may_go() {
        assert_eq!(told(&[BELOW, DEAD], &[BELOW]), None);
        let elsewhere = "91 30 0:42 / /srv rw - tmpfs x rw";
        assert_eq!(told(&[BELOW, DEAD, elsewhere], &[BELOW]), None, "what others do elsewhere is theirs");
        let instead = told(&[BELOW, DEAD, NEWER], &[BELOW, DEAD]).unwrap();
        assert!(instead.contains("newcomer") && instead.contains("instead"), "{instead}");
        let unseen = told(&[BELOW, DEAD], &[BELOW, DEAD]).unwrap();
        assert!(unseen.contains("is still there"), "{unseen}");
        let both = told(&[BELOW, DEAD, NEWER], &[BELOW]).unwrap();
        assert!(both.contains("newcomer") && both.contains("another one went"), "{both}");
    }
}
