//! A program that runs with chosen system calls refused: old kernels, strict sandboxes, machines at their limits.
//!
//! A seccomp filter, because the binary under test is static and its calls go past any library. `openat2=ENOSYS` refuses
//! one call, `clone/thread=EAGAIN` only where it makes a thread, `changing=EPERM` each call that changes the machine.

use std::ffi::CString;
use std::os::fd::FromRawFd;

use nix::errno::Errno;
use nix::libc;

/// Calls that change what lies on a file system, what is mounted, or another process; a name that has gone out of use on
/// younger machines has its own line below.
const CHANGING: &[(&str, libc::c_long)] = &[
    ("mkdirat", libc::SYS_mkdirat),
    ("mknodat", libc::SYS_mknodat),
    ("unlinkat", libc::SYS_unlinkat),
    ("renameat2", libc::SYS_renameat2),
    ("linkat", libc::SYS_linkat),
    ("symlinkat", libc::SYS_symlinkat),
    ("truncate", libc::SYS_truncate),
    ("ftruncate", libc::SYS_ftruncate),
    ("fallocate", libc::SYS_fallocate),
    ("copy_file_range", libc::SYS_copy_file_range),
    ("fchmod", libc::SYS_fchmod),
    ("fchmodat", libc::SYS_fchmodat),
    ("fchmodat2", libc::SYS_fchmodat2),
    ("fchown", libc::SYS_fchown),
    ("fchownat", libc::SYS_fchownat),
    ("utimensat", libc::SYS_utimensat),
    ("setxattr", libc::SYS_setxattr),
    ("lsetxattr", libc::SYS_lsetxattr),
    ("fsetxattr", libc::SYS_fsetxattr),
    ("removexattr", libc::SYS_removexattr),
    ("lremovexattr", libc::SYS_lremovexattr),
    ("fremovexattr", libc::SYS_fremovexattr),
    ("pwrite64", libc::SYS_pwrite64),
    ("pwritev", libc::SYS_pwritev),
    ("pwritev2", libc::SYS_pwritev2),
    ("mount", libc::SYS_mount),
    ("umount2", libc::SYS_umount2),
    ("open_tree", libc::SYS_open_tree),
    ("move_mount", libc::SYS_move_mount),
    ("mount_setattr", libc::SYS_mount_setattr),
    ("fsopen", libc::SYS_fsopen),
    ("pivot_root", libc::SYS_pivot_root),
    ("kill", libc::SYS_kill),
    ("tkill", libc::SYS_tkill),
    ("tgkill", libc::SYS_tgkill),
    ("pidfd_send_signal", libc::SYS_pidfd_send_signal),
];

#[cfg(target_arch = "x86_64")]
const CHANGING_ONCE: &[(&str, libc::c_long)] = &[
    ("mkdir", libc::SYS_mkdir),
    ("rmdir", libc::SYS_rmdir),
    ("mknod", libc::SYS_mknod),
    ("creat", libc::SYS_creat),
    ("unlink", libc::SYS_unlink),
    ("rename", libc::SYS_rename),
    ("renameat", libc::SYS_renameat),
    ("link", libc::SYS_link),
    ("symlink", libc::SYS_symlink),
    ("chmod", libc::SYS_chmod),
    ("chown", libc::SYS_chown),
    ("lchown", libc::SYS_lchown),
    ("utime", libc::SYS_utime),
    ("utimes", libc::SYS_utimes),
    ("futimesat", libc::SYS_futimesat),
];
#[cfg(not(target_arch = "x86_64"))]
const CHANGING_ONCE: &[(&str, libc::c_long)] = &[];

/// Calls that only some kernels and sandboxes allow.
const OTHERS: &[(&str, libc::c_long)] = &[
    ("openat", libc::SYS_openat),
    ("openat2", libc::SYS_openat2),
    ("statx", libc::SYS_statx),
    ("pidfd_open", libc::SYS_pidfd_open),
    ("clone", libc::SYS_clone),
    ("kcmp", libc::SYS_kcmp),
    ("clone3", libc::SYS_clone3),
    ("fdatasync", libc::SYS_fdatasync),
    ("flock", libc::SYS_flock),
    ("memfd_create", libc::SYS_memfd_create),
];

/// What of an argument makes a call count; other calls of that name are let through.
#[derive(Clone, Copy)]
struct Only {
    argument: u32,
    bits: u32,
}

struct Refused {
    call: u32,
    only: Option<Only>,
    errno: u32,
}

const ERRORS: &[(&str, Errno)] = &[
    ("EAGAIN", Errno::EAGAIN),
    ("EINVAL", Errno::EINVAL),
    ("EIO", Errno::EIO),
    ("ENOSPC", Errno::ENOSPC),
    ("ENOSYS", Errno::ENOSYS),
    ("EPERM", Errno::EPERM),
    ("EROFS", Errno::EROFS),
];

