//! A machine before and after a clean-up, for the tests of the forms.

use std::collections::BTreeMap;

use crate::model::change::Change;
use crate::model::errno::Errno;
use crate::model::finding::{Severity, Status};
use crate::model::process::ProcessTable;
use crate::model::snapshot::Snapshot;
use crate::model::specimen::{self, host, runner_role, whole};
use crate::model::temp_dir::{FamilyTally, Tally, TempDir};
use crate::model::units::{Bytes, Entries, WallNanos};
use crate::model::vantage::{Ability, Can, HowKnown};
use crate::report::sample::sick;

/// The dead /tmp is fresh again and nearly empty, its runner is a new process, and there is a warning that was not there.
pub(super) fn cleaned() -> Change {
    let (mut before, first) = sick();
    before.host = whole(host());
    before.temp_dirs = whole(vec![dir("/tmp", 131_073, 612), dir("/var/tmp", 131_074, 6)]);
    set_answer(&mut before, Can::No, Some(Errno::ENOENT));
    before.processes = whole(runner(4514));
    let mut after = before.clone();
    after.taken = WallNanos(before.taken.0 + 600_000_000_000);
    after.temp_dirs = whole(vec![dir("/tmp", 262_999, 0), dir("/var/tmp", 131_074, 6)]);
    set_answer(&mut after, Can::Yes, None);
    after.processes = whole(runner(9000));
    let mut second = first.clone();
    second.status = Status::Warning;
    second.headline = "2 of 6 runners differ in TMPDIR".into();
    for finding in &mut second.found {
        finding.id = "tmpdir-temp-tmp-disagree".into();
        finding.severity = Severity::Warning;
        finding.title = "2 of 6 runners differ in TMPDIR".into();
    }
    Change::between((&before, &first), (&after, &second))
}

fn dir(path: &str, inode: u64, builds: u64) -> TempDir {
    let tally = |entries: u64| Tally {
        entries: Entries(entries),
        directories: Entries(entries),
        old: Entries(entries / 2),
        bytes: Bytes(entries * (32 << 20)),
        ..Tally::default()
    };
    let family = FamilyTally { tally: tally(builds), ..FamilyTally::default() };
    let families =
        if builds > 0 { BTreeMap::from([("go-build".to_owned(), family)]) } else { BTreeMap::new() };
    TempDir {
        total: tally(builds),
        families,
        ..specimen::temp_dir(path, inode, &[u32::from(path != "/tmp")])
    }
}

fn set_answer(look: &mut Snapshot, can: Can, errno: Option<Errno>) {
    let vantage = look.vantages.value_mut().and_then(|all| all.first_mut()).unwrap();
    vantage.can_create = Ability { can, errno, step: None, how: HowKnown::Probed, took: None };
}

fn runner(pid: u32) -> ProcessTable {
    let mut process = crate::report::sample::process(pid);
    process.unit = Some("forgejo-runner@1.service".into());
    process.role = Some(runner_role());
    let mut table = ProcessTable::default();
    table.insert(process);
    table
}
