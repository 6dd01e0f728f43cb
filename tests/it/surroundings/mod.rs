//! What a clean-up sees around a directory, on private machines where each claim is made for real.

mod holds;
mod mounts;
mod sockets;
mod threads;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::sandbox;

/// `by_thread HOW`: a process of which one thread alone holds `/tmp/go-build-HOW`; its pid is in $pid.
pub const BY_THREAD: &str = r"
by_thread() {
  mkdir -p /tmp/go-build-$1 /mnt/inner; touch /tmp/go-build-$1/f
  HOW=$1 READY=/mnt/ready-thread-$1 /mnt/bin/actor --exact actors::whose_thread_holds --ignored </dev/null >/dev/null 2>&1 & pid=$!
  awaits $pid test -e /mnt/ready-thread-$1
}";

/// The tools of these scripts. `see DIR` prints one look; `listen SOCKET COMMAND…` starts a listener through a command and
/// waits for it.
const TOOLS: &str = r#"
mount -t tmpfs -o mode=755 run /run
see() { printf '%s\n' "$1" | /mnt/bin/tmpmedic __helper surroundings; }
listen() {
  SOCKET=$1; export SOCKET; READY=/mnt/ready-$(ls /mnt | wc -l); export READY; shift
  "$@" /mnt/bin/actor --exact actors::listener --ignored >/dev/null 2>&1 & pid=$!
  awaits $pid test -e "$READY"
}
# hold COMMAND…: runs it in the background as soon as it has become sleep.
hold() { "$@" </dev/null >/dev/null 2>&1 & pid=$!; became sleep "$pid"; }
say() { echo "$1=$pid" >>/mnt/pids; }
"#;

/// One look, and the pids that the script wrote down.
struct Seen {
    json: Value,
    pids: String,
}

impl Seen {
    fn at(script: &str) -> Self {
        let output =
            sandbox::run(&format!("{TOOLS}\n{BY_THREAD}\n: >/mnt/pids\n{script}\nsee /tmp\ncat /mnt/pids"));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let talk = String::from_utf8_lossy(&output.stderr);
        let (first, pids) = text.split_once('\n').unwrap_or_else(|| panic!("no look: {text}{talk}"));
        let json = serde_json::from_str(first).unwrap_or_else(|why| panic!("{why}: {text}{talk}"));
        Self { json, pids: pids.to_owned() }
    }

    fn pid(&self, name: &str) -> u64 {
        let line = self.pids.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.unwrap_or_else(|| panic!("no pid of {name}: {}", self.pids)).parse().unwrap()
    }

    /// Kinds and pids of the claims on an entry.
    fn of(&self, entry: &str) -> BTreeSet<(String, Option<u64>)> {
        let claims = self.json["claims"][entry].as_array().cloned().unwrap_or_default();
        let kind = |claim: &Value| claim["kind"].as_str().unwrap().to_owned();
        claims.iter().map(|claim| (kind(claim), claim["pid"].as_u64())).collect()
    }

    #[track_caller]
    fn claims(&self, entry: &str, kind: &str, by: Option<&str>) {
        let pid = by.map(|name| self.pid(name));
        let found = self.of(entry);
        assert!(
            found.contains(&(kind.to_owned(), pid)),
            "{kind} by {by:?} {pid:?} on {entry}: {found:?}\n{}",
            self.json
        );
    }

    #[track_caller]
    fn leaves(&self, entry: &str) {
        assert_eq!(self.of(entry), BTreeSet::new(), "{entry}: {}", self.json);
    }

    #[track_caller]
    fn has_no_gap(&self) {
        for list in ["gaps", "unread", "sockets"] {
            assert_eq!(self.json[list].as_array().unwrap().len(), 0, "{}", self.json[list]);
        }
    }
}
