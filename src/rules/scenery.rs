//! More ways to break the machine of [`Stage`]: containers, chosen variables, ways that stop.
#![expect(clippy::missing_panics_doc, reason = "test support: a panic is its failure")]

use crate::model::errno::Errno;
use crate::model::mount::{Device, MountNamespace, OverlayState};
use crate::model::probe::{ProbeResult, Step, StepResult};
use crate::model::process::{Container, MountNs, Pid, Variable};
use crate::model::raw_path::RawText;
use crate::model::reading::Reading;
use crate::model::units::Micros;
use crate::model::vantage::{Ability, Can, Component, Facts, Kind, Reason, Vantage};
use crate::rules::stage::{self, NOW, Stage, component, facts};

/// The device of the overlays of containers.
pub const OVERLAY: Device = Device { major: 0, minor: 60 };

impl Stage {
    /// Adds a docker container of that name with one process (uid 0) on an overlay of its own.
    pub fn container(mut self, pid: Pid, name: &str, comm: &str) -> Self {
        let id = 7000 + u64::from(pid);
        let ns = MountNs::Inode(4_026_533_000 + u64::from(pid));
        let layer = format!("/var/lib/docker/overlay2/{name}");
        let options = format!("rw,lowerdir={layer}-init/diff,upperdir={layer}/diff,workdir={layer}/work");
        let mut root = stage::mount(id, 1, "/", "/", "overlay", "overlay");
        root.device = OVERLAY;
        root.line =
            RawText::from(format!("{id} 1 0:60 / / rw,relatime - overlay overlay {options}").as_str());
        root.super_options = options.as_str().into();
        let overlays = vec![OverlayState { mount_id: id, upper: Ok(true), work: Ok(true), seen_by: Some(1) }];
        let mounts = Reading::Whole { value: vec![root], took: Micros(1) };
        let namespace = MountNamespace { id: ns, witness: pid, pids: vec![], ours: false, mounts, overlays };
        self.now.namespaces.value_mut().unwrap().push(namespace);
        let mut process = stage::process(pid, 1, comm, 0);
        process.mount_ns = Ok(ns);
        let id_text = format!("{pid:0>4}2a91c04b7d99");
        process.container =
            Some(Container { engine: "docker".into(), id: id_text, name: Some(name.to_owned()) });
        let served = move |v: &Vantage| v.mount_ns == ns;
        self.put(process).change_vantages(served, move |v| {
            v.mount_id = Some(id);
            v.identity.as_mut().unwrap().device = OVERLAY;
            v.identity.as_mut().unwrap().mount_id = Some(id);
        })
    }

    /// Makes a process a build process.
    pub fn build(self, pid: Pid) -> Self {
        self.change(pid, |p| p.role = Some(stage::role())).change_vantages(
            |v| v.pids.contains(&pid) && !v.reasons.contains(&Reason::Fallback),
            |v| v.is_build = true,
        )
    }

    /// The caller asks about a process.
    pub fn asked(mut self, pid: Pid) -> Self {
        self.now.asked.pids.insert(pid);
        self
    }

    /// Gives a process a variable other than TMPDIR, with a vantage on its value.
    pub fn named(mut self, pid: Pid, name: &str, value: &str) -> Self {
        let process = self.now.processes.value_mut().unwrap().get_mut(pid).unwrap();
        let variable = Variable { name: name.to_owned(), value: value.into() };
        process.variables.as_mut().unwrap().push(variable);
        let (ns, credentials) = (process.mount_ns.clone().unwrap(), process.credentials.clone().unwrap());
        let mut vantage = stage::vantage(value.into(), ns, credentials, vec![pid]);
        vantage.reasons = vec![Reason::Variable(name.to_owned())];
        self.now.vantages.value_mut().unwrap().push(vantage);
        self
    }

    /// The vantages of a process at `path` end at the component `at` with that errno.
    pub fn stops(self, pid: Pid, path: &str, at: &str, errno: Errno) -> Self {
        let at = at.to_owned();
        self.change_way(pid, path, move |v| {
            v.walked.retain(|c| !c.path.is_below(&at.as_str().into()));
            let gone = component(at.as_str().into(), facts(Kind::Directory, 0o755));
            v.walked.push(Component { facts: None, error: Some(errno), ..gone });
            v.identity = Err(crate::model::reading::GapWhy::Absent);
            v.can_create = Ability::predicted(Can::No, Some(errno), Some("mkdir"));
        })
    }

    /// The component `at` on the way of a process to `path` is a symlink with that text; what follows is cut off.
    pub fn link(self, pid: Pid, path: &str, at: &str, text: &str) -> Self {
        let (at, text) = (at.to_owned(), text.to_owned());
        self.change_way(pid, path, move |v| {
            v.walked.retain(|c| !c.path.is_below(&at.as_str().into()));
            let link = component(at.as_str().into(), facts(Kind::Link, 0o777));
            v.walked.push(Component { link: Some(text.as_str().into()), ..link });
        })
    }

    /// What lies at the end of the way is of that kind, and so no temp dir.
    pub fn ends_in(self, pid: Pid, path: &str, kind: Kind) -> Self {
        self.change_way(pid, path, move |v| {
            v.walked.last_mut().unwrap().facts = Some(Facts { links: 1, ..facts(kind, 0o644) });
            v.can_create = Ability::predicted(Can::No, Some(Errno::ENOTDIR), Some("mkdir"));
        })
    }

    fn change_way(self, pid: Pid, path: &str, how: impl Fn(&mut Vantage)) -> Self {
        self.change_vantages(|v| v.pids.contains(&pid) && v.path == path.into(), how)
    }

