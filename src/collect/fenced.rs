//! The fence around file systems that may never answer: remote, user-space and automounted ones.
//!
//! A thread that touches such a mount when its server is gone stays in the kernel for ever, and keeps its process alive
//! after its end. So a way that leads onto one is walked by a helper process with a deadline; who is late is left behind,
//! and that file system is not asked again for a growing while. What the helper does is `collect::look_helper`.
//! Called by `collect::vantages` and `collect::caches`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::collect::look_helper::read_answer;
use crate::collect::way::{self, Bounds, End, Request, Way};
use crate::model::mount::{Device, Mount, MountNamespace};
use crate::model::raw_path::RawPath;
use crate::model::reading::GapWhy;
use crate::model::standing::{self, Wait};
use crate::model::units::{Entries, Millis};
use crate::sys::clock;
use crate::sys::helper::{self, HelperError};
use crate::sys::standing::Standing;
use crate::sys::walk::Step;

/// How long one helper may take: a healthy server answers within a few milliseconds, and the first screen waits for this.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long all helpers of one look may take.
const PATIENCE_OF_LOOK: Duration = Duration::from_millis(900);
/// How long an answer is good for: helpers are dear, and what they look at changes rarely.
const ANSWER_GOOD_FOR: u64 = 10_000_000_000;
/// How long a file system that did not answer is left alone at first; doubled each time.
const FIRST_PAUSE: u64 = 2_000_000_000;
/// And at most.
const LONGEST_PAUSE: u64 = 300_000_000_000;

/// Asks a helper: the request and a deadline in, its output back.
type Ask = Box<dyn Fn(&[u8], Duration) -> Result<Vec<u8>, HelperError> + Send>;

/// The fence, and what it remembers between looks.
pub struct Fence {
    ask: Ask,
    now: fn() -> u64,
    /// Devices of the doubtful mounts of all namespaces.
    doubtful: BTreeSet<(u32, u32)>,
    /// File systems that did not answer.
    hung: BTreeMap<Device, Hung>,
    answers: BTreeMap<Request, (u64, Vec<u8>)>,
    /// How long helpers have been waited for in this look.
    waited: Duration,
}

#[derive(Clone, Copy)]
struct Hung {
    /// Not to be asked again before.
    until: u64,
    pause: u64,
}

impl Default for Fence {
    fn default() -> Self {
        Self::new()
    }
}

impl Fence {
    /// A fence that knows of no mount yet.
    pub fn new() -> Self {
        Self::with(Box::new(|request, patience| helper::ask("look", request, patience)), clock::boot_nanos)
    }

    fn with(ask: Ask, now: fn() -> u64) -> Self {
        Self {
            ask,
            now,
            doubtful: BTreeSet::new(),
            hung: BTreeMap::new(),
            answers: BTreeMap::new(),
            waited: Duration::ZERO,
        }
    }

    /// Begins a look: takes note of the doubtful mounts of all namespaces, and forgets what is too old.
    pub fn learn(&mut self, namespaces: &[MountNamespace]) {
        let mounts = namespaces.iter().flat_map(|ns| ns.mounts.items());
        let devices = mounts.filter(|m| m.is_doubtful()).map(|m| (m.device.major, m.device.minor));
        self.doubtful = devices.collect();
        self.waited = Duration::ZERO;
        let now = (self.now)();
        self.answers.retain(|_, (at, _)| now.saturating_sub(*at) < ANSWER_GOOD_FOR);
    }

    /// Whether that device belongs to a mount on which nothing may be touched in this process.
    pub fn is_doubtful(&self, device: Device) -> bool {
        self.doubtful.contains(&(device.major, device.minor))
    }

    /// Walks a way, in this process or in a helper.
    ///
    /// `root` is the root directory of the process as the mount table of its namespace names it. Without a table nobody
    /// knows what lies on the way, so then the helper goes.
    pub fn walk(&mut self, request: &Request, namespace: Option<&MountNamespace>, root: &RawPath) -> Way {
        let Some(namespace) = namespace.filter(|ns| ns.mounts.value().is_some()) else {
            return self.send(request, Device::default());
        };
        let bounds = Ground::new(namespace, root, &self.doubtful);
        let way = way::walk(request, &bounds, &mut |_| {});
        match way.end {
            End::Fenced(device) => self.cross(request, device, way.steps),
            _ => way,
        }
    }

