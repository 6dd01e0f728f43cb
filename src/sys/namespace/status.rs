//! What `/proc/PID/{status,limits,stat}` say about how a process may use files.

/// Real, effective, saved and file system id. Source: proc_pid_status(5), `Uid` and `Gid`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    /// Real id.
    pub real: u32,
    /// Effective id.
    pub effective: u32,
    /// Saved id.
    pub saved: u32,
    /// The id by which the kernel decides about files.
    pub files: u32,
}

impl Ids {
    /// All four the same.
    pub fn all(id: u32) -> Self {
        Self { real: id, effective: id, saved: id, files: id }
    }
}

/// Capability sets as bits. Source: proc_pid_status(5), `CapInh` to `CapAmb`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Kept over an execve(2) of programs that ask for them.
    pub inheritable: u64,
    /// The most that it can have.
    pub permitted: u64,
    /// What it has.
    pub effective: u64,
    /// The most that its programs can ever get.
    pub bounding: u64,
    /// What programs without any of their own keep.
    pub ambient: u64,
}

/// The part of `status` that decides about files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// User ids.
    pub users: Ids,
    /// Group ids.
    pub groups: Ids,
    /// Supplementary groups, ascending.
    pub more_groups: Vec<u32>,
    /// Capabilities.
    pub capabilities: Capabilities,
    /// File mode creation mask; the kernel tells it since Linux 4.7.
    pub umask: Option<u32>,
    /// Whether execve(2) can give it no new privileges.
    pub no_new_privileges: bool,
    /// 0 none, 1 strict, 2 filters.
    pub seccomp: u32,
    /// How many seccomp filters; known since Linux 5.9.
    pub filters: Option<u32>,
    /// One letter: R, S, D, Z …
    pub state: char,
}

impl Status {
    /// Reads `status`; what a kernel does not tell keeps its default. `None` without user ids, which every kernel tells.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let number = |name: &str| field(text, name).and_then(decimal);
        let bits = |name: &str| field(text, name).and_then(hexadecimal).unwrap_or(0);
        let mut more_groups = field(text, "Groups").map(numbers).unwrap_or_default();
        more_groups.sort_unstable();
        Some(Self {
            users: field(text, "Uid").and_then(ids)?,
            groups: field(text, "Gid").and_then(ids)?,
            more_groups,
            capabilities: Capabilities {
                inheritable: bits("CapInh"),
                permitted: bits("CapPrm"),
                effective: bits("CapEff"),
                bounding: bits("CapBnd"),
                ambient: bits("CapAmb"),
            },
            umask: field(text, "Umask").and_then(octal),
            no_new_privileges: number("NoNewPrivs") == Some(1),
            seccomp: number("Seccomp").unwrap_or(0),
            filters: number("Seccomp_filters"),
            state: field(text, "State").and_then(|value| value.first()).map_or('?', |byte| char::from(*byte)),
        })
    }
}

/// Soft and hard limit; `None` is "unlimited".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// What binds now.
    pub soft: Option<u64>,
    /// How far it may be raised.
    pub hard: Option<u64>,
}

/// The limits that decide about temp files. Source: proc_pid_limits(5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// RLIMIT_FSIZE, bytes.
    pub file_size: Limit,
    /// RLIMIT_NOFILE.
    pub open_files: Limit,
    /// RLIMIT_NPROC.
    pub processes: Limit,
}

impl Limits {
    /// Reads `limits`; `None` where a line is missing or not of its form.
    pub fn parse(text: &[u8]) -> Option<Self> {
        Some(Self {
            file_size: limit(text, b"Max file size")?,
            open_files: limit(text, b"Max open files")?,
            processes: limit(text, b"Max processes")?,
        })
    }
}

/// When a process started, in clock ticks since boot. Source: proc_pid_stat(5), field 22.
///
/// The name in field 2 may hold anything, so fields are counted from the last `)`.
pub fn start_ticks(stat: &[u8]) -> Option<u64> {
    stat_field(stat, 22)
}

/// Whether it is a kernel thread (PF_KTHREAD in field 9 of `stat`).
pub fn is_kernel_thread(stat: &[u8]) -> bool {
    const PF_KTHREAD: u64 = 0x0020_0000;
    stat_field(stat, 9).is_some_and(|flags| flags & PF_KTHREAD != 0)
}

