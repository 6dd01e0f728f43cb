//! One look, for a command that prints and ends.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use crate::catalog::Catalog;
use crate::collect::{Budget, Depth, Eyes};
use crate::model::asked::Asked;
use crate::model::errno::Errno;
use crate::model::reading::{Gap, GapWhy, Strain};
use crate::model::snapshot::Snapshot;
use crate::model::units::Millis;
use crate::source::nothing::nothing;
use crate::sys::crew;

/// The collectors end by themselves at the deadline; this much later they are taken for stuck.
const GRACE: Duration = Duration::from_millis(500);
/// Share of the deadline for counting what is in the temp dirs; the rest is for everything else.
const COUNTING_SHARE: u32 = 2;

/// Looks once, and comes back at the deadline even if a collector does not.
pub fn look_once(catalog: &Arc<Catalog>, asked: &Asked, deadline: Duration) -> Snapshot {
    let budget = Budget { deadline, counting: deadline / COUNTING_SHARE, depth: Depth::Whole };
    let (sender, receiver) = sync_channel(1);
    let worker = {
        let (catalog, asked) = (Arc::clone(catalog), asked.clone());
        move || {
            let now = Eyes::open(catalog).look(&asked, budget);
            // The other end is gone where we came too late, and then nobody wants it.
            sender.send(now).ok();
        }
    };
    if let Err(refused) = crew::spawn("look", worker) {
        let mut now = Eyes::open(Arc::clone(catalog)).look(asked, budget);
        now.strains.push(Strain { asked: "a thread".to_owned(), errno: Errno::from(refused) });
        return now;
    }
    receiver.recv_timeout(deadline + GRACE).unwrap_or_else(|why| {
        let why = match why {
            RecvTimeoutError::Timeout => {
                GapWhy::Hung { after: Millis(u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX)) }
            }
            RecvTimeoutError::Disconnected => {
                GapWhy::Malformed { line: "a defect of tmpmedic ended the look".to_owned() }
            }
        };
        nothing(asked.clone(), &Gap::new("this machine", why))
    })
}
