//! Counting and classifying one big directory: ours against getdents and statx alone, and against ls and find.
#![expect(clippy::disallowed_methods, reason = "a benchmark starts programs and reads clocks")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot measure stops, and ratios need no last digit"
)]

#[expect(dead_code, reason = "other benchmarks use the rest")]
#[path = "limit.rs"]
mod limit;
#[path = "side_by_side.rs"]
mod side_by_side;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tmpmedic::catalog::Catalog;
use tmpmedic::collect::temp_dirs::Counter;
use tmpmedic::collect::{Budget, Depth, Eyes};
use tmpmedic::model::asked::Asked;
use tmpmedic::model::raw_path::RawPath;
use tmpmedic::model::snapshot::Snapshot;

use side_by_side::{Lane, number, peak_kib, private_dir, race};

fn main() {
    let entries = number("ENTRIES", 100_000);
    let dir = private_dir("count");
    fill(&dir, entries);
    let shown = dir.display().to_string();
    let before = peak_kib();
    let catalog = Arc::new(Catalog::builtin());
    let look = first_look(&dir, &catalog);
    count(&look, &catalog, entries);
    println!("our memory for it: {} KiB above {before} KiB", peak_kib() - before);
    let mut lanes = vec![
        Lane::new("limit, 2 threads: getdents, statx", || {
            limit::full(&dir, 2);
        }),
        Lane::new("limit, 1 thread", || {
            limit::full(&dir, 1);
        }),
        Lane::new("tmpmedic: families, ages, owners, bytes", || count(&look, &catalog, entries)),
    ];
    lanes.extend(Lane::shell(
        "find -printf '%C@ %u'",
        "find",
        format!("find {shown} -maxdepth 1 -printf '%C@ %U\\n' | wc -l"),
    ));
    lanes.extend(Lane::shell("ls -la, counted", "ls", format!("ls -la {shown} | wc -l")));
    race(
        &format!("classify and age {entries} entries"),
        "at most 1.15 of the limit with 2 threads",
        5,
        lanes,
    );
    std::fs::remove_dir_all(&dir).ok();
}

/// What the console knows when it begins to count: one look, without any counting.
fn first_look(dir: &Path, catalog: &Arc<Catalog>) -> Snapshot {
    let asked = Asked { dirs: vec![RawPath::from(dir.as_os_str())], ..Asked::default() };
    let budget = Budget { deadline: Duration::from_secs(10), counting: Duration::ZERO, depth: Depth::Quick };
    let mut look = Eyes::open(Arc::clone(catalog)).look(&asked, budget);
    let path = RawPath::from(dir.as_os_str());
    look.vantages.value_mut().expect("vantages").retain(|v| v.path == path);
    look
}

/// Counts as the console does, whole.
fn count(look: &Snapshot, catalog: &Arc<Catalog>, entries: usize) {
    let spaces = look.namespaces.items();
    let seen =
        Counter::new().count(look.vantages.items(), spaces, catalog, look.taken, Duration::from_mins(1));
    let total = seen.items().first().map_or(0, |dir| dir.total.entries.0);
    assert_eq!(total, entries as u64, "{:?}", seen.gaps());
}

/// Names as a sick /tmp has them.
fn fill(dir: &Path, entries: usize) {
    for n in 0..entries {
        let name = match n % 8 {
            0 => format!("go-build{:09}", n * 7919),
            1 => format!("rustc{:06}", n % 1_000_000),
            2 => format!(".tmp{:06}", n % 1_000_000),
            3 => format!("tmp.{n:010}"),
            4 => format!("cc{:06}.o", n % 1_000_000),
            5 => format!("pip-build-{n}"),
            6 => format!("something-else-{n}"),
            _ => format!("{n:08x}"),
        };
        let path = dir.join(name);
        if n % 4 == 0 {
            std::fs::create_dir(path).ok();
        } else {
            File::create(path).expect("the directory takes files");
        }
    }
}
