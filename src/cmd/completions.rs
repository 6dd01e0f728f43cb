//! Completion scripts and the man page, both made from the command line's definition.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::cmd::{Refusal, out};

/// Prints the completion script of a shell.
pub fn print_script(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tmpmedic", &mut bytes);
    print(&bytes)
}

/// Prints the man page: of the program, then of each command.
pub fn print_man() -> anyhow::Result<ExitCode> {
    let mut bytes = Vec::new();
    let failed = |why| Refusal::internal(format!("cannot make the man page: {why}"));
    let mut program = Cli::command();
    program.build();
    clap_mangen::Man::new(program.clone()).render(&mut bytes).map_err(failed)?;
    for command in
        program.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help")
    {
        // Its name as one types it, and as `build` has put it together: `tmpmedic check`.
        let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
        let page = command.clone().display_name(name);
        clap_mangen::Man::new(page).render(&mut bytes).map_err(failed)?;
    }
    print(&bytes)
}

fn print(bytes: &[u8]) -> anyhow::Result<ExitCode> {
    out::write(&String::from_utf8_lossy(bytes))?;
    Ok(ExitCode::SUCCESS)
}
