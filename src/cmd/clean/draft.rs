//! Plans made from what lies there now, and what they come to.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use super::place::Place;
use super::progress::Progress;
use super::survey::survey;
use super::watch::Watch;
use crate::catalog::Catalog;
use crate::cmd::Refusal;
use crate::cmd::workshop::{Actor, now};
use crate::exec::seal;
use crate::exec::sweep::Eyes;
use crate::exit::Exit;
use crate::model::plan::{Plan, Planned, SCHEMA, Verdict, Wishes};
use crate::model::reading::Gap;
use crate::model::surroundings::{About, Stranger};
use crate::model::units::{Bytes, Seconds, WallNanos};

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

/// What plans are made with.
pub struct Maker<'a> {
    /// What is known before looking.
    pub catalog: &'a Arc<Catalog>,
    /// Who acts.
    pub us: &'a Actor,
    /// Under whom something builds here.
    pub builders: &'a BTreeSet<u32>,
    /// What the user wants.
    pub wishes: &'a Wishes,
}

impl Maker<'_> {
    /// Looks at a directory and judges each entry.
    ///
    /// # Errors
    /// A directory that cannot be listed; or the user stopped it.
    pub fn draft(&self, place: &Place, progress: &mut Progress<'_>) -> anyhow::Result<Draft> {
        let mut watch = Watch::new(self.catalog, self.wishes, self.builders, self.us.uid, place.id)?;
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
            plan: self.empty(place, made),
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
                _ => draft
                    .going
                    .entry(planned.candidate.family.clone())
                    .or_default()
                    .add(judged, &planned, made),
            }
            draft.plan.entries.push(planned);
        }
        progress.end();
        draft.plan = seal::seal_while(draft.plan, &goes_on).ok_or_else(Refusal::stopped)?;
        Ok(draft)
    }

    fn empty(&self, place: &Place, made: WallNanos) -> Plan {
        let lasts = i64::try_from(LASTS.as_nanos()).unwrap_or(i64::MAX);
        Plan {
            schema: SCHEMA.to_owned(),
            digest: String::new(),
            boot_id: self.us.boot_id.clone(),
            made,
            expires: WallNanos(made.0.saturating_add(lasts)),
            root: place.path.clone(),
            place: place.id,
            wishes: self.wishes.clone(),
            entries: Vec::new(),
        }
    }
}
