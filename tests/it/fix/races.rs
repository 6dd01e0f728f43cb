//! Against those who race an action, who get a number that was given away, or who keep it waiting.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tmpmedic::model::mount::Device;
use tmpmedic::model::treatment::{Deed, Inode, Rights, Way, Whom};
use tmpmedic::model::units::BootNanos;

use super::{carry_out, gift, uid};
use crate::{needs, sandbox};

/// Exchanges a directory of the tree and a link out of it until told to stop.
fn race(tree: &Path, stop: &AtomicBool, rounds: &AtomicU64) {
    let exchange = |one: &Path, other: &Path| {
        let flags = rustix::fs::RenameFlags::EXCHANGE;
        rustix::fs::renameat_with(rustix::fs::CWD, one, rustix::fs::CWD, other, flags)
    };
    while !stop.load(Ordering::Relaxed) {
        if exchange(&tree.join("a/dir"), &tree.join("a/link")).is_ok() {
            rounds.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Lists, then changes what it listed by path, as a first draft would.
fn naive(dir: &Path) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        rustix::fs::chownat(
            rustix::fs::CWD,
            &path,
            Some(rustix::fs::Uid::from_raw(4242)),
            None,
            rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
        )
        .ok();
        if is_dir {
            naive(&path);
        }
    }
}

/// How often the canary outside was given away, in so many attempts against that racer.
fn escapes(attempts: usize, give: impl Fn(&Path, &Path)) -> usize {
    let mut escaped = 0;
    for _ in 0..attempts {
        let dir = sandbox::scratch();
        let tree = dir.path().join("tree");
        std::fs::create_dir_all(tree.join("a/dir")).unwrap();
        std::fs::create_dir(dir.path().join("outside")).unwrap();
        for n in 0..40 {
            std::fs::write(tree.join(format!("a/dir/{n}")), "x").unwrap();
            std::fs::write(dir.path().join(format!("outside/{n}")), "canary").unwrap();
        }
        std::os::unix::fs::symlink(dir.path().join("outside"), tree.join("a/link")).unwrap();
        let (stop, rounds) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| race(&tree, &stop, &rounds));
            while rounds.load(Ordering::Relaxed) < 10 {
                std::hint::spin_loop();
            }
            give(dir.path(), &tree);
            stop.store(true, Ordering::Relaxed);
        });
        let canaries = (0..40).map(|n| dir.path().join(format!("outside/{n}")));
        escaped += usize::from(canaries.into_iter().any(|canary| uid(&canary) != 0));
    }
    escaped
}

#[test]
fn whoever_exchanges_a_directory_and_a_link_gains_nothing() {
    needs!();
    let (attempts, runs) = (60, 8);
    // On a busy machine the racer gets too little time; such a run says nothing, and the next one may.
    for _ in 0..runs {
        let control = escapes(attempts, |_, tree| naive(tree));
        let ours = escapes(attempts, |dir, tree| {
            carry_out(dir, "give-to-runner", gift(tree));
        });
        assert_eq!(ours, 0, "of {attempts}; a naive walker lost {control}");
        if control * 10 >= attempts * 3 {
            return;
        }
    }
    eprintln!(
        "skipped: in {runs} runs the racer never beat a naive walker in 30 % of {attempts} attempts: void"
    );
}

#[test]
fn a_process_that_got_the_number_of_another_is_not_ended() {
    needs!("unshare");
    let output = sandbox::run(
        "/mnt/bin/actor fix::races::ends_a_process_whose_number_was_given_away --exact --ignored --nocapture 2>&1",
    );
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn whom(pid: u32) -> Whom {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let ticks: u64 = stat.rsplit(')').next().unwrap().split_whitespace().nth(19).unwrap().parse().unwrap();
    Whom { pid, started: BootNanos(ticks * 10_000_000) }
}

/// In a PID namespace of its own, where the next number can be chosen.
#[test]
#[ignore = "an actor: chooses process numbers"]
fn ends_a_process_whose_number_was_given_away() {
    let dir = Path::new("/mnt/actor-journal");
    std::fs::create_dir(dir).unwrap();
    let sleep = || std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let mut first = sleep();
    let (pid, planned) = (first.id(), whom(first.id()));
    first.kill().unwrap();
    first.wait().unwrap();
    // Start times are counted in ticks: the next process must not start in the same one.
    let mut second = loop {
        std::fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()).unwrap();
        let mut next = sleep();
        if next.id() == pid && whom(pid).started.0.abs_diff(planned.started.0) > 20_000_000 {
            break next;
        }
        next.kill().unwrap();
        next.wait().unwrap();
    };
    let stop = |whom| Deed::Stop { whom, uid: 0, exe: None, patience_ms: 5000, kill: true };
    let came = carry_out(dir, "stop-process", stop(planned));
    assert!(!came.is_done(), "{came:?}");
    assert!(second.try_wait().unwrap().is_none(), "the innocent lives");
    let came = carry_out(dir, "stop-process", stop(whom(pid)));
    assert!(came.is_done(), "the one that is meant ends: {came:?}");
    second.wait().unwrap();
}

#[test]
fn whoever_serves_a_file_system_in_user_space_keeps_nobody_waiting() {
    needs!("unshare", "setpriv");
    if !Path::new("/dev/fuse").exists() {
        crate::skip!("needs /dev/fuse");
    }
    let dir = sandbox::scratch();
    let inner = dir.path().join("hung/x");
    std::fs::create_dir(dir.path().join("hung")).unwrap();
    let actor = "actors::a_deed_below_a_file_system_that_never_answers";
    let output = sandbox::run(&format!(
        "HUNG={} /mnt/bin/actor --exact actors::file_system_that_never_answers --ignored >/dev/null 2>&1 & fuse=$!
         awaits $fuse test -e /mnt/hung-is-mounted
         set +e; INNER={} timeout -s KILL 20 /mnt/bin/actor --exact {actor} --ignored --nocapture; code=$?
         kill -KILL $fuse; exit $code",
        dir.path().join("hung").display(),
        inner.display()
    ));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(text.matches("hung is a file system in user space (fuse.hung)").count(), 4, "{text}");
}

/// What an actor does.
#[expect(clippy::print_stdout, reason = "what an actor prints is read by its test")]
pub fn try_every_deed_below(inner: &Path) {
    let at = || Way { by: None, path: inner.as_os_str().into() };
    let (device, rights) = (Device { major: 0, minor: 1 }, Rights::SHARED);
    let inode = Inode { device, inode: 1 };
    let deeds = [
        Deed::MakeDir { at: at(), rights },
        Deed::SetRights { at: at(), inode, from: rights, to: rights },
        Deed::GiveTree { at: at(), inode, old_uid: 0, uid: 4242, gid: 4242 },
        Deed::RemoveRecord { at: Way { path: at().path.join(b".rustc_info.json"), ..at() } },
    ];
    let state = sandbox::scratch();
    for deed in deeds {
        println!("{:?}", carry_out(state.path(), "x", deed).done);
    }
}
