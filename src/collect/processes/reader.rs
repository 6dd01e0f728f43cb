//! One process: from its directory in procfs to a [`Process`], or the same as at the last look where nothing changed.
//!
//! What a process was started with changes only by exec, and that draws new addresses for its program image, which the one
//! file that is read at every look shows. What it can change otherwise (credentials, mask, cwd, namespaces) is read again
//! at every look where it matters (runners, build tools, young processes) and in turn for all others.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::catalog::roles::Clues;
use crate::collect::environment::{self, Text};
use crate::collect::parse::quote;
use crate::collect::parse::stat::{self, Image, Stat};
use crate::collect::processes::bounds;
use crate::collect::processes::fields::{
    fill_cgroup, fill_status, mount_ns, ns_inode, place, skeleton, wait_channel,
};
use crate::model::process::{Pid, Process, Role};
use crate::model::raw_path::RawText;
use crate::model::reading::{GapWhy, Seen};
use crate::model::units::{BootNanos, Millis};
use crate::sys::procfile::{PidDir, Proc};

/// The files that the kernel hands over in one piece are far shorter; v1 cgroup paths are the longest.
pub(super) const PIECE_MAX: usize = 64 << 10;
/// A process that is not read whole for another reason has its turn once in so many looks.
const TURN: u64 = 8;
/// Between fork and the end of their start-up, processes change what they are without exec.
const YOUNG: u64 = 5_000_000_000;
/// The kernel's mark in links to objects without a name.
pub const DELETED: &[u8] = b" (deleted)";

/// What is remembered of a process from one look to the next.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The process. Marks of deletion and the names of user and container are settled later, once it was read anew.
    pub process: Arc<Process>,
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
        let before = kept.as_ref().map(|kept| Arc::clone(&kept.process));
        let image = stat.image;
        let mut process = skeleton(pid, started, &stat);
        if is_bare(&stat) {
            let process = Arc::new(process);
            return ending(&stat).map(|()| Kept { process, image, wants_text: false });
        }
        let wants_text = self.fill(&mut process, &dir, kept, buffer);
        if has_vanished(&process) {
            dir.read_piece("stat", PIECE_MAX, buffer)?;
            let stat = understood(buffer)?;
            if is_bare(&stat) {
                let process = Arc::new(skeleton(pid, started, &stat));
                return ending(&stat).map(|()| Kept { process, image, wants_text: false });
            }
        }
        Ok(Kept { process: shared(before, process), image, wants_text })
    }

    /// Tries again to read the text of a process that was in state D: most of them have only waited for a disk.
    pub fn retry(&self, kept: &mut Kept, buffer: &mut Vec<u8>) -> Seen<()> {
        let dir = self.proc.pid(kept.process.pid)?;
        dir.read_piece("stat", PIECE_MAX, buffer)?;
        let stat = understood(buffer)?;
        if stat.state != 'D' && self.started(&stat) == kept.process.started {
            let process = Arc::make_mut(&mut kept.process);
            process.state = stat.state;
            process.wait_channel = None;
            kept.image = stat.image;
            kept.wants_text = false;
            let text = environment::read(&dir, &self.catalog, buffer);
            self.set_text(process, text);
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
        let is_stuck = stat.state == 'D';
        let before = &kept.process;
        // Kernel workers are renamed after what they work on.
        if is_stuck || before.state != stat.state || before.comm.as_bytes() != stat.comm {
            let process = Arc::make_mut(&mut kept.process);
            process.state = stat.state;
            process.comm = RawText::from(stat.comm);
            process.wait_channel =
                if is_stuck { self.proc.pid(pid).ok().and_then(|dir| wait_channel(&dir)) } else { None };
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
        (process.limits, process.open_files) = (Err(GapWhy::NotAsked), Err(GapWhy::NotAsked));
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
                let process = kept.process;
                Text { arguments: process.arguments.clone(), variables: process.variables.clone() }
            }
            (true, None) => {
                self.set_text(process, Text::unseen(&GapWhy::Hung { after: Millis(0) }));
                return true;
            }
        };
        self.set_text(process, text);
        if process.is_build() {
            bounds::fill(process, dir, buffer);
        }
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

/// The process as it was at the last look, where it shows the same again: the looks on a large machine then share almost
/// all of their processes instead of holding each several times.
///
/// Names and limits are settled after the pass; those of the last look are taken over, and settled again if need be.
fn shared(before: Option<Arc<Process>>, mut process: Process) -> Arc<Process> {
    let Some(before) = before else { return Arc::new(process) };
    if let (Ok(then), Ok(now)) = (&before.credentials, &mut process.credentials)
        && then.uid == now.uid
    {
        now.user.clone_from(&then.user);
    }
    if let (Some(then), Some(now)) = (&before.container, &mut process.container)
        && then.id == now.id
    {
        now.name.clone_from(&then.name);
    }
    if process.limits == Err(GapWhy::NotAsked) {
        process.limits.clone_from(&before.limits);
        process.open_files.clone_from(&before.open_files);
    }
    if *before == process { before } else { Arc::new(process) }
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
