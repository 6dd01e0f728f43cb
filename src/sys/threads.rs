//! Threads of a process: which they are, and whether two of them share what threads as a rule share.
//!
//! A thread can have a table of descriptors, a working directory and namespaces of its own (unshare(2), setns(2)). What is
//! below `/proc/TID` then is its own, where `TID` is its number: such a directory can be entered although no listing shows
//! it. Sources: proc(5), kcmp(2). Called by `collect`.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::libc;
use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags, openat, statx};

use super::procfile::numbers_in;

/// The links of the directory of threads where there is one: itself, the one above, and the thread.
const OF_ONE: u32 = 3;

/// What threads share as a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The table of descriptors.
    Files,
    /// Root, working directory and mask; whoever is in a mount namespace of his own has these to himself, too.
    Fs,
}

impl Part {
    /// As kcmp(2) wants it. Source: the kernel's include/uapi/linux/kcmp.h.
    fn kind(self) -> libc::c_long {
        match self {
            Self::Files => 2,
            Self::Fs => 3,
        }
    }
}

/// The threads but the first of the process of that number, by an opened `/proc`.
///
/// # Errors
/// ENOENT or ESRCH where it has ended.
pub fn others(proc: BorrowedFd<'_>, process: u32) -> io::Result<Vec<u32>> {
    let mut found = Vec::new();
    let tasks = format!("{process}/task");
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_DONT_SYNC;
    // Most processes have one thread, and a listing is three calls.
    if statx(proc, tasks.as_str(), flags, StatxFlags::NLINK).is_ok_and(|it| it.stx_nlink == OF_ONE) {
        return Ok(found);
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = openat(proc, tasks.as_str(), flags, Mode::empty())?;
    numbers_in(dir.as_fd(), |thread| found.extend((thread != process).then_some(thread)))?;
    Ok(found)
}

/// Whether two threads, by their numbers in our own pid namespace, share that part. One that has ended has none, which is
/// no part that another shares.
///
/// # Errors
/// ESRCH where there is no such thread, EPERM without the right to trace both or in a sandbox that forbids the call, ENOSYS
/// where the kernel has it not.
pub fn share(one: u32, other: u32, part: Part) -> io::Result<bool> {
    let (one, other) = (libc::c_long::from(one), libc::c_long::from(other));
    let nothing: libc::c_long = 0;
    #[expect(unsafe_code, reason = "neither rustix nor nix has kcmp")]
    // SAFETY: the call takes numbers only.
    let order = unsafe { libc::syscall(libc::SYS_kcmp, one, other, part.kind(), nothing, nothing) };
    if order < 0 { Err(io::Error::last_os_error()) } else { Ok(order == 0) }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::sys::dirfd;

    #[test]
    fn a_thread_with_a_table_of_its_own_is_told_from_one_that_shares_all() {
        let (say, hear) = mpsc::channel();
        let (end, ends) = mpsc::channel::<()>();
        let thread = crate::sys::crew::spawn("threads-test", move || {
            let own = rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned();
            say.send(own).unwrap();
            ends.recv().unwrap();
            nix::sched::unshare(nix::sched::CloneFlags::CLONE_FILES).unwrap();
            say.send(own).unwrap();
            ends.recv().unwrap();
        })
        .unwrap();
        let (pid, tid) = (std::process::id(), hear.recv().unwrap());
        let proc = dirfd::open_trusted_dir(b"/proc").unwrap();
        let all = others(proc.as_fd(), pid).unwrap();
        assert!(all.contains(&tid) && !all.contains(&pid));
        let before = share(pid, tid, Part::Files);
        end.send(()).unwrap();
        hear.recv().unwrap();
        match (before, share(pid, tid, Part::Files)) {
            (Ok(before), Ok(after)) => {
                assert_eq!((before, after), (true, false));
                assert!(share(pid, tid, Part::Fs).unwrap(), "its place is still that of all");
            }
            (_, Err(error)) | (Err(error), _) => println!("skipped: kcmp: {error}"),
        }
        end.send(()).unwrap();
        thread.join().unwrap();
        assert!(share(pid, u32::MAX >> 1, Part::Files).is_err(), "nobody has that number");
    }
}
