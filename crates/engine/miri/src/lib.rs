//! The convolution kernels of the engine, their sources as they are, without what lies around them: so Miri can run them.
#![allow(dead_code, clippy::inline_always)] // The engine uses more of them, and says why it inlines.
#![cfg(test)]

// The names under which the sources know other packages.
extern crate self as flooding_core;
extern crate self as rayon;

#[path = "../../src/allocation.rs"]
mod allocation;
#[path = "../../src/geometry.rs"]
mod geometry;
#[path = "../../src/simd.rs"]
mod simd;
#[path = "../../src/threads.rs"]
mod threads;

#[path = "."]
mod conv {
    #[path = "../../src/cpu/conv/buffer.rs"]
    mod buffer;
    #[path = "../../src/cpu/conv/correlate.rs"]
    mod correlate;
    #[path = "../../src/cpu/conv/norm.rs"]
    mod norm;
    #[path = "../../src/cpu/conv/pool.rs"]
    mod pool;

    mod kernels;
}

/// What the geometry takes from `flooding_core`.
pub mod dataset {
    pub enum InputShape {
        Vector(usize),
        Image { channels: usize, height: usize, width: usize },
    }
}

/// What the kernels take from rayon; every task gets its own thread, so that Miri sees any two that meet.
pub mod prelude {
    use std::ops::Range;

    pub trait IntoParallelIterator: Sized {
        fn into_par_iter(self) -> Tasks;
    }

    impl IntoParallelIterator for Range<usize> {
        fn into_par_iter(self) -> Tasks {
            Tasks(self)
        }
    }

    pub struct Tasks(Range<usize>);

    impl Tasks {
        pub fn for_each(self, task: impl Fn(usize) + Sync + Send) {
            std::thread::scope(|scope| {
                for number in self.0 {
                    let task = &task;
                    scope.spawn(move || task(number));
                }
            });
        }
    }
}
