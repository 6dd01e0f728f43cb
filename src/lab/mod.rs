//! Floor 2: incidents built for real, in namespaces of their own, so that nothing of the host is touched.

mod build;
mod cast;
mod freezer;
mod ground;
mod home;
mod init;
mod needs;
mod open;
mod part;
mod request;
mod resident;
mod systemd;
mod trouble;
mod users;

use std::io;
use std::process::ExitCode;

pub use home::SCENARIO;
pub use needs::{Machine, needs};
pub use open::open;
pub use request::{Request, Then, Users};
pub use trouble::LabError;

/// Plays, where this process was executed as a member of a cast; never comes back then.
pub fn play_where_called() -> Option<ExitCode> {
    part::play(home::stage()?);
    Some(ExitCode::FAILURE)
}

/// The jobs of helpers that belong to a lab; what went wrong is told with `say`.
pub fn serve(kind: &str, say: &dyn Fn(&str)) -> Option<u8> {
    let code = |done: io::Result<()>| u8::from(done.is_err());
    Some(match kind {
        init::KIND => init::serve(say).unwrap_or_else(|error| {
            say(&chain(&error));
            FAILED
        }),
        resident::KIND => {
            let (code, why) = resident::serve();
            say(&why);
            code
        }
        users::KIND => code(users::serve()),
        freezer::KIND => code(freezer::serve()),
        needs::KIND => code(needs::serve()),
        open::MAPPER => code(open::serve_mapper()),
        _ => return None,
    })
}

/// A lab that could not be built.
const FAILED: u8 = 70;

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}
