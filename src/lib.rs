//! tmpmedic names, proves and cures why a process cannot create a temp dir.
//!
//! This page is the floor plan. Each room's charter is the header of its `mod.rs`.
//!
//! # The way of one datum
//!
//! ```text
//!    kernel: /proc, statx, mountinfo          scenario (assets) ──▶ lab builds it in private namespaces
//!                │ sys: the only doors                                     │ a machine like any other
//!                ▼                                                         ▼
//!   collect ──fills──▶ Snapshot ◀── source::live paces the looks; source::replay reads them from a capture (store)
//!                         │   plain serde data; Reading<T> everywhere; carries its own clock
//!                         ▼
//!   rules::diagnose(now, before) ──▶ Diagnosis { found, ruled_out, blind }        catalog (assets)
//!                         │
//!         ┌───────────────┼────────────────────────────────┐
//!         ▼               ▼                                ▼
//!   report::{text,    tui: Msg ─update─▶ App ─draw─▶ frame   remedies::plan(now, finding) ──▶ Treatment
//!    json, …}             │ Effect                           remedies::clean judges entries ──▶ Plan
//!                         ▼                                │
//!             cmd performs effects                         ▼
//!                 │ ──▶ probe: a helper makes a temp dir   exec: seals the plan, writes the journal, does it, undoes it;
//!                 │     as that process would                    in the console in a worker process of its own
//!                 └──▶ store: a capture
//! ```
//!
//! `sys` turns a line of `/proc/4514/mountinfo` into bytes; [`collect`] makes a [`model::mount::Mount`] of it;
//! [`rules`] a [`model::finding::Finding`] that quotes the line; [`report`] and [`tui`] show it; [`probe`] bears it out by
//! the real calls; [`remedies`] makes a [`model::treatment::Treatment`] of it, and [`exec`] mounts a live directory there.
//! Nobody goes back a floor.
//!
//! # Rooms and who may import whom
//!
//! | floor | room | holds | may import |
//! |---|---|---|---|
//! | 0 | [`model`] | data | – |
//! | 0 | [`sys`] | doors to the kernel; knows no domain word | – |
//! | 1 | [`catalog`] | assets as data: families, roles, variables, runbook | `model` |
//! | 1 | [`collect`] | eyes: procfs, mounts, temp dirs, holders; decides nothing | `model`, `sys`, `catalog` |
//! | 1 | [`rules`] | judgement: pure functions, one file a cause | `model` |
//! | 1 | [`remedies`] | proposals: pure functions from what was seen to a plan | `model` |
//! | 2 | [`probe`] | a temp dir made for real, as a given process | `model`, `sys` |
//! | 2 | [`exec`] | the hands: quarantine, removal, repair, journal, undo; the only room that changes the machine | `model`, `sys`, `remedies` |
//! | 2 | [`store`] | captures: written, read, redacted; knows streams, no paths | `model` |
//! | 2 | [`lab`] | builds a scenario for real in private namespaces | `model`, `sys`, `catalog` |
//! | 2 | [`source`] | where snapshots come from, and how often: this machine, a capture | `model`, `catalog`, `collect`, `store`, `sys` |
//! | 2 | [`report`] | a diagnosis as text, JSON, Markdown, annotations, metrics | `model`, `catalog` |
//! | 3 | [`tui`] | the screen: pure state, update, draw | `model`, `catalog` |
//! | roof | [`cmd`] | one subcommand a file; the only place where floors meet | all |
//!
//! Beside the rooms stand [`cli`], what a command line may say, and [`exit`], what an exit code means.
//! `tests/it/laws.rs` reads every `crate::` and fails on any other edge. That a tab cannot act, even by mistake, and that a
//! rule cannot read a clock, follows from this table.
//!
//! # Glossary
//!
//! - **vantage**: path × mount namespace × root × credentials: one answer to "what is this temp dir for these
//!   processes, and can they create in it?" The unit of diagnosis, because `/tmp` is not one place.
//! - **reading, gap**: what a look gave, and what it could not see with its errno. Zero is never a substitute for unknown.
//! - **finding, ruled out, blind**: the three answers of a rule. What is ruled out is shown with its figures.
//! - **probe**: the real mkdir, create, write, fsync, rename, execute, remove. Everything else is prediction and says so.
//! - **family**: temp entries of one maker, recognised by name.
//! - **scenario**: an incident as data: how it is built, what must be found, what it teaches. **lab**: the private
//!   namespaces in which one is built. **cast**: its processes.
//! - **lesson**: a scenario on screen, its verdict hidden until the learner names the cause. **course**: lessons in order.
//! - **plan, treatment**: what would be done, step by step, immutable under a digest and bound to this boot; **work**: one
//!   that was carried out, with its number in the **journal**. **quarantine**: where entries lie that were put aside.
//! - **guard**: one of the conditions under which an entry may go. **claim**: what speaks for one that must stay.
//! - **look**: one snapshot with its diagnosis, as the console shows it.
//! - **capture**: snapshots in a file: one, or a recording of many.
//! - **helper**: this binary re-executed for one call that may never return, or that needs other credentials.

pub mod catalog;
pub mod cli;
pub mod cmd;
pub mod collect;
pub mod exec;
pub mod exit;
pub mod lab;
pub mod model;
pub mod probe;
pub mod remedies;
pub mod report;
pub mod rules;
pub mod source;
pub mod store;
pub mod sys;
pub mod tui;
