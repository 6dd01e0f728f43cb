//! One process: from its directory in procfs to a [`Process`], or the same as at the last look where nothing changed.
//!
//! What a process was started with changes only by exec, and that draws new addresses for its program image, which the one
//! file that is read at every look shows. What it can change otherwise (credentials, mask, cwd, namespaces) is read again
//! at every look where it matters (runners, build tools, young processes) and in turn for all others.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::catalog::roles::Clues;
use crate::collect::environment::{self, Text};
use crate::collect::parse::cgroup::belonging;
use crate::collect::parse::stat::{self, Image, Stat};
use crate::collect::parse::{decimal, limits, lines, mountinfo, quote, status};
use crate::model::process::{MountNs, Pid, Place, Process, Role};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::reading::{GapWhy, Seen};
use crate::model::units::{BootNanos, Entries, Millis};
use crate::sys::procfile::{PidDir, Proc};

/// The files that the kernel hands over in one piece are far shorter; v1 cgroup paths are the longest.
const PIECE_MAX: usize = 64 << 10;
/// The first page of a mount table holds the lines by which namespaces are told apart.
const HEAD: usize = 4096;
/// A process that is not read whole for another reason has its turn once in so many looks.
const TURN: u64 = 8;
/// Between fork and the end of their start-up, processes change what they are without exec.
const YOUNG: u64 = 5_000_000_000;
/// The kernel's mark in links to objects without a name.
pub const DELETED: &[u8] = b" (deleted)";

/// What is remembered of a process from one look to the next.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The process, its marks of deletion not yet judged and names of user and container still open. Boxed, because what is
    /// remembered is handed about.
    pub process: Box<Process>,
    /// Its program image.
    pub image: Image,
    /// Whether arguments and variables have to be asked for, because it is in state D.
    pub wants_text: bool,
}

/// Reads processes at one look.
#[derive(Debug)]
pub struct Reader {
    /// Where from.
    pub proc: Arc<Proc>,
    /// Roles and the allowlist.
    pub catalog: Arc<Catalog>,
    /// Our own pid: neither we nor our helpers play a part.
    pub own: Pid,
    /// Number of the look, for taking turns.
    pub look: u64,
    /// Now.
    pub boot: BootNanos,
    /// Length of a clock tick.
    pub tick_nanos: u64,
}

impl Reader {
    /// Reads one process, given what is remembered of that pid.
    ///
    /// # Errors
    /// [`GapWhy::Vanished`] where it has ended; otherwise why it could not be read at all.
    pub fn read(&self, pid: Pid, kept: Option<Kept>, buffer: &mut Vec<u8>) -> Seen<Kept> {
        let kept = match kept {
            Some(kept) if !kept.wants_text => match self.refresh(pid, kept, buffer)? {
                Refreshed::Same(kept) => return Ok(kept),
                Refreshed::Due(kept) => Some(kept),
            },
            _ => None,
        };
        let dir = self.proc.pid(pid)?;
        dir.read_piece("stat", PIECE_MAX, buffer)?;
        let stat = understood(buffer)?;
        let started = self.started(&stat);
        let kept = kept.filter(|kept| {
            kept.process.started == started && kept.image == stat.image && stat.image.is_known()
        });
        let image = stat.image;
        let mut process = Box::new(skeleton(pid, started, &stat));
        if is_bare(&stat) {
            return ending(&stat).map(|()| Kept { process, image, wants_text: false });
        }
        let wants_text = self.fill(&mut process, &dir, kept, buffer);
        if has_vanished(&process) {
            dir.read_piece("stat", PIECE_MAX, buffer)?;
            let stat = understood(buffer)?;
            if is_bare(&stat) {
                let process = Box::new(skeleton(pid, started, &stat));
                return ending(&stat).map(|()| Kept { process, image, wants_text: false });
            }
        }
        Ok(Kept { process, image, wants_text })
    }

    /// Tries again to read the text of a process that was in state D: most of them have only waited for a disk.
    pub fn retry(&self, kept: &mut Kept, buffer: &mut Vec<u8>) -> Seen<()> {
        let dir = self.proc.pid(kept.process.pid)?;
        dir.read_piece("stat", PIECE_MAX, buffer)?;
        let stat = understood(buffer)?;
        if stat.state != 'D' && self.started(&stat) == kept.process.started {
            kept.process.state = stat.state;
            kept.process.wait_channel = None;
            kept.image = stat.image;
            kept.wants_text = false;
            let text = environment::read(&dir, &self.catalog, buffer);
            self.set_text(&mut kept.process, text);
        }
        Ok(())
    }

    /// Reads the one line of a process that is remembered, by its path: cheaper than by its directory, and where more has
    /// to be read, that starts anew.
    fn refresh(&self, pid: Pid, mut kept: Kept, buffer: &mut Vec<u8>) -> Seen<Refreshed> {
        self.proc.read_stat(pid, buffer)?;
        let stat = understood(buffer)?;
        if kept.process.started != self.started(&stat) || self.is_due(&kept, &stat) {
            return Ok(Refreshed::Due(kept));
        }
        kept.process.wait_channel =
            if stat.state == 'D' { self.proc.pid(pid).ok().and_then(|dir| wait_channel(&dir)) } else { None };
        kept.process.state = stat.state;
        if kept.process.comm.as_bytes() != stat.comm {
            // Kernel workers are renamed after what they work on.
            kept.process.comm = RawText::from(stat.comm);
        }
        Ok(Refreshed::Same(kept))
    }

    fn started(&self, stat: &Stat<'_>) -> BootNanos {
        BootNanos(stat.started.saturating_mul(self.tick_nanos))
    }

