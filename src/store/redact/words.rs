//! Words: what is one, and which every machine has.

/// A stretch of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Letters and digits, or bytes that are not ASCII.
    Word(&'a [u8]),
    /// What stands between words, escapes of the kernel (`\040`) and of systemd (`\x2d`) included.
    Between(&'a [u8]),
}

impl<'a> Piece<'a> {
    /// The word, if it is one.
    pub fn word(self) -> Option<&'a [u8]> {
        match self {
            Self::Word(word) => Some(word),
            Self::Between(_) => None,
        }
    }
}

/// Takes a text apart; the pieces together are the text.
pub fn pieces(text: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let is_word = |b: &u8| b.is_ascii_alphanumeric() || !b.is_ascii();
        let length = match rest.first()? {
            b'\\' => escape(rest),
            first if is_word(first) => rest.iter().take_while(|b| is_word(b)).count(),
            _ => rest.iter().take_while(|b| !is_word(b) && **b != b'\\').count(),
        };
        let (piece, after) = rest.split_at_checked(length.max(1))?;
        let is_word = rest.first().is_some_and(is_word);
        rest = after;
        Some(if is_word { Piece::Word(piece) } else { Piece::Between(piece) })
    })
}

/// The length of an escape at the start of a text.
fn escape(text: &[u8]) -> usize {
    match text {
        [_, b'x', a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => 4,
        [_, a, b, c, ..] if [a, b, c].iter().all(|d| (b'0'..=b'7').contains(*d)) => 4,
        _ => 1,
    }
}

/// Whether it is a count, an id, a size: digits, and perhaps a unit.
pub fn is_number(word: &[u8]) -> bool {
    let digits = word.iter().take_while(|b| b.is_ascii_digit()).count();
    let unit = word.get(digits..).unwrap_or_default();
    digits > 0 && digits <= 20 && matches!(unit, [] | [b'k' | b'K' | b'm' | b'M' | b'g' | b'G' | b't' | b's'])
}

/// Words that every machine may have, lower case.
pub fn public() -> impl Iterator<Item = &'static [u8]> {
    PUBLIC.iter().flat_map(|line| line.split(' ')).map(str::as_bytes)
}

/// Names of block devices: `sda1`, `vdb`, `nvme0n1p2`, `loop3`.
pub fn is_device(word: &[u8]) -> bool {
    let Ok(word) = std::str::from_utf8(word) else { return false };
    let disk = ["xvd", "sd", "vd", "hd"].iter().find_map(|kind| word.strip_prefix(kind));
    let is_disk = disk.is_some_and(|rest| {
        let mut rest = rest.chars();
        rest.next().is_some_and(|c| c.is_ascii_lowercase()) && rest.all(|c| c.is_ascii_digit())
    });
    let numbered = ["nvme", "loop", "mmcblk", "md", "sr", "zram", "dm"];
    let numbered = numbered.iter().find_map(|kind| word.strip_prefix(kind));
    is_disk || numbered.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == 'n' || c == 'p'))
}

