//! What things of the model are called on screen.

use super::app::App;
use super::glyphs::GlyphSet;
use super::table::Cell;
use super::text::safe;
use super::theme::Tone;
use crate::model::mount::Mount;
use crate::model::process::{Pid, Process};
use crate::model::raw_path::RawPath;
use crate::model::reading::GapWhy;
use crate::model::snapshot::Snapshot;
use crate::model::temp_dir::TempDir;
pub use crate::model::units::count;
use crate::model::units::{Entries, WallNanos, per_cent};
use crate::model::vantage::{Can, Facts, HowKnown, Kind, Space, Vantage};

/// `1 entry`, `1,491 entries`.
pub fn entries(n: Entries) -> String {
    format!("{n} {}", if n.0 == 1 { "entry" } else { "entries" })
}

/// How long ago, or a dash; a stamp in the future has no age.
pub fn age(now: WallNanos, then: Option<WallNanos>, glyphs: &GlyphSet) -> String {
    match then {
        None => glyphs.dash.to_owned(),
        Some(then) => then.age_at(now).map_or_else(|| "future".to_owned(), |age| age.to_string()),
    }
}

/// `0755`, `1777`.
pub fn mode(mode: u32) -> String {
    format!("{:04o}", mode & 0o7777)
}

/// What kind of object.
pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Directory => "dir",
        Kind::File => "file",
        Kind::Link => "link",
        Kind::Socket => "socket",
        Kind::Fifo => "fifo",
        Kind::CharDevice => "char device",
        Kind::BlockDevice => "block device",
    }
}

/// Attributes of an object that decide about it: `immutable`, `append-only`, `acl`.
pub fn attributes(facts: &Facts) -> Vec<&'static str> {
    let all = [
        (facts.immutable, "immutable"),
        (facts.append_only, "append-only"),
        (facts.acl.is_some(), "acl"),
        (facts.default_acl.is_some(), "default acl"),
    ];
    all.into_iter().filter(|(has, _)| *has).map(|(_, word)| word).collect()
}

/// Whether temp dirs can be created there, and how that is known.
pub fn ability(app: &App, vantage: &Vantage) -> Cell {
    let glyphs = app.theme.glyphs;
    if app.probing.iter().any(|wish| wish.is_of(vantage)) {
        return Cell::dim(format!("probing {}", glyphs.ellipsis));
    }
    let known = &vantage.can_create;
    let how = match (known.how, known.took) {
        (HowKnown::Probed, Some(took)) if known.can == Can::Yes => format!("probed {took}"),
        (HowKnown::Probed, _) => "probed".to_owned(),
        (HowKnown::Predicted, _) => "predicted".to_owned(),
    };
    match known.can {
        Can::Yes => Cell::toned(Tone::Ok, glyphs.ok).noted(how),
        Can::Unknown => Cell::toned(Tone::Warning, glyphs.unknown).noted("unknown"),
        Can::No => {
            let errno = known.errno.map_or_else(|| "fails".to_owned(), crate::model::errno::Errno::name);
            Cell::toned(Tone::Critical, format!("{} {errno}", glyphs.critical)).noted(how)
        }
    }
}

/// Units, containers or commands that share a vantage, the most telling first.
pub fn seen_by(now: &Snapshot, vantage: &Vantage) -> String {
    let ours = now.namespace(vantage.mount_ns).is_some_and(|ns| ns.ours);
    match vantage.names.as_slice() {
        [] => vantage.pids.first().map_or_else(|| "nobody".to_owned(), |pid| format!("pid {pid}")),
        [only] => named(now, vantage, only),
        _ if ours && !vantage.is_build => place(now, vantage),
        [first, rest @ ..] => format!("{} +{}", short(first), rest.len()),
    }
}

/// A name without what nearly all of them share.
fn short(name: &str) -> String {
    safe(name.strip_suffix(".service").unwrap_or(name)).into_owned()
}

/// A name; that of a single command with its pid, for many processes are called the same.
fn named(now: &Snapshot, vantage: &Vantage, name: &str) -> String {
    let [pid] = vantage.pids.as_slice() else { return short(name) };
    let bare = |p: &&Process| p.unit.is_none() && p.container.is_none();
    now.process(*pid).filter(bare).map_or_else(|| short(name), |_| format!("{} ({pid})", short(name)))
}

/// The name of the namespace of a temp dir or a vantage, short: `host` for ours where process 1 is in it.
pub fn place(now: &Snapshot, vantage: &Vantage) -> String {
    match now.namespace(vantage.mount_ns) {
        Some(ns) if ns.ours && vantage.root != "/".into() => format!("below {}", vantage.root.shown()),
        Some(ns) if ns.ours && ns.pids.contains(&1) => "host".to_owned(),
        Some(ns) if ns.ours => "here".to_owned(),
        _ => vantage.names.first().map_or_else(|| seen_by(now, vantage), |name| named(now, vantage, name)),
    }
}

/// Whether the directory was removed: nothing is in it then, and nothing can be created in it.
pub fn is_deleted(now: &Snapshot, vantage: &Vantage) -> bool {
    let last = vantage.end().and_then(|component| component.facts.as_ref());
    now.mount_of(vantage).is_some_and(|mount| mount.root_deleted)
        || last.is_some_and(|facts| facts.links == 0)
}

