//! Processes and holders: ours against reading the same files of procfs and nothing else, and against lsof and ps.
#![expect(clippy::disallowed_methods, reason = "a benchmark starts programs and reads clocks")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(clippy::exit, reason = "a member of the crowd ends at once")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot measure stops, and ratios need no last digit"
)]

#[path = "crowd.rs"]
mod crowd;
#[expect(dead_code, reason = "other benchmarks use the rest")]
#[path = "limit.rs"]
mod limit;
#[path = "side_by_side.rs"]
mod side_by_side;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tmpmedic::catalog::Catalog;
use tmpmedic::collect::budget::Until;
use tmpmedic::collect::holders::{self, Search};
use tmpmedic::collect::processes::Processes;
use tmpmedic::collect::{Budget, Depth, Eyes, mounts};
use tmpmedic::model::asked::Asked;
use tmpmedic::model::raw_path::RawPath;
use tmpmedic::model::snapshot::Snapshot;
use tmpmedic::sys::procfile::Proc;

use crowd::Crowd;
use side_by_side::{Lane, number, peak_kib, private_dir, race};

fn main() {
    crowd::join_if_asked();
    let (size, files) = (number("PROCESSES", 1000), number("FILES", 50));
    let dir = private_dir("processes");
    let crowd = Crowd::start(size, files, &dir);
    println!("{size} processes with {files} descriptors each, {} in all", limit::pids().len());
    let catalog = Arc::new(Catalog::builtin());
    race_tables(&catalog);
    race_holders(&dir, &catalog);
    println!("\nour peak memory: {} KiB", peak_kib());
    drop(crowd);
    std::fs::remove_dir_all(&dir).ok();
}

fn race_tables(catalog: &Arc<Catalog>) {
    let proc = Arc::new(Proc::open(Path::new("/proc")).expect("/proc opens"));
    let own = std::process::id();
    let ours = || {
        let until = Until::within(Duration::from_mins(1));
        let seen = Processes::default().look(&proc, catalog, own, until);
        let mut table = seen.table;
        let spaces = mounts::find(&proc, table.value_mut().expect("processes"), own, until);
        assert!(!spaces.items().is_empty(), "mount tables are seen");
    };
    let mut lanes = vec![
        Lane::new("limit, 2 threads: the same files and links, nothing parsed or kept", || {
            limit::read_processes(2);
        }),
        Lane::new("limit, 1 thread", || {
            limit::read_processes(1);
        }),
        Lane::new("tmpmedic: the first look, nothing remembered", ours),
    ];
    lanes.extend(Lane::shell("ps eww", "ps", "ps axeww".to_owned()));
    race("environment, status, cgroup and mounts of all processes", "at most 1.3 of the limit", 15, lanes);
}

fn race_holders(dir: &Path, catalog: &Arc<Catalog>) {
    let look = look(dir, catalog);
    let table = look.processes.value().expect("processes");
    let ours = || {
        let found = holders::find(&Search {
            table,
            namespaces: look.namespaces.items(),
            vantages: look.vantages.items(),
            dirs: look.temp_dirs.items(),
            deadline: Duration::from_mins(1),
        });
        assert!(found.holders.value().is_some_and(|h| !h.holdings.is_empty()), "the crowd holds files");
    };
    let mut lanes = vec![
        Lane::new("limit, 2 threads: every link and mapping", || {
            limit::read_holders(2);
        }),
        Lane::new("limit, 1 thread", || {
            limit::read_holders(1);
        }),
        Lane::new("tmpmedic: who holds what in temp dirs", ours),
    ];
    lanes.extend(Lane::shell("lsof -nP", "lsof", "lsof -nP".to_owned()));
    lanes.extend(Lane::shell("lsfd", "lsfd", "lsfd".to_owned()));
    race(
        "holders: descriptors, cwd, root, exe and mappings",
        "at most 1.2 of the limit, 8 times lsof",
        7,
        lanes,
    );
}

fn look(dir: &Path, catalog: &Arc<Catalog>) -> Snapshot {
    let asked = Asked { dirs: vec![RawPath::from(dir.as_os_str())], ..Asked::default() };
    let budget =
        Budget { deadline: Duration::from_secs(30), counting: Duration::from_secs(10), depth: Depth::Whole };
    Eyes::open(Arc::clone(catalog)).look(&asked, budget)
}
