//! The helper that walks a way onto a file system that may never answer, and what it says.
//!
//! [`serve`] is its body, [`read_answer`] what the other side makes of it. Called by `cmd::helper` and `collect::fenced`.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::collect::way::{self, End, Request, Way};
use crate::model::errno::Errno;
use crate::model::reading::GapWhy;
use crate::sys::stat::Room;
use crate::sys::walk::Step;

/// What a helper says, one line each: the steps as they are known, so that a late one has told how far it came.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Step(Step),
    Arrived(Result<Room, Errno>),
    Broken,
    Unseen(GapWhy),
}

/// The body of the helper: walks the way that `input` asks for and writes what it sees, each step at once.
///
/// # Errors
/// Those of `out`; a request that is none is `InvalidData`.
pub fn serve(input: &[u8], out: &mut dyn Write) -> io::Result<()> {
    let request: Request = serde_json::from_slice(input)?;
    let mut failed = None;
    let way = way::walk(&request, &way::Unbounded, &mut |step| {
        if let Err(error) = say(out, &Line::Step(step.clone())) {
            failed = Some(error);
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let last = match way.end {
        End::Arrived(room) => Line::Arrived(room),
        End::Broken => Line::Broken,
        End::Unseen(why) => Line::Unseen(why),
        End::Fenced(_) => Line::Unseen(GapWhy::NotAsked),
    };
    if let (Line::Broken | Line::Unseen(_), Some(step)) = (&last, way.steps.last()) {
        // Once more, as it was judged in the end: a refusal to ourselves is no error of the way.
        say(out, &Line::Step(step.clone()))?;
    }
    say(out, &last)
}

fn say(out: &mut dyn Write, line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    out.write_all(&text)?;
    out.flush()
}

/// What a helper said; one that said no end died on its way.
pub fn read_answer(answer: &[u8]) -> Way {
    let mut way = Way::unseen(GapWhy::Malformed { line: "the helper ended early".to_owned() });
    for line in answer.split_inclusive(|b| *b == b'\n').filter(|line| line.ends_with(b"\n")) {
        way.end = match serde_json::from_slice(line) {
            Ok(Line::Step(step)) => {
                if way.steps.last().is_some_and(|last| last.path == step.path && last.stat == step.stat) {
                    way.steps.pop();
                }
                way.steps.push(step);
                continue;
            }
            Ok(Line::Arrived(room)) => End::Arrived(room),
            Ok(Line::Broken) => End::Broken,
            Ok(Line::Unseen(why)) => End::Unseen(why),
            Err(error) => End::Unseen(GapWhy::Malformed { line: error.to_string() }),
        };
    }
    way
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::raw_path::RawPath;
    use crate::sys::scratch;

    fn request(path: &[u8]) -> Request {
        Request { pid: None, path: RawPath::from(path), cwd: None }
    }

    #[test]
    fn the_helper_says_what_a_walk_in_this_process_sees() {
        let dir = scratch::dir();
        std::fs::create_dir(dir.path().join("a")).unwrap();
        // Other tests work beside it, so stamps and link counts on the way may move between the two walks.
        let lasting = |steps: &[Step]| -> Vec<_> {
            let stat =
                |step: &Step| step.stat.as_ref().map(|s| (s.mode, s.uid, s.device, s.inode, s.mount_id));
            steps.iter().map(|step| (step.path.clone(), stat(step), step.mounts, step.errno)).collect()
        };
        for tail in [&b"/a"[..], b"/a/none/x", b""] {
            let request = request(&[scratch::bytes(&dir), tail].concat());
            let here = way::walk(&request, &way::Unbounded, &mut |_| {});
            let mut out = Vec::new();
            serve(&serde_json::to_vec(&request).unwrap(), &mut out).unwrap();
            let there = read_answer(&out);
            assert_eq!(lasting(&here.steps), lasting(&there.steps));
            assert_eq!(format!("{:?}", here.end).get(..7), format!("{:?}", there.end).get(..7));
        }
        assert!(serve(b"nonsense", &mut Vec::new()).is_err());
    }

    #[test]
    fn a_helper_that_was_late_has_told_how_far_it_came() {
        let dir = scratch::dir();
        let request = request(scratch::bytes(&dir));
        let mut out = Vec::new();
        serve(&serde_json::to_vec(&request).unwrap(), &mut out).unwrap();
        let whole = read_answer(&out);
        let cut = out.iter().rposition(|b| *b == b'{').unwrap();
        let part = read_answer(&out[..cut - 30]);
        assert!(part.steps.len() < whole.steps.len() && !part.steps.is_empty());
        assert!(matches!(part.end, End::Unseen(_)));
    }
}
