//! Counting and classifying one big directory: ours against getdents and statx alone, and against ls and find.
#![expect(clippy::disallowed_methods, reason = "a benchmark starts programs and reads clocks")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(missing_docs, reason = "a program, not an interface")]

#[path = "limit.rs"]
mod limit;
#[path = "side_by_side.rs"]
mod side_by_side;

use std::fs::File;
use std::path::Path;

use side_by_side::{Lane, number, peak_kib, private_dir, race};

fn main() {
    let entries = number("ENTRIES", 100_000);
    let dir = private_dir("count");
    fill(&dir, entries);
    let shown = dir.display().to_string();
    let before = peak_kib();
    tmpmedic_counts(&dir, entries);
    println!("our memory for it: {} KiB above {before} KiB", peak_kib() - before);
    let mut lanes = vec![
        Lane::new("limit, 2 threads: getdents, statx", || drop(limit::full(&dir, 2))),
        Lane::new("limit, 1 thread", || drop(limit::full(&dir, 1))),
        Lane::new("tmpmedic: families, ages, owners, bytes", || tmpmedic_counts(&dir, entries)),
    ];
    lanes.extend(Lane::shell(
        "find -printf '%C@ %u'",
        "find",
        format!("find {shown} -maxdepth 1 -printf '%C@ %U\\n' | wc -l"),
    ));
    lanes.extend(Lane::shell("ls -la | wc -l", "ls", format!("ls -la {shown} | wc -l")));
    race(
        &format!("classify and age {entries} entries"),
        "at most 1.15 of the limit with 2 threads",
        5,
        lanes,
    );
    std::fs::remove_dir_all(&dir).ok();
}

/// Counts through the room that counts for the console, until it says that it is through.
fn tmpmedic_counts(dir: &Path, entries: usize) {
    let catalog = std::sync::Arc::new(tmpmedic::catalog::Catalog::builtin());
    let mut counter = Counter::new();
    let vantages = vec![vantage(dir)];
    let budget = std::time::Duration::from_secs(60);
    let seen = counter.count(&vantages, &[], &catalog, WallNanos(i64::MAX), budget);
    let total = seen.items().first().map_or(0, |d| d.total.entries.0);
    assert_eq!(total, entries as u64, "{:?}", seen.gaps());
}

/// Names as a sick /tmp has them.
fn fill(dir: &Path, entries: usize) {
    for n in 0..entries {
        let name = match n % 8 {
            0 => format!("go-build{:09}", n * 7919),
            1 => format!("rustc{:06}", n % 1_000_000),
            2 => format!(".tmp{:06}", n % 1_000_000),
            3 => format!("tmp.{:010}", n),
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
