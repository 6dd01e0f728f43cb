//! Support of the benchmarks: commands and functions in turn in one run, medians, ratios.
//!
//! Absolute times move from machine to machine; the ratio to the limit of the same run is what counts.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::UsageWho;

/// One measured way of doing the job.
pub struct Lane<'a> {
    /// What to call it.
    pub name: &'a str,
    /// What must be there for it, made before each run and not measured.
    pub ready: Box<dyn FnMut() + 'a>,
    /// Does the job once.
    pub run: Box<dyn FnMut() + 'a>,
}

impl<'a> Lane<'a> {
    /// A lane that calls a function.
    pub fn new(name: &'a str, run: impl FnMut() + 'a) -> Self {
        Self { name, ready: Box::new(|| ()), run: Box::new(run) }
    }

    /// A lane that runs a shell command, or nothing where its program is not installed.
    pub fn shell(name: &'a str, program: &str, command: String) -> Option<Self> {
        has(program).then(|| {
            Self::new(name, move || {
                let mut shell = Command::new("sh");
                shell.args(["-c", &command]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                shell.status().expect("sh runs");
            })
        })
    }
}

/// Runs the lanes in turn, `runs` times after one warm-up, and prints medians and ratios to the first: of the time that
/// passed, and of the processor time that all threads and children took, which other programs disturb less.
pub fn race(job: &str, goal: &str, runs: usize, mut lanes: Vec<Lane<'_>>) {
    let mut times: Vec<(Vec<f64>, Vec<f64>)> = vec![Default::default(); lanes.len()];
    for round in 0..=runs {
        for (lane, (wall, work)) in lanes.iter_mut().zip(&mut times) {
            (lane.ready)();
            let (start, before) = (Instant::now(), processor_time());
            (lane.run)();
            if round > 0 {
                wall.push(start.elapsed().as_secs_f64());
                work.push(processor_time() - before);
            }
        }
    }
    println!("\n### {job}\ngoal: {goal}\n");
    println!("| | median | to the limit | CPU | to the limit |\n|---|---|---|---|---|");
    let limit = (median(&mut times[0].0), median(&mut times[0].1));
    for (lane, (wall, work)) in lanes.iter().zip(&mut times) {
        let (wall, work) = (median(wall), median(work));
        let ratios = (wall / limit.0, work / limit.1);
        println!("| {} | {} | {:.2} | {} | {:.2} |", lane.name, shown(wall), ratios.0, shown(work), ratios.1);
    }
}

/// Seconds that this process and the children it waited for have worked.
#[expect(clippy::cast_precision_loss, reason = "microseconds of minutes fit")]
fn processor_time() -> f64 {
    let of = |who| {
        let usage = nix::sys::resource::getrusage(who).expect("a clock");
        [usage.user_time(), usage.system_time()]
            .map(|t| t.tv_sec() as f64 + t.tv_usec() as f64 / 1e6)
            .iter()
            .sum::<f64>()
    };
    of(UsageWho::RUSAGE_SELF) + of(UsageWho::RUSAGE_CHILDREN)
}

/// Seconds as people read them.
pub fn shown(seconds: f64) -> String {
    if seconds < 0.001 {
        format!("{:.0} us", seconds * 1e6)
    } else if seconds < 1.0 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    }
}

/// The middle of the values.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Whether a program is on the path.
pub fn has(program: &str) -> bool {
    let found =
        Command::new("sh").args(["-c", &format!("command -v {program}")]).stdout(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// A number from the environment, or its default.
pub fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A directory of our own on a private tmpfs where root allows it, below the target directory otherwise.
pub fn private_dir(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("the target directory is writable");
    let apart = nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).is_ok();
    let none: Option<&str> = None;
    if apart {
        let private = nix::mount::MsFlags::MS_REC | nix::mount::MsFlags::MS_PRIVATE;
        nix::mount::mount(none, "/", none, private, none).expect("our own namespace can be made private");
        nix::mount::mount(
            Some("bench"),
            &dir,
            Some("tmpfs"),
            nix::mount::MsFlags::empty(),
            Some("nr_inodes=0"),
        )
        .expect("a tmpfs can be mounted");
    }
    println!(
        "in {} ({})",
        dir.display(),
        if apart { "tmpfs" } else { "the file system of the target directory" }
    );
    dir
}

/// Highest resident memory of this process so far, in KiB.
pub fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
