//! The quarantine that a clean-up puts entries in: that of an earlier work, or a new one, or why there can be none.

use std::os::fd::AsFd;

use crate::cmd::Refusal;
use crate::cmd::clean::place::Place;
use crate::cmd::workshop::{Workshop, begin_of, chain};
use crate::exec::quarantine::{NoQuarantine, Quarantine};
use crate::exec::{object, shelter, undo};
use crate::exit::Exit;
use crate::model::plan::Plan;
use crate::model::raw_path::RawPath;
use crate::sys::stat;

/// The quarantine of an earlier work in the same directory, or a new one.
pub fn open(shop: &Workshop, place: &Place, plan: &Plan) -> anyhow::Result<(RawPath, Quarantine)> {
    let own = shop.us.uid;
    let known = shop.records.iter().rev().filter_map(begin_of).filter_map(|begin| {
        let (Some((path, then)), Some((name, inside))) = (&begin.place, &begin.quarantine) else {
            return None;
        };
        let booted = undo::Boot::of(&begin.boot_id, &shop.us.boot_id);
        let is_here = *path == place.path && undo::is_same(then, &place.id, booted);
        is_here.then_some((name, inside, booted))
    });
    for (name, inside, booted) in known {
        let Ok(found) = Quarantine::existing(place.dir.as_fd(), name.as_bytes(), own) else { continue };
        if undo::is_same(inside, &found.id(), booted) {
            let around = object::of(place.dir.as_fd()).map(|(_, around)| NoQuarantine::of(&around, own));
            if let Ok(Some(why)) = around {
                return Err(refusal(place, plan, &why));
            }
            locked(&found)?;
            return Ok((name.clone(), found));
        }
    }
    let owner = match own {
        0 => shop.us.boot_id.chars().filter(|c| *c != '-').take(8).collect(),
        uid => uid.to_string(),
    };
    let name =
        RawPath::from(format!(".tmpmedic-{owner}-{:012x}", shelter::random() & 0xffff_ffff_ffff).as_str());
    let made = Quarantine::open(place.dir.as_fd(), name.as_bytes(), own);
    let quarantine = made.map_err(|why| refusal(place, plan, &why))?;
    locked(&quarantine)?;
    Ok((name, quarantine))
}

fn locked(quarantine: &Quarantine) -> anyhow::Result<()> {
    quarantine.lock().map_err(|why| {
        let message = format!("another tmpmedic is at work in that directory ({why})");
        Refusal { exit: Exit::NotNow, message }.into()
    })
}

/// Why there can be none, and what to do about it.
fn refusal(place: &Place, plan: &Plan, why: &NoQuarantine) -> anyhow::Error {
    use rustix::io::Errno;
    let dir = place.path.quoted();
    let (mut exit, mut help) = (Exit::Failed, String::new());
    match why {
        NoQuarantine::NotSticky { .. } => help = format!("; chmod 1777 {dir}"),
        NoQuarantine::Os { source, .. } => match source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::ROFS) => help = format!("; findmnt -T {dir} shows the mount, dmesg why it became so"),
            Some(Errno::NOSPC) => help = no_room(place, &dir),
            Some(Errno::ACCESS | Errno::PERM) => exit = Exit::Permission,
            _ => {}
        },
        NoQuarantine::ForeignOwner { .. } | NoQuarantine::NotOurs { .. } => {}
    }
    let message = format!("nothing was changed in {}: {}{help}", plan.root.shown(), chain(why));
    Refusal { exit, message }.into()
}

/// A directory takes an inode, and on most file systems a block.
fn no_room(place: &Place, dir: &str) -> String {
    if stat::room(place.dir.as_fd()).is_ok_and(|room| room.inodes_free > 0) {
        return format!(
            "; not even a directory can be made: df {dir}. Remove one file of your own there by hand; then again"
        );
    }
    format!(
        "; not even a directory can be made: df -i {dir}. Remove one file of your own there by hand, or on tmpfs: \
         mount -o remount,nr_inodes=1m {dir}; then again"
    )
}
