//! Runs a program and stops it at the entry of each call that names something in a file system.
//!
//! By ptrace, with no program of anybody else: there the world can be changed in exactly the moment between a look and an
//! act, or the program killed.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// A call that is about to be made.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which.
    pub name: &'static str,
    /// What it names, as far as a path tells that now.
    pub path: PathBuf,
    /// Whether it changes something.
    pub changes: bool,
}

/// What happens to the program at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// It goes on.
    On,
    /// It is killed there, before the call.
    Kill,
}

/// Whose calls are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// Those of the program and its threads.
    Itself,
    /// Those of every process that it starts, too.
    Everybody,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub text: String,
    /// What it said on standard error.
    pub talk: String,
}

/// What is known of a call by its number: its name, where its directory and its name are, whether it changes something.
struct Known(libc::c_long, &'static str, Names, bool);

#[derive(Clone, Copy)]
enum Names {
    /// The first argument is a descriptor, the second a name there.
    DirAndName,
    /// The first is a path.
    Path,
    /// The first is a descriptor.
    Descriptor,
    /// The second is a path.
    Second,
}

const CALLS: [Known; 37] = {
    use Names::{Descriptor, DirAndName, Path, Second};
    [
        Known(libc::SYS_openat, "openat", DirAndName, false),
        Known(libc::SYS_openat2, "openat2", DirAndName, false),
        Known(libc::SYS_open, "open", Path, false),
        Known(libc::SYS_statx, "statx", DirAndName, false),
        Known(libc::SYS_newfstatat, "newfstatat", DirAndName, false),
        Known(libc::SYS_lstat, "lstat", Path, false),
        Known(libc::SYS_stat, "stat", Path, false),
        Known(libc::SYS_getdents64, "getdents64", Descriptor, false),
        Known(libc::SYS_flock, "flock", Descriptor, false),
        Known(libc::SYS_getxattr, "getxattr", Path, false),
        Known(libc::SYS_unlinkat, "unlinkat", DirAndName, true),
        Known(libc::SYS_unlink, "unlink", Path, true),
        Known(libc::SYS_rmdir, "rmdir", Path, true),
        Known(libc::SYS_renameat2, "renameat2", DirAndName, true),
        Known(libc::SYS_renameat, "renameat", DirAndName, true),
        Known(libc::SYS_rename, "rename", Path, true),
        Known(libc::SYS_mkdirat, "mkdirat", DirAndName, true),
        Known(libc::SYS_mkdir, "mkdir", Path, true),
        Known(libc::SYS_linkat, "linkat", DirAndName, true),
        Known(libc::SYS_fchownat, "fchownat", DirAndName, true),
        Known(libc::SYS_fchown, "fchown", Descriptor, true),
        Known(libc::SYS_lchown, "lchown", Path, true),
        Known(libc::SYS_chown, "chown", Path, true),
        Known(libc::SYS_fchmodat, "fchmodat", DirAndName, true),
        Known(libc::SYS_fchmod, "fchmod", Descriptor, true),
        Known(libc::SYS_chmod, "chmod", Path, true),
        Known(libc::SYS_write, "write", Descriptor, true),
        Known(libc::SYS_ftruncate, "ftruncate", Descriptor, true),
        Known(libc::SYS_fallocate, "fallocate", Descriptor, true),
        Known(libc::SYS_fdatasync, "fdatasync", Descriptor, true),
        Known(libc::SYS_fsync, "fsync", Descriptor, true),
        Known(libc::SYS_setns, "setns", Descriptor, true),
        Known(libc::SYS_open_tree, "open_tree", DirAndName, true),
        Known(libc::SYS_mount_setattr, "mount_setattr", DirAndName, true),
        Known(libc::SYS_move_mount, "move_mount", DirAndName, true),
        Known(libc::SYS_umount2, "umount2", Path, true),
        Known(libc::SYS_mount, "mount", Second, true),
    ]
};

/// What became of a program one of whose calls failed.
#[derive(Clone, Debug)]
pub struct Failed {
    /// How it ended.
    pub ended: Ended,
    /// How many of these calls there were, in all its processes.
    pub calls: u64,
}

/// Runs a program and fails one of its calls of that number, in whichever of its processes, once. One that waits for ever
/// for the call that failed is killed.
pub fn fail(command: &[OsString], number: libc::c_long, nth: u64, errno: Errno) -> Failed {
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);
    let (mut child, files) = start(command, &[], Follow::Everybody);
    let main = Pid::from_raw(i32::try_from(child.id()).unwrap());
    let (over, is_over) = std::sync::mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        if is_over.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            kill(main, Signal::SIGKILL).ok();
        }
    });
    let (mut calls, mut failing) = (0, BTreeSet::new());
    let code = until_all_ended(main, &mut |pid| {
        let Ok(op) = ptrace::syscall_info(pid).map(|info| info.op) else { return Go::On };
        let Ok(mut regs) = ptrace::getregs(pid) else { return Go::On };
        if op == ENTRY
            && libc::c_long::try_from(regs.orig_rax) == Ok(number)
            && !is_of_spawn(number, regs.rdx)
        {
            calls += 1;
            if calls == nth {
                regs.orig_rax = u64::MAX;
                ptrace::setregs(pid, regs).ok();
                failing.insert(pid);
            }
        } else if op == EXIT && failing.remove(&pid) {
            regs.rax = (-i64::from(errno as i32)).cast_unsigned();
            ptrace::setregs(pid, regs).ok();
        }
        Go::On
    });
    over.send(()).ok();
    watch.join().unwrap();
    child.wait().ok();
    Failed { ended: files.ended(code), calls }
}

