//! A trial as a tree: levels that follow one path, where that path starts, and who takes it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use flooding_core::level::Level;
use flooding_core::progress::StopFlag;

use crate::checkpoint::{Checkpoint, Checkpoints};

/// Where a path starts.
#[derive(Clone, Debug)]
pub enum Start {
    /// At the first step.
    Beginning,
    /// At a state on the host.
    State(Box<Checkpoint>),
    /// At the checkpoint that lies in the folder of the lowest level's run.
    Stored,
}

/// Levels that follow one path from some step on: until a mini-batch loss J lies between two of them, all of them take
/// the same steps.
#[derive(Clone, Debug)]
pub struct Branch {
    /// Ascending, never empty.
    pub levels: Vec<Level>,
    /// Where it starts.
    pub start: Start,
    /// Training time since its state was last on disk.
    pub age: Duration,
    /// Time in training steps up to the start.
    pub training: Duration,
}

impl Branch {
    /// All of these levels from the first step on.
    pub fn new(levels: Vec<Level>) -> Self {
        Self { levels, start: Start::Beginning, age: Duration::ZERO, training: Duration::ZERO }
    }

    /// The same levels from their checkpoint on.
    pub fn stored(levels: Vec<Level>) -> Self {
        Self { start: Start::Stored, ..Self::new(levels) }
    }
}

/// What becomes of levels whose path leaves the one that is being trained.
pub enum Forks<'a> {
    /// They become further members of the same network: on CUDA.
    Grow,
    /// They are offered here; a branch that comes back is to be trained by whoever offered it.
    Offer(&'a dyn Fn(Branch) -> Option<Branch>),
}

/// An epoch is done.
#[derive(Clone, Copy, Debug)]
pub struct Advance {
    /// How many are done.
    pub epochs: u64,
    /// The networks that did this one.
    pub members: usize,
    /// The levels that follow them.
    pub levels: usize,
}

/// What a training tells while it works, and what it listens to.
pub struct TrainControl<'a> {
    /// Asks to stop at the next step.
    pub stop: StopFlag,
    /// What becomes of forks.
    pub forks: Forks<'a>,
    /// Where to leave checkpoints and to resume from one; `None` for none.
    pub checkpoints: Option<Checkpoints>,
    /// Called after each epoch.
    pub advanced: &'a dyn Fn(Advance),
    /// Optimiser steps begun.
    step: AtomicU64,
    /// Bits of the last finite mini-batch loss; the first member's.
    last_loss: AtomicU32,
    /// The levels that are still on this path.
    levels: Mutex<Vec<Level>>,
    /// Branches that have left it and have not been offered yet.
    waiting: Mutex<Vec<Branch>>,
}

/// How training a path ended.
pub enum Ended<T> {
    /// With the results of the levels that stayed on it.
    Done(T),
    /// The user asked to stop.
    Stopped,
    /// Nobody takes its forks: they are to be trained first, then the path itself, which is the first of these.
    Parked(Vec<Branch>),
}

impl<'a> TrainControl<'a> {
    /// Control over the training of these levels.
    pub fn new(levels: &[Level], stop: StopFlag, forks: Forks<'a>, advanced: &'a dyn Fn(Advance)) -> Self {
        Self {
            stop,
            forks,
            checkpoints: None,
            advanced,
            step: AtomicU64::new(0),
            last_loss: AtomicU32::new(0),
            levels: Mutex::new(levels.to_vec()),
            waiting: Mutex::default(),
        }
    }

    /// The step (from 1) that was begun last.
    pub fn step(&self) -> u64 {
        self.step.load(Ordering::Relaxed)
    }

    /// The last finite mini-batch loss, if there was one.
    pub fn last_finite_loss(&self) -> Option<f32> {
        (self.step() > 1).then(|| f32::from_bits(self.last_loss.load(Ordering::Relaxed)))
    }

    /// The levels that are still on this path; the others are in their own branches.
    pub fn levels(&self) -> Vec<Level> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Branches that nobody has been offered.
    pub fn take_waiting(&self) -> Vec<Branch> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn at_step(&self, step: u64) {
        self.step.store(step, Ordering::Relaxed);
    }

    pub(crate) fn note_loss(&self, loss: f32) {
        self.last_loss.store(loss.to_bits(), Ordering::Relaxed);
    }

    /// From here on `levels` stay, and `branches` leave.
    pub(crate) fn split(&self, levels: Vec<Level>, branches: Vec<Branch>) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).extend(branches);
        *self.levels.lock().unwrap_or_else(PoisonError::into_inner) = levels;
    }
}

/// Since when a path's state is on disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Age(Instant);

impl Age {
    /// So much training time has passed since then.
    pub(crate) fn new(age: Duration) -> Self {
        let now = Instant::now();
        Self(now.checked_sub(age).unwrap_or(now))
    }

    pub(crate) fn get(self) -> Duration {
        self.0.elapsed()
    }
}