/// Words that tell nothing of their machine, lower case. A word is added when a rule needs it or it stands on every
/// machine; a word that somebody might call a project is not.
const PUBLIC: &[&str] = &[
    // The file hierarchy. Source: hier(7), file-hierarchy(7).
    "bin boot dev etc home lib lib32 lib64 libexec media mnt opt proc root run sbin share srv sys tmp usr var local",
    "cache lock log spool shm pts user users self fd fdinfo ns mountinfo environ cgroup null zero tty deleted tmpfs",
    "lost found empty private passwd fstab mtab hosts hostname resolv conf",
    // systemd, its units and slices.
    "systemd system service socket mount scope slice session init timer target path automount swap unit units",
    "journald logind networkd resolved timesyncd udevd machined homed oomd dbus daemon polkitd getty agetty login",
    "cron crond atd rsyslogd ssh sshd sudo su manager instance tmpfiles",
    // Containers and their layers.
    "docker dockerd containerd podman crio cri kubelet kubepods kubernetes burstable besteffort guaranteed pod lxc",
    "nspawn container containers libpod conmon overlay overlay2 overlays overlayfs fuse storage image images layers",
    "merged diff work upper lower upperdir workdir lowerdir rootfs runc crun shim buildkit buildkitd machine machines",
    // Mount tables. Source: mount(8), proc_pid_mountinfo(5), tmpfs(5), ext4(5), xfs(5), btrfs(5).
    "rw ro nosuid nodev noexec suid dev exec sync async relatime noatime strictatime nodiratime remount bind rbind",
    "shared master slave propagate from unbindable defaults noauto nofail size nr inodes blocks mode uid gid inode32",
    "inode64 huge mpol errors continue panic data ordered writeback journal discard barrier nobarrier commit delalloc",
    "nodelalloc emergency shutdown seclabel idmapped index redirect dir xino metacopy volatile nouserxattr userxattr",
    "attr2 logbufs logbsize noquota usrquota grpquota prjquota subvol subvolid space ssd lazytime stripe dax never",
    "hidepid subset ptraceonly invisible noaccess memory recursiveprot nsdelegate favordynmods cpu cpuacct cpuset pids",
    "devices freezer blkio io hugetlb perf event net cls prio rdma misc name unified controllers",
    "ext2 ext3 ext4 xfs btrfs zfs f2fs vfat iso9660 squashfs erofs ramfs devtmpfs devpts sysfs cgroup2 mqueue hugetlbfs",
    "debugfs tracefs securityfs configfs pstore bpf efivarfs binfmt nfs nfs4 cifs smb3 autofs fusectl rpc pipefs none",
    "mapper disk by uuid label partuuid fuseblk sunrpc autofs nsfs selinux",
    // Accounts that distributions make.
    "nobody nogroup www mail news uucp proxy backup list irc games man lp sys messagebus ntp syslog postfix",
    // Words of our own forms: see `model`.
    "denied absent vanished hung no not asked thread descriptor over budget malformed os whole part blind default dir",
    "variable fallback directory file link socket fifo char block device yes unknown probed predicted enter mkdir create",
    "write fsync rename execute remove cwd exe map source inode type runner build tool server other user group mask",
    "named owner everybody answer tmpmedic",
    // Variables and programs that decide where temp dirs are.
    "tmpdir temp gotmpdir pytest debug temproot cargo rustc rustup rustflags sccache ccache target gocache goflags gopath",
    "github gitlab forgejo gitea actions act jenkins buildkite workspace tool toolcache java maven gradle node npm python",
    "python3 perl ruby gcc cc ld go make cmake ninja bazel just nix installer install test run vet generate check clean fmt",
    "doc bench release io tmpdir djava sh bash dash zsh fish sleep cat ls env sh worker listener agent",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_are_the_text() {
        for text in [&b"/srv/a\\040b\\x2dc"[..], b"", b"\\", b"\xff\xfe/x", b"a=b"] {
            let joined: Vec<u8> = pieces(text)
                .flat_map(|piece| match piece {
                    Piece::Word(bytes) | Piece::Between(bytes) => bytes.to_vec(),
                })
                .collect();
            assert_eq!(joined, text);
        }
        let words: Vec<&[u8]> = pieces(b"/srv/a\\040b\\x2dc").filter_map(Piece::word).collect();
        assert_eq!(words, [&b"srv"[..], b"a", b"b", b"c"]);
    }

    #[test]
    fn knows_devices_and_numbers() {
        for word in ["sda1", "vdb", "nvme0n1p2", "loop3", "dm"] {
            assert!(is_device(word.as_bytes()), "{word}");
        }
        for word in ["sdcard", "anna", "loopback", "vdbx"] {
            assert!(!is_device(word.as_bytes()), "{word}");
        }
        assert!(is_number(b"1000") && is_number(b"65536k") && !is_number(b"1a") && !is_number(b"k"));
    }
}
