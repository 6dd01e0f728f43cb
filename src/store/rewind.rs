//! Moves along a recording in both directions.
//!
//! The frames stay deflated. While they are read for the first time, each leaves the change that takes it back, so that a
//! step costs the same forwards and backwards, whatever the length of the recording.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::model::snapshot::Snapshot;
use crate::model::units::WallNanos;

use super::bounds::{self, Size};
use super::capture::Torn;
use super::change;
use super::error::{Flaw, ReadError};
use super::frame::{self, Kind, Next};
use super::limits::Limits;
use super::migrate;

/// Snapshots that stay at hand for whoever steps to and fro.
const AT_HAND: usize = 4;

/// A recording, standing at one of its snapshots.
#[derive(Debug)]
pub struct Reel {
    bytes: Vec<u8>,
    limits: Limits,
    frames: Vec<Place>,
    /// What the snapshot says where it stands; `None` after a move that failed.
    now: Option<(usize, Value)>,
    at_hand: VecDeque<(usize, Arc<Snapshot>)>,
}

/// Where a frame is, and the way back from it.
#[derive(Debug)]
struct Place {
    kind: Kind,
    packed: Range<usize>,
    byte: u64,
    /// The deflated change that takes it back; there is none from a whole snapshot.
    back: Option<Vec<u8>>,
}

impl Reel {
    /// Reads the frames that begin at `at`, and stands at the last of them.
    pub fn wind(
        bytes: Vec<u8>,
        at: usize,
        limits: &Limits,
    ) -> Result<(Self, Vec<WallNanos>, Option<Torn>), ReadError> {
        let mut reel =
            Self { bytes, limits: *limits, frames: Vec::new(), now: None, at_hand: VecDeque::new() };
        let mut winding = Winding { at, inflated: 0, size: Size::default(), taken: Vec::new() };
        loop {
            let (number, byte) = (reel.frames.len() + 1, offset(winding.at));
            let more = reel.wind_one(&mut winding).map_err(|flaw| flaw.of(number, byte))?;
            let after = reel.frames.len();
            match more {
                More::Yes => {}
                More::No | More::Torn if after == 0 => {
                    return Err(ReadError::Empty { byte: offset(reel.bytes.len()) });
                }
                More::No => return Ok((reel, winding.taken, None)),
                More::Torn => {
                    let lost = offset(reel.bytes.len()) - byte;
                    return Ok((reel, winding.taken, Some(Torn { after, byte, lost })));
                }
            }
        }
    }

    fn wind_one(&mut self, winding: &mut Winding) -> Result<More, Flaw> {
        let found = match frame::next(self.bytes.get(winding.at..).unwrap_or_default())? {
            Next::Frame(frame) => frame,
            Next::Torn => return Ok(More::Torn),
            Next::End => return Ok(More::No),
        };
        if self.frames.len() >= self.limits.snapshots {
            return Err(Flaw::new(format!("there are more than {} snapshots", self.limits.snapshots)));
        }
        let left = self.limits.inflated.saturating_sub(winding.inflated).min(self.limits.frame);
        let json = frame::unpack(found.packed, left)?;
        let (value, size) = bounds::parse(&json, &self.limits)?;
        winding.inflated += offset(json.len());
        drop(json);
        let end = winding.at + found.length;
        let packed = end - found.packed.len()..end;
        let back = match (found.kind, &mut self.now) {
            (Kind::Whole, now) => {
                winding.size = size;
                *now = Some((self.frames.len(), value));
                None
            }
            (Kind::Change, None) => return Err(Flaw::new("a change, and nothing that it could change")),
            (Kind::Change, Some((at, state))) => {
                let back = change::apply(state, value)?;
                *at = self.frames.len();
                // What a change adds is counted, what it removes is not, so the sum is checked against the truth at times.
                winding.size = winding.size.plus(size);
                if winding.size.check(&self.limits).is_err() {
                    winding.size = bounds::measure(state).check(&self.limits)?;
                }
                serde_json::to_vec(&back)
                    .and_then(|json| frame::pack(&json).map_err(serde_json::Error::io))
                    .ok()
            }
        };
        let state = self.now.as_ref().map(|(_, state)| state);
        winding.taken.push(taken(state.unwrap_or(&Value::Null))?);
        self.frames.push(Place { kind: found.kind, packed, byte: offset(winding.at), back });
        winding.at = end;
        Ok(More::Yes)
    }

