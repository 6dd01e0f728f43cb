//! What matters about a mount to those who need temp dirs: what is odd, and whether it is shown at all.

use std::collections::BTreeSet;

use crate::model::mount::{Mount, MountNamespace};
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::tui::text::safe;
use crate::tui::theme::Tone;

/// One remark about a mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How bad.
    pub tone: Tone,
    /// What, in one clause.
    pub text: String,
}

/// The temp dirs of a namespace.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    /// Their paths.
    all: BTreeSet<RawPath>,
    /// The mounts that serve them.
    served_by: BTreeSet<u64>,
}

/// The temp dirs of the processes of a namespace, and the mounts that serve them.
pub fn temp_paths(now: &Snapshot, namespace: &MountNamespace) -> Paths {
    let mut paths = Paths::default();
    for vantage in now.vantages.items().iter().filter(|v| v.mount_ns == namespace.id) {
        paths.served_by.extend(vantage.mount_id);
        paths.all.insert(vantage.path.clone());
    }
    let served: Vec<u64> =
        paths.all.iter().filter_map(|path| namespace.serving(path)).map(|m| m.id).collect();
    paths.served_by.extend(served);
    // Nobody was seen to use these, but a mount on them is there for temp files.
    for path in ["/tmp", "/var/tmp", "/dev/shm"] {
        paths.all.insert(path.into());
    }
    paths
}

/// Whether a mount is shown without being asked for: it serves a temp dir, lies in one, or is odd.
pub fn matters(now: &Snapshot, namespace: &MountNamespace, mount: &Mount, paths: &Paths) -> bool {
    let inside = paths.all.iter().any(|path| mount.point.is_below(path));
    let odd = notes(now, namespace, mount, paths).iter().any(|n| n.tone != Tone::Dim);
    paths.served_by.contains(&mount.id) || inside || odd
}

/// Everything worth saying about a mount, the worst first.
pub fn notes(now: &Snapshot, namespace: &MountNamespace, mount: &Mount, paths: &Paths) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut say = |tone, text: String| notes.push(Note { tone, text });
    let on_temp = paths.served_by.contains(&mount.id) || paths.all.contains(&mount.point);
    match (mount.root_deleted, on_temp) {
        (true, true) => say(Tone::Critical, "directory removed: nothing can be created".to_owned()),
        // Often a single file that was replaced, and then nobody's trouble.
        (true, false) => say(Tone::Warning, "what is mounted here was removed".to_owned()),
        _ => {}
    }
    if mount.has_super_option("emergency_ro") || mount.has_super_option("shutdown") {
        say(Tone::Critical, "the file system stopped after an error".to_owned());
    }
    if mount.root.as_bytes().ends_with(b"/systemd/empty") {
        say(Tone::Critical, "read-only and empty: systemd's stand-in for a private temp dir".to_owned());
    } else if mount.is_read_only() && on_temp {
        say(Tone::Warning, "read-only".to_owned());
    }
    // Of a dead directory the worse is said.
    let serves = served(now, namespace, mount);
    if !serves.is_empty() && !mount.root_deleted {
        say(Tone::Dim, format!("serves {serves}"));
    }
    let stack = namespace.stacked_on(&mount.point);
    let above = stack.iter().skip_while(|m| m.id != mount.id).nth(1);
    let below = stack.iter().take_while(|m| m.id != mount.id).count();
    if let Some(above) = above {
        say(Tone::Dim, format!("hidden below mount {}", above.id));
    } else if below > 0 {
        // A private temp dir is there to hide that of the host.
        let private = mount.root.shown().contains("/systemd-private-");
        let tone = if on_temp && !private { Tone::Warning } else { Tone::Dim };
        let what = if below == 1 { "another mount".to_owned() } else { format!("{below} other mounts") };
        say(tone, format!("hides {what} below it"));
    }
    if mount.is_doubtful() {
        say(
            if on_temp { Tone::Warning } else { Tone::Dim },
            format!("{}: may not answer", safe(&mount.fs_type)),
        );
    }
    if on_temp && mount.has_option("noexec") {
        say(Tone::Dim, "noexec: no program runs from it".to_owned());
    }
    notes.sort_by_key(|n| rank(n.tone));
    notes
}

/// Whether that is the remark about a mount on top of it.
pub fn is_hidden(note: &Note) -> bool {
    note.text.starts_with("hidden")
}

/// The worse, the smaller.
pub fn rank(tone: Tone) -> u8 {
    match tone {
        Tone::Critical => 0,
        Tone::Warning => 1,
        _ => 2,
    }
}

fn served(now: &Snapshot, namespace: &MountNamespace, mount: &Mount) -> String {
    let mine =
        now.vantages.items().iter().filter(|v| v.mount_ns == namespace.id && v.mount_id == Some(mount.id));
    let paths: BTreeSet<String> = mine.map(|v| v.path.shown()).collect();
    paths.into_iter().collect::<Vec<_>>().join(", ")
}

/// The namespace, named by its units and containers.
pub fn name(now: &Snapshot, namespace: &MountNamespace) -> String {
    if namespace.ours {
        let host = namespace.pids.contains(&1);
        return if host { "host".to_owned() } else { "here".to_owned() };
    }
    let mut names: Vec<String> = Vec::new();
    for process in namespace.pids.iter().filter_map(|pid| now.process(*pid)) {
        let label = super::super::words::process(process);
        if !names.contains(&label) {
            names.push(label);
        }
    }
    match names.as_slice() {
        [] => format!("pid {}", namespace.witness),
        [only] => only.clone(),
        [first, second] => format!("{first}, {second}"),
        [first, second, rest @ ..] => format!("{first}, {second} +{}", rest.len()),
    }
}
