//! How many threads one operation may take.

#![allow(clippy::inline_always)] // How a loop takes on its caller's instruction set; see `simd`.

use std::cell::Cell;

use rayon::prelude::*;

thread_local! {
    static INSIDE_A_STEP: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` with the operations of this thread spread over rayon's threads, or each on the calling thread alone
/// (the way to go when other training runs keep the other processors busy). Results are the same either way.
pub fn with_threads_inside<R>(spread: bool, work: impl FnOnce() -> R) -> R {
    let before = INSIDE_A_STEP.replace(spread);
    let result = work();
    INSIDE_A_STEP.set(before);
    result
}

/// Calls `task` for 0..tasks, in any order and on any thread.
pub(crate) fn for_each_task(tasks: usize, task: impl Fn(usize) + Sync + Send) {
    if INSIDE_A_STEP.get() && tasks > 1 {
        (0..tasks).into_par_iter().for_each(task);
    } else {
        (0..tasks).for_each(task);
    }
}

/// A place that the tasks of one loop write to, each its own part.
#[derive(Clone, Copy)]
pub(crate) struct Shared {
    start: *mut f32,
    len: usize,
}

#[allow(unsafe_code)] // tasks write to disjoint parts
// SAFETY: see `part`.
unsafe impl Send for Shared {}
#[allow(unsafe_code)] // tasks write to disjoint parts
// SAFETY: see `part`.
unsafe impl Sync for Shared {}

impl Shared {
    pub(crate) fn new(values: &mut [f32]) -> Self {
        Self { start: values.as_mut_ptr(), len: values.len() }
    }

    /// Where the value at `offset` is.
    #[inline(always)]
    pub(crate) fn at(self, offset: usize) -> *mut f32 {
        assert!(offset < self.len);
        self.start.wrapping_add(offset)
    }

    /// A part of it.
    ///
    /// # Safety
    /// The values outlive the use, and no other task touches this part.
    #[allow(unsafe_code)]
    #[inline(always)]
    pub(crate) unsafe fn part<'a>(self, start: usize, len: usize) -> &'a mut [f32] {
        assert!(start + len <= self.len);
        // SAFETY: inside, and the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }
}
