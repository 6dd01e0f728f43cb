//! Mount tables. Source: proc_pid_mountinfo(5), and show_mountinfo in the kernel's fs/proc_namespace.c.

use std::collections::BTreeMap;

use crate::collect::parse::{decimal, lines, number, quote, split_once, text, unescape};
use crate::model::mount::{Device, Mount};
use crate::model::raw_path::{RawPath, RawText};

/// Longer lines are refused: two paths of 4,096 bytes, all escaped, and the options of an overlay with many layers fit.
const LINE_MAX: usize = 128 << 10;
/// The kernel's own default limit of mounts in one namespace. Source: sysctl fs.mount-max.
const MOUNTS_MAX: usize = 100_000;
/// How many offending lines are worth quoting.
const QUOTED_LINES: usize = 8;
/// The kernel's mark behind a mount root that was removed; no name can hold two slashes.
const DELETED: &[u8] = b"//deleted";

/// A mount table, with the lines that could not be understood.
#[derive(Debug, Default)]
pub struct Table {
    /// The mounts, in the order of the file; but what covers another comes behind that.
    pub mounts: Vec<Mount>,
    /// The first offending lines, fit to be shown.
    pub malformed: Vec<String>,
    /// How many there were.
    pub bad_lines: usize,
    /// Lines beyond the limit that were not read.
    pub beyond: u64,
}

/// Parses a whole table; each bad line costs only itself.
pub fn parse(table: &[u8]) -> Table {
    let mut out = Table::default();
    for (order, line) in lines(table).enumerate() {
        if out.mounts.len() >= MOUNTS_MAX {
            out.beyond += 1;
            continue;
        }
        let order = u32::try_from(order).unwrap_or(u32::MAX);
        if let Some(mount) = parse_line(line, order) {
            out.mounts.push(mount);
        } else {
            out.bad_lines += 1;
            if out.malformed.len() < QUOTED_LINES {
                out.malformed.push(quote(line));
            }
        }
    }
    raise_the_covering(&mut out.mounts);
    out
}

/// Puts a mount behind the one that it covers. The file has them in the order in which they were made, which is another one
/// where a mount was put beneath an older one. Source: move_mount(2), MOVE_MOUNT_BENEATH.
fn raise_the_covering(mounts: &mut [Mount]) {
    let mut at: BTreeMap<u64, usize> = mounts.iter().enumerate().map(|(at, mount)| (mount.id, at)).collect();
    // Each exchange takes one mount up for good; whoever forges a circle is stopped by the count.
    let mut left = mounts.len();
    let mut low = 0;
    while let Some(mount) = mounts.get(low) {
        let covered = at.get(&mount.parent).copied().filter(|high| *high > low);
        match covered.and_then(|high| Some((high, mounts.get(high)?))) {
            Some((high, below)) if below.point == mount.point && left > 0 => {
                left -= 1;
                at.extend([(mount.id, high), (below.id, low)]);
                mounts.swap(low, high);
                exchange_orders(mounts, low, high);
            }
            _ => low += 1,
        }
    }
}

fn exchange_orders(mounts: &mut [Mount], low: usize, high: usize) {
    let (Some(one), Some(other)) = (mounts.get(low).map(|m| m.order), mounts.get(high).map(|m| m.order))
    else {
        return;
    };
    for (at, order) in [(low, other), (high, one)] {
        if let Some(mount) = mounts.get_mut(at) {
            mount.order = order;
        }
    }
}

/// Id and escaped mount point of a line, for telling namespaces apart without parsing the rest.
pub fn id_and_point(line: &[u8]) -> Option<(u64, &[u8])> {
    let mut fields = line.split(|b| *b == b' ');
    let id = decimal(fields.next()?)?;
    Some((id, fields.nth(3)?))
}

fn parse_line(line: &[u8], order: u32) -> Option<Mount> {
    if line.len() > LINE_MAX {
        return None;
    }
    let (id, rest) = split_once(line, b' ')?;
    let (parent, rest) = split_once(rest, b' ')?;
    let (device, rest) = split_once(rest, b' ')?;
    let (root, rest) = split_once(rest, b' ')?;
    let (point, rest) = split_once(rest, b' ')?;
    let (options, rest) = split_once(rest, b' ')?;
    let (propagation, rest) = split_optional(rest)?;
    let (fs_type, rest) = split_once(rest, b' ')?;
    // A source may be empty, which leaves two blanks in a row; what follows it belongs to the super options as a whole.
    let (source, super_options) = split_once(rest, b' ')?;
    let (root, root_deleted) = split_mark(root);
    Some(Mount {
        id: decimal(id)?,
        parent: decimal(parent)?,
        device: parse_device(device)?,
        root: RawPath::new(unescape(root)),
        root_deleted,
        point: RawPath::new(unescape(point)),
        options: text(options),
        propagation: text(propagation),
        fs_type: text(&unescape(fs_type)),
        source: RawPath::new(unescape(source)),
        super_options: RawText::from(super_options),
        line: RawText::from(line),
        order,
    })
}

/// Everything up to the lone `-`, and what follows it.
fn split_optional(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some(after) = rest.strip_prefix(b"- ") {
        return Some((&[], after));
    }
    let position = rest.windows(3).position(|three| three == b" - ")?;
    Some((rest.get(..position)?, rest.get(position + 3..)?))
}

fn split_mark(root: &[u8]) -> (&[u8], bool) {
    match root.strip_suffix(DELETED) {
        Some(b"") => (b"/", true),
        Some(name) => (name, true),
        None => (root, false),
    }
}

