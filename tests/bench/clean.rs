//! Planning and carrying out a clean-up, every guard on: ours against as little as the kernel allows, and against rm and du.
#![expect(clippy::disallowed_methods, reason = "a benchmark makes files and starts programs")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot measure stops, and ratios need no last digit"
)]

#[path = "removal.rs"]
mod removal;
#[path = "side_by_side.rs"]
mod side_by_side;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use tmpmedic::catalog::Catalog;
use tmpmedic::cmd::clean::{Place, Watch, open, survey};
use tmpmedic::exec::home;
use tmpmedic::exec::journal::Journal;
use tmpmedic::exec::quarantine::Quarantine;
use tmpmedic::exec::seal::seal;
use tmpmedic::exec::sweep::{Eyes, Flow, Sweep};
use tmpmedic::model::journal::WorkId;
use tmpmedic::model::plan::{Plan, SCHEMA, Verdict, Wishes};
use tmpmedic::model::raw_path::RawPath;
use tmpmedic::model::surroundings::About;
use tmpmedic::model::units::WallNanos;
use tmpmedic::sys::clock;

use side_by_side::{Lane, has, number, peak_kib, private_dir, race};

fn main() -> std::process::ExitCode {
    if std::env::args().nth(1).as_deref() == Some("__helper") {
        return tmpmedic::cmd::main();
    }
    let entries = number("ENTRIES", 100_000);
    let runs = number("RUNS", 3);
    let dir = private_dir("clean");
    apart();
    on("tmpfs", &dir, entries, runs);
    if let Some(disk) = disk(&dir) {
        on("ext4 on a loop device", &disk, entries, runs);
        detach(&disk);
    }
    fs::remove_dir_all(&dir).ok();
    std::process::ExitCode::SUCCESS
}

/// All jobs on one file system.
fn on(which: &str, top: &Path, entries: usize, runs: usize) {
    let room = Room::new(top);
    let shown = |job: &str| format!("{job}, {entries} entries, half of them directories, {which}");
    let fill = || room.fill(entries);
    race(
        &shown("put aside"),
        "at most 1.3 of the limit",
        runs,
        vec![
            after(
                fill,
                Lane::new("limit: rename, 1 thread", || {
                    removal::quarantine(&room.dir, &room.aside);
                }),
            ),
            after(
                fill,
                Lane::new("the same, looked at before and after, 2 threads", || {
                    removal::claimed(&room.dir, &room.aside, removal::Claimed::Stays, 2);
                }),
            ),
            room.ours("tmpmedic, from a plan", Wishes::default(), entries),
            room.command("tmpmedic clean --apply, all of it", &["--apply"], entries),
        ],
    );
    let mut lanes = vec![
        after(fill, Lane::new("limit: statx, unlink, 2 threads", || removal::safe(&room.dir, 2))),
        after(fill, Lane::new("limit, 1 thread", || removal::safe(&room.dir, 1))),
        after(
            fill,
            Lane::new("claimed first, looked at before and after, 2 threads", || {
                removal::claimed(&room.dir, &room.aside, removal::Claimed::Goes, 2);
            }),
        ),
        room.ours("tmpmedic, from a plan", Wishes { delete: true, ..Wishes::default() }, entries),
        room.command(
            "tmpmedic clean --delete --apply, all of it",
            &["--apply", "--delete", "--yes"],
            entries,
        ),
    ];
    let gone = room.dir.display();
    lanes.extend(Lane::shell("rm -rf", "rm", format!("rm -rf {gone}")).map(|lane| after(fill, lane)));
    race(&shown("remove for good"), "at most 1.3 of the limit, ahead of rm -rf", runs, lanes);
    room.tree(entries);
    let place = room.place();
    let mut lanes = vec![
        Lane::new("limit: statx of everything, 2 threads", || {
            removal::walk(&room.dir, 2);
        }),
        Lane::new("limit, 1 thread", || {
            removal::walk(&room.dir, 1);
        }),
        Lane::new("tmpmedic: trees, stamps, sizes, locks", || {
            assert_eq!(survey(&place, &mut |_| true).expect("it can be listed").len(), entries / 10);
        }),
    ];
    lanes.extend(Lane::shell("du -s", "du", format!("du -s {}", room.dir.display())));
    let job = format!("look at {} trees with {entries} files, {which}", entries / 10);
    race(&job, "at most 1.2 of the limit with 2 threads", runs, lanes);
    println!(
        "\nmemory: this program {} KiB, the largest that it started {} KiB",
        peak_kib(),
        peak_of_children()
    );
    room.clear();
}