    /// A probe as `pid` in `path` failed at its first step.
    pub fn probed(mut self, pid: Pid, path: &str, errno: Errno) -> Self {
        let vantages = self.now.vantages.items().iter();
        let v = vantages.into_iter().find(|v| v.pids.contains(&pid) && v.path == path.into()).unwrap();
        let probe = ProbeResult {
            path: v.path.clone(),
            based_on: v.based_on.clone(),
            pid: Some(pid),
            mount_ns: v.mount_ns,
            root: v.root.clone(),
            credentials: v.credentials.clone(),
            at: NOW,
            steps: vec![StepResult { step: Step::Mkdir, errno: Some(errno), took: Micros(20) }],
            not_imitated: vec![],
            hung: false,
            left_behind: vec![],
        };
        self.now.take_probes(vec![probe]);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::{Diagnosis, Severity, Status};
    use crate::model::process::Place;
    use crate::model::thresholds::Thresholds;
    use crate::rules::diagnose;
    use crate::rules::stage::{Life, mount, process};

    fn asked_all(stage: &Stage) -> Diagnosis {
        diagnose(&stage.now, None, &Thresholds::default())
    }

    fn ids(diagnosis: &Diagnosis) -> Vec<&str> {
        diagnosis.found.iter().map(|f| f.id.as_str()).collect()
    }

    /// What an ordinary CI host looks like: services with a private /tmp, containers of all kinds, sandboxes, chroots.
    fn ordinary() -> Stage {
        let mut editor = mount(61, 1, "/etc/nginx.conf", "/etc/nginx/nginx.conf", "ext4", "/dev/vda1");
        editor.root_deleted = true;
        let mut tmpfs = mount(62, 1, "/", "/tmp", "tmpfs", "tmpfs");
        tmpfs.device = Device { major: 0, minor: 70 };
        Stage::healthy()
            .runner(41, "forgejo-runner@1.service")
            .private_tmp(41, "/tmp", Life::Alive)
            .runner(42, "forgejo-runner@2.service")
            .variable(42, "TMPDIR", "/var/tmp")
            .named(42, "TEMP", "/var/tmp/")
            .container(700, "web", "nginx")
            .mount(700, editor)
            .container(701, "job", "cargo")
            .build(701)
            .bind(701, "/srv/ci/job", "/workspace", Life::Alive)
            .container(702, "pause", "pause")
            .stops(702, "/tmp", "/tmp", Errno::ENOENT)
            .runner(43, "sandbox.service")
            .mount(43, tmpfs)
            .put(process(50, 1, "postfix", 0))
            .change(50, |p| p.root = Ok(Place { path: "/var/spool/postfix".into(), deleted: false }))
            .change_vantages(|_| true, |v| v.names.clear())
            .put(process(51, 1, "old-daemon", 0))
            .change(51, |p| p.cwd = Ok(Place { path: "/root/gone".into(), deleted: true }))
            .variable(51, "TMPDIR", "")
    }

    #[test]
    fn an_ordinary_host_gives_no_finding_at_all() {
        let diagnosis = asked_all(&ordinary());
        assert_eq!(ids(&diagnosis), Vec::<&str>::new(), "{:#?}", diagnosis.found);
        assert_eq!(diagnosis.status, Status::Ok);
    }

    #[test]
    fn a_dead_private_tmp_leads_over_all_that_follows_from_it() {
        let stage = Stage::healthy()
            .runner(41, "r@1.service")
            .variable(41, "TMPDIR", "/tmp/job")
            .private_tmp(41, "/tmp", Life::Dead)
            .stops(41, "/tmp/job", "/tmp/job", Errno::ENOENT)
            .change(41, |p| p.cwd = Ok(Place { path: "/tmp".into(), deleted: true }));
        let diagnosis = asked_all(&stage);
        let above: Vec<&str> =
            diagnosis.found.iter().filter(|f| f.severity > Severity::Info).map(|f| f.id.as_str()).collect();
        assert_eq!(above, ["private-tmp-deleted"]);
        assert_eq!(diagnosis.found[0].severity, Severity::Critical);
    }

    #[test]
    fn syntax_leads_over_a_missing_directory_and_a_dead_bind_over_a_dead_working_directory() {
        let syntax = Stage::healthy().runner(41, "r@1.service").variable(41, "TMPDIR", "/tmp ");
        let syntax = syntax.stops(41, "/tmp ", "/tmp ", Errno::ENOENT);
        assert_eq!(ids(&asked_all(&syntax))[0], "tmpdir-literal-syntax");
        assert!(!ids(&asked_all(&syntax)).contains(&"tmpdir-missing"));
        let bind = Stage::healthy()
            .container(701, "job", "cargo")
            .build(701)
            .bind(701, "/srv/ci/job", "/workspace", Life::Dead)
            .change(701, |p| p.cwd = Ok(Place { path: "/workspace".into(), deleted: true }));
        assert_eq!(ids(&asked_all(&bind)), ["bind-source-deleted"]);
    }

    #[test]
    fn no_title_is_wider_than_a_header() {
        let long = format!("/srv/{}/tmp", "deep/".repeat(30));
        let stage = Stage::healthy()
            .runner(41, "forgejo-runner@1.service")
            .variable(41, "TMPDIR", &long)
            .stops(41, &long, "/srv/deep", Errno::ENOENT);
        for finding in asked_all(&stage).found {
            assert!(finding.title.chars().count() <= 78, "{}", finding.title);
        }
    }
}
