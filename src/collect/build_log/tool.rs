//! Who printed a line: told by its own words, by its name at the front, or by what it makes.

use super::{errno, path};

/// Who printed a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tool {
    Rustc,
    Cargo,
    Go,
    Gcc,
    Node,
    Python,
    Java,
    Sccache,
    Mktemp,
    Bash,
    Docker,
    Other,
}

impl Tool {
    /// Who printed that text, which names that path.
    pub(super) fn of(text: &str, path: Option<&str>) -> Self {
        tell(text, path)
    }

    /// Its name in reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rustc => "rustc",
            Self::Cargo => "cargo",
            Self::Go => "go",
            Self::Gcc => "gcc",
            Self::Node => "node",
            Self::Python => "python",
            Self::Java => "java",
            Self::Sccache => "sccache",
            Self::Mktemp => "mktemp",
            Self::Bash => "bash",
            Self::Docker => "docker",
            Self::Other => "other",
        }
    }

    /// Whether it takes the next candidate where the directory of TMPDIR cannot be used, so that its failure says more
    /// than that TMPDIR is wrong.
    pub(super) fn falls_back(self) -> bool {
        matches!(self, Self::Gcc | Self::Bash | Self::Python)
    }
}

/// Words that only one tool prints.
const WORDS: &[(Tool, &[&str])] = &[
    (Tool::Sccache, &["sccache: ", "sccache error", "Compiler not supported: "]),
    (Tool::Mktemp, &["mktemp: "]),
    (
        Tool::Go,
        &[
            "go: creating work dir",
            "go: cannot",
            "go: GOTMPDIR",
            "go: error",
            "fork/exec ",
            "importcfg",
            "cannot determine current directory: getwd",
        ],
    ),
    (
        Tool::Python,
        &["[Errno ", "No usable temporary directory", "AF_UNIX path too long", "The temporary directory "],
    ),
    (
        Tool::Java,
        &[
            "java.io.",
            "java.nio.",
            "java.lang.",
            "initialization of VM",
            "Could not determine current working directory",
            "Insufficient space for shared memory file",
            "java.io.tmpdir",
        ],
    ),
    (Tool::Node, &["npm ERR!", "npm error", "mkdtemp '", "uv_cwd"]),
    (
        Tool::Docker,
        &[
            "Error response from daemon",
            "docker: ",
            "OCI runtime",
            "runc ",
            "runc:",
            "crun:",
            "podman",
            "containerd",
            "buildah",
            "unable to prepare context",
            "failed to solve",
            "creating temporary directory",
            "Error: stat /",
            "Error: lstat /",
        ],
    ),
    (Tool::Bash, &["here-document", "shell-init:", "job-working-directory:"]),
    (
        Tool::Gcc,
        &[
            "Cannot create temporary file in",
            "error closing /",
            "error writing to /",
            "collect2: ",
            "lto-wrapper",
            "final link failed",
            "{standard input}",
        ],
    ),
    (
        Tool::Rustc,
        &[
            "couldn't create a temp dir",
            "Current directory is invalid",
            "error writing dependencies to",
            ".rmeta",
            ".rcgu.o",
            "failed to create file encoder",
            "could not write output to",
        ],
    ),
    (
        Tool::Cargo,
        &[
            "failed to create directory",
            "could not execute process",
            "the current directory of the process",
            "failed to write file",
            "failed to write `",
            "failed to unpack",
            "failed to open",
            ".cargo-ok",
            "failed to remove file",
            "failed to remove directory",
            "process didn't exit successfully",
            "couldn't read `",
            "couldn't read '",
            "cargo-install",
            "failed to read `",
        ],
    ),
];

/// Programs whose messages begin with their name.
const PROGRAMS: &[(Tool, &[&str])] = &[
    (
        Tool::Gcc,
        &[
            "cc", "gcc", "g++", "c++", "ld", "as", "ar", "cc1", "cc1plus", "collect2", "lto1", "clang",
            "clang++", "ld.lld", "mold",
        ],
    ),
    (Tool::Bash, &["bash", "sh", "dash", "-bash"]),
    (Tool::Docker, &["docker", "podman", "dockerd", "runc", "crun", "skopeo", "nerdctl"]),
    (Tool::Go, &["go", "compile", "link", "asm"]),
    (Tool::Node, &["node", "npm", "yarn", "pnpm"]),
    (Tool::Python, &["python", "python3", "pip", "pip3", "pytest"]),
];

fn tell(text: &str, path: Option<&str>) -> Tool {
    let name = path.map(path::file_name).unwrap_or_default();
    if path::suffix(name, "sccache").is_some() {
        return Tool::Sccache;
    }
    if let Some((tool, _)) = WORDS.iter().find(|(_, words)| words.iter().any(|word| text.contains(word))) {
        return *tool;
    }
    if path::suffix(name, "rustc").or_else(|| path::suffix(name, "rmeta")).is_some() {
        return Tool::Rustc;
    }
    if path::go_form(text).is_some() {
        return Tool::Go;
    }
    by_program(text).unwrap_or_else(|| {
        if errno::node_code(text).is_some() {
            Tool::Node
        } else if text.contains(": line ") {
            Tool::Bash
        } else if text.starts_with("error: ") && path.is_some_and(path::is_of_cargo) {
            Tool::Cargo
        } else {
            Tool::Other
        }
    })
}

fn by_program(text: &str) -> Option<Tool> {
    let (program, _) = text.split_once(": ")?;
    let name = path::file_name(program);
    let (_, versionless) = name.rsplit_once("-linux-gnu-").unwrap_or(("", name));
    let row = PROGRAMS.iter().find(|(_, names)| names.contains(&versionless))?;
    Some(row.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::build_log::failure::Failure;

    #[test]
    fn the_tool_is_told_by_its_own_words() {
        for (text, tool) in [
            (
                r#"error: couldn't create a temp dir: No such file or directory (os error 2) at path "/tmp/rustctFhuO8""#,
                Tool::Rustc,
            ),
            (
                r#"sccache: error: No such file or directory (os error 2) at path "/nope/sccachePgVrVp""#,
                Tool::Sccache,
            ),
            ("go: creating work dir: stat /nope: no such file or directory", Tool::Go),
            ("mkdir /tmp/go-build1: read-only file system", Tool::Go),
            ("Cannot create temporary file in /tmp/: No such file or directory", Tool::Gcc),
            ("/usr/bin/ld: final link failed: No space left on device", Tool::Gcc),
            ("x86_64-linux-gnu-gcc: fatal error: cannot execute", Tool::Gcc),
            (
                "mktemp: failed to create directory via template ‘/nope/tmp.XXXXXXXXXX’: No such file or directory",
                Tool::Mktemp,
            ),
            ("Error: ENOENT: no such file or directory, mkdtemp '/nope/x-XXXXXX'", Tool::Node),
            ("FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp']", Tool::Python),
            ("java.nio.file.NoSuchFileException: /tmp/x123", Tool::Java),
            ("bash: cannot create temp file for here-document: No such file or directory", Tool::Bash),
            ("/w/_temp/1.sh: line 3: /tmp/x: Read-only file system", Tool::Bash),
            ("Error response from daemon: mkdir /tmp/docker-1: no space left on device", Tool::Docker),
            ("error: failed to create directory `/workspace/target/debug`", Tool::Cargo),
            ("sort: cannot create temporary file in '/nope': No such file or directory", Tool::Other),
        ] {
            assert_eq!(Failure::of(text).tool, tool, "{text}");
        }
    }
}
