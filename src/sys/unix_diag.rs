//! The unix sockets of a network namespace that are bound to a file, as the kernel lists them by NETLINK_SOCK_DIAG.
//!
//! The file is told by device and inode and a name by its length, so that no name can pretend to be another line, as it can
//! in `/proc/net/unix`. Source: sock_diag(7); the kernel's net/unix/diag.c. Called by `collect`.

use std::io;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};
use serde::{Deserialize, Serialize};

/// The kernel fills a piece of a dump at once; it never waits for anybody.
const PATIENCE: Duration = Duration::from_secs(1);
/// The kernel makes pieces of at most 32 KiB.
const PIECE: usize = 64 << 10;
/// A table that changes all the while is read so often; every piece of each pass counts.
const PASSES: usize = 3;

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST_DUMP: u16 = 0x301;
const NLM_F_DUMP_INTR: u16 = 0x10;
const AF_UNIX: u8 = 1;
const UDIAG_SHOW_NAME: u32 = 1;
const UDIAG_SHOW_VFS: u32 = 2;
const UNIX_DIAG_NAME: u16 = 0;
const UNIX_DIAG_VFS: u16 = 1;
/// Length of `struct nlmsghdr`, and of `struct unix_diag_msg`.
const HEADER: usize = 16;

/// A socket that is bound to a file, and each that was accepted from it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bound {
    /// The inode by which `/proc/PID/fd` names it: `socket:[N]`.
    pub socket: u32,
    /// The device of the file system on which the file lies.
    pub device: (u32, u32),
    /// The low 32 bits of the inode of the file.
    pub inode: u32,
    /// What was given to bind(2): relative to the directory in which the binder stood, where it is not absolute.
    pub name: Vec<u8>,
}

/// The bound sockets of the network namespace of this thread.
///
/// # Errors
/// Those of socket(2) and recv(2): EPROTONOSUPPORT or ENOENT where the kernel has no sock_diag for unix sockets.
pub fn bound() -> io::Result<Vec<Bound>> {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(netlink::SOCK_DIAG))?;
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
    let mut found = Vec::new();
    let mut piece = vec![0; PIECE];
    for pass in 0..PASSES {
        send(&socket, &request(), SendFlags::empty())?;
        let mut torn = false;
        loop {
            let (_, length) = recv(&socket, piece.as_mut_slice(), RecvFlags::TRUNC)?;
            match read(piece.get(..length).ok_or(Errno::MSGSIZE)?, &mut found)? {
                State::More { interrupted } => torn |= interrupted,
                State::Done { interrupted } => {
                    torn |= interrupted;
                    break;
                }
            }
        }
        if !torn || pass + 1 == PASSES {
            break;
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn request() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(40);
    bytes.extend(40_u32.to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(NLM_F_REQUEST_DUMP.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend([AF_UNIX, 0, 0, 0]);
    // All states, no inode in particular.
    bytes.extend(u32::MAX.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend((UDIAG_SHOW_NAME | UDIAG_SHOW_VFS).to_ne_bytes());
    bytes.extend([0xff; 8]);
    bytes
}

/// How far a dump is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    More { interrupted: bool },
    Done { interrupted: bool },
}

/// Reads one piece of a dump.
fn read(mut piece: &[u8], found: &mut Vec<Bound>) -> io::Result<State> {
    let mut interrupted = false;
    while !piece.is_empty() {
        let length = usize::try_from(u32_at(piece, 0).ok_or(Errno::BADMSG)?).unwrap_or(usize::MAX);
        let message = piece.get(..length).filter(|whole| whole.len() >= HEADER).ok_or(Errno::BADMSG)?;
        let kind = u16_at(message, 4).ok_or(Errno::BADMSG)?;
        interrupted |= u16_at(message, 6).unwrap_or(0) & NLM_F_DUMP_INTR != 0;
        let body = message.get(HEADER..).unwrap_or_default();
        match kind {
            NLMSG_DONE | NLMSG_ERROR => {
                let code = u32_at(body, 0).unwrap_or(0).cast_signed();
                if code < 0 {
                    return Err(io::Error::from_raw_os_error(code.saturating_neg()));
                }
                return Ok(State::Done { interrupted });
            }
            SOCK_DIAG_BY_FAMILY => found.extend(socket(body)),
            _ => {}
        }
        piece = piece.get(aligned(length)..).unwrap_or_default();
    }
    Ok(State::More { interrupted })
}

fn socket(body: &[u8]) -> Option<Bound> {
    let number = u32_at(body, 4)?;
    let mut attributes = body.get(HEADER..)?;
    let (mut file, mut name) = (None, Vec::new());
    while let (Some(length), Some(kind)) = (u16_at(attributes, 0), u16_at(attributes, 2)) {
        let length = usize::from(length);
        let Some(value) = attributes.get(4..length) else { break };
        match kind {
            UNIX_DIAG_VFS => file = u32_at(value, 0).zip(u32_at(value, 4)),
            UNIX_DIAG_NAME => {
                let end = value.iter().position(|b| *b == 0).unwrap_or(value.len());
                name = value.get(..end).unwrap_or_default().to_vec();
            }
            _ => {}
        }
        attributes = attributes.get(aligned(length)..).unwrap_or_default();
    }
    let (inode, device) = file?;
    // As the kernel keeps it: twelve bits and twenty.
    Some(Bound { socket: number, device: (device >> 20, device & 0xf_ffff), inode, name })
}

fn aligned(length: usize) -> usize {
    length.saturating_add(3) & !3
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixListener;

    use proptest::prelude::*;

    use super::*;
    use crate::sys::{dirfd, scratch, stat};

    #[test]
    fn finds_a_bound_socket_by_its_file() {
        let dir = scratch::dir();
        let path = dir.path().join("s\nx");
        if scratch::bytes(&dir).len() > 90 {
            println!("skipped: the path of the test directory is too long for a socket");
            return;
        }
        let _socket = UnixListener::bind(&path).unwrap();
        let handle = dirfd::open_trusted_dir(scratch::bytes(&dir)).unwrap();
        let file = stat::at(handle.as_fd(), c"s\nx").unwrap();
        let all = bound().unwrap();
        let ours: Vec<&Bound> = all.iter().filter(|b| b.name.ends_with(b"/s\nx")).collect();
        assert_eq!(ours.len(), 1, "{all:?}");
        assert_eq!((ours[0].device, u64::from(ours[0].inode)), (file.device, file.inode & 0xffff_ffff));
    }

    #[test]
    fn an_error_of_the_kernel_is_one() {
        let mut message = vec![20, 0, 0, 0, 2, 0, 0, 0];
        message.extend([0; 8]);
        message.extend((-2_i32).to_ne_bytes());
        assert_eq!(read(&message, &mut Vec::new()).unwrap_err().raw_os_error(), Some(2));
        assert!(read(&[3, 0, 0, 0], &mut Vec::new()).is_err(), "shorter than its own header");
    }

    proptest! {
        #[test]
        fn never_panics_and_always_ends(piece: Vec<u8>) {
            read(&piece, &mut Vec::new()).ok();
            socket(&piece);
        }
    }
}
