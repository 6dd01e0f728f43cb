//! Builds an incident, step by step, in the order in which the scenario has them.
//!
//! One file per kind of thing. Everything is done by system calls; the only programs that are started are mkfs.ext4(8) and
//! debugfs(8). Called by `init`, and by `part` for the steps inside a process' own mount namespace.

mod change;
mod fill;
mod glob;
mod image;
mod mounts;
mod places;
mod tools;

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::io::Errno;

use super::cast::Troupe;
use super::request::Users;
use crate::model::scenario::step::Step;
use image::Image;

pub(super) use image::open as open_place;
pub(super) use tools::find as find_tool;

/// What has been built so far.
#[derive(Debug)]
pub struct Builder {
    users: Users,
    images: Vec<Image>,
    troupe: Option<Troupe>,
    /// A mount namespace of the host's users, where this process is one of them.
    outside: Option<OwnedFd>,
}

impl Builder {
    /// For the first process of a lab.
    pub fn new(users: Users, troupe: Troupe, outside: Option<OwnedFd>) -> Self {
        Self { users, images: Vec::new(), troupe: Some(troupe), outside }
    }

    /// For a process of the cast, in its own mount namespace.
    pub fn inside(users: Users) -> Self {
        Self { users, images: Vec::new(), troupe: None, outside: None }
    }

    /// The ids of the lab: with one user only everything is root's.
    fn id(&self, id: u32) -> u32 {
        if self.users == Users::One { 0 } else { id }
    }

    /// Takes one step.
    ///
    /// # Errors
    /// What the system call answered that failed.
    pub fn take(&mut self, step: &Step) -> io::Result<()> {
        match step {
            Step::Dir { .. }
            | Step::File { .. }
            | Step::Many { .. }
            | Step::Link { .. }
            | Step::Fifo { .. } => self.make(step),
            Step::Tmpfs { .. } | Step::Bind { .. } | Step::Overlay { .. } | Step::Remount { .. } => {
                mounts::mount(step)
            }
            Step::Image { .. } => self.make_image(step),
            Step::Unmount { at, lazy } => mounts::unmount(Path::new(at), *lazy),
            Step::Remove { .. }
            | Step::Rename { .. }
            | Step::Mode { .. }
            | Step::Own { .. }
            | Step::Acl { .. }
            | Step::Attributes { .. } => self.change(step),
            Step::Fill { path, uid } => fill::fill(Path::new(path), self.id(*uid)),
            Step::FillInodes { path } => fill::fill_inodes(Path::new(path)),
            Step::Age { image, entries, by } => self.age(image, entries, *by),
            Step::Freeze { at } => self.troupe()?.freeze(at),
            Step::FsError { at } => {
                let outside = self.outside.as_ref().ok_or(Errno::OPNOTSUPP)?;
                image::report_error(Path::new(at), outside)
            }
            Step::Start(cast) => self.troupe()?.start(cast),
            Step::Stop { name, kill } => self.troupe()?.stop(name, *kill),
            // Time passes in `init`.
            Step::Wait { .. } => Ok(()),
        }
    }

    /// The user namespace of the lab, where this process is outside of it.
    pub fn user_ns(&self) -> Option<BorrowedFd<'_>> {
        self.troupe.as_ref()?.user_ns()
    }

    /// Ends the building: gives up what only steps need, privileges over the host above all.
    ///
    /// # Errors
    /// What setns(2) answers.
    pub fn retire(self) -> io::Result<()> {
        match self.troupe.and_then(Troupe::into_user_ns) {
            Some(user_ns) => super::init::retire_into(user_ns),
            None => Ok(()),
        }
    }

    fn troupe(&mut self) -> io::Result<&mut Troupe> {
        // Inside a process of the cast nobody is started.
        self.troupe.as_mut().ok_or_else(|| Errno::OPNOTSUPP.into())
    }
}

/// Which step it is, in a few words.
pub fn name_of(step: &Step) -> String {
    match step {
        Step::Dir { path, .. } => format!("dir {path}"),
        Step::File { path, .. } => format!("file {path}"),
        Step::Many { path, .. } => format!("many {path}"),
        Step::Link { path, .. } => format!("link {path}"),
        Step::Fifo { path } => format!("fifo {path}"),
        Step::Tmpfs { at, .. } => format!("tmpfs {at}"),
        Step::Bind { at, .. } => format!("bind {at}"),
        Step::Overlay { at, .. } => format!("overlay {at}"),
        Step::Image { at, .. } => format!("image {at}"),
        Step::Remount { at, .. } => format!("remount {at}"),
        Step::Unmount { at, .. } => format!("unmount {at}"),
        Step::Remove { path } => format!("remove {path}"),
        Step::Rename { path, .. } => format!("rename {path}"),
        Step::Mode { path, .. } => format!("mode {path}"),
        Step::Own { path, .. } => format!("own {path}"),
        Step::Acl { path, .. } => format!("acl {path}"),
        Step::Attributes { path, .. } => format!("attributes {path}"),
        Step::Fill { path, .. } => format!("fill {path}"),
        Step::FillInodes { path } => format!("fill-inodes {path}"),
        Step::Age { image, .. } => format!("age {image}"),
        Step::Freeze { at } => format!("freeze {at}"),
        Step::FsError { at } => format!("fs-error {at}"),
        Step::Start(cast) => format!("start {}", cast.name),
        Step::Stop { name, .. } => format!("stop {name}"),
        Step::Wait { .. } => "wait".to_owned(),
    }
}