/// How std hears from a child that it has become its program: where that fails it waits for a child that waits for it.
fn is_of_spawn(number: libc::c_long, length: u64) -> bool {
    number == libc::SYS_recvfrom && length == 8
}

/// Runs a program up to its end, and asks at each call that names something what to do.
pub fn step(
    command: &[OsString],
    variables: &[(&str, &str)],
    follow: Follow,
    ask: &mut dyn FnMut(&Call) -> Go,
) -> Ended {
    let (mut child, files) = start(command, variables, follow);
    let main = Pid::from_raw(i32::try_from(child.id()).unwrap());
    let code = until_all_ended(main, &mut |pid| at_call(pid).map_or(Go::On, |call| ask(&call)));
    // Its end has been seen already.
    child.wait().ok();
    files.ended(code)
}

/// What a program writes to.
struct Files {
    out: File,
    err: File,
}

impl Files {
    fn ended(&self, code: Option<i32>) -> Ended {
        let read = |file: &File| {
            let mut bytes = vec![0; usize::try_from(file.metadata().unwrap().len()).unwrap()];
            file.read_exact_at(&mut bytes, 0).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Ended { code, text: read(&self.out), talk: read(&self.err) }
    }
}

fn start(command: &[OsString], variables: &[(&str, &str)], follow: Follow) -> (Child, Files) {
    let (out, err) = (tempfile::tempfile_in("/mnt").unwrap(), tempfile::tempfile_in("/mnt").unwrap());
    // A shell that waits for a word, so that it can be taken hold of before it becomes the program.
    let mut child = Command::new("/bin/sh")
        .args(["-c", "read word; exec \"$@\"", "sh"])
        .args(command)
        .envs(variables.iter().copied())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(out.try_clone().unwrap())
        .stderr(err.try_clone().unwrap())
        .spawn()
        .expect("a shell starts");
    let main = Pid::from_raw(i32::try_from(child.id()).unwrap());
    let mut options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    if follow == Follow::Everybody {
        options |= Options::PTRACE_O_TRACEFORK | Options::PTRACE_O_TRACEVFORK;
    }
    ptrace::seize(main, options).expect("a child of ours can be traced");
    let mut word = child.stdin.take().expect("piped");
    word.write_all(b"\n").unwrap();
    drop(word);
    (child, Files { out, err })
}

fn until_all_ended(main: Pid, ask: &mut dyn FnMut(Pid) -> Go) -> Option<i32> {
    let mut code = None;
    let mut alive = BTreeSet::from([main]);
    while !alive.is_empty() {
        let status = match waitpid(None, Some(WaitPidFlag::__WALL)) {
            Err(Errno::EINTR) => continue,
            Err(Errno::ECHILD) => break,
            other => other.unwrap(),
        };
        let Some(pid) = status.pid() else { continue };
        let go = match status {
            WaitStatus::Exited(_, with) => {
                alive.remove(&pid);
                if pid == main {
                    code = Some(with);
                }
                continue;
            }
            WaitStatus::Signaled(..) => {
                alive.remove(&pid);
                continue;
            }
            WaitStatus::PtraceSyscall(_) => {
                alive.insert(pid);
                if ask(pid) == Go::Kill {
                    kill(main, Signal::SIGKILL).ok();
                }
                ptrace::syscall(pid, None)
            }
            WaitStatus::Stopped(_, signal) => ptrace::syscall(pid, signal),
            _ => {
                alive.insert(pid);
                ptrace::syscall(pid, None)
            }
        };
        // It may have been killed while it stood.
        assert!(matches!(go, Ok(()) | Err(Errno::ESRCH)), "{go:?}");
    }
    code
}

/// As the kernel says that a call begins, and ends. Source: ptrace(2), PTRACE_GET_SYSCALL_INFO.
const ENTRY: u8 = 1;
const EXIT: u8 = 2;

/// The call that a process is about to make, where it is one that names something.
fn at_call(pid: Pid) -> Option<Call> {
    if ptrace::syscall_info(pid).ok()?.op != ENTRY {
        return None;
    }
    let regs = ptrace::getregs(pid).ok()?;
    let number = libc::c_long::try_from(regs.orig_rax).ok()?;
    let Known(_, name, names, changes) = CALLS.iter().find(|known| known.0 == number)?;
    let path = match names {
        Names::DirAndName => join(pid, regs.rdi, &text(pid, regs.rsi)?)?,
        Names::Descriptor => descriptor(pid, regs.rdi)?,
        Names::Path => join(pid, AT_FDCWD, &text(pid, regs.rdi)?)?,
        Names::Second => join(pid, AT_FDCWD, &text(pid, regs.rsi)?)?,
    };
    let creates = *name == "openat" && regs.rdx & CREATE != 0;
    Some(Call { name, path, changes: *changes || creates })
}

/// As it stands in a register, of which only the lower half counts.
const AT_FDCWD: u64 = 0xffff_ff9c;
/// O_CREAT, as it stands in a register.
const CREATE: u64 = 0o100;

fn join(pid: Pid, dir: u64, name: &Path) -> Option<PathBuf> {
    if let Ok(number) = name.strip_prefix("/proc/self/fd") {
        return std::fs::read_link(format!("/proc/{pid}/fd/{}", number.display())).ok();
    }
    if name.is_absolute() {
        return Some(name.to_owned());
    }
    let dir = match dir & 0xffff_ffff {
        AT_FDCWD => std::fs::read_link(format!("/proc/{pid}/cwd")).ok()?,
        _ => descriptor(pid, dir)?,
    };
    Some(if name.as_os_str().is_empty() { dir } else { dir.join(name) })
}

fn descriptor(pid: Pid, number: u64) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/fd/{number}")).ok()
}

fn text(pid: Pid, address: u64) -> Option<PathBuf> {
    if address == 0 {
        return Some(PathBuf::new());
    }
    let memory = File::open(format!("/proc/{pid}/mem")).ok()?;
    let mut bytes = vec![0; 4096];
    // Up to the end of a page at a time: what lies behind may not be there.
    let (mut have, page) = (0, 4096);
    while have < bytes.len() {
        let here = usize::try_from(address).ok()? + have;
        let most = (page - here % page).min(bytes.len() - have);
        let read = memory.read_at(&mut bytes[have..have + most], u64::try_from(here).ok()?).ok()?;
        if let Some(end) = bytes[have..have + read].iter().position(|byte| *byte == 0) {
            bytes.truncate(have + end);
            return Some(OsString::from_vec(bytes).into());
        }
        have += read.max(1);
    }
    None
}
