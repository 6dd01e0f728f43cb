//! Under which names a command line can be known: its program, and what an interpreter runs for it.
//!
//! Tables of roles speak of `pytest` or `RunnerService.js`; the kernel speaks of `python3` and of a comm cut at 15
//! bytes. This is the step between them. Used by `roles` alone.

use crate::model::raw_path::RawText;

/// How much of a program's name the kernel keeps. Source: proc_pid_comm(5), TASK_COMM_LEN 16 with its NUL.
const COMM_BYTES: usize = 15;

/// A name of the process, with the argument that follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named<'a> {
    /// `cargo`, `pytest`, `-m pytest`, `remoting.jar`, `org.example.Main`.
    pub name: Vec<u8>,
    /// What stands after it; empty where nothing does.
    pub first: &'a [u8],
}

/// An interpreter, and how its command line tells options from what it runs.
struct Interpreter {
    /// Its names start so; what follows may only be a version.
    name: &'static str,
    /// Options whose value is the next argument.
    with_value: &'static [&'static str],
    /// Options after which there is no script: the code stands in the argument, or comes from elsewhere.
    inline: &'static [&'static str],
}

const INTERPRETERS: &[Interpreter] = &[
    Interpreter {
        name: "python",
        with_value: &["-W", "-X", "--check-hash-based-pycs"],
        inline: &["-c", "-"],
    },
    Interpreter { name: "pypy", with_value: &["-W", "-X"], inline: &["-c", "-"] },
    Interpreter {
        name: "node",
        with_value: &[
            "-r",
            "--require",
            "--import",
            "--loader",
            "--experimental-loader",
            "-C",
            "--conditions",
        ],
        inline: &["-e", "--eval", "-p", "--print", "-"],
    },
    Interpreter {
        name: "java",
        with_value: &[
            "-cp",
            "-classpath",
            "--class-path",
            "-p",
            "--module-path",
            "--add-modules",
            "--add-opens",
            "--add-exports",
            "--add-reads",
        ],
        inline: &[],
    },
    Interpreter {
        name: "dotnet",
        with_value: &[
            "--runtimeconfig",
            "--depsfile",
            "--additionalprobingpath",
            "--fx-version",
            "--roll-forward",
        ],
        inline: &[],
    },
    Interpreter { name: "ruby", with_value: &["-r", "-I", "-C"], inline: &["-e", "-"] },
    Interpreter { name: "perl", with_value: &["-I"], inline: &["-e", "-E", "-"] },
    Interpreter {
        name: "bash",
        with_value: &["-o", "-O", "-eo", "--rcfile", "--init-file"],
        inline: &["-c", "-s"],
    },
    Interpreter { name: "sh", with_value: &["-o"], inline: &["-c", "-s"] },
    Interpreter { name: "dash", with_value: &["-o"], inline: &["-c", "-s"] },
];

/// Every name under which the process can be known.
pub(super) fn names<'a>(comm: &'a [u8], exe: Option<&'a [u8]>, arguments: &'a [RawText]) -> Vec<Named<'a>> {
    let words = words(arguments);
    let second = words.get(1).copied().unwrap_or_default();
    let zeroth = words.first().map(|word| base(word)).unwrap_or_default();
    let exe = exe.map(base).unwrap_or_default();
    let ran = ran(&[exe, zeroth, comm], words.get(1..).unwrap_or_default());

    let mut all: Vec<Named<'a>> = Vec::new();
    for name in [zeroth, exe] {
        add(&mut all, name.to_vec(), second);
    }
    if let Some((script, after, module)) = ran {
        add(&mut all, base(script).to_vec(), after);
        if module {
            add(&mut all, [b"-m ".as_slice(), script].concat(), after);
        }
        // A script with a `#!` line has its own name as comm and its interpreter's as program.
        if base(script).starts_with(comm) {
            return all;
        }
    }
    if !is_cut(comm, &all) {
        add(&mut all, comm.to_vec(), second);
    }
    all
}

fn add<'a>(all: &mut Vec<Named<'a>>, name: Vec<u8>, first: &'a [u8]) {
    let named = Named { name, first };
    if !named.name.is_empty() && !all.contains(&named) {
        all.push(named);
    }
}

