//! One binary for all integration tests, so that they link once.
#![expect(
    clippy::disallowed_methods,
    reason = "tests build and break machines: they start programs, wait with deadlines and remove what they made"
)]

mod actors;
mod broken_boxes;
mod causes;
mod docker;
mod frames;
mod golden;
mod journeys;
mod laws;
mod probe;
mod sandbox;
mod scenes;
mod staged;
mod systemd;
