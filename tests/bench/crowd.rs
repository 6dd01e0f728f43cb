//! A crowd of processes for the benchmarks: this program re-executed, each with some files open.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Processes that live until this is dropped.
pub struct Crowd(Vec<Child>);

/// Where this process was started as a member of a crowd: opens its files and waits for the end of standard input.
pub fn join_if_asked() {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() != Some("--member") {
        return;
    }
    let files: usize = words.next().and_then(|n| n.parse().ok()).unwrap_or(0);
    let dir = words.next().unwrap_or_default();
    let held: Vec<File> = (0..files)
        .filter_map(|n| {
            let path = if n % 10 == 0 {
                format!("{dir}/held-{}-{n}", std::process::id())
            } else {
                "/dev/null".to_owned()
            };
            File::options().create(true).read(true).append(true).open(path).ok()
        })
        .collect();
    println!("ready");
    std::io::stdin().read_to_end(&mut Vec::new()).ok();
    drop(held);
    std::process::exit(0);
}

impl Crowd {
    /// Starts `size` processes with `files` descriptors each, every tenth of them in `dir`, and waits until all are there.
    pub fn start(size: usize, files: usize, dir: &Path) -> Self {
        let program = std::env::current_exe().expect("the benchmark has a path");
        let mut members: Vec<Child> = (0..size)
            .map(|n| {
                let mut command = Command::new(&program);
                command.arg0(format!("member-{n}")).args(["--member", &files.to_string()]).arg(dir);
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process can be made")
            })
            .collect();
        for member in &mut members {
            let mut ready = [0; 6];
            member.stdout.take().expect("piped").read_exact(&mut ready).expect("the member is ready");
        }
        Self(members)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for member in &mut self.0 {
            member.stdin.take();
            member.kill().ok();
        }
        for member in &mut self.0 {
            member.wait().ok();
        }
    }
}