/// What a mount is made of: device, or bind source, or that it is gone.
pub fn backing(mount: &Mount) -> String {
    let root = mount.root.shown();
    let write = if mount.is_read_only() { "ro" } else { "rw" };
    if mount.root_deleted {
        return format!("DELETED {root}");
    }
    let source = mount.source.shown();
    let fs = safe(&mount.fs_type);
    match (root.as_str(), source.as_str()) {
        ("/", source) if source == fs || source.is_empty() || source == "none" => format!("{fs} {write}"),
        ("/", source) => format!("{fs} {source} {write}"),
        (root, _) => format!("bind {root} {write}"),
    }
}

/// What stands behind a vantage, or where the way to it ends.
pub fn backed_by(now: &Snapshot, vantage: &Vantage, glyphs: &GlyphSet) -> Cell {
    if let Some(stop) = vantage.stops_at()
        && stop.facts.is_none()
    {
        let name = RawPath::from(stop.path.file_name()).shown();
        return Cell::dim(format!("{} missing at \"{name}\"", glyphs.dash));
    }
    match now.mount_of(vantage) {
        Some(mount) if mount.root_deleted => Cell::toned(Tone::Critical, backing(mount)),
        Some(mount) => Cell::plain(backing(mount)),
        None => Cell::dim("mount not known"),
    }
}

/// Shares of blocks and inodes in use, in per cent; `None` for inodes where the file system makes them as needed.
pub fn used(space: &Space) -> (u64, Option<u64>) {
    let blocks = space.total.0.saturating_sub(space.free.0);
    // What only root may still take counts as used, as df reckons.
    let bytes = per_cent(blocks, blocks.saturating_add(space.available.0));
    let inodes = space.inodes.0.saturating_sub(space.inodes_free.0);
    (bytes, (space.inodes.0 > 0).then(|| per_cent(inodes, space.inodes.0)))
}

/// Room on the file system of a temp dir.
pub fn space<'a>(now: &'a Snapshot, dir: &TempDir) -> Option<&'a Space> {
    first_vantage(now, dir).and_then(|vantage| vantage.space.as_ref().ok())
}

/// The first vantage of a temp dir.
pub fn first_vantage<'a>(now: &'a Snapshot, dir: &TempDir) -> Option<&'a Vantage> {
    let position = usize::try_from(*dir.vantages.first()?).ok()?;
    now.vantages.items().get(position)
}

/// How far the counting of a directory is, while it is not done.
pub fn counting(dir: &TempDir) -> Option<Entries> {
    dir.gaps.iter().find_map(|gap| match gap.why {
        GapWhy::OverBudget { seen } => Some(seen),
        _ => None,
    })
}

/// What a process is called: unit or container, else its command and pid.
pub fn process(process: &Process) -> String {
    if process.unit.is_some() || process.container.is_some() {
        safe(&process.label()).into_owned()
    } else {
        format!("{} ({})", process.comm.shown(), process.pid)
    }
}

/// The process that stands for a vantage in commands and probes: a runner or build process first.
pub fn witness(now: &Snapshot, pids: &[Pid]) -> Option<Pid> {
    let known = pids.iter().filter_map(|pid| now.process(*pid));
    let best = known.max_by_key(|p| (p.is_build(), std::cmp::Reverse(p.pid)));
    best.map(|p| p.pid).or_else(|| pids.first().copied())
}

/// `path` of a process as our own namespace reaches it.
pub fn inside(pid: Pid, path: &RawPath) -> RawPath {
    let mut bytes = format!("/proc/{pid}/root").into_bytes();
    bytes.extend_from_slice(path.as_bytes());
    RawPath::new(bytes)
}

/// A command with the rights that it needs: nothing before it where we already have them.
pub fn as_root(app: &App, command: impl AsRef<str>) -> String {
    let command = command.as_ref();
    if app.is_root() { command.to_owned() } else { format!("sudo {command}") }
}

/// Processes (kernel threads apart) that did not show everything, and the sentence about it.
pub fn unreadable(now: &Snapshot) -> Option<String> {
    let table = now.processes.value()?;
    let all = table.by_pid.values().filter(|p| !p.kernel).count();
    let hidden = all.checked_sub(usize::try_from(table.read_whole.0).ok()?).filter(|n| *n > 0)?;
    let uid = now.eyes.credentials.uid;
    let them = if hidden == 1 { "it" } else { "them" };
    let what = format!(
        "{} not readable as uid {uid}: environment, open files and links are unknown for {them}.",
        count(hidden, ("process", "processes"))
    );
    let remedy = if uid == 0 { "" } else { " `sudo tmpmedic` shows them." };
    Some(format!("{what}{}", if hidden == 1 { remedy.replace("them", "it") } else { remedy.to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_blocks_count_as_used() {
        use crate::model::units::Bytes;
        let space = Space {
            total: Bytes(100),
            free: Bytes(5),
            available: Bytes(0),
            inodes: Entries(0),
            inodes_free: Entries(0),
            read_only: false,
            no_exec: false,
        };
        assert_eq!(used(&space), (100, None));
    }

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!(count(1, ("entry", "entries")), "1 entry");
        assert_eq!(count(1491, ("entry", "entries")), "1,491 entries");
    }
}
