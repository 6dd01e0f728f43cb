//! What lies behind a temp dir, in a few words: the file system, the directory of it, and whether that one is dead.

use crate::model::mount::Mount;
use crate::model::snapshot::Snapshot;
use crate::model::vantage::Vantage;

/// `ext4 /dev/vda1`, `tmpfs tmpfs[/build]`, `DELETED /systemd-private-…/tmp on ext4 /dev/vda1`, `missing at /var/tmp/ci`.
///
/// The directory in brackets is the one of the file system that is mounted, as findmnt(8) writes it.
pub fn backing(now: &Snapshot, vantage: &Vantage) -> String {
    if let Some(stop) = vantage.stops_at() {
        let errno = stop.error.map_or_else(String::new, |errno| format!(" ({})", errno.name()));
        return format!("missing at {}{errno}", stop.path);
    }
    now.mount_of(vantage).map_or_else(|| "unknown".to_owned(), of_mount)
}

fn of_mount(mount: &Mount) -> String {
    let source = format!("{} {}", crate::report::safe(&mount.fs_type), mount.source);
    let mut text = match (mount.root_deleted, mount.root.as_bytes()) {
        (true, _) => format!("DELETED {} on {source}", mount.root),
        (false, b"/") => source,
        (false, _) => format!("{source}[{}]", mount.root),
    };
    for word in ["ro", "noexec"] {
        if mount.has_option(word) || mount.has_super_option(word) {
            text.push(' ');
            text.push_str(word);
        }
    }
    text
}
