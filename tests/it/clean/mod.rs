//! Clean-ups through the binary, in private machines: what goes, what stays, and that nothing is ever lost.

mod back;
mod places;
mod plan;
mod spared;

use std::collections::BTreeSet;
use std::io::Write;

use serde_json::Value;

use crate::sandbox;

/// A machine with a state of its own, and the words that the scenes are written in.
const PROLOGUE: &str = r#"
mount -t tmpfs -o mode=755 lab /run
mount -t tmpfs -o mode=755 lab /var/lib
tm() { /mnt/bin/tmpmedic "$@"; }
user() { setpriv --reuid 1000 --regid 1000 --clear-groups env -i HOME=/mnt/home LC_ALL=C.UTF-8 PATH="$PATH" "$@"; }
mkdir /mnt/home; chown 1000:1000 /mnt/home
# builds NAME…: a leftover of go each, with something in it.
builds() { for name; do mkdir -p "/tmp/$name/b001/exe"; echo "$name" > "/tmp/$name/b001/exe/a.out"; done; }
# aged NAME SECONDS: waits until the entry is that old.
aged() { until [ $(($(date +%s) - $(stat -c %Z "/tmp/$1"))) -ge "$2" ]; do sleep 0.05; done; }
tree() { (cd /tmp && find . -mindepth 1 -path './.tmpmedic-*' -prune -o -mindepth 1 -printf '%p %y %i %U:%G %m %s %n %T@ %l\n' | sort); }
count() { find /tmp -mindepth 1 -maxdepth 1 ! -name '.tmpmedic-*' | wc -l; }
in_place() { "$@" >/dev/null 2>&1; }
"#;

/// What one command printed, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub text: String,
    pub code: i32,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|why| panic!("no document ({why}): {}", self.text))
    }

    #[track_caller]
    pub fn says(&self, words: &str) {
        let one_line = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(one_line.contains(words), "`{words}` is not said in:\n{}", self.text);
    }

    #[track_caller]
    pub fn ends(&self, code: i32) {
        assert_eq!(self.code, code, "{}", self.text);
    }
}

/// Builds a scene, then runs commands in it, each a line of shell; what they say on both streams is kept.
pub fn scene(setup: &str, commands: &[&str]) -> Vec<Said> {
    const MARK: &str = "==ended==";
    let mut script = format!("{PROLOGUE}\n{setup}\nset +e\n");
    for command in commands {
        script.push_str(&format!("{{ {command}\n}} 2>&1; echo; echo \"{MARK} $?\"\n"));
    }
    // `$?` after the group would be that of echo.
    let script =
        script.replace(&format!("echo; echo \"{MARK} $?\""), &format!("rc=$?; echo; echo \"{MARK} $rc\""));
    // Through standard input: a script on a command line would name every entry there, and so keep it.
    let mut child = sandbox::start("cat > /mnt/scene; . /mnt/scene");
    child.stdin.take().expect("piped").write_all(script.as_bytes()).expect("the sandbox reads");
    let output = child.wait_with_output().expect("it was started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut said = Vec::new();
    let mut lines = String::new();
    for line in text.lines() {
        if let Some(code) = line.strip_prefix(MARK) {
            said.push(Said { text: lines.trim_end().to_owned(), code: code.trim().parse().unwrap() });
            lines.clear();
        } else {
            lines.push_str(line);
            lines.push('\n');
        }
    }
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said.len(), commands.len(), "the sandbox died: {text}{lines}{talk}");
    said
}

pub fn paths(all: &Value) -> BTreeSet<String> {
    let path = |v: &Value| v["path"].as_str().or_else(|| v.as_str()).unwrap().to_owned();
    all.as_array().unwrap().iter().map(path).collect()
}

/// The entries of a plan with that verdict.
pub fn verdict(plan: &Value, word: &str) -> BTreeSet<String> {
    let all = plan["entries"].as_array().unwrap().iter();
    all.filter(|e| e["verdict"] == word).map(|e| e["path"].as_str().unwrap().to_owned()).collect()
}

pub fn reason<'v>(plan: &'v Value, path: &str) -> &'v str {
    let all = plan["entries"].as_array().unwrap();
    let entry = all.iter().find(|e| e["path"] == path).unwrap_or_else(|| panic!("{path} is not in the plan"));
    assert_eq!(entry["verdict"], "keep", "{path}");
    entry["reason"].as_str().unwrap()
}
