//! What is offered about a directory and the file system below it.

use super::guide;
use crate::model::finding::{Action, Risk};
use crate::model::process::Pid;
use crate::model::raw_path::RawPath;
use crate::model::treatment::{Aim, Rights};
use crate::rules::cohort::Cohort;
use crate::rules::place;
use crate::rules::spot::Spot;

/// Looking through what is idle in a temp dir.
///
/// The commands list and do not remove: a directory's own stamps say nothing about what is written deep inside it, and
/// `rm -r` walks into bind mounts of the same file system.
pub fn clean(dir: &RawPath) -> Action {
    let dir = dir.quoted();
    Action {
        id: "clean".to_owned(),
        title: format!("remove idle temp entries in {dir} that nobody holds; first look at what is idle"),
        risk: Risk::RemovesData,
        reversible: true,
        by_hand: vec![
            format!(
                "find {dir} -xdev -mindepth 1 -maxdepth 1 -amin +1440 -mmin +1440 -cmin +1440 ! -name 'systemd-private-*' -printf '%TF %u %p\\n' | sort"
            ),
            format!("du -xh --max-depth=1 {dir} | sort -h | tail -n 20"),
        ],
        aim: None,
    }
}

/// Finding out what fills a file system.
pub fn find_what_fills(cohort: &Cohort<'_>) -> Action {
    let point = cohort.mount().map_or_else(|| cohort.path(), |m| m.point.clone());
    let top = place::reach(cohort.now, cohort.lead, &point).quoted();
    guide(
        "find what fills the file system; deleted files that are still open do not show in du",
        Risk::None,
        vec![
            format!("du -xh --max-depth=3 {top} 2>/dev/null | sort -h | tail -n 30"),
            "journalctl --disk-usage; command -v docker >/dev/null && docker system df".to_owned(),
        ],
    )
}

/// Makes a directory so that the users of the spot can write there.
pub fn make_temp_dir(spot: &Spot<'_>, path: &RawPath) -> Action {
    let who = &spot.vantage.credentials;
    let alone = spot.party.pids.len() == 1 || spot.party.unit.is_some() || spot.party.container.is_some();
    // One user gets a directory of its own; a shared one needs the mode of /tmp.
    let (rights, of) = if alone && who.uid != 0 && *path != "/tmp".into() {
        (Rights { mode: 0o700, uid: who.uid, gid: who.gid }, format!(" for {}", who.shown()))
    } else {
        (Rights::SHARED, String::new())
    };
    let by_hand = match rights {
        Rights::SHARED => "-m 1777 -o root -g root".to_owned(),
        Rights { mode, uid, gid } => format!("-m {mode:04o} -o {uid} -g {gid}"),
    };
    Action {
        id: "make-temp-dir".to_owned(),
        title: format!("make {}{of}; whoever removed it may do so again", path.shown()),
        risk: Risk::None,
        reversible: true,
        by_hand: vec![format!("install -d {by_hand} {}", spot.reached(path).quoted())],
        aim: Some(Aim::Directory { by: spot.pid(), path: path.clone(), rights }),
    }
}

/// `mount -o remount,OPTION` of a mount point as a process sees it.
pub fn remount(pid: Pid, point: &RawPath, option: &str) -> String {
    format!("nsenter -t {pid} -m mount -o remount,{option} {}", point.quoted())
}
