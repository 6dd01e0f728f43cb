//! Programs that sandboxes start: this test binary, asked for one ignored test by name.

use std::ffi::CString;
use std::os::fd::AsRawFd;

/// Becomes a runner whose environment block names TMPDIR twice, which no shell can arrange.
#[test]
#[ignore = "an actor: replaces itself"]
fn runner_with_two_tmpdirs() {
    let words = |all: &[&str]| all.iter().map(|w| CString::new(*w).unwrap()).collect::<Vec<_>>();
    let program = CString::new("/mnt/bin/forgejo-runner").unwrap();
    nix::unistd::setgid(nix::unistd::Gid::from_raw(1000)).unwrap();
    nix::unistd::setuid(nix::unistd::Uid::from_raw(1000)).unwrap();
    let variables = words(&["TMPDIR=/tmp", "TMPDIR=/nope", "PATH=/bin"]);
    let Err(why) = nix::unistd::execve(&program, &words(&["forgejo-runner", "600"]), &variables);
    panic!("cannot become a runner: {why}");
}

/// Mounts a FUSE file system on `$HUNG` that never answers, and keeps it until killed. With `$OWNER` it is that user's own,
/// and nobody else may enter it, root included.
#[test]
#[ignore = "an actor: never ends"]
fn file_system_that_never_answers() {
    let point = std::env::var("HUNG").unwrap();
    let device = std::fs::OpenOptions::new().read(true).write(true).open("/dev/fuse").unwrap();
    let whose = match std::env::var("OWNER") {
        Ok(owner) => format!("user_id={owner},group_id={owner}"),
        Err(_) => "user_id=0,group_id=0,allow_other".to_owned(),
    };
    let options = format!("fd={},rootmode=40000,{whose}", device.as_raw_fd());
    nix::mount::mount(
        Some("hung"),
        point.as_str(),
        Some("fuse.hung"),
        nix::mount::MsFlags::empty(),
        Some(options.as_str()),
    )
    .unwrap();
    std::fs::write("/mnt/hung-is-mounted", b"").unwrap();
    loop {
        nix::unistd::pause();
    }
}

/// Opens files until it may open no more, and keeps them.
#[test]
#[ignore = "an actor: never ends"]
fn runner_without_a_descriptor_left() {
    let done = std::fs::File::create("/mnt/almost").unwrap();
    let few = 16;
    nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE, few, few).unwrap();
    let mut held = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        held.push(file);
    }
    std::fs::rename("/mnt/almost", "/mnt/no-descriptor-left").unwrap();
    loop {
        nix::unistd::pause();
        assert!(!held.is_empty() && done.metadata().is_ok());
    }
}

/// Binds a unix socket at `$SOCKET`, with `\n` in it for a newline, and keeps it; `$SOCKET-is-bound` below /mnt says that
/// it has done so, by the name in `$READY`.
#[test]
#[ignore = "an actor: never ends"]
fn listener() {
    let path = std::env::var("SOCKET").unwrap().replace("\\n", "\n");
    let socket = std::os::unix::net::UnixListener::bind(path).unwrap();
    std::fs::write(std::env::var("READY").unwrap(), b"").unwrap();
    loop {
        nix::unistd::pause();
        assert!(socket.local_addr().is_ok());
    }
}

/// Takes `$ROOT` for its root directory.
#[test]
#[ignore = "an actor: never ends"]
fn in_a_root_of_its_own() {
    let ready = std::fs::File::create("/mnt/almost-in-its-root").unwrap();
    nix::unistd::chroot(std::env::var("ROOT").unwrap().as_str()).unwrap();
    nix::unistd::chdir("/").unwrap();
    drop(ready.set_len(1));
    loop {
        nix::unistd::pause();
    }
}

