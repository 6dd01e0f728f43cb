//! What a process was started with: its arguments, and the allowlisted variables of its environment.
//!
//! Both lie in the memory of the process, and old kernels wait for that memory (CVE-2018-1120), so those of a process in
//! state D are read by a helper with a deadline. Called by `collect::processes`; [`serve`] runs in the helper.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::collect::parse;
use crate::model::errno::Errno;
use crate::model::process::{Pid, Variable};
use crate::model::raw_path::RawText;
use crate::model::reading::{GapWhy, Seen, Strain};
use crate::model::units::{Entries, Millis};
use crate::sys::helper::{self, HelperError, Wanted};
use crate::sys::procfile::{PidDir, Proc};

/// The kind of helper by which [`serve`] is reached.
pub const HELPER: &str = "proc-text";

/// Enough for the class path of a JVM, behind which its main class stands.
const ARGUMENTS_MAX: usize = 64 << 10;
/// Three quarters of an 8 MiB stack is what exec(2) allows at most.
const ENVIRONMENT_MAX: usize = 6 << 20;
/// How much of the arguments is kept once the role is known.
const ARGUMENTS_KEPT: usize = 4 << 10;
/// More processes in state D than this are left for the next look.
const ASKED_MAX: usize = 64;

/// What a process was started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Its arguments.
    pub arguments: Seen<Vec<RawText>>,
    /// Its allowlisted variables.
    pub variables: Seen<Vec<Variable>>,
}

impl Text {
    /// Nothing seen, for the same reason.
    pub fn unseen(why: &GapWhy) -> Self {
        Self { arguments: Err(why.clone()), variables: Err(why.clone()) }
    }
}

/// Reads both in this process.
pub fn read(dir: &PidDir, catalog: &Catalog, buffer: &mut Vec<u8>) -> Text {
    let arguments = dir.read_piece("cmdline", ARGUMENTS_MAX, buffer).map(|()| arguments(buffer));
    let variables = dir.read_piece("environ", ENVIRONMENT_MAX, buffer).map_err(GapWhy::from);
    Text {
        arguments: arguments.map_err(GapWhy::from),
        variables: variables.and_then(|()| variables_of(buffer, catalog)),
    }
}

/// Forgets what is beyond the first kilobytes of the arguments: somebody's 120 KB are not carried about.
pub fn cut(arguments: &mut Vec<RawText>) {
    let mut room = ARGUMENTS_KEPT;
    let mut fitting = 0;
    for argument in arguments.iter() {
        let size = argument.as_bytes().len() + 1;
        if size > room {
            break;
        }
        room -= size;
        fitting += 1;
    }
    if let Some(first_beyond) = arguments.get_mut(fitting)
        && let Some(head) = first_beyond.as_bytes().get(..room)
    {
        *first_beyond = RawText::from(head);
        fitting += 1;
    }
    arguments.truncate(fitting);
    arguments.shrink_to_fit();
}

/// Asks a helper for the text of processes in state D; those that it did not reach in time are said to hang.
pub fn ask(
    pids: &[Pid],
    catalog: &Catalog,
    patience: Duration,
    wanted: Option<Wanted<'_>>,
) -> (BTreeMap<Pid, Text>, Option<Strain>) {
    let asked: Vec<Pid> = pids.iter().copied().take(ASKED_MAX).collect();
    let request: String = asked.iter().map(|pid| format!("{pid}\n")).collect();
    let after = Millis(u64::try_from(patience.as_millis()).unwrap_or(u64::MAX));
    let hung = GapWhy::Hung { after };
    let (answer, why, strain) = match helper::ask_while(HELPER, request.as_bytes(), patience, wanted) {
        Ok(answer) => (answer, hung, None),
        Err(HelperError::Late { partial, .. } | HelperError::Died { partial, .. }) => (partial, hung, None),
        Err(HelperError::Spawn(error)) => {
            let strain = Strain { asked: "a helper process".to_owned(), errno: Errno::from(error) };
            (Vec::new(), GapWhy::NoThread, Some(strain))
        }
    };
    let mut found = understand(&answer, catalog, &why);
    for pid in pids {
        found.entry(*pid).or_insert_with(|| Text::unseen(&why));
    }
    (found, strain)
}

/// The helper's part: for each pid of the request its arguments and environment block, flushed one by one.
///
/// Shape of the answer: `PID a ERRNO LENGTH\n` and that many bytes, then the same with `e`.
///
/// # Errors
/// Where the answer cannot be written or there is no procfs.
pub fn serve(request: &[u8], out: &mut dyn Write) -> io::Result<()> {
    let proc = Proc::open(Path::new("/proc"))?;
    let mut buffer = Vec::new();
    for pid in parse::lines(request).filter_map(parse::decimal).filter_map(|pid| Pid::try_from(pid).ok()) {
        for (mark, name, cap) in [('a', "cmdline", ARGUMENTS_MAX), ('e', "environ", ENVIRONMENT_MAX)] {
            buffer.clear();
            let read = proc.pid(pid).and_then(|dir| dir.read_piece(name, cap, &mut buffer));
            let errno = read.map_or_else(|error| Errno::from(error).0, |()| 0);
            let bytes = if errno == 0 { buffer.as_slice() } else { &[] };
            writeln!(out, "{pid} {mark} {errno} {}", bytes.len())?;
            out.write_all(bytes)?;
            out.flush()?;
        }
    }
    Ok(())
}

