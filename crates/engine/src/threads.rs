//! How many threads one operation may take.

#![allow(clippy::inline_always)] // How a loop takes on its caller's instruction set; see `simd`.

use std::cell::Cell;
use std::marker::PhantomData;

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

/// A place that the tasks of one loop write to, each its own part. The values are borrowed as long as it exists.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a> {
    start: *mut f32,
    len: usize,
    values: PhantomData<&'a mut [f32]>,
}

#[allow(unsafe_code)] // tasks write to disjoint parts
// SAFETY: values are reached through `at` and `part` alone, whose callers promise that no two tasks touch the same one.
unsafe impl Send for Shared<'_> {}
#[allow(unsafe_code)] // tasks write to disjoint parts
// SAFETY: as above.
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    pub(crate) fn new(values: &'a mut [f32]) -> Self {
        Self { start: values.as_mut_ptr(), len: values.len(), values: PhantomData }
    }

    /// Where the `len` values from `start` on are, all of which exist. Whoever reads or writes them promises that no
    /// other task touches them meanwhile.
    #[inline(always)]
    pub(crate) fn at(self, start: usize, len: usize) -> *mut f32 {
        assert!(len <= self.len && start <= self.len - len, "a part of {len} values from {start} on of {}", self.len);
        self.start.wrapping_add(start)
    }

    /// A part of it.
    ///
    /// # Safety
    /// Nothing else reads or writes this part as long as it is borrowed.
    #[allow(unsafe_code)]
    #[inline(always)]
    pub(crate) unsafe fn part(self, start: usize, len: usize) -> &'a mut [f32] {
        // SAFETY: `at` has checked that the values exist, they are borrowed for 'a, and the caller promises the rest.
        unsafe { std::slice::from_raw_parts_mut(self.at(start, len), len) }
    }
}

#[cfg(test)]
mod tests {
    use super::Shared;

    #[test]
    #[should_panic(expected = "a part of 2 values from 3 on of 4")]
    fn a_part_beyond_the_end_is_refused() {
        Shared::new(&mut [0.0; 4]).at(3, 2);
    }

    #[test]
    #[should_panic(expected = "of 4")]
    fn a_part_whose_end_cannot_be_counted_is_refused() {
        Shared::new(&mut [0.0; 4]).at(usize::MAX, 2);
    }
}
