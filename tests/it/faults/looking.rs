//! What only looks changes nothing: with every call refused that could, it runs as before and says the same.
//!
//! flock(2) is let through: whether somebody has a lock on a directory can only be found out by trying for one, and the one
//! that was got is let go at once.

use crate::clean::scene;
use crate::needs;

/// Some of everything that a temp dir holds, holders and two runners; then a capture to look at.
const MACHINE: &str = "
    builds go-build1 go-build2 go-build3; mkdir /tmp/own /tmp/.X11-unix; mkfifo /tmp/pipe; ln -s /nowhere /tmp/link
    (cd /tmp/go-build1; exec /mnt/bin/go 600) & became go $!
    runner TMPDIR=/tmp; runner TMPDIR=/nope
    tm clean /tmp --older-than 0s --family go-build --apply >/dev/null; builds go-build4
    tm capture -q -o /mnt/one.tmpmedic; mkdir /tmp/go-build5; tm capture -q -o /mnt/two.tmpmedic
    tree > /mnt/before; find /var/lib /run /mnt/home -printf '%p %i %s %T@ %C@\\n' | sort > /mnt/state";

/// The commands that only look.
const LOOKS: &[&str] = &[
    "clean /tmp --older-than 0s",
    "clean --older-than 1d -v",
    "clean /tmp --older-than 0s --json",
    "check --no-probe",
    "check --no-probe --json",
    "check --from /mnt/one.tmpmedic",
    "diff /mnt/one.tmpmedic /mnt/two.tmpmedic",
    "journal",
    "journal --json",
    "explain tmpdir-missing",
    "fix",
    "fix --json",
    "--version",
];

#[test]
fn with_every_call_refused_that_changes_anything_the_same_is_said() {
    needs!("unshare", "setpriv");
    // Times and their sums differ from run to run, and with them what covers them. Through a file: a reader on a pipe would
    // be one of the processes, before or after us.
    let plain = |command: &str| {
        format!(
            "{command} > /mnt/said; sed -E 's/(plan |\"(digest|seal)\":\")[0-9a-f]+/digest/g; s/[0-9]+([.][0-9]+)?/N/g' /mnt/said"
        )
    };
    let without = "openat2=ENOSYS,changing=EPERM";
    let mut commands = Vec::new();
    for look in LOOKS {
        commands.push(plain(&format!("{{ /mnt/bin/tmpmedic {look} 2>&1; echo ended $?; }}")));
        commands
            .push(plain(&format!("{{ without {without} /mnt/bin/tmpmedic {look} 2>&1; echo ended $?; }}")));
    }
    commands.push(
        "tree | cmp - /mnt/before; find /var/lib /run /mnt/home -printf '%p %i %s %T@ %C@\\n' | sort | cmp - /mnt/state"
            .to_owned(),
    );
    commands.push(format!("without {without} /mnt/bin/tmpmedic clean /tmp --older-than 0s --apply; rc=$?; ls -A /tmp; (exit $rc)"));
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    let said = scene(MACHINE, &commands);
    for (look, pair) in LOOKS.iter().zip(said.chunks(2)) {
        assert!(!pair[0].text.contains("unexpected argument"), "{look}: {}", pair[0].text);
        let (one, other) = (&pair[0].text, &pair[1].text);
        let same = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
        let from = |text: &str| text.chars().skip(same.saturating_sub(80)).take(300).collect::<String>();
        assert!(one == other, "tmpmedic {look}:\n{}\nand without:\n{}", from(one), from(other));
    }
    let [.., untouched, apply] = said.as_slice() else { unreachable!() };
    assert_eq!(untouched.text, "");
    apply.ends(2);
    assert!(apply.text.contains("go-build4"), "the filter is in force: {}", apply.text);
}

#[test]
fn a_look_asks_nobody_to_give_up_a_lease() {
    needs!("unshare", "python3");
    let said = scene(
        "cat > /mnt/lease.py <<'END'
import fcntl, os, signal, time
file = open('/tmp/le' + 'ased', 'w')
signal.signal(signal.SIGIO, lambda *_: open('/mnt/broken', 'w').close())
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
open('/mnt/ready', 'w').close()
while True: time.sleep(600)
END
         python3 /mnt/lease.py & awaits $! test -e /mnt/ready",
        &[
            "tm clean /tmp --older-than 0s --json",
            "ls /mnt/broken 2>/dev/null; grep -c 'LEASE *ACTIVE' /proc/locks",
        ],
    );
    assert!(crate::clean::reason(&said[0].json(), "/tmp/leased").contains("pid"), "{}", said[0].text);
    assert_eq!(said[1].text, "1", "the lease is there, and nobody was asked for it");
}
