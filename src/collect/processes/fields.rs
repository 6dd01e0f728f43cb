//! The fields of a process, each by the file or link of procfs that tells it. Called by `processes::reader`.

use crate::collect::parse::cgroup::belonging;
use crate::collect::parse::stat::Stat;
use crate::collect::parse::{decimal, lines, mountinfo, quote, status};
use crate::collect::processes::reader::PIECE_MAX;
use crate::model::process::{MountNs, Pid, Place, Process};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::reading::{GapWhy, Seen};
use crate::model::units::BootNanos;
use crate::sys::procfile::PidDir;
use crate::sys::standing;

/// The first page of a mount table holds the lines by which namespaces are told apart.
const HEAD: usize = 4096;

/// What the one line tells; everything else is not there, as for kernel threads and zombies.
pub(super) fn skeleton(pid: Pid, started: BootNanos, stat: &Stat<'_>) -> Process {
    Process {
        pid,
        parent: stat.parent,
        started,
        session: stat.session,
        state: stat.state,
        kernel: stat.kernel,
        comm: RawText::from(stat.comm),
        arguments: Ok(Vec::new()),
        credentials: Err(GapWhy::Absent),
        umask: Err(GapWhy::Absent),
        limits: Err(GapWhy::Absent),
        open_files: Err(GapWhy::Absent),
        unit: None,
        container: None,
        cgroup: Err(GapWhy::Absent),
        mount_ns: Err(GapWhy::Absent),
        pid_ns: Err(GapWhy::Absent),
        root: Err(GapWhy::Absent),
        cwd: Err(GapWhy::Absent),
        exe: Err(GapWhy::Absent),
        variables: Err(GapWhy::Absent),
        role: None,
        wait_channel: None,
        stack: Vec::new(),
        filtered: Err(GapWhy::Absent),
    }
}

/// Credentials, mask and filters.
pub(super) fn fill_status(process: &mut Process, dir: &PidDir, buffer: &mut Vec<u8>) {
    match dir.read_piece("status", PIECE_MAX, buffer) {
        Ok(()) => {
            let status = status::parse(buffer);
            process.credentials = status.credentials.ok_or(GapWhy::Absent);
            process.umask = status.umask.ok_or(GapWhy::Absent);
            process.filtered = status.filtered.ok_or(GapWhy::Absent);
        }
        Err(error) => {
            let why = GapWhy::from(error);
            process.credentials = Err(why.clone());
            process.umask = Err(why.clone());
            process.filtered = Err(why);
        }
    }
}

/// Cgroups, and the unit and container that they name.
pub(super) fn fill_cgroup(process: &mut Process, dir: &PidDir, buffer: &mut Vec<u8>) {
    match dir.read_piece("cgroup", PIECE_MAX, buffer) {
        Ok(()) => {
            let found = belonging(buffer);
            process.unit = found.unit;
            process.container = found.container;
            process.cgroup = Ok(RawText::from(buffer.trim_ascii_end()));
        }
        // Absent where the kernel has no cgroups at all.
        Err(error) => process.cgroup = Err(GapWhy::from(error)),
    }
}

/// Where a link leads, its mark of deletion not judged yet.
pub(super) fn place(dir: &PidDir, name: &str) -> Seen<Place> {
    Ok(Place { path: RawPath::new(dir.link(name)?), deleted: false })
}

/// By inode where that is readable, else by the id of the root mount, which everybody may read and which is unique.
pub(in crate::collect) fn mount_ns(dir: &PidDir, buffer: &mut Vec<u8>) -> Seen<MountNs> {
    match dir.link("ns/mnt").map_err(GapWhy::from) {
        Ok(text) => ns_inode(&text).map(MountNs::Inode),
        Err(GapWhy::Denied) => {
            dir.read_head("mountinfo", HEAD, buffer)?;
            let found = || lines(buffer).filter_map(mountinfo::id_and_point);
            let root = found().find(|(_, point)| *point == b"/").or_else(|| found().next());
            root.map(|(id, _)| MountNs::RootMount(id)).ok_or(GapWhy::Denied)
        }
        Err(why) => Err(why),
    }
}

/// `4026531841` of `mnt:[4026531841]`.
pub(in crate::collect) fn ns_inode(text: &[u8]) -> Seen<u64> {
    let digits = text.split(|b| *b == b'[').nth(1).and_then(|rest| rest.strip_suffix(b"]"));
    digits.and_then(decimal).ok_or_else(|| GapWhy::Malformed { line: quote(text) })
}

/// Where a process in state D sleeps.
pub(super) fn fill_sleep(process: &mut Process, dir: &PidDir) {
    process.wait_channel = standing::wait_channel(dir).ok().flatten();
    process.stack = standing::stack(dir);
}

/// That it sleeps no more.
pub(super) fn forget_sleep(process: &mut Process) {
    process.wait_channel = None;
    process.stack = Vec::new();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_inode_out_of_the_text_of_a_namespace_link() {
        assert_eq!(ns_inode(b"mnt:[4026531841]"), Ok(4_026_531_841));
        assert!(ns_inode(b"mnt:[]").is_err());
        assert!(ns_inode(b"").is_err());
    }
}
