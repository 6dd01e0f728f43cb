//! Looks on demand, for a recorder: each in a thread that may be late, with what lies in the temp dirs.
//!
//! Whoever waits polls the bell; a look that does not come back in time is given up, and the ones after it say so too
//! until it does.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use crate::catalog::Catalog;
use crate::collect::{Budget, Depth, Eyes};
use crate::model::asked::Asked;
use crate::model::errno::Errno;
use crate::model::reading::{Gap, GapWhy, Strain};
use crate::model::snapshot::Snapshot;
use crate::model::units::Millis;
use crate::source::listings::Listings;
use crate::source::nothing::nothing;
use crate::sys::bell::Bell;
use crate::sys::crew;

/// Share of the deadline for counting what is in the temp dirs; the rest is for everything else.
const COUNTING_SHARE: u32 = 2;

/// One look after another, when somebody asks.
pub struct Looks {
    asked: Asked,
    bell: Arc<Bell>,
    how: How,
    /// What the machine refused.
    strain: Option<Strain>,
    /// Looks that were asked for and are not there yet.
    outstanding: usize,
}

enum How {
    /// A thread looks.
    Thread(SyncSender<Duration>, Receiver<Snapshot>),
    /// There is none, so a look takes place where it is asked for.
    Here(Box<Observer>, Option<Box<Snapshot>>),
}

impl Looks {
    /// Has not looked yet.
    ///
    /// # Errors
    /// No descriptor for the bell.
    pub fn start(catalog: &Arc<Catalog>, asked: &Asked) -> std::io::Result<Self> {
        let bell = Arc::new(Bell::hang()?);
        let (wish, wishes) = sync_channel(1);
        let (look, looks) = sync_channel(1);
        let work = {
            let (mut observer, bell) = (Observer::new(catalog, asked), Arc::clone(&bell));
            move || {
                while let Ok(deadline) = wishes.recv() {
                    if look.send(observer.look(deadline)).is_err() {
                        return;
                    }
                    bell.ring();
                }
            }
        };
        let (how, strain) = match crew::spawn("look", work) {
            Ok(_detached) => (How::Thread(wish, looks), None),
            Err(refused) => {
                let strain = Strain { asked: "a thread".to_owned(), errno: Errno::from(refused) };
                (How::Here(Box::new(Observer::new(catalog, asked)), None), Some(strain))
            }
        };
        Ok(Self { asked: asked.clone(), bell, how, strain, outstanding: 0 })
    }

    /// Asks for a look, unless one is still outstanding.
    pub fn ask(&mut self, deadline: Duration) {
        // What came too late for the last time is of no use any more.
        drop(self.take());
        match &mut self.how {
            How::Thread(wish, _) if self.outstanding == 0 && wish.try_send(deadline).is_ok() => {
                self.outstanding = 1;
            }
            How::Thread(..) => {}
            How::Here(observer, done) => {
                *done = Some(Box::new(observer.look(deadline)));
                self.bell.ring();
            }
        }
    }

    /// The look, once it is there.
    pub fn take(&mut self) -> Option<Snapshot> {
        self.bell.hush();
        let mut now = match &mut self.how {
            How::Thread(_, looks) => looks.try_recv().ok()?,
            How::Here(_, done) => *done.take()?,
        };
        self.outstanding = 0;
        now.strains.extend(self.strain.clone());
        Some(now)
    }

    /// What is to be said instead of a look that did not come.
    pub fn missing(&self, deadline: Duration) -> Snapshot {
        let after = Millis(u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX));
        nothing(self.asked.clone(), &Gap::new("this machine", GapWhy::Hung { after }))
    }
}

impl AsFd for Looks {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

/// Looks, and lists what it finds.
struct Observer {
    catalog: Arc<Catalog>,
    asked: Asked,
    eyes: Option<Eyes>,
    listings: Listings,
}

impl Observer {
    fn new(catalog: &Arc<Catalog>, asked: &Asked) -> Self {
        let listings = Listings::new(Arc::clone(catalog));
        Self { catalog: Arc::clone(catalog), asked: asked.clone(), eyes: None, listings }
    }

    fn look(&mut self, deadline: Duration) -> Snapshot {
        let eyes = self.eyes.get_or_insert_with(|| Eyes::open(Arc::clone(&self.catalog)));
        let budget = Budget { deadline, counting: deadline / COUNTING_SHARE, depth: Depth::Whole };
        let mut now = eyes.look(&self.asked, budget);
        self.listings.fill(&mut now);
        now
    }
}
