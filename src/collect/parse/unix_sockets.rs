//! Unix sockets of one network namespace. Source: proc_pid_net(5), unix_seq_show in the kernel's net/unix/af_unix.c.
//!
//! A path is written without escapes, so a socket whose name holds a newline can forge lines: the table is a hint, never
//! proof that something is not held.

use crate::collect::parse::{decimal, lines, number};
use crate::model::raw_path::RawPath;

/// __SO_ACCEPTCON: somebody listens.
const LISTENS: u64 = 1 << 16;
/// The header and seven columns stand before the path.
const COLUMNS: usize = 7;

/// One socket that has a name in a file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixSocket {
    /// Inode of the socket itself, as `/proc/PID/fd` shows it: `socket:[N]`. Not that of the file.
    pub inode: u64,
    /// Whether somebody listens on it.
    pub listens: bool,
    /// Its name, as it was given to bind(2): relative to the binder's cwd where it is not absolute.
    pub path: RawPath,
}

/// The sockets with a path; nameless and abstract (`@`) ones hold nothing in a file system.
pub fn parse(table: &[u8]) -> Vec<UnixSocket> {
    lines(table).filter_map(parse_line).collect()
}

fn parse_line(line: &[u8]) -> Option<UnixSocket> {
    let mut rest = line;
    let mut columns = [&b""[..]; COLUMNS];
    for slot in &mut columns {
        rest = rest.trim_ascii_start();
        let end = rest.iter().position(|b| *b == b' ')?;
        (*slot, rest) = rest.split_at_checked(end)?;
    }
    let [address, _, _, flags, _, _, inode] = columns;
    number(address.strip_suffix(b":")?, 16)?;
    let path = rest.strip_prefix(b" ")?;
    if path.is_empty() || path.first() == Some(&b'@') {
        return None;
    }
    Some(UnixSocket {
        inode: decimal(inode)?,
        listens: number(flags, 16)? & LISTENS != 0,
        path: RawPath::from(path),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_named_sockets_only() {
        let table = b"Num       RefCount Protocol Flags    Type St Inode Path\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 23456 /tmp/a b/sock\n\
            0000000000000000: 00000002 00000000 00000000 0002 01 23457\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 23458 @/tmp/.X11-unix/X0\n\
            0000000000000000: 00000003 00000000 00000000 0001 03   99 rel\xff\n";
        let found = parse(table);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].inode, found[0].listens), (23456, true));
        assert_eq!(found[0].path, "/tmp/a b/sock".into());
        assert_eq!(
            (found[1].inode, found[1].listens, found[1].path.as_bytes()),
            (99, false, &b"rel\xff"[..])
        );
    }

    proptest! {
        #[test]
        fn never_panics(table: Vec<u8>) {
            parse(&table);
        }

        #[test]
        fn reads_back_any_path_in_one_line(path in "/[^\n]{0,80}", inode: u32) {
            let line = format!("ffff888012345678: 00000002 00000000 00010000 0001 01 {inode:5} {path}\n");
            let found = parse(line.as_bytes());
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(found[0].path.as_bytes(), path.as_bytes());
            prop_assert_eq!(found[0].inode, u64::from(inode));
        }
    }
}
