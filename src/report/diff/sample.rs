//! A machine before and after a clean-up, for the tests of the forms.

use std::collections::BTreeMap;

use crate::model::change::Change;
use crate::model::errno::Errno;
use crate::model::finding::{Severity, Status};
use crate::model::host::Host;
use crate::model::mount::Device;
use crate::model::process::{ProcessTable, Role, RoleKind};
use crate::model::reading::{GapWhy, Reading};
use crate::model::snapshot::Snapshot;
use crate::model::temp_dir::{FamilyTally, Tally, TempDir};
use crate::model::units::{Bytes, Entries, Micros, WallNanos};
use crate::model::vantage::{Ability, Can, HowKnown, Identity};
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

fn whole<T>(value: T) -> Reading<T> {
    Reading::Whole { value, took: Micros(1) }
}

fn host() -> Host {
    Host {
        name: "ci-3".into(),
        kernel: "6.1.0".into(),
        boot_id: Ok("b".into()),
        load_centi: [0; 3],
        cpus: 2,
        memory_total: Bytes(1 << 33),
        memory_available: Bytes(1 << 32),
        open_files: Err(GapWhy::NotAsked),
        io_pressure: Err(GapWhy::NotAsked),
        dev_null: Err(GapWhy::NotAsked),
        fstab: Err(GapWhy::NotAsked),
        has_systemd: true,
        fs_errors: Vec::new(),
        task_limits: Vec::new(),
    }
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
    let identity = Identity { device: Device { major: 254, minor: 1 }, inode, mount_id: None };
    TempDir {
        path: path.into(),
        reached: path.into(),
        identity,
        vantages: vec![u32::from(path != "/tmp")],
        total: tally(builds),
        families,
        own_size: Bytes(4096),
        links: 2,
        modified: WallNanos(0),
        gaps: Vec::new(),
    }
}

fn set_answer(look: &mut Snapshot, can: Can, errno: Option<Errno>) {
    let vantage = look.vantages.value_mut().and_then(|all| all.first_mut()).unwrap();
    vantage.can_create = Ability { can, errno, step: None, how: HowKnown::Probed, took: None };
}

fn runner(pid: u32) -> ProcessTable {
    let mut process = crate::report::sample::process(pid);
    process.unit = Some("forgejo-runner@1.service".into());
    process.role =
        Some(Role { id: "forgejo-runner".into(), kind: RoleKind::Runner, title: "Forgejo runner".into() });
    let mut table = ProcessTable::default();
    table.insert(process);
    table
}