/// Whether the comm is a longer name of ours that the kernel cut, and so must not stand for another program.
fn is_cut(comm: &[u8], all: &[Named<'_>]) -> bool {
    comm.len() == COMM_BYTES && all.iter().any(|n| n.name.len() > COMM_BYTES && n.name.starts_with(comm))
}

/// The arguments; those of a program that wrote a title over them (`npm run build`) are the words of the title.
fn words(arguments: &[RawText]) -> Vec<&[u8]> {
    let given = || arguments.iter().map(RawText::as_bytes);
    match arguments.first() {
        Some(title) if title.as_bytes().contains(&b' ') && given().skip(1).all(<[u8]>::is_empty) => {
            title.as_bytes().split(|b| *b == b' ').collect()
        }
        _ => given().collect(),
    }
}

/// What an interpreter runs: the script, jar, class or module, the argument after it, and whether it is a module.
fn ran<'a>(programs: &[&[u8]], arguments: &[&'a [u8]]) -> Option<(&'a [u8], &'a [u8], bool)> {
    let interpreter = INTERPRETERS.iter().find(|known| programs.iter().any(|name| known.is(name)))?;
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        let is = |options: &[&str]| options.iter().any(|option| option.as_bytes() == *word);
        if is(interpreter.inline) {
            return None;
        } else if *word == b"-m" && interpreter.has_modules() {
            return Some((rest.next()?, rest.next().copied().unwrap_or_default(), true));
        } else if is(interpreter.with_value) {
            rest.next();
        } else if !word.starts_with(b"-") && !word.starts_with(b"@") && *word != b"exec" {
            return Some((word, rest.next().copied().unwrap_or_default(), false));
        }
    }
    None
}

impl Interpreter {
    /// `python`, `python3.11`, `nodejs`, but not `node_exporter` nor `shred`.
    fn is(&self, program: &[u8]) -> bool {
        program
            .strip_prefix(self.name.as_bytes())
            .is_some_and(|rest| rest == b"js" || rest.iter().all(|b| b.is_ascii_digit() || *b == b'.'))
    }

    fn has_modules(&self) -> bool {
        self.name.starts_with("py")
    }
}

fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|b| *b == b'/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(comm: &str, exe: Option<&str>, line: &str) -> Vec<String> {
        let arguments: Vec<RawText> = line.split(' ').map(RawText::from).collect();
        names(comm.as_bytes(), exe.map(str::as_bytes), &arguments)
            .iter()
            .map(|n| format!("{} {}", String::from_utf8_lossy(&n.name), String::from_utf8_lossy(n.first)))
            .collect()
    }

    #[test]
    fn a_script_is_known_by_its_own_name_and_its_own_first_argument() {
        let all = known("pip", Some("/usr/bin/python3.11"), "/usr/bin/python3 /usr/bin/pip install x");
        assert!(all.contains(&"pip install".to_owned()), "{all:?}");
        let all = known("node", None, "node --max-old-space-size=8192 -r ts-node/register /x/bin/tsc -p .");
        assert!(all.contains(&"tsc -p".to_owned()), "{all:?}");
    }

    #[test]
    fn a_module_a_jar_and_a_class_are_what_runs() {
        assert!(known("python3", None, "python3 -u -m pytest -x").contains(&"-m pytest -x".to_owned()));
        assert!(
            known("java", None, "java -Xmx1g -jar /x/remoting.jar -url u")
                .contains(&"remoting.jar -url".to_owned())
        );
        assert!(
            known("java", None, "java -cp /a.jar:/b.jar org.example.Main run")
                .contains(&"org.example.Main run".to_owned())
        );
    }

    #[test]
    fn inline_code_is_no_program() {
        let all = known("python3", None, "python3 -c pytest");
        assert!(!all.iter().any(|name| name.starts_with("pytest")), "{all:?}");
    }

    #[test]
    fn a_name_that_the_kernel_cut_does_not_stand_for_another_program() {
        let all =
            known("buildkite-agent", Some("/usr/bin/buildkite-agent-metrics"), "buildkite-agent-metrics -x");
        assert!(!all.contains(&"buildkite-agent -x".to_owned()), "{all:?}");
    }

    #[test]
    fn a_title_written_over_the_arguments_is_read_as_words() {
        let arguments = [RawText::from("npm run build"), RawText::from("")];
        let all = names(b"npm run build", None, &arguments);
        assert!(all.iter().any(|n| n.name == b"npm" && n.first == b"run"), "{all:?}");
    }
}
