//! Plans made from what lies there now, and what they come to.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::time::Duration;

use super::ground::Ground;
use super::place::Place;
use super::progress::Progress;
use super::survey::survey;
use crate::cmd::Refusal;
use crate::cmd::workshop::now;
use crate::exec::seal;
use crate::exec::sweep::Eyes;
use crate::exit::Exit;
use crate::model::plan::{Plan, Planned, SCHEMA, Verdict, Wishes};
use crate::model::reading::Gap;
use crate::model::surroundings::{About, Stranger};
use crate::model::units::{Bytes, Seconds, WallNanos};
use crate::remedies::clean::{GUARDS, Guard};

/// So many entries are judged between two questions whether to go on.
const SHARE: usize = 1024;
/// How long a plan may be carried out: long enough to read it and to ask somebody, short enough to remember it.
const LASTS: Duration = Duration::from_mins(15);

/// A plan, and why what stays stays.
pub struct Draft {
    /// The plan.
    pub plan: Plan,
    /// What was not seen of the machine, processes apart.
    pub gaps: Vec<Gap>,
    /// What was not seen of processes.
    pub unread: Vec<Gap>,
    /// Of which.
    pub strangers: Vec<Stranger>,
    /// Going entries by family.
    pub going: BTreeMap<String, Group>,
    /// Staying entries by the guard that keeps them.
    pub staying: BTreeMap<&'static str, Group>,
}

/// Some entries together.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// How many.
    pub entries: u64,
    /// What they hold.
    pub bytes: Bytes,
    /// The oldest of them.
    pub oldest: Option<Seconds>,
    /// The youngest.
    pub youngest: Option<Seconds>,
    /// Where each stands in the plan.
    pub members: Vec<usize>,
}

impl Group {
    fn add(&mut self, at: usize, entry: &Planned, now: WallNanos) {
        self.entries += 1;
        self.bytes.0 = self.bytes.0.saturating_add(entry.candidate.tree.bytes.0);
        let age = entry.candidate.tree.newest.age_at(now);
        self.oldest = self.oldest.max(age);
        self.youngest = [self.youngest, age].into_iter().flatten().min();
        self.members.push(at);
    }
}

impl Draft {
    /// What goes, the largest family first; each by its name.
    pub fn going_by_size(&self) -> Vec<(&str, &Group)> {
        let mut all: Vec<_> = self.going.iter().map(|(family, group)| (name_of(family), group)).collect();
        all.sort_by_key(|(_, group)| std::cmp::Reverse((group.entries, group.bytes)));
        all
    }

    /// What stays, in the order in which the guards are asked.
    pub fn staying_by_guard(&self) -> impl Iterator<Item = (&'static Guard, &Group)> {
        GUARDS.iter().filter_map(|guard| Some((guard, self.staying.get(guard.id)?)))
    }

    /// The entries of a group.
    pub fn members(&self, group: &Group) -> impl Iterator<Item = &Planned> {
        group.members.iter().filter_map(|at| self.plan.entries.get(*at))
    }
}

fn name_of(family: &str) -> &str {
    if family.is_empty() { "in no known family" } else { family }
}

/// Looks at a directory and judges each entry.
///
/// # Errors
/// A directory that cannot be listed; or the user stopped it.
pub fn draft(
    ground: &Ground,
    wishes: &Wishes,
    place: &Place,
    progress: &mut Progress<'_>,
) -> anyhow::Result<Draft> {
    let mut watch = ground.watch(wishes, place)?;
    let shown = place.path.shown();
    progress.begin(&format!("{shown}: looking"), None);
    let candidates = survey(place, &mut |done| progress.tell(done, Bytes(0))).map_err(|why| {
        if why.kind() == std::io::ErrorKind::Interrupted {
            return Refusal::stopped();
        }
        Refusal { exit: Exit::Failed, message: format!("{shown} cannot be listed: {why}") }.into()
    })?;
    progress.begin(&format!("{shown}: judging"), candidates.len().try_into().ok());
    // After the entries: whoever took hold of one while they were looked at is seen.
    let stop = progress.stop();
    let goes_on = || !stop.is_asked();
    let surroundings = watch
        .looks
        .surroundings_while(place.dir.as_fd(), &place.path, About::All, &goes_on)
        .ok_or_else(Refusal::stopped)?;
    let made = now();
    let has_sockets = candidates.iter().any(|candidate| candidate.tree.has_sockets);
    let sockets = surroundings.sockets.iter().filter(|_| has_sockets);
    let mut draft = Draft {
        plan: empty(ground, wishes, place, made),
        gaps: surroundings.gaps.iter().chain(sockets).cloned().collect(),
        unread: surroundings.unread.clone(),
        strangers: surroundings.strangers.clone(),
        going: BTreeMap::new(),
        staying: BTreeMap::new(),
    };
    for candidate in candidates {
        let judged = draft.plan.entries.len();
        if judged.is_multiple_of(SHARE) && !progress.tell(judged.try_into()?, Bytes(0)) {
            return Err(Refusal::stopped());
        }
        let (planned, kept_by) = watch.jury.judged(candidate, &surroundings, made);
        match (planned.verdict, kept_by) {
            (Verdict::Keep, Some(guard)) => {
                draft.staying.entry(guard.id).or_default().add(judged, &planned, made);
            }
            _ => draft.going.entry(planned.candidate.family.clone()).or_default().add(judged, &planned, made),
        }
        draft.plan.entries.push(planned);
    }
    progress.end();
    draft.plan = seal::seal_while(draft.plan, &goes_on).ok_or_else(Refusal::stopped)?;
    Ok(draft)
}

fn empty(ground: &Ground, wishes: &Wishes, place: &Place, made: WallNanos) -> Plan {
    let lasts = i64::try_from(LASTS.as_nanos()).unwrap_or(i64::MAX);
    Plan {
        schema: SCHEMA.to_owned(),
        digest: String::new(),
        seal: String::new(),
        boot_id: ground.us.boot_id.clone(),
        made,
        expires: WallNanos(made.0.saturating_add(lasts)),
        root: place.path.clone(),
        place: place.id,
        wishes: wishes.clone(),
        entries: Vec::new(),
    }
}