    fn is_due(&self, kept: &Kept, stat: &Stat<'_>) -> bool {
        let process = &kept.process;
        let changed = kept.image != stat.image
            || process.comm.as_bytes() != stat.comm
            || process.parent != stat.parent
            || process.session != stat.session
            || (process.root == Err(GapWhy::Absent)) != is_bare(stat);
        let young = self.boot.0.saturating_sub(process.started.0) < YOUNG;
        let its_turn = (u64::from(process.pid) + self.look).is_multiple_of(TURN);
        !process.kernel && (changed || young || process.is_build() || its_turn)
    }

    /// Reads everything but `stat`; whether arguments and variables are left to be asked for.
    fn fill(&self, process: &mut Process, dir: &PidDir, kept: Option<Kept>, buffer: &mut Vec<u8>) -> bool {
        fill_status(process, dir, buffer);
        fill_cgroup(process, dir, buffer);
        let table = dir.read_piece("limits", PIECE_MAX, buffer).map_err(GapWhy::from);
        process.limits = table
            .and_then(|()| limits::parse(buffer).ok_or_else(|| GapWhy::Malformed { line: quote(buffer) }));
        process.open_files = dir.fd_count().map(Entries).map_err(GapWhy::from);
        process.root = place(dir, "root");
        process.cwd = place(dir, "cwd");
        process.exe = place(dir, "exe");
        process.mount_ns = mount_ns(dir, buffer);
        process.pid_ns = dir.link("ns/pid").map_err(GapWhy::from).and_then(|text| ns_inode(&text));
        let is_stuck = process.state == 'D';
        if is_stuck {
            process.wait_channel = wait_channel(dir);
        }
        let text = match (is_stuck, kept) {
            (false, _) => environment::read(dir, &self.catalog, buffer),
            (true, Some(kept)) => {
                Text { arguments: kept.process.arguments, variables: kept.process.variables }
            }
            (true, None) => {
                self.set_text(process, Text::unseen(&GapWhy::Hung { after: Millis(0) }));
                return true;
            }
        };
        self.set_text(process, text);
        false
    }

    /// Sets what a process was started with, and the role that follows from it.
    pub fn set_text(&self, process: &mut Process, text: Text) {
        process.arguments = text.arguments;
        process.variables = text.variables;
        process.role = self.role_of(process);
        if let Ok(arguments) = &mut process.arguments {
            environment::cut(arguments);
        }
    }

    fn role_of(&self, process: &Process) -> Option<Role> {
        let arguments = process.arguments.as_deref().unwrap_or_default();
        let is_helper = || arguments.get(1).is_some_and(|word| word.as_bytes() == b"__helper");
        if process.pid == self.own || process.parent == self.own && is_helper() {
            return None;
        }
        let exe = process.exe.as_ref().ok().map(|place| place.path.as_bytes());
        self.catalog.roles.role_of(&Clues {
            comm: process.comm.as_bytes(),
            exe: exe.map(|path| path.strip_suffix(DELETED).unwrap_or(path)),
            arguments,
            unit: process.unit.as_deref(),
        })
    }
}

/// Kernel threads and what is ending have neither files nor an environment.
fn is_bare(stat: &Stat<'_>) -> bool {
    stat.kernel || stat.exiting || matches!(stat.state, 'Z' | 'X')
}

/// What is on its way out counts as gone, but for zombies, which stay until somebody asks for them, and for what hangs in
/// its last system call.
fn ending(stat: &Stat<'_>) -> Seen<()> {
    let stays = stat.kernel || matches!(stat.state, 'Z' | 'X' | 'D');
    if stays { Ok(()) } else { Err(GapWhy::Vanished) }
}

/// Whether it gave up its memory or files while it was read.
fn has_vanished(process: &Process) -> bool {
    let gone = Some(&GapWhy::Vanished);
    process.root.as_ref().err() == gone
        || process.cwd.as_ref().err() == gone
        || process.exe.as_ref().err() == gone
        || process.mount_ns.as_ref().err() == gone
        || process.arguments.as_ref().err() == gone
        || process.variables.as_ref().err() == gone
}

/// What the one line says about a process that is remembered.
enum Refreshed {
    /// Nothing but its state can have changed, and that is up to date.
    Same(Kept),
    /// It has to be read whole.
    Due(Kept),
}

fn understood(line: &[u8]) -> Seen<Stat<'_>> {
    stat::parse(line).ok_or_else(|| GapWhy::Malformed { line: quote(line) })
}

/// What the one line tells; everything else is not there, as for kernel threads and zombies.
fn skeleton(pid: Pid, started: BootNanos, stat: &Stat<'_>) -> Process {
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
        filtered: Err(GapWhy::Absent),
    }
}

fn fill_status(process: &mut Process, dir: &PidDir, buffer: &mut Vec<u8>) {
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

fn fill_cgroup(process: &mut Process, dir: &PidDir, buffer: &mut Vec<u8>) {
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

fn place(dir: &PidDir, name: &str) -> Seen<Place> {
    Ok(Place { path: RawPath::new(dir.link(name)?), deleted: false })
}

/// By inode where that is readable, else by the id of the root mount, which everybody may read and which is unique.
fn mount_ns(dir: &PidDir, buffer: &mut Vec<u8>) -> Seen<MountNs> {
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
fn ns_inode(text: &[u8]) -> Seen<u64> {
    let digits = text.split(|b| *b == b'[').nth(1).and_then(|rest| rest.strip_suffix(b"]"));
    digits.and_then(decimal).ok_or_else(|| GapWhy::Malformed { line: quote(text) })
}

/// The function that it sleeps in; `0` where the kernel does not say.
fn wait_channel(dir: &PidDir) -> Option<String> {
    let name = dir.read("wchan", PIECE_MAX).ok()?;
    let name = name.trim_ascii();
    (!name.is_empty() && name != b"0").then(|| quote(name))
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