    /// The snapshot of that number.
    pub fn show(&mut self, index: usize) -> Result<Arc<Snapshot>, ReadError> {
        if let Some((_, shown)) = self.at_hand.iter().find(|(at, _)| *at == index) {
            return Ok(Arc::clone(shown));
        }
        let byte = self.frames.get(index).map_or(0, |place| place.byte);
        self.go(index).map_err(|flaw| flaw.of(index + 1, byte))?;
        let state = self.now.as_ref().map_or(&Value::Null, |(_, state)| state);
        let shown = Arc::new(snapshot_of(state).map_err(|flaw| flaw.of(index + 1, byte))?);
        if self.at_hand.len() >= AT_HAND {
            self.at_hand.pop_front();
        }
        self.at_hand.push_back((index, Arc::clone(&shown)));
        Ok(shown)
    }

    /// Goes there step by step; starts again from a whole snapshot where there is no way back.
    fn go(&mut self, index: usize) -> Result<(), Flaw> {
        let (mut at, mut state) = match self.now.take() {
            Some((at, state)) if at <= index || self.leads_back(at, index) => (at, state),
            _ => self.restart(index)?,
        };
        while at < index {
            at += 1;
            let change = self.parsed(at)?;
            state = match self.frames.get(at).map(|place| place.kind) {
                Some(Kind::Change) => changed(state, change)?,
                _ => change,
            };
        }
        while at > index {
            let packed = self.frames.get(at).and_then(|place| place.back.as_deref()).unwrap_or_default();
            let json = frame::unpack(packed, u64::MAX)?;
            let back = serde_json::from_slice(&json).map_err(|why| bounds::misplaced(&json, &why))?;
            state = changed(state, back)?;
            at -= 1;
        }
        self.now = Some((at, state));
        Ok(())
    }

    fn leads_back(&self, from: usize, to: usize) -> bool {
        self.frames.get(to + 1..=from).is_some_and(|way| way.iter().all(|place| place.back.is_some()))
    }

    /// The last whole snapshot up to `index`.
    fn restart(&self, index: usize) -> Result<(usize, Value), Flaw> {
        let before = self.frames.get(..=index).unwrap_or_default();
        let whole = before.iter().rposition(|place| place.kind == Kind::Whole).unwrap_or(0);
        Ok((whole, self.parsed(whole)?))
    }

    fn parsed(&self, index: usize) -> Result<Value, Flaw> {
        let packed = self.frames.get(index).and_then(|place| self.bytes.get(place.packed.clone()));
        let json = frame::unpack(packed.unwrap_or_default(), self.limits.frame)?;
        bounds::parse(&json, &self.limits).map(|(value, _)| value)
    }
}

/// How far the first reading has come.
struct Winding {
    at: usize,
    inflated: u64,
    size: Size,
    taken: Vec<WallNanos>,
}

/// Whether there may be more frames.
enum More {
    Yes,
    No,
    Torn,
}

fn changed(mut state: Value, change: Value) -> Result<Value, Flaw> {
    change::apply(&mut state, change)?;
    Ok(state)
}

fn taken(state: &Value) -> Result<WallNanos, Flaw> {
    let taken = state.get("taken").and_then(Value::as_i64).map(WallNanos);
    taken.ok_or_else(|| Flaw {
        path: "taken".to_owned(),
        why: "it must hold nanoseconds since 1970".to_owned(),
    })
}

fn snapshot_of(state: &Value) -> Result<Snapshot, Flaw> {
    let mut older = None;
    if !migrate::is_present(state) {
        let mut value = state.clone();
        migrate::to_present(&mut value)?;
        older = Some(value);
    }
    let state = older.as_ref().unwrap_or(state);
    Snapshot::deserialize(state).map_err(|why| {
        // A value knows no places; its text does.
        let text = serde_json::to_vec(state).unwrap_or_default();
        let again = serde_json::from_slice::<Snapshot>(&text).err();
        bounds::misplaced(&text, again.as_ref().unwrap_or(&why))
    })
}

fn offset(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
