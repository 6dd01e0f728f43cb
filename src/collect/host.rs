//! The machine itself: name, load, memory, limits, /dev/null, fstab, recorded file system errors.
//!
//! sysinfo gives memory and load only: its list of disks waits for file systems that do not answer. Called by
//! `collect::Eyes`.

use std::os::fd::AsFd;
use std::path::Path;

use procfs::{FromRead, IoPressure};
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use crate::collect::parse::{decimal, fstab, quote, words};
use crate::collect::{owners, task_limits};
use crate::model::host::{FsErrors, FstabLine, Host};
use crate::model::mount::{Mount, MountNamespace};
use crate::model::process::{Pid, ProcessTable};
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy, Reading, Seen};
use crate::model::units::{Bytes, Entries, Micros};
use crate::model::vantage::Facts;
use crate::sys::clock::Stopwatch;
use crate::sys::procfile::Proc;
use crate::sys::{dirfd, plainfile, stat};

const SMALL: usize = 64 << 10;
const FSTAB_MAX: usize = 1 << 20;
const EXT4: &str = "/sys/fs/ext4";

/// Looks at the machine.
pub fn find(proc: &Proc, processes: &ProcessTable, namespaces: &[MountNamespace], own: Pid) -> Reading<Host> {
    let watch = Stopwatch::start();
    let ours = namespaces.iter().find(|namespace| namespace.ours);
    let memory = System::new_with_specifics(
        RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram()),
    );
    let (total, available) =
        memory.map_or((0, 0), |system| (system.total_memory(), system.available_memory()));
    let load =
        System::load_average().map_or([0; 3], |load| [load.one, load.five, load.fifteen].map(hundredths));
    let host = Host {
        name: line(proc, "sys/kernel/hostname").unwrap_or_default(),
        kernel: line(proc, "sys/kernel/osrelease").unwrap_or_default(),
        boot_id: line(proc, "sys/kernel/random/boot_id"),
        load_centi: load,
        cpus: std::thread::available_parallelism().map_or(1, |n| u64::try_from(n.get()).unwrap_or(1)),
        memory_total: Bytes(total),
        memory_available: Bytes(available),
        open_files: open_files(proc),
        io_pressure: io_pressure(proc),
        dev_null: if_it_answers(ours, "/dev/null", dev_null),
        fstab: if_it_answers(ours, "/etc/fstab", configured_mounts),
        has_systemd: has_systemd(processes),
        fs_errors: fs_errors(),
        task_limits: task_limits::find(processes, ours, own),
    };
    let mut gaps = Vec::new();
    if total == 0 {
        gaps.push(Gap::new("memory of the machine", GapWhy::Absent));
    }
    Reading::of(host, Micros(watch.micros()), gaps)
}

/// Something expected to be there; where it is not, it did not vanish but was never there.
fn absent(error: std::io::Error) -> GapWhy {
    match GapWhy::from(error) {
        GapWhy::Vanished => GapWhy::Absent,
        other => other,
    }
}

/// Without a mount table nobody knows where these lie, and then they are taken for local.
fn if_it_answers<T>(ours: Option<&MountNamespace>, path: &str, look: fn() -> Seen<T>) -> Seen<T> {
    match ours {
        Some(ours) if ours.serving(&RawPath::from(path)).is_some_and(Mount::is_doubtful) => {
            Err(GapWhy::NotAsked)
        }
        _ => look(),
    }
}

fn line(proc: &Proc, name: &str) -> Seen<String> {
    let text = proc.read(name, SMALL).map_err(absent)?;
    Ok(quote(text.trim_ascii()))
}

/// Allocated descriptions, an unused column, the limit. Source: proc_sys_fs(5).
fn open_files(proc: &Proc) -> Seen<(Entries, Entries)> {
    let text = proc.read("sys/fs/file-nr", SMALL).map_err(absent)?;
    let mut numbers = words(text.trim_ascii()).map(decimal);
    match (numbers.next().flatten(), numbers.nth(1).flatten()) {
        (Some(open), Some(limit)) => Ok((Entries(open), Entries(limit))),
        _ => Err(GapWhy::Malformed { line: quote(&text) }),
    }
}

/// Absent before Linux 4.20 and where the kernel was started without it.
fn io_pressure(proc: &Proc) -> Seen<u64> {
    let text = proc.read("pressure/io", SMALL).map_err(absent)?;
    match IoPressure::from_read(text.as_slice()) {
        Ok(pressure) => Ok(hundredths(f64::from(pressure.some.avg10))),
        Err(error) => Err(GapWhy::Malformed { line: error.to_string() }),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped just before")]
fn hundredths(value: f64) -> u64 {
    (value * 100.0).round().clamp(0.0, 1e15) as u64
}

fn dev_null() -> Seen<Facts> {
    let dev = dirfd::open_trusted_dir(b"/dev").map_err(absent)?;
    stat::at(dev.as_fd(), c"null").map(|found| owners::facts(&found)).map_err(absent)
}

fn configured_mounts() -> Seen<Vec<FstabLine>> {
    let text = plainfile::read(Path::new("/etc/fstab"), FSTAB_MAX).map_err(absent)?;
    Ok(fstab::parse(&text))
}

/// As sd_booted(3) tells it, or by the name of the first process.
fn has_systemd(processes: &ProcessTable) -> bool {
    processes.get(1).is_some_and(|first| first.comm.as_bytes() == b"systemd")
        || dirfd::open_trusted_dir(b"/run/systemd/system").is_ok()
}

/// What ext4 recorded since the last fsck. Source: the kernel's Documentation/ABI/testing/sysfs-fs-ext4.
fn fs_errors() -> Vec<FsErrors> {
    let names = plainfile::names(Path::new(EXT4)).unwrap_or_default();
    let of = |name: std::ffi::OsString| {
        let dir = Path::new(EXT4).join(&name);
        let read = |file: &str| plainfile::read(&dir.join(file), SMALL).ok();
        let number = |file: &str| read(file).and_then(|text| decimal(text.trim_ascii()));
        Some(FsErrors {
            device: RawPath::from(name.as_os_str()).shown(),
            count: number("errors_count")?,
            function: read("last_error_func").map(|text| quote(text.trim_ascii())).unwrap_or_default(),
            last: number("last_error_time").unwrap_or(0),
        })
    };
    names.into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_every_kernel_has() {
        let proc = Proc::open(Path::new("/proc")).unwrap();
        let Reading::Whole { value: host, .. } = find(&proc, &ProcessTable::default(), &[], 1) else {
            panic!("the machine must show itself")
        };
        assert!(!host.name.is_empty() && !host.kernel.is_empty());
        assert!(host.boot_id.is_ok_and(|id| id.len() == 36));
        assert!(host.memory_total >= host.memory_available && host.cpus > 0);
        assert!(host.open_files.is_ok_and(|(open, limit)| open.0 > 0 && open <= limit));
    }

    #[test]
    fn rounds_to_hundredths() {
        assert_eq!((hundredths(1.234), hundredths(-1.0), hundredths(f64::NAN)), (123, 0, 0));
    }
}