/// As root the program writes its journal to a fixed place: here it is another one.
fn apart() {
    if own() == 0 {
        for dir in ["/var/lib", "/run"] {
            let none: Option<&str> = None;
            nix::mount::mount(Some("bench"), dir, Some("tmpfs"), nix::mount::MsFlags::empty(), none)
                .expect("in our own namespace a tmpfs can be mounted");
        }
    }
}

fn after<'a>(ready: impl FnMut() + 'a, lane: Lane<'a>) -> Lane<'a> {
    Lane { ready: Box::new(ready), ..lane }
}

/// A temp dir, a directory beside it for what is taken out, and a home for a journal.
struct Room {
    dir: PathBuf,
    aside: PathBuf,
    home: PathBuf,
    catalog: Arc<Catalog>,
}

impl Room {
    fn new(top: &Path) -> Self {
        let [dir, aside, home] = ["t", "aside", "home"].map(|name| top.join(name));
        Self { dir, aside, home, catalog: Arc::new(Catalog::builtin()) }
    }

    fn clear(&self) {
        for dir in [&self.dir, &self.aside, &self.home] {
            fs::remove_dir_all(dir).ok();
        }
    }

    fn make(&self) {
        self.clear();
        if own() == 0 {
            // What the commands of the lanes before have written down is not to be read by the next.
            fs::remove_dir_all("/var/lib/tmpmedic").ok();
        }
        for (dir, mode) in [(&self.dir, 0o1777), (&self.aside, 0o700), (&self.home, 0o700)] {
            fs::create_dir(dir).expect("there is room");
            fs::set_permissions(dir, fs::Permissions::from_mode(mode)).expect("it is ours");
        }
    }

    /// Names as a sick /tmp has them.
    fn fill(&self, entries: usize) {
        self.make();
        for n in 0..entries {
            if n % 2 == 0 {
                fs::create_dir(self.dir.join(format!("go-build{:09}", n * 7919))).expect("there is room");
            } else {
                let name = if n % 4 == 1 { format!("tmp.{n:010}x") } else { format!("something-else-{n}x") };
                File::create(self.dir.join(name)).expect("there is room");
            }
        }
        settle(&self.dir);
    }

    /// Directories with ten files each.
    fn tree(&self, files: usize) {
        self.make();
        for n in 0..files / 10 {
            let dir = self.dir.join(format!("go-build{n:09}"));
            fs::create_dir_all(dir.join("b001")).expect("there is room");
            for file in 0..10 {
                let at =
                    if file < 5 { dir.join(format!("f{file}")) } else { dir.join(format!("b001/f{file}")) };
                File::create(at).expect("there is room");
            }
        }
    }

    fn place(&self) -> Place {
        open(&RawPath::from(self.dir.as_os_str())).expect("it opens")
    }

    /// Carries a plan out that was made before.
    fn ours<'a>(&'a self, name: &'a str, wishes: Wishes, entries: usize) -> Lane<'a> {
        // A process that nobody may read is no reason to measure nothing.
        let wishes = Wishes { owner: Some(own()), assume_unheld: true, ..wishes };
        let ready: std::rc::Rc<RefCell<Option<(Plan, Place)>>> = std::rc::Rc::default();
        let plan = std::rc::Rc::clone(&ready);
        let run = {
            let wishes = wishes.clone();
            move || {
                let (plan, place) = plan.take().expect("a plan was made");
                self.sweep(&plan, &place, &wishes, entries);
            }
        };
        let ready = move || {
            self.fill(entries);
            let place = self.place();
            *ready.borrow_mut() = Some((self.plan(&place, &wishes), place));
        };
        after(ready, Lane::new(name, run))
    }

    fn watch(&self, place: &Place, wishes: &Wishes) -> Watch {
        Watch::new(&self.catalog, wishes, &BTreeSet::new(), own(), place.id).expect("good wishes")
    }

