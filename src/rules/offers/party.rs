//! What is offered about everybody who shares one cause: their unit, their container, or their server.

use super::container::recreate;
use super::guide;
use super::process::stop;
use super::service::{restart_unit, service, unset_at_source};
use crate::model::finding::{Action, Risk};
use crate::rules::party::{Party, Servers};

/// Restarts the unit of a party, or tells how to make its container anew; servers that a job has started end alone. Nothing
/// where that is not known.
pub fn restart(party: &Party<'_>, effect: &str) -> Vec<Action> {
    if let Some(container) = party.container {
        let anew = |commands| guide(format!("make the container anew: {effect}"), Risk::Interrupts, commands);
        return recreate(container).map(anew).into_iter().collect();
    }
    let unit = service(party).map(|unit| restart_unit(unit, effect));
    unit.into_iter().chain(restart_daemon(party)).collect()
}

/// Takes a variable away from a party. Servers that a job has started hold that job's: they end.
pub fn unset(party: &Party<'_>, name: &str) -> Vec<Action> {
    let daemon = restart_daemon(party).filter(|_| party.servers() == Servers::Beside);
    // Of another unit than theirs is what they hold.
    let elsewhere = daemon.is_some() && party.lead.is_some_and(|lead| lead.unit.is_some());
    daemon.into_iter().chain((!elsewhere).then(|| unset_at_source(party, name))).collect()
}

/// Ends the server of a party that has nobody else; the next client starts it again, in its own view and environment.
fn restart_daemon(party: &Party<'_>) -> Option<Action> {
    party.lead.filter(|_| party.servers() != Servers::No).map(stop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::process::{Container, Role, RoleKind};
    use crate::model::treatment::Aim;
    use crate::rules::stage::Stage;
    use std::collections::BTreeSet;

    fn party(stage: &Stage) -> Party<'_> {
        Party::all_of(&stage.now, &BTreeSet::from([41])).remove(0)
    }

    #[test]
    fn offers_a_drop_in_for_a_system_service_only() {
        let stage = Stage::healthy().runner(41, "r@1.service");
        assert_eq!(unset(&party(&stage), "TMPDIR")[0].id, "set-override");
        let user = stage.change(41, |p| p.cgroup = Ok("0::/user.slice/user-1000.slice/r@1.service".into()));
        assert_eq!(unset(&party(&user), "TMPDIR")[0].id, "guide-only");
        assert_eq!(restart(&party(&user), "fresh"), []);
    }

    #[test]
    fn a_job_cannot_have_another_service_restarted_by_the_name_of_its_cgroup() {
        let stage = Stage::healthy().runner(41, "ssh.service").change(41, |p| {
            p.cgroup =
                Ok("0::/system.slice/system-r.slice/r@1.service/job/system.slice/ssh.service\n".into());
        });
        let aim = |actions: Vec<Action>| actions.into_iter().next()?.aim;
        assert_eq!(aim(restart(&party(&stage), "fresh")), Some(Aim::Unit("r@1.service".into())));
        let Some(Aim::DropIn { unit, .. }) = aim(unset(&party(&stage), "TMPDIR")) else {
            panic!("no drop-in")
        };
        assert_eq!(unit, "r@1.service");
    }

    #[test]
    fn a_server_with_the_environment_of_an_old_job_ends_and_starts_with_that_of_the_next() {
        let ids =
            |stage: &Stage| unset(&party(stage), "TMPDIR").into_iter().map(|a| a.id).collect::<Vec<_>>();
        let server = Role { id: "x".into(), kind: RoleKind::CacheServer, title: "x".into() };
        let stage = Stage::healthy().runner(41, "r@1.service").change(41, |p| p.role = Some(server));
        assert_eq!(ids(&stage), ["set-override"], "its unit may set it");
        let outside = stage.change(41, |p| p.unit = None);
        assert_eq!(ids(&outside), ["restart-daemon", "guide-only"]);
        let beside = outside.change(41, |p| p.unit = Some("r@1.service".into())).runner(42, "r@1.service");
        assert_eq!(ids(&beside), ["restart-daemon"], "the others of its unit hold another value");
    }

    #[test]
    fn names_the_engine_of_a_container() {
        let stage = Stage::healthy().runner(41, "r@1.service").change(41, |p| {
            p.container =
                Some(Container { engine: "docker".into(), id: "3f2a91c04b7d99".into(), name: None });
        });
        let action = restart(&party(&stage), "fresh").remove(0);
        assert!(action.by_hand[0].contains("{{println .Source .Destination}}"), "{:?}", action.by_hand);
        assert_eq!(action.by_hand[1], "docker restart 3f2a91c04b7d");
    }
}
