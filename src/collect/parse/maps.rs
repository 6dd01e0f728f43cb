//! Files mapped into a process. Source: proc_pid_maps(5).

use crate::collect::parse::{decimal, lines, number, split_once};
use crate::model::mount::Device;
use crate::model::raw_path::RawPath;

/// The kernel's mark behind the name of a mapped file without links; a name may itself end so.
const DELETED: &[u8] = b" (deleted)";

/// One mapping of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping<'a> {
    /// Device of the file.
    pub device: Device,
    /// Inode of the file.
    pub inode: u64,
    /// The kernel's text: newlines as `\012`, with the mark where there is one.
    pub text: &'a [u8],
}

impl Mapping<'_> {
    /// The path without the mark; only newlines are escaped in this file. Source: seq_file_path(m, file, "\n").
    pub fn path(&self) -> RawPath {
        let text = self.text.strip_suffix(DELETED).unwrap_or(self.text);
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(position) = rest.windows(4).position(|four| four == br"\012") {
            out.extend_from_slice(rest.get(..position).unwrap_or_default());
            out.push(b'\n');
            rest = rest.get(position + 4..).unwrap_or_default();
        }
        out.extend_from_slice(rest);
        RawPath::new(out)
    }

    /// Whether the kernel says that the file has no name any more.
    pub fn is_marked_deleted(&self) -> bool {
        self.text.ends_with(DELETED)
    }
}

/// The mapped files, each once where its mappings follow each other, as they do for every library.
pub fn files(maps: &[u8]) -> impl Iterator<Item = Mapping<'_>> {
    let mut before = None;
    lines(maps).filter_map(parse_line).filter(move |mapping| {
        let repeated = before == Some(*mapping);
        before = Some(*mapping);
        !repeated
    })
}

fn parse_line(line: &[u8]) -> Option<Mapping<'_>> {
    let (_addresses, rest) = split_once(line, b' ')?;
    let (_permissions, rest) = split_once(rest, b' ')?;
    let (_offset, rest) = split_once(rest, b' ')?;
    let (device, rest) = split_once(rest, b' ')?;
    let (inode, text) = split_once(rest, b' ')?;
    let text = text.trim_ascii_start();
    // Anonymous memory, [heap] and their like have inode 0.
    let inode = decimal(inode).filter(|inode| *inode != 0)?;
    let (major, minor) = split_once(device, b':')?;
    let part = |digits| number(digits, 16).and_then(|n| u32::try_from(n).ok());
    Some(Mapping { device: Device { major: part(major)?, minor: part(minor)? }, inode, text })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_each_mapped_file_once() {
        let maps = b"5580-5581 r--p 00000000 fe:01 131 /usr/bin/bash\n\
            5581-5582 r-xp 00001000 fe:01 131 /usr/bin/bash\n\
            7f00-7f01 rw-p 00000000 00:00 0 \n\
            7f01-7f02 rw-p 00000000 00:00 0                          [heap]\n\
            7f02-7f03 rw-s 00000000 00:1b 77                         /tmp/a\\012b (deleted)\n";
        let found: Vec<_> = files(maps).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].device, Device { major: 0xfe, minor: 1 });
        assert_eq!(found[1].path(), "/tmp/a\nb".into());
        assert!(found[1].is_marked_deleted() && !found[0].is_marked_deleted());
    }

    proptest! {
        #[test]
        fn never_panics(maps: Vec<u8>) {
            files(&maps).for_each(|m| { m.path(); });
        }

        #[test]
        fn reads_back_any_path(path in "/[^\0\\\\ ]{0,60}", inode in 1_u64..) {
            let line = format!("00400000-00401000 r-xp 00000000 08:02 {inode}       {}\n", path.replace('\n', "\\012"));
            let found: Vec<_> = files(line.as_bytes()).collect();
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(found[0].path(), RawPath::from(path.as_str()));
            prop_assert_eq!(found[0].inode, inode);
        }
    }
}