/// Takes a write lease on the file `$FILE`, or a POSIX lock where `$HOW` says so, and keeps it.
#[test]
#[ignore = "an actor: never ends"]
fn holder_of_a_file() {
    use nix::libc;
    let path = std::env::var("FILE").unwrap();
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    if std::env::var("HOW").is_ok_and(|how| how == "lock") {
        let whole = libc::flock {
            l_type: i16::try_from(libc::F_WRLCK).unwrap(),
            l_whence: 0,
            l_start: 0,
            l_len: 0,
            l_pid: 0,
        };
        nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_SETLK(&whole)).unwrap();
    } else {
        // Whoever opens the file makes the kernel ask for the lease back by SIGIO, which would end us.
        #[expect(unsafe_code, reason = "neither rustix nor nix has leases; no handler runs")]
        // SAFETY: the calls take numbers only.
        let done = unsafe {
            libc::signal(libc::SIGIO, libc::SIG_IGN);
            libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_WRLCK)
        };
        assert_eq!(done, 0, "no lease: {}", std::io::Error::last_os_error());
    }
    std::fs::write(std::env::var("READY").unwrap(), b"").unwrap();
    loop {
        nix::unistd::pause();
        assert!(file.metadata().is_ok());
    }
}

/// Holds `/tmp/go-build-$HOW` in that way by one thread, of whose hold no other has any part, or everybody where it is
/// `all`, and says so by the file `$READY`. Nothing that others could read names the entry.
#[test]
#[ignore = "an actor: never ends"]
fn whose_thread_holds() {
    use nix::sched::{CloneFlags, unshare};
    let (how, ready) = (std::env::var("HOW").unwrap(), std::env::var("READY").unwrap());
    let entry = format!("/tmp/go-build-{how}");
    let ready = std::ffi::OsString::from(ready);
    let nothing = None::<&str>;
    let thread = std::thread::spawn(move || {
        let mut held = Vec::new();
        match how.as_str() {
            "files" => unshare(CloneFlags::CLONE_FILES).unwrap(),
            "place" => unshare(CloneFlags::CLONE_FS).unwrap(),
            "mounts" => {
                unshare(CloneFlags::CLONE_NEWNS).unwrap();
                let private = nix::mount::MsFlags::MS_PRIVATE | nix::mount::MsFlags::MS_REC;
                nix::mount::mount(nothing, "/", nothing, private, nothing).unwrap();
                let bind = nix::mount::MsFlags::MS_BIND;
                nix::mount::mount(Some(entry.as_str()), "/mnt/inner", nothing, bind, nothing).unwrap();
            }
            "network" => unshare(CloneFlags::CLONE_NEWNET).unwrap(),
            _ => {}
        }
        if matches!(how.as_str(), "files" | "all") {
            held.push(std::os::fd::OwnedFd::from(std::fs::File::open(format!("{entry}/f")).unwrap()));
        }
        if how == "network" {
            held.push(std::os::unix::net::UnixListener::bind(format!("{entry}/s")).unwrap().into());
        }
        if matches!(how.as_str(), "place" | "all") {
            std::env::set_current_dir(&entry).unwrap();
        }
        std::fs::write(ready, b"").unwrap();
        loop {
            nix::unistd::pause();
            assert!(held.len() < 2);
        }
    });
    thread.join().unwrap();
}

/// Makes `$COUNT` empty files in the directory `$WIDE`, or `$DEPTH` directories one in the other.
#[test]
#[ignore = "an actor: builds what takes a shell minutes"]
fn builder() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    let top = std::fs::File::open(std::env::var("WIDE").unwrap()).unwrap();
    for n in 0..number("COUNT").unwrap_or(0) {
        rustix::fs::mknodat(
            &top,
            format!("f{n}"),
            rustix::fs::FileType::RegularFile,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
    }
    let mut here = std::os::fd::OwnedFd::from(top);
    for _ in 0..number("DEPTH").unwrap_or(0) {
        rustix::fs::mkdirat(&here, "d", rustix::fs::Mode::RWXU).unwrap();
        let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY;
        here = rustix::fs::openat(&here, "d", flags, rustix::fs::Mode::empty()).unwrap();
    }
}

/// Tries every deed that walks a path of others, below a place that never answers.
#[test]
#[ignore = "an actor"]
fn a_deed_below_a_file_system_that_never_answers() {
    crate::fix::races::try_every_deed_below(std::path::Path::new(&std::env::var("INNER").unwrap()));
}