fn parse(text: &str) -> Vec<Refused> {
    let mut all = Vec::new();
    for word in text.split(',') {
        let (what, error) = word.split_once('=').unwrap_or_else(|| panic!("`{word}` names no error"));
        let error =
            ERRORS.iter().find(|(name, _)| *name == error).unwrap_or_else(|| panic!("no error {error}"));
        let refuse = |(call, only): (libc::c_long, _)| Refused {
            call: u32::try_from(call).unwrap(),
            only,
            errno: error.1 as u32,
        };
        all.extend(calls(what).into_iter().map(refuse));
    }
    all
}

fn calls(what: &str) -> Vec<(libc::c_long, Option<Only>)> {
    let writing = (libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC).cast_unsigned();
    let (name, which) = what.split_once('/').unwrap_or((what, ""));
    let only = match which {
        "" => None,
        "writing" => Some(Only { argument: 2, bits: writing }),
        "flags" => Some(Only { argument: 4, bits: u32::MAX }),
        "thread" => Some(Only { argument: 0, bits: libc::CLONE_THREAD.cast_unsigned() }),
        other => panic!("no part of a call is named `{other}`"),
    };
    if name == "changing" {
        // What openat2(2) is asked for cannot be seen from here; without it every open is seen.
        let opens = [
            (libc::SYS_openat, Some(Only { argument: 2, bits: writing })),
            #[cfg(target_arch = "x86_64")]
            (libc::SYS_open, Some(Only { argument: 1, bits: writing })),
        ];
        return CHANGING.iter().chain(CHANGING_ONCE).map(|(_, call)| (*call, None)).chain(opens).collect();
    }
    let known = CHANGING.iter().chain(CHANGING_ONCE).chain(OTHERS).find(|(known, _)| *known == name);
    vec![(known.unwrap_or_else(|| panic!("no call `{name}` is known here")).1, only)]
}

/// The filter as the kernel's small machine runs it. Source: seccomp(2).
fn program(refused: &[Refused]) -> Vec<libc::sock_filter> {
    const NUMBER: u32 = 0;
    const FIRST_ARGUMENT: u32 = 16;
    let op = |code: u32, k, jt, jf| libc::sock_filter { code: u16::try_from(code).unwrap(), jt, jf, k };
    let load = |at| op(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, at, 0, 0);
    let give = |answer| op(libc::BPF_RET | libc::BPF_K, answer, 0, 0);
    let mut all = vec![load(NUMBER)];
    for Refused { call, only, errno } in refused {
        let refuse = give(libc::SECCOMP_RET_ERRNO | errno);
        let is_it = |else_skip| op(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, *call, 0, else_skip);
        match only {
            None => all.extend([is_it(1), refuse]),
            Some(Only { argument, bits }) => all.extend([
                is_it(4),
                load(FIRST_ARGUMENT + 8 * argument),
                op(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, *bits, 0, 1),
                refuse,
                load(NUMBER),
            ]),
        }
    }
    all.push(give(libc::SECCOMP_RET_ALLOW));
    all
}

/// Becomes the program that stands after `--`, with what `$REFUSED` names refused. Its standard output is descriptor 3:
/// that of a test has a heading.
#[test]
#[ignore = "an actor: replaces itself"]
fn becomes() {
    let filter = program(&parse(&std::env::var("REFUSED").unwrap()));
    let command: Vec<CString> = std::env::args()
        .skip_while(|word| word != "--")
        .skip(1)
        .map(|word| CString::new(word).unwrap())
        .collect();
    let kept = std::env::vars_os().filter(|(name, _)| name != "REFUSED");
    let variables: Vec<CString> = kept
        .map(|(name, value)| {
            CString::new([name.as_encoded_bytes(), b"=", value.as_encoded_bytes()].concat()).unwrap()
        })
        .collect();
    #[expect(unsafe_code, reason = "the shell that starts us opens it, and nobody else here has it")]
    // SAFETY: as above; where it is not open, dup2(2) says so.
    let output = unsafe { std::os::fd::OwnedFd::from_raw_fd(3) };
    nix::unistd::dup2_stdout(output).unwrap();
    nix::sys::prctl::set_no_new_privs().unwrap();
    let whole =
        libc::sock_fprog { len: u16::try_from(filter.len()).unwrap(), filter: filter.as_ptr().cast_mut() };
    #[expect(unsafe_code, reason = "neither rustix nor nix has seccomp(2)")]
    // SAFETY: the kernel copies the program, which outlives the call.
    let done =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const whole) };
    assert_eq!(done, 0, "no filter: {}", std::io::Error::last_os_error());
    let Err(why) = nix::unistd::execve(&command[0], &command, &variables);
    panic!("cannot become {command:?}: {why}");
}
