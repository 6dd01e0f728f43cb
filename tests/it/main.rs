//! One binary for all integration tests, so that they link once.
#![expect(
    clippy::disallowed_methods,
    reason = "tests build and break machines: they start programs, wait with deadlines and remove what they made"
)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "in a test a panic is the verdict"
)]

mod actors;
mod attack;
mod book;
mod broken_boxes;
mod captures;
mod causes;
mod clean;
mod cli;
mod diffs;
mod docker;
mod faults;
mod fix;
mod frames;
mod frames_walked;
mod golden;
mod hands_pty;
mod hostile_captures;
mod incident;
mod journeys;
mod lab;
mod laws;
mod lesson;
mod lesson_pty;
mod lesson_screen;
mod policy;
mod probe;
mod pty;
mod purge;
mod readme;
mod refusals;
mod remedies;
mod replays;
mod sandbox;
mod scenarios;
mod scenes;
#[path = "../../src/model/specimen/mod.rs"]
mod specimen;
mod staged;
mod stops;
mod surroundings;
mod systemd;
mod work_flow;
mod work_frames;
mod work_laws;
mod work_screen;
mod work_tabs;
mod worker;
mod works;

// What `specimen`, which is no part of the library, knows as a room of its crate.
use tmpmedic::model;
