//! The console in a lab: plain, or as a lesson about the scenario that is built around it.

use std::process::ExitCode;

use crate::cli::{Global, LabArgs};
use crate::cmd::console::{self, Ground};
use crate::cmd::{Refusal, lesson};
use crate::lab;
use crate::model::asked::Asked;
use crate::model::process::Pid;
use crate::model::scenario::Scenario;
use crate::model::scenario::step::Step;
use crate::sys::procfile::Proc;
use crate::sys::{child, plainfile};

/// More than any scenario has.
const SCENARIO_MAX: usize = 4 << 20;
/// What the kernel keeps of a program's name. Source: proc_pid_comm(5), TASK_COMM_LEN.
const NAME_MAX: usize = 15;

/// Opens the console of this lab.
pub fn run(args: &LabArgs, global: &Global) -> anyhow::Result<ExitCode> {
    // The tabs show this process too.
    child::take_name();
    if !args.learn {
        return console::run(global);
    }
    let path = std::path::Path::new(lab::SCENARIO);
    let text = plainfile::read(path, SCENARIO_MAX).map_err(|why| {
        Refusal::usage(format!("there is no lab around this process ({}: {why})", lab::SCENARIO))
    })?;
    let scenario: Scenario = serde_json::from_slice(&text)?;
    let asked = Asked { pids: asked(&scenario).into_iter().collect(), ..Asked::default() };
    lesson::run(scenario, Ground::Here(asked), global)
}

/// The members of the cast that a diagnosis would not ask about by itself, by their program names: the lab has few others.
fn asked(scenario: &Scenario) -> Vec<Pid> {
    let steps = scenario.chapters.iter().flat_map(|chapter| &chapter.steps);
    let programs = steps.filter_map(|step| match step {
        Step::Start(cast) if scenario.asked.contains(&cast.name) => Some(cast.program.as_bytes()),
        _ => None,
    });
    let names: Vec<&[u8]> = programs.map(|name| name.get(..NAME_MAX).unwrap_or(name)).collect();
    let Ok(proc) = Proc::open(std::path::Path::new("/proc")) else { return Vec::new() };
    let mut pids = proc.pids().unwrap_or_default();
    pids.retain(|pid| {
        let comm = proc.pid(*pid).and_then(|dir| dir.read("comm", NAME_MAX + 1));
        comm.is_ok_and(|comm| names.contains(&comm.trim_ascii_end()))
    });
    pids
}
