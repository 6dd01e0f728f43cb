//! No single look that fails frees anything: each entry of a scene is held in another way, and each call by which a clean-up
//! only looks fails once.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;

use crate::attack::stepper;
use crate::clean::scene;
use crate::needs;
use crate::surroundings::BY_THREAD;

/// Holds `/tmp/go-build-KIND` in the way of that kind, and says so in `/mnt/held-KIND`.
const HOLDER: &str = r#"
cat > /mnt/hold.py <<'END'
import fcntl, mmap, os, socket, sys, time
kind = sys.argv[1]; home = os.path.join(os.sep + 'tmp', 'go-' + 'build-' + kind)
if kind == 'cwd': os.chdir(home)
elif kind == 'file': kept = open(home + '/f', 'w')
elif kind == 'map':
    open(home + '/f', 'w').write('x' * 5000); file = open(home + '/f', 'rb')
    kept = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ); file.close()
elif kind in ('sock', 'netsock'):
    kept = socket.socket(socket.AF_UNIX); os.chdir(home); kept.bind('s'); kept.listen(1); os.chdir('/')
elif kind == 'lock': kept = open(home + '/f', 'w'); fcntl.flock(kept, fcntl.LOCK_EX)
elif kind == 'root': os.chroot(home); os.chdir('/')
elif kind == 'stray': os.chdir('/mnt/stray/go-' + 'build-' + kind)
done = os.open('/proc/self/fd/' + sys.argv[2], os.O_WRONLY) if kind != 'root' else int(sys.argv[2])
os.write(done, b'held\n')
time.sleep(86400)
END
held() {
  kind=$1; shift; mkdir -p /tmp/go-build-$kind; mkfifo /mnt/held-$kind
  "$@" python3 /mnt/hold.py $kind 9 9<>/mnt/held-$kind </dev/null >/dev/null 2>&1 &
  read said </mnt/held-$kind
}"#;

const MACHINE: &str = r"
mkdir -p /mnt/stray /mnt/inner /tmp/go-build-free /tmp/go-build-stray /tmp/go-build-source /tmp/go-build-point/m /tmp/go-build-kept
mkdir -p /tmp/go-build-layer /mnt/u /mnt/merged /tmp/go-build-variable /tmp/go-build-command
for kind in cwd file map sock lock root; do held $kind env; done
held netsock unshare --net
for kind in files place mounts network; do by_thread $kind; done
mount --bind /tmp /mnt/stray; held stray env; umount -l /mnt/stray
apart 'mount --bind /tmp/go-build-source /mnt/inner; mount -t tmpfs x /tmp/go-build-point/m; mount -t tmpfs y /mnt/u
  mkdir /mnt/u/up /mnt/u/work; mount -t overlay -o lowerdir=/tmp/go-build-layer,upperdir=/mnt/u/up,workdir=/mnt/u/work o /mnt/merged'
apart 'mount --bind /tmp/go-build-kept /mnt/inner'; sleep 86400 7</proc/$pid/ns/mnt </dev/null >/dev/null 2>&1 & keeper=$!
became sleep $keeper; kill $pid; wait $pid 2>/dev/null || true
runner TMPDIR=/tmp/go-build-variable
sh -c 'echo > /mnt/here; while :; do sleep 86400; done' sh --dir=/tmp/go-build-command/p </dev/null >/dev/null 2>&1 &
awaits $! test -e /mnt/here";

