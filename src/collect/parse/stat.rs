//! One process in one line. Source: proc_pid_stat(5).

use crate::collect::parse::{decimal, words};

/// PF_KTHREAD of `flags`. Source: include/linux/sched.h; unchanged since 2.6.27.
const PF_KTHREAD: u64 = 0x0020_0000;

/// PF_EXITING of `flags`: memory and files are given up, or about to be; zombies have it too.
const PF_EXITING: u64 = 0x4;

/// The fields that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat<'a> {
    /// Field 2 without its brackets: any bytes but NUL, brackets, blanks and newlines included.
    pub comm: &'a [u8],
    /// Field 3.
    pub state: char,
    /// Field 4.
    pub parent: u32,
    /// Field 6.
    pub session: i64,
    /// PF_KTHREAD of field 9.
    pub kernel: bool,
    /// PF_EXITING of field 9.
    pub exiting: bool,
    /// Field 22, in clock ticks since boot.
    pub started: u64,
    /// Which program image it runs.
    pub image: Image,
}

/// The addresses of a program image: of its code, data, stack, arguments and environment.
///
/// They are drawn anew at each exec, so the same numbers mean the same program with the same environment block. All are
/// 0 or 1 where we may not trace the process, and then they tell nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Image([u64; 10]);

impl Image {
    /// Fields 26 to 28 and 45 to 51.
    const FIELDS: [usize; 10] = [26, 27, 28, 45, 46, 47, 48, 49, 50, 51];

    /// Whether the kernel showed us the addresses.
    pub fn is_known(&self) -> bool {
        self.0.iter().any(|address| *address > 1)
    }
}

/// Parses the line; the name ends at the last `)`, because it may itself hold one.
pub fn parse(line: &[u8]) -> Option<Stat<'_>> {
    let open = line.iter().position(|b| *b == b'(')?;
    let close = line.iter().rposition(|b| *b == b')')?;
    let comm = line.get(open + 1..close)?;
    let mut fields = [&b""[..]; 53];
    let rest = line.get(close + 1..)?.trim_ascii();
    for (slot, word) in fields.iter_mut().skip(3).zip(words(rest)) {
        *slot = word;
    }
    let field = |number: usize| fields.get(number).copied().unwrap_or_default();
    let mut image = Image::default();
    for (slot, number) in image.0.iter_mut().zip(Image::FIELDS) {
        *slot = decimal(field(number)).unwrap_or(0);
    }
    let flags = decimal(field(9))?;
    Some(Stat {
        comm,
        state: char::from(*field(3).first().filter(|b| b.is_ascii_alphabetic())?),
        parent: u32::try_from(decimal(field(4))?).ok()?,
        session: std::str::from_utf8(field(6)).ok()?.parse().ok()?,
        kernel: flags & PF_KTHREAD != 0,
        exiting: flags & PF_EXITING != 0,
        started: decimal(field(22))?,
        image,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REST: &str = "S 1 4514 4514 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 12345 1000 50 18446744073709551615 4096 8192 \
                        70000 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 9000 9100 9200 80001 80002 80003 80004 0";

    #[test]
    fn reads_the_fields_behind_any_name() {
        for comm in ["bash", ") R 1", "a b", "", "((", "x\n1 (y) Z 1", "\u{1b}[2J"] {
            let line = format!("4514 ({comm}) {REST}\n");
            let stat = parse(line.as_bytes()).unwrap();
            assert_eq!(stat.comm, comm.as_bytes());
            assert_eq!((stat.state, stat.parent, stat.session, stat.started), ('S', 1, 4514, 12345));
            assert!(!stat.kernel && !stat.exiting);
            assert!(stat.image.is_known());
        }
    }

    #[test]
    fn tells_kernel_threads_and_hidden_addresses() {
        let line = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 2 0 0 1844 1 1 0";
        let stat = parse(line.as_bytes()).unwrap();
        assert!(stat.kernel);
        assert!(!stat.image.is_known());
    }

    #[test]
    fn refuses_what_is_no_stat_line() {
        for odd in ["", "1", "1 (x", "1 (x) S", ")(", "1 (x) 7 1 1 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 5"] {
            assert_eq!(parse(odd.as_bytes()), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(line: Vec<u8>) {
            parse(&line);
        }

        #[test]
        fn any_name_leaves_the_fields_alone(comm: Vec<u8>) {
            let mut line = b"7 (".to_vec();
            line.extend(&comm);
            line.extend(format!(") {REST}").bytes());
            let stat = parse(&line).unwrap();
            prop_assert_eq!(stat.comm, &comm[..]);
            prop_assert_eq!(stat.started, 12345);
        }
    }
}
