//! The threads of a process that stand elsewhere than its first one, or whose first one has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd;

use super::{OfProcess, Pass, count};
use crate::collect::processes::fields;
use crate::collect::surroundings::{threads, ways};
use crate::model::process::Pid;
use crate::model::reading::GapWhy;
use crate::model::units::Entries;
use crate::sys::threads::{self as procfs, Part};

/// What is paid of the purse for a thread: its links, and those who look at where they lead.
const PRICE: u64 = 8;

impl Pass<'_> {
    /// One whose first thread has ended has nothing left there, and its threads have all of it.
    pub(super) fn of_headless(&mut self, pid: Pid, failed: &mut BTreeMap<GapWhy, u64>) {
        match procfs::others(self.proc.as_fd(), pid).map_err(GapWhy::from) {
            Ok(tids) if tids.is_empty() => return,
            Err(GapWhy::Vanished) => return,
            Ok(_) | Err(_) => {}
        }
        let net = Err(GapWhy::Absent);
        let nothing = OfProcess { places: Vec::new(), net, thread_of: None, mount_ns: None };
        let mut reasons = BTreeSet::new();
        self.threads(pid, &nothing, &mut reasons);
        self.links.headless.insert(pid);
        self.links.by_pid.insert(pid, nothing);
        count(reasons, failed);
    }

    /// The threads that stand elsewhere than the first, which was read before.
    pub(super) fn threads(&mut self, pid: Pid, first: &OfProcess, reasons: &mut BTreeSet<GapWhy>) {
        let tids = match procfs::others(self.proc.as_fd(), pid).map_err(GapWhy::from) {
            Ok(tids) => tids,
            Err(GapWhy::Vanished) => return,
            Err(why) => {
                reasons.insert(why);
                return;
            }
        };
        if tids.is_empty() {
            return;
        }
        let kin = self.kin.clone();
        self.kin.purse.begin();
        threads::each_apart(
            (pid, &tids),
            &|one, other| kin.share(one, other, Part::Fs),
            &mut |tid, unsure| {
                if let Some(why) = unsure.filter(|_| !self.kin.purse.pays(PRICE)) {
                    reasons.insert(why);
                    return false;
                }
                self.of_thread(pid, tid, reasons)
            },
        );
        self.networks(pid, first, &tids, reasons);
    }

    /// A network namespace needs no place of one's own.
    fn networks(&mut self, pid: Pid, first: &OfProcess, tids: &[Pid], reasons: &mut BTreeSet<GapWhy>) {
        let mut nets = BTreeSet::from([first.net.clone()]);
        for tid in tids {
            if self.until.is_over() {
                reasons.insert(GapWhy::OverBudget { seen: Entries(0) });
                return;
            }
            if self.links.by_pid.contains_key(tid) {
                continue;
            }
            let link = self.proc.link(&format!("{tid}/ns/net")).map_err(GapWhy::from);
            let net = link.and_then(|text| fields::ns_inode(&text));
            if net != Err(GapWhy::Vanished) && nets.insert(net.clone()) {
                self.claims.belongs(*tid, pid);
                let own = OfProcess { places: Vec::new(), net, thread_of: Some(pid), mount_ns: None };
                self.links.by_pid.insert(*tid, own);
            }
        }
    }

    /// True where it was read and had not ended.
    fn of_thread(&mut self, pid: Pid, tid: Pid, reasons: &mut BTreeSet<GapWhy>) -> bool {
        if self.until.is_over() {
            reasons.insert(GapWhy::OverBudget { seen: Entries(0) });
            return false;
        }
        let dir = match self.proc.pid(tid).map_err(GapWhy::from) {
            Ok(dir) => dir,
            Err(GapWhy::Vanished) => return false,
            Err(why) => {
                reasons.insert(why);
                return false;
            }
        };
        let mut own_reasons = BTreeSet::new();
        let mut found = OfProcess::read(&dir, &mut own_reasons);
        match dir.link("ns/mnt").map_err(GapWhy::from) {
            Ok(text) => found.mount_ns = ways::inode(&text, b"mnt"),
            Err(GapWhy::Vanished) => return false,
            Err(why) => {
                own_reasons.insert(why);
            }
        }
        found.thread_of = Some(pid);
        self.claims.belongs(tid, pid);
        let is_whole = own_reasons.is_empty() && !found.places.is_empty();
        reasons.extend(own_reasons);
        if !found.places.is_empty() {
            self.links.by_pid.insert(tid, found);
        }
        is_whole
    }
}
