//! What is configured to be mounted. Source: fstab(5).

use crate::collect::parse::{text, unescape, words};
use crate::model::host::FstabLine;
use crate::model::raw_path::RawPath;

/// The lines that name a mount point; comments, swap and lines of another form are passed over.
pub fn parse(table: &[u8]) -> Vec<FstabLine> {
    let numbered = (1..).zip(table.split(|b| *b == b'\n'));
    numbered.filter_map(|(number, line)| parse_line(number, line)).collect()
}

fn parse_line(number: u32, line: &[u8]) -> Option<FstabLine> {
    let mut fields = words(line);
    let device = fields.next().filter(|first| first.first() != Some(&b'#'))?;
    let point = fields.next().filter(|point| point.first() == Some(&b'/'))?;
    let fs_type = fields.next()?;
    Some(FstabLine {
        line: number,
        device: RawPath::new(unescape(device)),
        point: RawPath::new(unescape(point)),
        fs_type: text(fs_type),
        options: text(fields.next().unwrap_or(b"defaults")),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_mount_points_with_their_line_numbers() {
        let table = b"# comment\nUUID=1 / ext4 errors=remount-ro 0 1\n\n/dev/sdb none swap sw 0 0\n\ttmpfs\t/tmp\\040x tmpfs\n/swapfile swap swap sw\n";
        let found = parse(table);
        assert_eq!(found.iter().map(|l| l.line).collect::<Vec<_>>(), [2, 5]);
        assert_eq!(found[0].options, "errors=remount-ro");
        assert_eq!((found[1].point.clone(), found[1].options.as_str()), ("/tmp x".into(), "defaults"));
    }

    proptest! {
        #[test]
        fn never_panics(table: Vec<u8>) {
            parse(&table);
        }
    }
}
