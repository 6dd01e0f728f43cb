//! Asking a namespace by one way after the other, because whoever is a way into it may have ended.

use std::collections::BTreeMap;

use super::elsewhere::{self, Door, View};
use crate::collect::budget::Until;
use crate::collect::parse::decimal;
use crate::model::mount::MountNamespace;
use crate::model::raw_path::RawPath;
use crate::model::reading::{GapWhy, Seen};
use crate::model::units::Entries;

/// Ways into namespaces of one kind, by inode.
pub type Ways = BTreeMap<u64, Vec<RawPath>>;

/// The inode in the text of a link, `net:[4026532000]`, if it is of that kind.
pub fn inode(text: &[u8], kind: &[u8]) -> Option<u64> {
    decimal(text.strip_prefix(kind)?.strip_prefix(b":[")?.strip_suffix(b"]")?)
}

/// Adds the files of every table on which a namespace of that kind is mounted.
pub fn mounted(namespaces: &[MountNamespace], kind: &[u8], ways: &mut Ways) {
    for namespace in namespaces.iter().filter(|ns| ns.ours || ns.witness != 0) {
        for mount in namespace.mounts.items().iter().filter(|mount| mount.fs_type == "nsfs") {
            let Some(inode) = inode(mount.root.as_bytes(), kind) else { continue };
            let below = format!("{}/root", namespace.witness);
            let start = if namespace.ours { &[][..] } else { below.as_bytes() };
            ways.entry(inode).or_default().push(RawPath::new([start, mount.point.as_bytes()].concat()));
        }
    }
}

/// Asks each namespace until one way has led into it; one to which no way leads any more has ended.
pub fn ask(ways: &Ways, door: fn(RawPath) -> Door, until: Until<'_>) -> Vec<(RawPath, Seen<View>)> {
    let mut pending: Vec<(u64, &[RawPath])> =
        ways.iter().map(|(inode, ways)| (*inode, ways.as_slice())).collect();
    let mut answers = Vec::new();
    while !pending.is_empty() {
        let firsts: Vec<RawPath> = pending.iter().filter_map(|(_, ways)| ways.first().cloned()).collect();
        let doors: Vec<Door> = firsts.iter().cloned().map(door).collect();
        let views = if until.is_over() {
            vec![Err(GapWhy::OverBudget { seen: Entries(0) }); doors.len()]
        } else {
            elsewhere::ask(&doors, until)
        };
        let mut next = Vec::new();
        for (((inode, ways), way), view) in pending.into_iter().zip(firsts).zip(views) {
            let rest = ways.get(1..).unwrap_or_default();
            match led_to(view, inode) {
                Err(GapWhy::Vanished) if !rest.is_empty() => next.push((inode, rest)),
                view => answers.push((way, view)),
            }
        }
        pending = next;
    }
    answers
}

/// Who has the number of somebody who has ended leads elsewhere.
fn led_to(view: Seen<View>, inode: u64) -> Seen<View> {
    match view {
        Ok(View::Sockets(joined, _) | View::Mounts(joined, _)) if joined != inode => Err(GapWhy::Vanished),
        view => view,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::specimen::{self, mount};

    #[test]
    fn whoever_leads_into_another_namespace_leads_nowhere() {
        let view = || Ok(View::Sockets(7, Vec::new()));
        assert_eq!(led_to(view(), 7), view());
        assert_eq!(led_to(view(), 8), Err(GapWhy::Vanished));
    }

    #[test]
    fn files_of_every_table_lead_into_namespaces() {
        let nsfs = |id, root: &str, point: &[u8]| mount(id, root, point, "nsfs");
        let ours = vec![nsfs(5, "mnt:[77]", b"/run/kept"), nsfs(6, "net:[78]", b"/run/netns/x")];
        let theirs = vec![nsfs(7, "mnt:[77]", b"/run/copy")];
        let all = [specimen::namespace(1, &[1], ours), specimen::namespace(2, &[9], theirs)];
        let mut ways = Ways::new();
        mounted(&all, b"mnt", &mut ways);
        let expected = if all[0].ours {
            ["/run/kept", "9/root/run/copy"]
        } else {
            ["1/root/run/kept", "9/root/run/copy"]
        };
        assert_eq!(ways, Ways::from([(77, expected.map(RawPath::from).to_vec())]));
    }
}