/// Whether it has ended and only waits for its parent (state Z or X in field 3 of `stat`).
pub fn is_zombie(stat: &[u8]) -> bool {
    let close = stat.iter().rposition(|byte| *byte == b')');
    let state = close.and_then(|close| stat.get(close + 1..)?.trim_ascii_start().first());
    matches!(state, Some(b'Z' | b'X'))
}

fn stat_field(stat: &[u8], number: usize) -> Option<u64> {
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let mut rest = stat.get(close + 1..)?.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    rest.nth(number.checked_sub(3)?).and_then(|word| std::str::from_utf8(word).ok()?.trim().parse().ok())
}

fn field<'a>(text: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut lines = text.split(|byte| *byte == b'\n');
    lines.find_map(|line| line.strip_prefix(name.as_bytes())?.strip_prefix(b":")).map(<[u8]>::trim_ascii)
}

fn numbers(value: &[u8]) -> Vec<u32> {
    let words = value.split(u8::is_ascii_whitespace);
    words.filter_map(decimal).collect()
}

fn ids(value: &[u8]) -> Option<Ids> {
    let [real, effective, saved, files] = numbers(value).try_into().ok()?;
    Some(Ids { real, effective, saved, files })
}

fn decimal(word: &[u8]) -> Option<u32> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn octal(word: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(word).ok()?, 8).ok()
}

fn hexadecimal(word: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()
}

fn limit(text: &[u8], name: &[u8]) -> Option<Limit> {
    let mut lines = text.split(|byte| *byte == b'\n');
    let rest = lines.find_map(|line| line.strip_prefix(name))?;
    let mut words = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let mut next = || {
        let word = words.next()?;
        if word == b"unlimited" { Some(None) } else { std::str::from_utf8(word).ok()?.parse().ok().map(Some) }
    };
    Some(Limit { soft: next()?, hard: next()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &[u8] = b"Name:\tevil\\nUid: 0\nUmask:\t0022\nState:\tS (sleeping)\nPid:\t7\n\
        Uid:\t1000\t1001\t1002\t1003\nGid:\t100\t100\t100\t100\nGroups:\t27 4 100 \n\
        CapInh:\t0000000000000000\nCapPrm:\t00000000a80425fb\nCapEff:\t0000000000000002\nCapBnd:\t000001ffffffffff\n\
        CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\n";

    #[test]
    fn reads_what_decides_about_files() {
        let status = Status::parse(STATUS).unwrap();
        assert_eq!(status.users, Ids { real: 1000, effective: 1001, saved: 1002, files: 1003 });
        assert_eq!(status.groups, Ids::all(100));
        assert_eq!(status.more_groups, [4, 27, 100]);
        assert_eq!((status.capabilities.effective, status.capabilities.permitted), (2, 0xa804_25fb));
        assert_eq!((status.umask, status.no_new_privileges), (Some(0o022), true));
        assert_eq!((status.seccomp, status.filters, status.state), (2, Some(3), 'S'));
    }

    #[test]
    fn takes_old_kernels_at_their_word() {
        let status =
            Status::parse(b"State:\tZ (zombie)\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t\n").unwrap();
        assert_eq!((status.umask, status.filters, status.state), (None, None, 'Z'));
        assert_eq!(Status::parse(b"garbage"), None);
        assert_eq!(Status::parse(b"Uid:\t1 2\nGid:\t0\t0\t0\t0\n"), None);
    }

    #[test]
    fn reads_limits_with_their_blanks() {
        let text = b"Limit                     Soft Limit           Hard Limit           Units     \n\
            Max file size             4096                 unlimited            bytes     \n\
            Max processes             96365                96365                processes \n\
            Max open files            1024                 524288               files     \n";
        let limits = Limits::parse(text).unwrap();
        assert_eq!(limits.file_size, Limit { soft: Some(4096), hard: None });
        assert_eq!(limits.open_files, Limit { soft: Some(1024), hard: Some(524_288) });
        assert_eq!(Limits::parse(b"Max file size  soon later bytes\n"), None);
    }

    #[test]
    fn counts_the_fields_of_stat_from_the_last_parenthesis() {
        let stat = b"7 (a) R 1 1 (b)) S 1 7 7 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0";
        assert_eq!(start_ticks(stat), Some(4711));
        assert!(is_kernel_thread(stat));
        assert!(!is_zombie(stat));
        assert!(is_zombie(b"7 (a) S) Z 1 1"));
        assert_eq!(start_ticks(b"7 (a"), None);
        assert_eq!(start_ticks(b"7 (a) S 1"), None);
    }
}