/// `254:1`.
pub fn parse_device(field: &[u8]) -> Option<Device> {
    let (major, minor) = split_once(field, b':')?;
    let part = |digits| number(digits, 10).and_then(|n| u32::try_from(n).ok());
    Some(Device { major: part(major)?, minor: part(minor)? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(line: &[u8]) -> Mount {
        let mut table = parse(line);
        assert_eq!(table.malformed, Vec::<String>::new());
        assert_eq!(table.mounts.len(), 1);
        table.mounts.remove(0)
    }

    #[test]
    fn reads_a_line_as_the_manual_shows_it() {
        let line = b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue";
        let mount = one(line);
        assert_eq!((mount.id, mount.parent), (36, 35));
        assert_eq!(mount.device, Device { major: 98, minor: 0 });
        assert_eq!((mount.root, mount.point), ("/mnt1".into(), "/mnt2".into()));
        assert_eq!(mount.options, "rw,noatime");
        assert_eq!(mount.propagation, "master:1 propagate_from:2");
        assert_eq!((mount.fs_type.as_str(), mount.source), ("ext3", "/dev/root".into()));
        assert_eq!(mount.super_options, "rw,errors=continue".into());
        assert_eq!(mount.line.as_bytes(), line);
    }

    #[test]
    fn knows_the_mark_of_a_deleted_root_from_a_name_that_ends_alike() {
        let dead = one(b"9 1 254:1 /systemd-private-x/tmp//deleted /tmp rw - ext4 /dev/vda1 rw");
        assert!(dead.root_deleted);
        assert_eq!(dead.root, "/systemd-private-x/tmp".into());
        let alive = one(b"9 1 254:1 /x/deleted /tmp rw - ext4 /dev/vda1 rw");
        assert!(!alive.root_deleted);
        let spaced = one(br"9 1 254:1 /x\040(deleted) /tmp rw - ext4 /dev/vda1 rw");
        assert!(!spaced.root_deleted, "blank and bracket are part of a name");
    }

    #[test]
    fn keeps_hostile_mount_points_byte_by_byte() {
        let mount = one(b"9 1 0:5 / /tmp/a\\040b\\012c\\134\xff rw shared:1 - tmpfs tmpfs rw");
        assert_eq!(mount.point.as_bytes(), b"/tmp/a b\nc\\\xff");
    }

    #[test]
    fn bears_an_empty_source_and_odd_super_options() {
        let mount = one(b"9 1 0:5 / /tmp rw - tmpfs  rw,size=1k");
        assert_eq!((mount.fs_type.as_str(), mount.source.as_bytes()), ("tmpfs", &b""[..]));
        assert_eq!(mount.super_options, "rw,size=1k".into());
        let mount = one(b"9 1 0:5 / /tmp rw - fuse.x - rw,a=b c - d");
        assert_eq!((mount.source, mount.super_options), ("-".into(), "rw,a=b c - d".into()));
    }

    #[test]
    fn one_bad_line_costs_only_itself() {
        let text = b"9 1 0:5 / /a rw - tmpfs tmpfs rw\nforged line\n10 1 0:6 / /b rw - tmpfs tmpfs rw\n";
        let table = parse(text);
        assert_eq!(table.mounts.iter().map(|m| m.id).collect::<Vec<_>>(), [9, 10]);
        assert_eq!(table.malformed, ["forged line"]);
        assert_eq!(table.mounts[1].order, 2, "the order counts lines of the file");
    }

    #[test]
    fn what_covers_comes_behind_what_it_covers_however_young_that_is() {
        let line = |id: u32, parent: u32| format!("{id} {parent} 0:5 / /tmp rw - tmpfs tmpfs rw\n");
        let ids =
            |text: String| parse(text.as_bytes()).mounts.iter().map(|m| (m.id, m.order)).collect::<Vec<_>>();
        assert_eq!(ids(line(5, 1) + &line(6, 5)), [(5, 0), (6, 1)]);
        assert_eq!(
            ids(line(4, 9) + &line(5, 1) + &line(9, 5)),
            [(5, 0), (9, 1), (4, 2)],
            "two were put beneath"
        );
        assert_eq!(ids(line(8, 9) + &line(9, 8)).len(), 2, "a circle ends");
    }

    proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>) {
            let table = parse(&bytes);
            let lines = bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()).count();
            prop_assert_eq!(table.mounts.len() + table.bad_lines, lines);
        }

        #[test]
        fn never_panics_on_fields(fields in proptest::collection::vec("[ -~]{0,6}", 0..14)) {
            parse(fields.join(" ").as_bytes());
        }

        #[test]
        fn reads_back_any_path(point: Vec<u8>, id: u32, dead: bool) {
            let mut line = format!("{id} 1 8:1 /r{} ", if dead { "//deleted" } else { "" }).into_bytes();
            for byte in &point {
                match byte {
                    b' ' | b'\t' | b'\n' | b'\\' => line.extend(format!("\\{byte:03o}").bytes()),
                    other => line.push(*other),
                }
            }
            line.extend(b" rw shared:7 - ext4 /dev/sda1 rw,x=y");
            let table = parse(&line);
            prop_assert_eq!(table.mounts.len(), 1);
            prop_assert_eq!(table.mounts[0].point.as_bytes(), &point[..]);
            prop_assert_eq!(table.mounts[0].root_deleted, dead);
            prop_assert_eq!(id_and_point(&line).map(|found| found.0), Some(u64::from(id)));
        }
    }
}
