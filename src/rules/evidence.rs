//! Evidence: one fact with the words of its source and a command that shows it when pasted.

use crate::model::finding::Evidence;
use crate::model::log_line::LogLine;
use crate::model::mount::Mount;
use crate::model::probe::ProbeResult;
use crate::model::process::{Pid, Place};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::snapshot::Snapshot;
use crate::model::units::Bytes;
use crate::model::vantage::{Component, Facts, Kind, Vantage};
use crate::rules::scope::{self, Group};

/// The line of a mount table, verbatim.
pub fn mount_line(group: &Group<'_>, means: &str) -> Evidence {
    let pid = group.pids.first().copied().unwrap_or(group.namespace.witness);
    mount_line_of(pid, group.mount, means)
}

/// The line of a mount as `pid` sees it.
pub fn mount_line_of(pid: Pid, mount: &Mount, means: &str) -> Evidence {
    // Field 5 is octal-escaped in the file, so the command matches the text of the file, by awk on the mount id.
    Evidence {
        source: format!("/proc/{pid}/mountinfo"),
        observed: mount.line.clone(),
        means: means.to_owned(),
        by_hand: format!("awk '$1 == {}' /proc/{pid}/mountinfo", mount.id),
    }
}

/// The link count of a dead directory, where a vantage of the group shows it.
pub fn dead_links(now: &Snapshot, group: &Group<'_>) -> Option<Evidence> {
    let pid = scope::witness(now, &group.pids)?;
    let mine =
        |v: &&Vantage| v.mount_ns == group.namespace.id && v.pids.iter().any(|p| group.pids.contains(p));
    let vantage = scope::vantages_below(now, &group.mount.point).find(mine)?;
    let dir = vantage.walked.iter().find(|c| c.path == group.mount.point)?;
    let links = dir.facts.as_ref()?.links;
    (links == 0).then(|| {
        links_of(pid, dir, "a directory without links has no name left: nothing can be created in it")
    })
}

/// The link count of a component, as stat shows it.
pub fn links_of(pid: Pid, component: &Component, means: &str) -> Evidence {
    let links = component.facts.as_ref().map_or(0, |f| f.links);
    let path = inside(pid, &component.path);
    Evidence {
        source: format!("/proc/{pid}/root{}", component.path),
        observed: RawText::from(format!("links {links}").as_str()),
        means: means.to_owned(),
        by_hand: format!("stat -L -c 'links %h' {}", path.quoted()),
    }
}

/// Owner, mode and kind of a component, as stat shows them.
pub fn stat_of(pid: Pid, component: &Component, means: &str) -> Evidence {
    let observed = component.facts.as_ref().map_or_else(
        || component.error.map_or_else(|| "not looked at".to_owned(), |errno| errno.to_string()),
        |f| format!("{:04o} {}:{} links {}", f.mode, f.uid, f.gid, f.links),
    );
    let path = inside(pid, &component.path);
    Evidence {
        source: format!("/proc/{pid}/root{}", component.path),
        observed: RawText::from(observed.as_str()),
        means: means.to_owned(),
        by_hand: format!("stat -c '%04a %u:%g links %h' {}", path.quoted()),
    }
}

/// The kind of an object in the words of `stat -c %F`.
pub fn kind_of(facts: &Facts) -> &'static str {
    match facts.kind {
        Kind::File if facts.size == Bytes(0) => "regular empty file",
        Kind::File => "regular file",
        Kind::Directory => "directory",
        Kind::Link => "symbolic link",
        Kind::Socket => "socket",
        Kind::Fifo => "fifo",
        Kind::CharDevice => "character special file",
        Kind::BlockDevice => "block special file",
    }
}

/// A variable of a process, as its environment block holds it.
pub fn variable(pid: Pid, name: &str, value: &RawText, means: &str) -> Evidence {
    let mut line = name.as_bytes().to_vec();
    line.push(b'=');
    line.extend_from_slice(value.as_bytes());
    Evidence {
        source: format!("/proc/{pid}/environ"),
        observed: RawText::new(line),
        means: means.to_owned(),
        by_hand: format!("tr '\\0' '\\n' < /proc/{pid}/environ | grep '^{name}='"),
    }
}

/// The probe of a vantage of the group, where one was made and failed.
pub fn probe(now: &Snapshot, group: &Group<'_>) -> Option<Evidence> {
    let mine = |p: &&ProbeResult| p.mount_ns == group.namespace.id && p.path.is_below(&group.mount.point);
    now.probes.iter().filter(mine).find_map(probe_failure)
}

/// The probe of one vantage, where one was made and failed.
pub fn probe_of(now: &Snapshot, vantage: &Vantage) -> Option<Evidence> {
    now.probes.iter().filter(|p| p.is_of(vantage)).find_map(probe_failure)
}

fn probe_failure(probe: &ProbeResult) -> Option<Evidence> {
    let failure = probe.failure()?;
    let errno = failure.errno?;
    let pid = probe.pid?;
    Some(Evidence {
        source: format!("probe as pid {pid}"),
        observed: RawText::from(format!("{} in {}: {errno}", failure.step.word(), probe.path).as_str()),
        means: format!("made for real in the view of that process: {} fails", failure.step.word()),
        by_hand: format!("tmpmedic probe --pid {pid} --dir {}", probe.path.quoted()),
    })
}

/// A line of the build log that was given.
pub fn log_line(line: &LogLine, means: &str) -> Evidence {
    Evidence {
        source: format!("build log, line {}", line.line),
        observed: line.text.clone(),
        means: means.to_owned(),
        by_hand: format!("sed -n {}p LOGFILE", line.line),
    }
}

/// `path` of a process as our own namespace reaches it.
pub fn inside(pid: Pid, path: &RawPath) -> RawPath {
    let mut bytes = format!("/proc/{pid}/root").into_bytes();
    bytes.extend_from_slice(path.as_bytes());
    RawPath::new(bytes)
}

/// The working directory of a process, as its link shows it.
pub fn cwd(pid: Pid, place: &Place, means: &str) -> Evidence {
    let mut observed = place.path.as_bytes().to_vec();
    if place.deleted {
        observed.extend_from_slice(b" (deleted)");
    }
    Evidence {
        source: format!("/proc/{pid}/cwd"),
        observed: RawText::new(observed),
        means: means.to_owned(),
        by_hand: format!("readlink /proc/{pid}/cwd"),
    }
}

/// A symlink on the way to a temp dir, with its text.
pub fn link_of(reached: &RawPath, component: &Component, means: &str) -> Evidence {
    Evidence {
        source: reached.shown(),
        observed: component.link.clone().unwrap_or_default(),
        means: means.to_owned(),
        by_hand: format!("readlink {}", reached.quoted()),
    }
}
