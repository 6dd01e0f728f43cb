//! Clean-ups on machines in trouble and among things that nobody expects in a temp dir: each scene is built for real, the
//! binary runs in it, and what is asserted is what lies there afterwards.

mod blind;
mod disks;
mod kernels;
mod long;
mod looking;
mod mounts;
mod names;
mod objects;
mod short;
mod strangers;