/// What fails, and how.
const FAULTS: &[(&str, libc::c_long, Errno)] = &[
    ("openat", libc::SYS_openat, Errno::EIO),
    ("openat2", libc::SYS_openat2, Errno::EIO),
    ("statx", libc::SYS_statx, Errno::EIO),
    ("readlinkat", libc::SYS_readlinkat, Errno::EIO),
    ("getdents64", libc::SYS_getdents64, Errno::EIO),
    ("recvfrom", libc::SYS_recvfrom, Errno::ENOBUFS),
    ("recvmsg", libc::SYS_recvmsg, Errno::ENOBUFS),
    ("sendto", libc::SYS_sendto, Errno::ENOBUFS),
    ("socket", libc::SYS_socket, Errno::ENFILE),
    ("setns", libc::SYS_setns, Errno::EPERM),
    ("flock", libc::SYS_flock, Errno::ENOLCK),
    ("read", libc::SYS_read, Errno::EIO),
    ("kcmp", libc::SYS_kcmp, Errno::EPERM),
    ("openat", libc::SYS_openat, Errno::ENFILE),
];
/// Without the full measure, so long in all.
const BRIEF: Duration = Duration::from_secs(20);
/// A step that meets windows all over the run, whatever their number.
const STRIDE: u64 = 37;

fn clean() -> Vec<OsString> {
    let words = ["/mnt/bin/tmpmedic", "clean", "/tmp", "--older-than", "0s", "--owner", "0", "--json"];
    words.map(OsString::from).to_vec()
}

/// What a plan would take; nothing where there is none.
fn taken(text: &str) -> Vec<String> {
    let plan: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let entries = plan["entries"].as_array().cloned().unwrap_or_default();
    let removed = entries.iter().filter(|entry| entry["verdict"] == "remove");
    removed.map(|entry| entry["path"].as_str().unwrap().to_owned()).collect()
}

#[test]
#[ignore = "an actor: runs in a scene of its own"]
fn fails_each_look_once() {
    let full = std::env::var_os("TMPMEDIC_ATTACK").is_some_and(|how| how == "full");
    let begun = Instant::now();
    for (at, (name, number, errno)) in FAULTS.iter().enumerate() {
        let whole = stepper::fail(&clean(), *number, u64::MAX, *errno);
        assert_eq!(
            taken(&whole.ended.text),
            ["/tmp/go-build-free"],
            "{}{}",
            whole.ended.text,
            whole.ended.talk
        );
        let share = BRIEF * u32::try_from(at + 1).unwrap() / u32::try_from(FAULTS.len()).unwrap();
        let (mut windows, mut freed) = (0_u64, Vec::new());
        let step = if full || whole.calls <= STRIDE { 1 } else { STRIDE };
        for round in 0..step {
            for nth in (1 + round..=whole.calls).step_by(usize::try_from(step).unwrap()) {
                if !full && windows > 0 && begun.elapsed() > share {
                    break;
                }
                let seen = stepper::fail(&clean(), *number, nth, *errno);
                windows += 1;
                let more = taken(&seen.ended.text).into_iter().filter(|path| path != "/tmp/go-build-free");
                freed.extend(more.map(|path| format!("{path} at call {nth}")));
            }
        }
        println!("\n--blind-- {name} {errno:?}: {} calls, {windows} windows, freed {freed:?}", whole.calls);
    }
}

#[test]
fn no_single_look_that_fails_frees_anything() {
    needs!("unshare", "setpriv", "python3");
    let how = std::env::var("TMPMEDIC_ATTACK").unwrap_or_default();
    let said = scene(
        &format!("{HOLDER}\n{BY_THREAD}\n{MACHINE}"),
        &[&format!(
            "TMPMEDIC_ATTACK='{how}' /mnt/bin/actor faults::blind::fails_each_look_once --exact --ignored --nocapture"
        )],
    );
    said[0].ends(0);
    let lines: Vec<&str> = said[0].text.lines().filter(|line| line.starts_with("--blind--")).collect();
    eprintln!("{}", lines.join("\n"));
    assert_eq!(lines.len(), FAULTS.len(), "{}", said[0].text);
    let held = |line: &&str| line.ends_with("freed []");
    assert!(lines.iter().all(held), "{}", lines.join("\n"));
    assert!(lines.iter().any(|line| !line.contains(" 0 windows")), "nothing failed");
}
