//! What a recording costs: 300 processes, 5,000 entries, ten minutes at two seconds. How large the file is, how much CPU a
//! snapshot takes to write, how long reading it takes, and a step and a jump in it.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads clocks")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark that cannot measure stops, and ratios need no last digit"
)]

#[expect(dead_code, reason = "other benchmarks use the rest")]
#[path = "side_by_side.rs"]
mod side_by_side;

use std::time::Instant;

use side_by_side::{median, number, shown};
use tmpmedic::catalog::Catalog;
use tmpmedic::model::asked::Asked;
use tmpmedic::model::process::{
    Credentials, Limits as ProcessLimits, MountNs, Place, Process, ProcessTable, Variable,
};
use tmpmedic::model::reading::Reading;
use tmpmedic::model::snapshot::Snapshot;
use tmpmedic::model::temp_dir::{Entry, Listing};
use tmpmedic::model::units::{BootNanos, Bytes, Entries, Micros, WallNanos};
use tmpmedic::model::vantage::Kind;
use tmpmedic::source::look_once;
use tmpmedic::store::{Capture, Header, Limits, Writer};

const MIB: f64 = 1_048_576.0;

fn main() {
    let (processes, entries, looks) =
        (number("PROCESSES", 300), number("ENTRIES", 5_000), number("LOOKS", 300));
    let mut now = first(processes, entries);
    let mut writer = Writer::begin(Vec::new(), header()).expect("memory takes it");
    let mut times = Vec::new();
    let mut last = 0;
    for n in 0..looks {
        change(&mut now, n);
        let start = cpu();
        last = writer.add(&now).expect("it fits").bytes;
        times.push(cpu() - start);
    }
    let bytes = writer.finish().expect("memory takes it");
    println!("{processes} processes, {entries} entries, {looks} snapshots\n");
    println!("| | measured | goal |\n|---|---|---|");
    println!("| size | {:.2} MiB | 3.00 MiB |", last as f64 / MIB);
    println!("| first snapshot, CPU | {} | |", shown(times[0]));
    let worst = times[1..].iter().copied().fold(0.0, f64::max);
    println!("| a snapshot, CPU, median | {} | 20.0 ms |", shown(median(&mut times[1..].to_vec())));
    println!("| a snapshot, CPU, worst | {} | |", shown(worst));
    let start = Instant::now();
    let capture = Capture::read(bytes.as_slice(), &Limits::default()).expect("it was just written");
    println!("| reading all | {} | |", shown(start.elapsed().as_secs_f64()));
    let len = capture.len();
    let travel = |from: usize, to: usize| {
        capture.snapshot(from).expect("it is there");
        let start = Instant::now();
        capture.snapshot(to).expect("it is there");
        start.elapsed().as_secs_f64()
    };
    // Far enough apart that none is still at hand.
    let mut steps: Vec<f64> = (0..20).map(|n| travel(n * 7 % (len - 1), n * 7 % (len - 1) + 1)).collect();
    let mut back: Vec<f64> = (0..20).map(|n| travel(n * 11 % (len - 1) + 1, n * 11 % (len - 1))).collect();
    let mut minutes: Vec<f64> =
        (0..10).map(|n| travel(n * 9 % (len - 30), n * 9 % (len - 30) + 30)).collect();
    let mut far: Vec<f64> = (0..10).map(|n| travel(n, len - 1 - n)).collect();
    println!("| a step | {} | 33.0 ms |", shown(median(&mut steps)));
    println!("| a step back | {} | 33.0 ms |", shown(median(&mut back)));
    println!("| a minute | {} | 33.0 ms |", shown(median(&mut minutes)));
    println!("| from end to end | {} | |", shown(median(&mut far)));
}

/// CPU seconds of this thread.
fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn header() -> Header {
    Header { tool: "bench".into(), host: "ci-3".into(), redacted: false, every: None, begun: WallNanos(0) }
}

/// What this machine shows, with so many processes and entries of the kinds that a CI machine has.
fn first(processes: usize, entries: usize) -> Snapshot {
    let catalog = std::sync::Arc::new(Catalog::builtin());
    let mut now = look_once(&catalog, &Asked::default(), std::time::Duration::from_secs(10));
    let mut table = ProcessTable::default();
    for n in 0..u32::try_from(processes).expect("few") {
        table.insert(process(n));
    }
    now.processes = Reading::Whole { value: table, took: Micros(9_000) };
    let value = (0..entries).map(entry).collect();
    now.listings =
        vec![Listing { reached: "/tmp".into(), entries: Reading::Whole { value, took: Micros(4_000) } }];
    now
}

