//! Private machines for tests: mount and PID namespaces in which a shell script builds an incident for real.
//!
//! A sandbox sees only its own processes, so tests run side by side. Nothing outside it is written.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// The binary under test.
pub const TMPMEDIC: &str = env!("CARGO_BIN_EXE_tmpmedic");

/// Says that this test cannot run here. Where the gate has installed what is needed, that is a failure.
#[macro_export]
macro_rules! skip {
    ($($why:tt)*) => {{
        let why = format!($($why)*);
        assert!(std::env::var_os("TMPMEDIC_SKIP").is_none_or(|v| v != "never"), "must not be skipped here: {why}");
        eprintln!("skipped: {why}");
        return;
    }};
}

/// Ends the test as skipped unless root and all these programs are there.
#[macro_export]
macro_rules! needs {
    ($($program:literal),*) => {
        if !nix::unistd::geteuid().is_root() { $crate::skip!("needs root") }
        $(if !$crate::sandbox::has($program) { $crate::skip!("needs the program {}", $program) })*
    };
}

/// Whether a program is on the path.
pub fn has(program: &str) -> bool {
    Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// A directory of its own for one test, beside the test program: the machine's temp dirs are the patient, and whoever may
/// run the program may write there.
pub fn scratch() -> tempfile::TempDir {
    let program = std::env::current_exe().expect("the test binary has a path");
    let beside = program.parent().expect("it lies in a directory");
    tempfile::Builder::new().prefix("scratch-").tempdir_in(beside).expect("it can be made")
}

/// Runs a script as PID 1 of a sandbox and gives what it printed.
pub fn run(script: &str) -> Output {
    let mut child = start(script);
    drop(child.stdin.take());
    child.wait_with_output().expect("it was started")
}

/// The command that runs a script as PID 1 of a sandbox; it needs the variables that [`variables`] gives.
pub fn command(script: &str) -> Vec<String> {
    let whole = format!("{}\n{script}", include_str!("../data/sandbox.sh"));
    let unshare =
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"];
    unshare.into_iter().chain(["sh", "-c", &whole]).map(str::to_owned).collect()
}

/// The environment of a sandbox. Where `$TMPMEDIC_REFUSED` names system calls, the binary under test runs without them in
/// every sandbox (see `refusals`): any test can so be run again as on another kernel.
pub fn variables() -> [(&'static str, String); 5] {
    let actor = std::env::current_exe().expect("the test binary has a path");
    [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
        ("LC_ALL", "C.UTF-8".to_owned()),
        ("TMPMEDIC", TMPMEDIC.to_owned()),
        ("ACTOR", actor.display().to_string()),
        ("REFUSED", std::env::var("TMPMEDIC_REFUSED").unwrap_or_default()),
    ]
}

/// Starts a script as PID 1 of a sandbox, with pipes for its standard streams.
pub fn start(script: &str) -> Child {
    let command = command(script);
    Command::new(&command[0])
        .args(&command[1..])
        .env_clear()
        .envs(variables())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("unshare starts")
}

/// Runs a script that ends in `check`, and gives its exit code and its document.
pub fn check(setup: &str, options: &str) -> Checked {
    let output = run(&format!("{setup}\n/mnt/bin/tmpmedic check --json {options}"));
    Checked::from(&output)
}

/// What `check --json` said.
#[derive(Debug)]
pub struct Checked {
    /// Exit code.
    pub code: i32,
    /// The document.
    pub json: Value,
}

impl From<&Output> for Checked {
    fn from(output: &Output) -> Self {
        let text = String::from_utf8_lossy(&output.stdout);
        let talk = String::from_utf8_lossy(&output.stderr);
        let json = serde_json::from_str(&text)
            .unwrap_or_else(|why| panic!("not one JSON document ({why}): {text}\non standard error: {talk}"));
        Self { code: output.status.code().unwrap_or(-1), json }
    }
}

impl Checked {
    /// All findings.
    pub fn findings(&self) -> &[Value] {
        self.json["findings"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The findings of one cause.
    pub fn of<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Value> {
        self.findings().iter().filter(move |f| f["id"] == id)
    }

    /// Ids and severities of all findings, in an order that depends on nothing else.
    pub fn sorted(&self) -> Vec<(String, String)> {
        let word = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let mut all: Vec<_> =
            self.findings().iter().map(|f| (word(&f["id"]), word(&f["severity"]))).collect();
        all.sort();
        all
    }

    /// Ids and severities of all findings above info, in order.
    pub fn above_info(&self) -> Vec<(String, String)> {
        let word = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let all = self.findings().iter().map(|f| (word(&f["id"]), word(&f["severity"])));
        all.filter(|(_, severity)| severity != "info").collect()
    }
}

/// What `check` said of a sandbox, and what was done with that there.
#[derive(Debug)]
pub struct Told {
    /// The document.
    pub live: Checked,
    /// The same of a capture, and of a redacted one.
    pub taken_home: [Checked; 2],
    /// Each piece of evidence with what its by-hand command printed.
    pub pasted: Vec<(Value, String)>,
}

/// A script that ends in `check`; afterwards the sandbox is captured twice, plain and redacted, and the captures are
/// checked, and every by-hand command of the evidence is pasted into a shell of the same sandbox.
pub fn check_capture_and_paste(setup: &str, options: &str) -> Told {
    const MARK: &str = "--that was all--";
    let script = format!(
        "{setup}\nset +e\n/mnt/bin/tmpmedic check --json {options}\necho \"{MARK} $?\"\n
         for how in '' --redact; do
           /mnt/bin/tmpmedic capture -q -o /mnt/home$how.tmpmedic $how {options} >&2
           /mnt/bin/tmpmedic check -q --json --from /mnt/home$how.tmpmedic; echo \"{MARK} $?\"
         done
         PATH=/mnt/bin:$PATH
         while IFS= read -r command; do sh -c \"$command\" </dev/null 2>&1; echo; echo '{MARK} 0'; done"
    );
    let mut child = start(&script);
    let mut input = child.stdin.take().expect("piped");
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    let mut next = || {
        let (text, code) = until_mark(&mut output, MARK);
        serde_json::from_str(&text).ok().zip(code).map(|(json, code)| Checked { code, json }).ok_or(text)
    };
    let checked = [next(), next(), next()];
    let [Ok(live), Ok(plain), Ok(redacted)] = checked else {
        drop(input);
        let mut talk = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut talk).expect("text");
        panic!("not three JSON documents: {checked:#?}\non standard error: {talk}");
    };
    let all = live.findings().iter().flat_map(|f| f["evidence"].as_array().cloned().unwrap_or_default());
    let mut pasted = Vec::new();
    for evidence in all.collect::<Vec<_>>() {
        writeln!(input, "{}", evidence["by_hand"].as_str().expect("text")).expect("the sandbox reads");
        pasted.push((evidence, until_mark(&mut output, MARK).0));
    }
    drop(input);
    child.wait().expect("it was started");
    Told { live, taken_home: [plain, redacted], pasted }
}

fn until_mark(output: &mut impl BufRead, mark: &str) -> (String, Option<i32>) {
    let mut text = String::new();
    let mut line = String::new();
    while output.read_line(&mut line).is_ok_and(|n| n > 0) {
        if let Some(code) = line.strip_prefix(mark) {
            return (text, code.trim().parse().ok());
        }
        text.push_str(&line);
        line.clear();
    }
    (text, None)
}
