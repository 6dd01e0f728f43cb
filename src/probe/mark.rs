//! The names of what probes make: by them a later probe knows whose it was and whether it is still at work.

use std::ffi::OsStr;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::unix::ffi::OsStrExt;

use crate::sys::namespace::start_ticks;
use crate::sys::procfile::Proc;

/// How every name of ours begins.
const PREFIX: &str = ".tmpmedic-probe-";

/// A helper process, named so that no other one ever has the same mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The first eight characters of the boot id of its kernel.
    pub boot: String,
    /// The inode of its PID namespace, in which alone `pid` means something.
    pub pid_ns: u64,
    /// Its pid.
    pub pid: u32,
    /// Its start, in clock ticks since boot.
    pub ticks: u64,
}

impl Mark {
    /// The mark of the calling process.
    ///
    /// # Errors
    /// What reading our own files in procfs answers.
    pub fn own(proc: &Proc) -> io::Result<Self> {
        let own = proc.own()?;
        let stat = own.read("stat", 4096)?;
        let link = own.link("ns/pid")?;
        let boot = proc.read("sys/kernel/random/boot_id", 64).unwrap_or_default();
        let boot: String =
            String::from_utf8_lossy(&boot).chars().filter(char::is_ascii_hexdigit).take(8).collect();
        let malformed = || io::Error::from(io::ErrorKind::InvalidData);
        let pid = stat.split(|byte| *byte == b' ').next().unwrap_or_default();
        Ok(Self {
            boot: if boot.len() == 8 { boot } else { "00000000".to_owned() },
            pid_ns: inode_of(&link).ok_or_else(malformed)?,
            pid: std::str::from_utf8(pid)
                .ok()
                .and_then(|digits| digits.parse().ok())
                .ok_or_else(malformed)?,
            ticks: start_ticks(&stat).ok_or_else(malformed)?,
        })
    }

    /// A new name with this mark: `.tmpmedic-probe-<boot>-<pid ns>-<pid>-<start>-<12 random hex digits>`.
    pub fn new_name(&self) -> String {
        // The keys of a RandomState come from the kernel's random numbers; 48 bits of them are enough against accidents,
        // and against malice mkdir refuses a name that exists.
        let random = RandomState::new().build_hasher().finish() & 0xffff_ffff_ffff;
        let Self { boot, pid_ns, pid, ticks } = self;
        format!("{PREFIX}{boot}-{pid_ns}-{pid}-{ticks}-{random:012x}")
    }

    /// The mark in a name of ours; `None` for any other name.
    pub fn parse(name: &[u8]) -> Option<Self> {
        let name = std::str::from_utf8(name).ok()?;
        let [boot, pid_ns, pid, ticks, random] =
            name.strip_prefix(PREFIX)?.split('-').collect::<Vec<_>>().try_into().ok()?;
        let hex = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit());
        let mark = Self {
            boot: boot.to_owned(),
            pid_ns: pid_ns.parse().ok()?,
            pid: pid.parse().ok()?,
            ticks: ticks.parse().ok()?,
        };
        (hex(boot, 8) && hex(random, 12)).then_some(mark)
    }

    /// Whether `pid` of this mark is a number of the same PID namespace and boot as `other`'s.
    pub fn is_comparable(&self, other: &Self) -> bool {
        (&self.boot, self.pid_ns) == (&other.boot, other.pid_ns)
    }
}

/// The number in `pid:[4026531836]`.
pub fn inode_of(link: &[u8]) -> Option<u64> {
    let text = OsStr::from_bytes(link).to_str()?;
    text.split_once(":[")?.1.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark() -> Mark {
        Mark { boot: "0123abcd".into(), pid_ns: 4_026_531_836, pid: 4514, ticks: 99_871 }
    }

    #[test]
    fn knows_its_own_names_and_no_others() {
        let name = mark().new_name();
        assert_eq!(Mark::parse(name.as_bytes()), Some(mark()));
        assert_ne!(name, mark().new_name(), "two names of one process must differ");
        for other in [
            ".tmpmedic-probe-",
            ".tmpmedic-probe-x",
            "tmpmedic-probe-0123abcd-1-2-3-0123456789ab",
            ".tmpX",
            "",
        ] {
            assert_eq!(Mark::parse(other.as_bytes()), None, "{other}");
        }
        let near = [
            name.strip_suffix(char::is_alphanumeric).unwrap(),
            &format!("{name}0"),
            &name.replace("0123abcd", "0123abcg"),
        ]
        .map(String::from);
        for other in near {
            assert_eq!(Mark::parse(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn reads_the_number_of_a_namespace() {
        assert_eq!(inode_of(b"pid:[4026531836]"), Some(4_026_531_836));
        assert_eq!(inode_of(b"pid:[x]"), None);
    }
}