fn process(n: u32) -> Process {
    let place = |path: &str| Ok(Place { path: path.into(), deleted: false });
    let variable = |name: &str, value: String| Variable { name: name.into(), value: value.as_str().into() };
    Process {
        pid: 400 + 7 * n,
        parent: 1,
        started: BootNanos(u64::from(n) * 1_234_567_891),
        session: i64::from(n / 4),
        state: 'S',
        kernel: false,
        comm: format!("worker-{}", n % 40).as_str().into(),
        arguments: Ok([
            "/usr/bin/rustc",
            "--crate-name",
            &format!("part_{n}"),
            "--edition=2024",
            "-C",
            "opt-level=3",
        ]
        .map(Into::into)
        .into()),
        credentials: Ok(Credentials {
            uid: 1000 + n % 6,
            gid: 1000,
            user: Some(format!("runner-{}", n % 6)),
            ..Credentials::default()
        }),
        umask: Ok(0o22),
        limits: Ok(ProcessLimits { open_files: Some(1024), file_size: None, processes: Some(31_415) }),
        open_files: Ok(Entries(u64::from(n % 60) + 4)),
        unit: Some(format!("forgejo-runner@{}.service", n % 6)),
        container: None,
        cgroup: Ok(format!(
            "0::/system.slice/system-forgejo\\x2drunner.slice/forgejo-runner@{}.service",
            n % 6
        )
        .as_str()
        .into()),
        mount_ns: Ok(MountNs::Inode(4_026_532_200 + u64::from(n % 6))),
        pid_ns: Ok(4_026_531_836),
        root: place("/"),
        cwd: place(&format!("/srv/runner-{}/work/job-{}/target/debug", n % 6, n / 6)),
        exe: place("/usr/lib/rustlib/bin/rustc"),
        variables: Ok(vec![
            variable("TMPDIR", format!("/var/tmp/runner-{}", n % 6)),
            variable("CARGO_TARGET_DIR", format!("/srv/t/{n}")),
        ]),
        role: None,
        wait_channel: None,
        stack: Vec::new(),
        filtered: Ok(false),
    }
}

fn entry(n: usize) -> Entry {
    let scattered = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Entry {
        name: format!("rustc{:06x}", scattered >> 40).as_str().into(),
        kind: if n.is_multiple_of(3) { Kind::Directory } else { Kind::File },
        family: ["rustc", "go-build", ""][n % 3].to_owned(),
        uid: 1000 + u32::try_from(n % 6).expect("few"),
        mode: 0o700,
        bytes: Bytes((scattered >> 20) % 90_000_000),
        below: n.is_multiple_of(3).then_some(Entries(scattered >> 58)),
        newest: Some(WallNanos(1_769_000_000_000_000_000 + i64::try_from(scattered >> 16).expect("shifted"))),
    }
}

/// Two seconds later: clocks, load, free room, a few processes gone and new, some busy, some entries gone and new.
fn change(now: &mut Snapshot, n: usize) {
    let step = u32::try_from(n).expect("few");
    now.taken.0 += 2_000_413_000;
    now.boot.0 += 2_000_413_000;
    (now.eyes.taken, now.eyes.boot) = (now.taken, now.boot);
    if let Some(host) = now.host.value_mut() {
        host.load_centi = [100 + u64::from(step * 37 % 300), 90 + u64::from(step % 50), 80];
        host.memory_available = Bytes(20_000_000_000 + u64::from(step * 7919) * 4096);
        host.open_files = Ok((Entries(4_000 + u64::from(step % 400)), Entries(1_000_000)));
    }
    for vantage in now.vantages.value_mut().into_iter().flatten() {
        if let Ok(space) = &mut vantage.space {
            space.free = Bytes(space.free.0.wrapping_sub(u64::from(step % 17) * 4096));
            space.available = Bytes(space.available.0.wrapping_sub(u64::from(step % 17) * 4096));
        }
    }
    if let Some(table) = now.processes.value_mut() {
        for _ in 0..6 {
            table.by_pid.pop_first();
        }
        (0..6).for_each(|m| table.insert(process(10_000 + step * 6 + m)));
        for (m, (_, process)) in table.by_pid.iter_mut().enumerate() {
            if (m + n).is_multiple_of(10) {
                let process = std::sync::Arc::make_mut(process);
                process.state = if process.state == 'S' { 'R' } else { 'S' };
                process.open_files = Ok(Entries((m as u64 + u64::from(step)) % 60));
            }
        }
    }
    for listing in &mut now.listings {
        if let Some(entries) = listing.entries.value_mut() {
            for m in 0..20 {
                let at = (n * 7919 + m * 241) % entries.len();
                entries.remove(at);
                entries.insert((at * 31) % entries.len(), entry(100_000 + n * 20 + m));
            }
            for m in 0..10 {
                let at = (n * 104_729 + m * 499) % entries.len();
                entries[at].bytes.0 += 4096;
            }
        }
    }
}
