//! Actions that several rules offer, with commands that can be pasted.

use crate::model::finding::{Action, Risk};
use crate::model::process::Pid;
use crate::model::raw_path::RawPath;
use crate::rules::cohort::Cohort;

/// Commands for a person to run after thinking; tmpmedic runs none of them.
pub fn guide(title: impl Into<String>, risk: Risk, by_hand: Vec<String>) -> Action {
    Action { id: "guide-only".to_owned(), title: title.into(), risk, reversible: false, by_hand }
}

/// The same, where it can be taken back.
pub fn guide_back(title: impl Into<String>, risk: Risk, by_hand: Vec<String>) -> Action {
    Action { reversible: true, ..guide(title, risk, by_hand) }
}

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
    }
}

/// Finding out what fills a file system.
pub fn find_what_fills(cohort: &Cohort<'_>) -> Action {
    let point = cohort.mount().map_or_else(|| cohort.path(), |m| m.point.clone());
    let top = crate::rules::cohort::reach(cohort.now, cohort.lead, &point).quoted();
    guide(
        "find what fills the file system; deleted files that are still open do not show in du",
        Risk::None,
        vec![
            format!("du -xh --max-depth=3 {top} 2>/dev/null | sort -h | tail -n 30"),
            "journalctl --disk-usage; command -v docker >/dev/null && docker system df".to_owned(),
        ],
    )
}

/// A drop-in for a unit, and a restart: the running jobs die. Scopes and slices take no such settings.
pub fn drop_in(unit: &str, name: &str, setting: &str) -> Option<Action> {
    if !unit.ends_with(".service") {
        return None;
    }
    let dir = RawPath::from(format!("/etc/systemd/system/{unit}.d").as_str()).quoted();
    let word = RawPath::from(unit).quoted();
    Some(guide_back(
        format!("set {setting} for {unit}, then restart it; its running jobs die"),
        Risk::Interrupts,
        vec![
            format!("mkdir -p {dir} && printf '[Service]\\n{setting}\\n' > {dir}/{name}.conf"),
            format!("systemctl daemon-reload && systemctl restart {word}"),
        ],
    ))
}

/// `mount -o remount,OPTION` of a mount point as a process sees it.
pub fn remount(pid: Pid, point: &RawPath, option: &str) -> String {
    format!("nsenter -t {pid} -m mount -o remount,{option} {}", point.quoted())
}
