//! Labs, opened by the binary: as root and as an ordinary user, from outside and from inside.

mod isolation;
mod life;
mod list;
mod steps;
mod systemd;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::sandbox::TMPMEDIC;

/// Who opens a lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Root,
    User,
}

impl Who {
    /// A command that starts a program as that user; root becomes an ordinary one for it.
    fn command(self, program: &str) -> Command {
        let mut command = if self == Self::User && nix::unistd::geteuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", "1000", "--regid", "1000", "--clear-groups", program]);
            command
        } else {
            Command::new(program)
        };
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C.UTF-8");
        command.stdin(Stdio::null());
        command
    }

    fn lab(self, arguments: &[&str]) -> Output {
        self.command(TMPMEDIC).arg("lab").args(arguments).output().unwrap()
    }

    /// Why this user cannot open any lab here.
    fn objection(self) -> Option<String> {
        if self == Self::Root && !nix::unistd::geteuid().is_root() {
            return Some("needs root".to_owned());
        }
        let Ok(output) = self.command(TMPMEDIC).args(["lab", "--json"]).output() else {
            return Some("needs setpriv".to_owned());
        };
        let Ok(list) = serde_json::from_slice::<serde_json::Value>(&output.stdout) else {
            return Some(format!("{UNREACHABLE}: {}", text(&output.stderr)));
        };
        let easy = list.as_array().unwrap().iter().find(|s| s["id"] == "private-tmp-deleted").unwrap();
        easy["reason"].as_str().map(str::to_owned)
    }
}

/// Why an ordinary user cannot run what root checked out where nobody else may go.
pub const UNREACHABLE: &str = "the binary does not run as that user";

/// Ends the test as skipped where that user can open no lab.
#[macro_export]
macro_rules! needs_lab {
    ($who:expr) => {
        if let Some(why) = $who.objection() {
            // Where the checkout lies is nothing that the gate could have installed.
            if why.starts_with($crate::lab::UNREACHABLE) {
                eprintln!("skipped: {why}");
                return;
            }
            $crate::skip!("{why}")
        }
    };
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A scenario of the tests.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/lab").join(name)
}

/// Runs a shell script in a lab of that scenario and gives what it printed; it must succeed.
fn script(who: Who, file: &str, script: &str) -> String {
    script_with(who, file, &[], script)
}

/// The same, with options.
fn script_with(who: Who, file: &str, options: &[&str], script: &str) -> String {
    let file = data(file);
    let id = file.file_stem().unwrap().to_str().unwrap();
    let mut arguments = vec!["--scenario", file.to_str().unwrap(), id];
    arguments.extend(options);
    arguments.extend(["--", "sh", "-euc", script]);
    let output = who.lab(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}