/// Takes as much of an answer as is whole.
fn understand(answer: &[u8], catalog: &Catalog, missing: &GapWhy) -> BTreeMap<Pid, Text> {
    let mut found: BTreeMap<Pid, Text> = BTreeMap::new();
    let mut rest = answer;
    while let Some((pid, mark, bytes, after)) = frame(rest) {
        let text = found.entry(pid).or_insert_with(|| Text::unseen(missing));
        match (mark, bytes) {
            (b"a", bytes) => text.arguments = bytes.map(arguments),
            (b"e", Ok(bytes)) => text.variables = variables_of(bytes, catalog),
            (_, Err(why)) => text.variables = Err(why),
            (_, Ok(_)) => {}
        }
        rest = after;
    }
    found
}

type Frame<'a> = (Pid, &'a [u8], Seen<&'a [u8]>, &'a [u8]);

fn frame(answer: &[u8]) -> Option<Frame<'_>> {
    let (head, rest) = parse::split_once(answer, b'\n')?;
    let mut words = parse::words(head);
    let pid = Pid::try_from(parse::decimal(words.next()?)?).ok()?;
    let mark = words.next()?;
    let errno = i32::try_from(parse::decimal(words.next()?)?).ok()?;
    let length = usize::try_from(parse::decimal(words.next()?)?).ok()?;
    let (bytes, after) = rest.split_at_checked(length)?;
    let seen = if errno == 0 { Ok(bytes) } else { Err(GapWhy::from_errno(Errno(errno))) };
    Some((pid, mark, seen, after))
}

/// Programs that write a title over their arguments leave a tail of NULs, which is no argument.
fn arguments(block: &[u8]) -> Vec<RawText> {
    let end = block.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
    match block.get(..end) {
        Some(block) if !block.is_empty() => parse::pieces(block, 0).map(RawText::from).collect(),
        _ => Vec::new(),
    }
}

fn variables_of(block: &[u8], catalog: &Catalog) -> Seen<Vec<Variable>> {
    if block.len() >= ENVIRONMENT_MAX {
        let seen = block.split(|b| *b == 0).count();
        return Err(GapWhy::OverBudget { seen: Entries(u64::try_from(seen).unwrap_or(u64::MAX)) });
    }
    Ok(parse::environ::parse(block, |name| catalog.variables.keeps(name)))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_helper_answers_for_our_own_process_as_we_do() {
        let catalog = Catalog::builtin();
        let pid = std::process::id();
        let mut answer = Vec::new();
        serve(format!("{pid}\n").as_bytes(), &mut answer).unwrap();
        let found = understand(&answer, &catalog, &GapWhy::NoThread);
        let dir = Proc::open(Path::new("/proc")).unwrap().pid(pid).unwrap();
        assert_eq!(found.get(&pid), Some(&read(&dir, &catalog, &mut Vec::new())));
    }

    #[test]
    fn a_cut_answer_gives_what_was_whole() {
        let catalog = Catalog::builtin();
        let answer = b"7 a 0 6\nbash\0x7 e 0 13\nTMPDIR=/x\0A=b";
        let whole = understand(answer, &catalog, &GapWhy::NoThread);
        assert_eq!(whole[&7].arguments.as_ref().unwrap().len(), 2);
        assert_eq!(whole[&7].variables.as_ref().unwrap()[0].value, "/x".into());
        let cut = understand(&answer[..answer.len() - 1], &catalog, &GapWhy::NoThread);
        assert!(cut[&7].arguments.is_ok());
        assert_eq!(cut[&7].variables, Err(GapWhy::NoThread));
        let failed = understand(b"7 a 3 0\n7 e 13 0\n", &catalog, &GapWhy::NoThread);
        assert_eq!(failed[&7], Text { arguments: Err(GapWhy::Vanished), variables: Err(GapWhy::Denied) });
    }

    #[test]
    fn keeps_kilobytes_of_arguments_and_not_more() {
        let mut long = vec![RawText::from("a"), RawText::new(vec![b'x'; 100_000]), RawText::from("b")];
        cut(&mut long);
        assert_eq!(long.iter().map(|a| a.as_bytes().len() + 1).sum::<usize>(), ARGUMENTS_KEPT + 1);
        let mut short = vec![RawText::from("bash"), RawText::from(""), RawText::from("-e")];
        cut(&mut short);
        assert_eq!(short.len(), 3);
    }

    #[test]
    fn a_title_written_over_the_arguments_is_one_argument() {
        assert_eq!(arguments(b"nginx: worker\0\0\0\0"), ["nginx: worker".into()]);
        assert_eq!(arguments(b"sh\0\0-c\0"), ["sh".into(), "".into(), "-c".into()]);
        assert_eq!(arguments(b"\0\0"), [] as [RawText; 0]);
    }

    proptest! {
        #[test]
        fn no_answer_makes_us_panic(answer: Vec<u8>) {
            static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::builtin);
            understand(&answer, &CATALOG, &GapWhy::NoThread);
        }
    }
}
