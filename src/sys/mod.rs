//! Floor 0: the doors to the machine. `io::Result` in and out; no domain word; the only place where system calls are made.
//!
//! Nothing here knows what a temp dir is. A function opens what it is told relative to a descriptor that it is given,
//! never follows a path of somebody else's making unless its name says so, and leaves judging errno to its caller.

pub mod bell;
pub mod child;
pub mod clock;
pub mod crew;
pub mod device;
pub mod dirfd;
pub mod elsewhere;
pub mod enter;
pub mod getdents;
pub mod guise;
pub mod hands;
pub mod heap;
pub mod helper;
pub mod init;
pub mod inside;
pub mod leases;
pub mod make;
pub mod mount;
pub mod namespace;
pub mod pidfd;
pub mod plainfile;
pub mod presence;
pub mod procfile;
pub mod program;
pub mod remove;
#[cfg(test)]
pub(crate) mod scratch;
pub mod space;
pub mod spawn;
pub mod standing;
pub mod stat;
pub mod stdio;
pub mod term;
pub mod threads;
pub mod unix_diag;
pub mod walk;
