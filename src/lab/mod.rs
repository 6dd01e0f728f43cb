//! Floor 2: incidents built for real, in namespaces of their own, so that nothing of the host is touched.
//!
//! # Who is who
//!
//! ```text
//!  host                                │ lab: mount, pid, uts, ipc, net namespaces of its own
//!                                      │
//!  opener (open) ───────────starts────▶│ first process (init): ground, build; dies with the opener
//!    in the foreground of the terminal │    ├── cast (part): this program under the names of a scenario
//!  freezer, where something is frozen  │    └── resident: the console, a command, a shell
//!    thaws when the first process is   │          ▲
//!    gone                              │          └── one more, from a second terminal (join)
//! ```
//!
//! All of them are this program, executed anew; none has a second thread until the console has. What they are told travels
//! in files without a name and over sockets, never over a file system, and never in arguments, which the learner would see.
//!
//! # What keeps the host safe
//!
//! 1. **Nothing of the host can be written.** Every mount that the lab inherits is read-only before anything of the lab is
//!    mounted (`ground`), hidden ones included, in one call: there is no window and no list to forget something in. What
//!    incidents change lies in file systems in memory over `/tmp`, `/var/tmp`, `/mnt`, `/home`, `/run`, `/dev/shm`.
//! 2. **It stays so for root of the lab.** Cast and resident live in a user namespace of their own, also where root opened
//!    the lab, and in a mount namespace that belongs to it: the read-only mounts are locked there, and no privilege of
//!    theirs counts over the host (`users`). Only the first process stays outside while there are steps, some of which
//!    need root of the host (loop devices, attributes, freezing); then it gives that up as well.
//! 3. **No back door through the kernel's own file systems.** `/proc` is read-only, so no sysctl can be set, and a second
//!    procfs can only be mounted read-only, too; `/sys` is read-only and cannot be mounted again; cgroup namespaces, through
//!    which the cgroup tree could be mounted, are limited to none. `/dev` holds null, zero, full, random, urandom and tty;
//!    device files cannot be made.
//! 4. **No wire.** The network namespace is empty, and with it sockets by name; `/run` is new, and with it every socket of
//!    a service that lives there.
//! 5. **Everything ends with the lab.** The first process dies with its opener, by SIGKILL too, and takes its PID namespace
//!    along; with the last process the mounts go, and with the last mount the kernel detaches loop devices. What is frozen
//!    would survive all that, so one small process outside waits for the end and thaws.
//!
//! # What can still leak
//!
//! - **Reading.** The lab sees the files of the host, as whoever opened it may: it is no prison for secrets.
//! - **Sockets and pipes with a name outside of `/run`, `/tmp` and `/home`** can be connected to: a read-only mount does not
//!   prevent that. Who opened the lab could have done the same.
//! - **The terminal.** What runs in the lab has the terminal of who opened it, as any program that is started there.
//! - **Memory and processor.** The file systems in memory are as large as the kernel lets them become; nothing is limited.
//! - **The clock of the kernel log.** An error that ext4 was made to report stands in the kernel's log of the host.
//! - **For the moment of mounting**, an image has a device file in the lab's `/dev`, for root only.
//!
//! # With systemd
//!
//! ```text
//!  opener ──┬──────▶ process 1: waits until the ground is laid, then becomes systemd (systemd)
//!           │            └── cast that has a unit, with a unit file written for it (unit, service)
//!           ├──────▶ first process, here process 2: everything else, as above
//!           └──────▶ keeper of the cgroup (cgroup), outside: removes it when the first process is gone
//! ```
//!
//! systemd lives where the resident lives: the same user namespace, the same locked read-only mounts, the same privileges, so
//! all five rules hold. What is weaker:
//!
//! - **The cgroup tree can be written**, as far as it is the lab's own: it begins at a cgroup below that of the opener, which the
//!   cgroup namespace of the lab has as its root. What is outside of it has no name there, and no controller is given to it.
//! - **The end is not the first process's own.** The opener kills process 1; where the opener is killed, process 1 dies with
//!   it, and the keeper kills what is left in the cgroup (Linux 5.14).
//! - **A service has what systemd gives it**: some variables more than the scenario says, and a user with a name.
//!
//! With root and without user namespaces (`user.max_user_namespaces = 0`) there is no lab: rule 2 would not hold.

mod build;
mod cast;
mod cgroup;
mod freezer;
mod ground;
mod holds;
mod home;
mod init;
mod join;
mod needs;
mod open;
mod part;
mod ranges;
mod request;
mod resident;
mod service;
mod systemd;
mod trial;
mod trouble;
mod unit;
mod users;

use std::io;
use std::process::ExitCode;

pub use home::SCENARIO;
pub use join::join;
pub use needs::{Machine, needs};
pub use open::open;
pub use request::{Request, Then, Users};
pub use trouble::LabError;
pub use unit::objection as objection_to_services;

/// Plays, where this process was executed as a member of a cast; never comes back then.
pub fn play_where_called() -> Option<ExitCode> {
    part::play(home::stage()?);
    Some(ExitCode::FAILURE)
}

/// The jobs of helpers that belong to a lab; what went wrong is told with `say`.
pub fn serve(kind: &str, say: &dyn Fn(&str)) -> Option<u8> {
    let code = |done: io::Result<()>| u8::from(done.is_err());
    Some(match kind {
        init::KIND => init::serve(),
        resident::KIND => {
            let (code, why) = resident::serve();
            say(&why);
            code
        }
        users::KIND => code(users::serve()),
        freezer::KIND => code(freezer::serve()),
        cgroup::KIND => code(cgroup::serve()),
        systemd::KIND => code(systemd::serve()),
        trial::KIND => code(trial::serve()),
        open::MAPPER => code(open::serve_mapper()),
        _ => return None,
    })
}
