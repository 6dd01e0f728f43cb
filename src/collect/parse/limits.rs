//! Resource limits of a process. Source: proc_pid_limits(5).

use crate::collect::parse::{decimal, lines, words};
use crate::model::process::Limits;

/// How the table writes RLIM_INFINITY.
const UNLIMITED: &[u8] = b"unlimited";

/// The soft limits that decide about temp files; `None` where the table lacks one of them.
pub fn parse(text: &[u8]) -> Option<Limits> {
    let number = |row| {
        soft(text, row).and_then(|word| if word == UNLIMITED { Some(None) } else { decimal(word).map(Some) })
    };
    Some(Limits {
        open_files: number("Max open files")?,
        file_size: number("Max file size")?,
        processes: number("Max processes")?,
    })
}

/// The word in the soft column of a row.
fn soft<'a>(text: &'a [u8], row: &str) -> Option<&'a [u8]> {
    let rest = lines(text).find_map(|line| line.strip_prefix(row.as_bytes()))?;
    words(rest).next()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TABLE: &str = "Limit                     Soft Limit           Hard Limit           Units     \n\
                         Max file size             4096                 unlimited            bytes     \n\
                         Max processes             unlimited            unlimited            processes \n\
                         Max open files            1024                 524288               files     \n";

    #[test]
    fn reads_the_soft_limits() {
        let limits = parse(TABLE.as_bytes()).unwrap();
        assert_eq!(limits, Limits { open_files: Some(1024), file_size: Some(4096), processes: None });
    }

    #[test]
    fn an_incomplete_table_is_none() {
        assert_eq!(parse(b"Max open files 1024 1024 files\n"), None);
        assert_eq!(parse(TABLE.replace("1024 ", "many ").as_bytes()), None);
    }

    proptest! {
        #[test]
        fn never_panics(text: Vec<u8>) {
            parse(&text);
        }
    }
}
