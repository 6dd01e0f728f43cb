//! A journal of a hundred thousand steps: whoever reads it, or begins to act by it, takes little memory for it.

use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tmpmedic::exec::journal::Journal;
use tmpmedic::model::journal::{Act, Begin, Came, Change, Done, Record, WorkId};
use tmpmedic::model::mount::Device;
use tmpmedic::model::plan::ObjectId;
use tmpmedic::model::units::{Bytes, WallNanos};
use tmpmedic::model::vantage::Kind;
use tmpmedic::sys::dirfd;

use crate::clean::scene;
use crate::needs;

const STEPS: u64 = 100_000;
/// Steps that share a record.
const BATCH: u64 = 5_000;
/// What a start may take, in KiB: a step that is held takes two hundred bytes, so half of them held would be seen.
const MOST: u64 = 40 << 10;

/// Runs a command and says what it took at most, in KiB.
const PEAK: &str = r#"
cat > /mnt/peak.py <<'END'
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=open('/mnt/out', 'wb'))
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
END
peak() { python3 /mnt/peak.py "$@"; }
"#;

fn object(inode: u64) -> ObjectId {
    let device = Device { major: 0, minor: 31 };
    ObjectId { mount_id: 1, device, inode, kind: Kind::Directory, born: Some(WallNanos(1)) }
}

fn write(journal: &mut Journal, number: u64, action: &str, change: &dyn Fn(u64) -> Change) {
    let work = WorkId(number);
    let begin = Begin {
        work,
        time: WallNanos(1_763_000_000_000_000_000),
        action: action.to_owned(),
        title: "of 100,000 entries in /tmp".to_owned(),
        finding: None,
        digest: String::new(),
        boot_id: "b".to_owned(),
        uid: 0,
        login_uid: None,
        undoes: None,
        place: Some(("/tmp".into(), object(1))),
        quarantine: Some((".tmpmedic-q".into(), object(2))),
    };
    journal.add(&Record::Begin(begin)).unwrap();
    for first in (0..STEPS).step_by(usize::try_from(BATCH).unwrap()) {
        let steps = first..first + BATCH;
        let acts = steps.clone().map(|step| Act { step, change: change(step) }).collect();
        journal.add(&Record::Intent { work, steps: acts }).unwrap();
        let came = steps.map(|step| Came { step, done: Done::Done { changed: None } }).collect();
        journal.add(&Record::Outcome { work, steps: came }).unwrap();
    }
    let (time, none) = (WallNanos(1_763_000_000_000_000_001), Vec::new);
    journal.add(&Record::End { work, time, before: none(), after: none() }).unwrap();
}

/// A journal in which that many entries were put aside, and freed since.
fn settled(dir: &Path) {
    std::fs::set_permissions(dir, PermissionsExt::from_mode(0o700)).unwrap();
    let handle = dirfd::open_trusted_dir(dir.as_os_str().as_encoded_bytes()).unwrap();
    let own = rustix::process::geteuid().as_raw();
    let mut journal = Journal::open(handle.as_fd(), own).unwrap().journal;
    let slot = |step: u64| format!("1-{step}").as_str().into();
    write(&mut journal, 1, "clean", &|step| Change::Quarantine {
        name: format!("go-build{step:012}").as_str().into(),
        object: object(100 + step),
        slot: slot(step),
        bytes: Some(Bytes(4096)),
    });
    write(&mut journal, 2, "purge", &|step| Change::Purge { slot: slot(step), object: object(100 + step) });
}

#[test]
fn a_long_journal_is_read_as_a_stream_and_told_work_by_work() {
    needs!("unshare", "python3");
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    settled(dir.path());
    let from = dir.path().join("journal");
    let said = scene(
        &format!(
            "{PEAK}\ninstall -d -m 700 /var/lib/tmpmedic\nhere() {{ rm -f /var/lib/tmpmedic/*; install -m 600 '{}' /var/lib/tmpmedic/journal; }}",
            from.display()
        ),
        &[
            "here; peak /mnt/bin/tmpmedic journal; grep -o 'removed for good on.*' /mnt/out",
            "peak /mnt/bin/tmpmedic journal --json; grep -o '\"step\":' /mnt/out | wc -l",
            "peak /mnt/bin/tmpmedic undo 1 2>&1",
            "here; peak /mnt/bin/tmpmedic purge; cat /mnt/out",
            "here; builds go-build1; peak /mnt/bin/tmpmedic clean /tmp --older-than 0s --apply; ls /var/lib/tmpmedic; count",
            "peak /mnt/bin/tmpmedic journal --json; grep -o '\"step\":' /mnt/out | wc -l",
        ],
    );
    let codes = [0, 0, 2, 0, 0, 0];
    for (said, code) in said.iter().zip(codes) {
        let line = said.text.lines().find(|line| line.starts_with(&format!("{code} ")));
        let line = line.unwrap_or_else(|| panic!("it did not end so: {}", said.text));
        let peak: u64 = line.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(peak < MOST, "{peak} KiB: {}", said.text);
    }
    said[0].says("removed for good on");
    assert!(said[1].text.ends_with("\n200000"), "each step is told: {}", said[1].text);
    said[2].says("nothing of work 1 can be taken back: it is back already");
    said[3].says("nothing lies in any quarantine");
    assert!(said[4].text.contains("journal-0-") && said[4].text.ends_with("\n0"), "{}", said[4].text);
    assert!(said[5].text.ends_with("\n200001"), "and after it began anew: {}", said[5].text);
}
