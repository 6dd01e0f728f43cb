//! The limits: each job with as little as the kernel allows, to measure ours against.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, RawDir, StatxFlags};

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

fn open(path: &Path) -> OwnedFd {
    rustix::fs::open(path, DIRECTORY, Mode::empty()).expect("the directory opens")
}

/// Counts and looks at each entry: names read once, one statx each with four stamps, in `threads` threads.
pub fn full(path: &Path, threads: usize) -> u64 {
    let dir = open(path);
    let mut buffer = vec![MaybeUninit::uninit(); 1 << 20];
    let mut names: Vec<u8> = Vec::new();
    let mut batches: Vec<Vec<u8>> = Vec::new();
    let mut reader = RawDir::new(&dir, &mut buffer);
    while let Some(entry) = reader.next() {
        let entry = entry.expect("the directory reads");
        names.extend_from_slice(entry.file_name().to_bytes_with_nul());
        if names.len() > 64 << 10 {
            batches.push(std::mem::take(&mut names));
        }
    }
    batches.push(names);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let old = std::sync::atomic::AtomicU64::new(0);
    let work = || {
        let mut mine = 0;
        while let Some(batch) = batches.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
            for name in batch.split_inclusive(|b| *b == 0) {
                let Ok(name) = std::ffi::CStr::from_bytes_with_nul(name) else { continue };
                mine += u64::from(newest(&dir, name) < 1_700_000_000);
            }
        }
        old.fetch_add(mine, std::sync::atomic::Ordering::Relaxed);
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    old.into_inner()
}

fn newest(dir: &OwnedFd, name: &std::ffi::CStr) -> i64 {
    let mask = StatxFlags::TYPE
        | StatxFlags::UID
        | StatxFlags::BLOCKS
        | StatxFlags::ATIME
        | StatxFlags::MTIME
        | StatxFlags::CTIME
        | StatxFlags::BTIME;
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_DONT_SYNC;
    let Ok(stat) = rustix::fs::statx(dir, name, flags, mask) else { return 0 };
    let stamps = [stat.stx_atime, stat.stx_mtime, stat.stx_ctime, stat.stx_btime];
    stamps.iter().map(|s| s.tv_sec).max().unwrap_or(0)
}

/// All pids of /proc.
pub fn pids() -> Vec<u32> {
    let dir = open(Path::new("/proc"));
    let mut buffer = vec![MaybeUninit::uninit(); 256 << 10];
    let mut reader = RawDir::new(&dir, &mut buffer);
    let mut pids = Vec::new();
    while let Some(entry) = reader.next() {
        let name = entry.expect("/proc reads").file_name().to_string_lossy().into_owned();
        pids.extend(name.parse::<u32>());
    }
    pids
}

/// Reads of every process but kernel threads what a first look must know of it, each file and link once: what it is (stat,
/// status, cgroup), what it was started with (cmdline, environ), where it is (root, cwd, exe, namespaces); and mountinfo
/// once for each mount namespace. Nothing is parsed or kept.
pub fn read_processes(threads: usize) -> u64 {
    let seen = std::sync::Mutex::new(std::collections::BTreeSet::new());
    each_pid(threads, |pid, buffer| {
        let Some(dir) = pid_dir(pid) else { return 0 };
        let mut bytes = read_piece(&dir, "stat", buffer);
        let mut link = [MaybeUninit::uninit(); 4096];
        if rustix::fs::readlinkat_raw(&dir, "exe", &mut link).is_err() {
            return bytes;
        }
        for name in ["status", "cgroup", "cmdline", "environ"] {
            bytes += read_piece(&dir, name, buffer);
        }
        for name in ["root", "cwd", "ns/pid"] {
            bytes +=
                rustix::fs::readlinkat_raw(&dir, name, &mut link).map_or(0, |(text, _)| text.len() as u64);
        }
        if let Ok((namespace, _)) = rustix::fs::readlinkat_raw(&dir, "ns/mnt", &mut link)
            && seen.lock().expect("no panic").insert(namespace.to_vec())
        {
            bytes += read(&dir, "mountinfo", buffer);
        }
        bytes
    })
}

/// Reads every descriptor link, cwd, root, exe and the mappings of every process.
pub fn read_holders(threads: usize) -> u64 {
    each_pid(threads, |pid, buffer| {
        let Some(dir) = pid_dir(pid) else { return 0 };
        let mut links = 0;
        for name in ["cwd", "root", "exe"] {
            links += u64::from(rustix::fs::readlinkat(&dir, name, Vec::with_capacity(256)).is_ok());
        }
        if links == 0 {
            return 0;
        }
        if let Ok(fds) = rustix::fs::openat(&dir, "fd", DIRECTORY, Mode::empty()) {
            let mut entries = [MaybeUninit::uninit(); 16 << 10];
            let mut reader = RawDir::new(&fds, &mut entries);
            let mut link = Vec::with_capacity(256);
            while let Some(Ok(entry)) = reader.next() {
                link.clear();
                if let Ok(text) = rustix::fs::readlinkat(&fds, entry.file_name(), link) {
                    links += 1;
                    link = text.into_bytes();
                } else {
                    link = Vec::with_capacity(256);
                }
            }
        }
        links + read(&dir, "maps", buffer)
    })
}

fn pid_dir(pid: u32) -> Option<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(format!("/proc/{pid}"), flags, Mode::empty()).ok()
}

/// A file that the kernel hands over in one piece, by one read.
fn read_piece(dir: &OwnedFd, name: &str, buffer: &mut [u8]) -> u64 {
    let file = rustix::fs::openat(dir, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    file.and_then(|file| rustix::io::read(&file, &mut *buffer)).map_or(0, |n| n as u64)
}

fn read(dir: &OwnedFd, name: &str, buffer: &mut [u8]) -> u64 {
    let Ok(file) = rustix::fs::openat(dir, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) else {
        return 0;
    };
    let mut total = 0;
    while let Ok(n @ 1..) = rustix::io::read(&file, &mut *buffer) {
        total += n as u64;
    }
    total
}

fn each_pid(threads: usize, job: impl Fn(u32, &mut [u8]) -> u64 + Sync) -> u64 {
    let pids = pids();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let sum = std::sync::atomic::AtomicU64::new(0);
    let work = || {
        let mut buffer = vec![0; 64 << 10];
        while let Some(pid) = pids.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
            sum.fetch_add(job(*pid, &mut buffer), std::sync::atomic::Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    sum.into_inner()
}