    /// Bounds for a walk of somebody else in this process, who then leaves out what lies behind the fence.
    pub fn ground<'a>(&'a self, namespace: &'a MountNamespace, root: &'a RawPath) -> Ground<'a> {
        Ground::new(namespace, root, &self.doubtful)
    }

    /// What lies behind the fence, or else the steps before it and why there are no more.
    fn cross(&mut self, request: &Request, device: Device, before: Vec<Step>) -> Way {
        let beyond = self.send(request, device);
        match beyond.end {
            End::Unseen(why) if beyond.steps.len() < before.len() => {
                Way { steps: before, end: End::Unseen(why) }
            }
            end => Way { steps: beyond.steps, end },
        }
    }

    fn send(&mut self, request: &Request, device: Device) -> Way {
        let now = (self.now)();
        if let Some((_, answer)) = self.answers.get(request) {
            return read_answer(answer);
        }
        if self.hung.get(&device).is_some_and(|hung| now < hung.until) {
            return Way::unseen(hung_for(PATIENCE));
        }
        if self.waited >= PATIENCE_OF_LOOK {
            return Way::unseen(GapWhy::OverBudget { seen: Entries(0) });
        }
        let Ok(question) = serde_json::to_vec(request) else { return Way::unseen(GapWhy::NotAsked) };
        let answer = (self.ask)(&question, PATIENCE);
        let after = (self.now)();
        self.waited += Duration::from_nanos(after.saturating_sub(now));
        match answer {
            Ok(answer) => {
                self.hung.remove(&device);
                let way = read_answer(&answer);
                self.answers.insert(request.clone(), (after, answer));
                way
            }
            // It was awake: the machine is busy, and nothing is known of the file system.
            Err(HelperError::Late { partial, standing }) if !standing.as_ref().is_some_and(is_held) => {
                let way = read_answer(&partial);
                let seen = Entries(u64::try_from(way.steps.len()).unwrap_or(u64::MAX));
                Way { end: End::Unseen(GapWhy::OverBudget { seen }), ..way }
            }
            Err(HelperError::Late { partial, .. }) => {
                self.pause(device, after);
                Way { end: End::Unseen(hung_for(PATIENCE)), ..read_answer(&partial) }
            }
            Err(HelperError::Spawn(error)) => Way::unseen(error.into()),
            Err(HelperError::Died { how, partial }) => {
                Way { end: End::Unseen(GapWhy::Malformed { line: how }), ..read_answer(&partial) }
            }
        }
    }

    fn pause(&mut self, device: Device, now: u64) {
        let before = self.hung.get(&device).map_or(FIRST_PAUSE / 2, |hung| hung.pause);
        let pause = before.saturating_mul(2).min(LONGEST_PAUSE);
        self.hung.insert(device, Hung { until: now.saturating_add(pause), pause });
    }
}

/// Whether the kernel holds a late helper: all that it does is to ask a file system.
fn is_held(helper: &Standing) -> bool {
    let stands = standing::wait(helper.state, helper.wait_channel.as_deref(), &helper.stack);
    stands != Wait::Other
}

fn hung_for(patience: Duration) -> GapWhy {
    GapWhy::Hung { after: Millis(u64::try_from(patience.as_millis()).unwrap_or(u64::MAX)) }
}

/// The mount table of one namespace as a process with that root meets it.
pub struct Ground<'a> {
    namespace: &'a MountNamespace,
    root: &'a RawPath,
    /// Mounts on which nothing may be touched: usually none, and then no path is compared with anything.
    doubtful: Vec<&'a Mount>,
    procfs: Vec<&'a Mount>,
    devices: &'a BTreeSet<(u32, u32)>,
}

impl<'a> Ground<'a> {
    fn new(namespace: &'a MountNamespace, root: &'a RawPath, devices: &'a BTreeSet<(u32, u32)>) -> Self {
        let mounts = || namespace.mounts.items().iter();
        let doubtful = mounts().filter(|m| m.is_doubtful()).collect();
        let procfs = mounts().filter(|m| m.fs_type == "proc").collect();
        Self { namespace, root, doubtful, procfs, devices }
    }

    /// The mount that serves a path inside the root, if it is among those.
    fn served_by(&self, path: &[u8], among: &[&'a Mount]) -> Option<&'a Mount> {
        if among.is_empty() {
            return None;
        }
        let path = in_namespace(self.root, path);
        if !among.iter().any(|m| path.is_below(&m.point)) {
            return None;
        }
        let serving = self.namespace.serving(&path)?;
        among.iter().find(|m| m.id == serving.id).copied()
    }
}

impl Bounds for Ground<'_> {
    fn forbids(&self, path: &[u8]) -> Option<Device> {
        self.served_by(path, &self.doubtful).map(|m| m.device)
    }

    fn forbids_device(&self, device: (u32, u32)) -> bool {
        self.devices.contains(&device)
    }

    fn is_procfs(&self, path: &[u8]) -> bool {
        self.served_by(path, &self.procfs).is_some()
    }
}

/// A path inside a root as the mount table names it.
pub fn in_namespace(root: &RawPath, path: &[u8]) -> RawPath {
    match root.as_bytes() {
        b"" | b"/" => RawPath::from(path),
        _ => root.join(path.strip_prefix(b"/").unwrap_or(path)),
    }
}

#[cfg(test)]
#[path = "fenced_tests.rs"]
mod tests;