    fn plan(&self, place: &Place, wishes: &Wishes) -> Plan {
        let mut watch = self.watch(place, wishes);
        let found = survey(place, &mut |_| true).expect("it can be listed");
        let around = watch.looks.surroundings(place.dir.as_fd(), &place.path, About::All);
        let now = WallNanos(clock::wall_nanos());
        let entries = found.into_iter().map(|candidate| watch.jury.judged(candidate, &around, now).0);
        seal(Plan {
            schema: SCHEMA.to_owned(),
            digest: String::new(),
            seal: String::new(),
            boot_id: String::new(),
            made: now,
            expires: WallNanos(i64::MAX),
            root: place.path.clone(),
            place: place.id,
            wishes: wishes.clone(),
            entries: entries.collect(),
        })
    }

    fn sweep(&self, plan: &Plan, place: &Place, wishes: &Wishes, entries: usize) {
        let going = plan.entries.iter().filter(|entry| entry.verdict == Verdict::Remove).count();
        assert_eq!(going, entries, "{:?}", plan.entries.iter().find(|e| e.verdict == Verdict::Keep));
        let home = home::open(&[RawPath::from(self.home.as_os_str())], own()).expect("a home");
        let mut journal = Journal::open(home.dir.as_fd(), own()).expect("a journal").journal;
        journal.reserve(700 * entries as u64).expect("room");
        let name = ".tmpmedic-bench";
        let quarantine = Quarantine::open(place.dir.as_fd(), name.as_bytes(), own()).expect("a quarantine");
        let mut watch = self.watch(place, wishes);
        let sweep = Sweep {
            place: place.dir.try_clone().expect("a descriptor"),
            quarantine: &quarantine,
            quarantine_path: place.path.join(name.as_bytes()),
            journal: &mut journal,
            work: WorkId(1),
            eyes: &mut watch.looks,
            judge: &watch.jury,
            goes_on: &|| true,
        };
        let swept = sweep.run(plan, &mut |_| Flow::On).expect("the journal is written");
        let dealt = if wishes.delete { swept.removed.len() } else { swept.taken.len() };
        assert_eq!(dealt, entries, "{:?} {:?}", swept.kept.first(), swept.failed.first());
    }

    /// The whole program, with its own look at the machine, its plan and its proof.
    fn command<'a>(&'a self, name: &'a str, options: &'a [&str], entries: usize) -> Lane<'a> {
        let run = move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_tmpmedic"));
            command.arg("clean").arg(&self.dir).args(["--older-than", "0s", "--owner", &own().to_string()]);
            command
                .arg("--assume-unheld")
                .args(options)
                .env("XDG_STATE_HOME", &self.home)
                .env("HOME", &self.home);
            command.stdin(Stdio::null()).stdout(Stdio::null());
            assert!(command.status().expect("it starts").success());
            let left = fs::read_dir(&self.dir).expect("it is there").count();
            assert_eq!(left, 1, "the quarantine");
        };
        after(move || self.fill(entries), Lane::new(name, run))
    }
}

fn own() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// What was just written need not be written while something else is measured.
fn settle(dir: &Path) {
    let handle = File::open(dir).expect("it opens");
    rustix::fs::syncfs(&handle).expect("it can be synced");
}

/// An ext4 of our own, where root has loop devices; journals of the program itself go there too.
fn disk(dir: &Path) -> Option<PathBuf> {
    if own() != 0 || !has("mkfs.ext4") {
        return None;
    }
    // Not on the tmpfs: the disk below is what makes a sync cost something.
    let image =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-clean-{}.ext4", std::process::id()));
    let disk = dir.join("disk");
    fs::create_dir(&disk).ok()?;
    let script = format!(
        "truncate -s 2G {image} && mkfs.ext4 -q -F -N 600000 {image} && mount -o loop {image} {disk} && rm {image} && \
         mkdir -p {disk}/state && chmod 700 {disk}/state && mount --bind {disk}/state /var/lib",
        image = image.display(),
        disk = disk.display()
    );
    let made = Command::new("sh").args(["-c", &script]).status().is_ok_and(|status| status.success());
    if !made {
        fs::remove_file(&image).ok();
    }
    made.then_some(disk)
}

fn detach(disk: &Path) {
    let script = format!("umount /var/lib; umount {}", disk.display());
    Command::new("sh").args(["-c", &script]).status().ok();
}

/// Highest resident memory of any child, in KiB.
fn peak_of_children() -> i64 {
    nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN)
        .map_or(0, |usage| usage.max_rss())
}
