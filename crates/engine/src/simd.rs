//! One portable build, the machine's widest vectors: a loop is written once and compiled for several instruction sets;
//! the first one that the processor has runs.
#![allow(unsafe_code)] // Calling a function compiled for instructions that were just checked to be there.
#![allow(clippy::inline_always)] // How a loop takes on its caller's instruction set.

// With their paths, because `../miri` includes this file by its own.
#[path = "simd/lanes.rs"]
pub(crate) mod lanes;
#[cfg(target_arch = "x86_64")]
#[path = "simd/x86.rs"]
mod x86;

use std::sync::OnceLock;

use lanes::Lanes;

/// A loop over slices. Implementations mark `run` with `#[inline(always)]`, so that it is compiled inside each of
/// the functions below. Where the compiler's own vectors are not enough, it computes on [`Lanes`].
///
/// Element-wise loops give the same bits at every width: nothing is reordered, and Rust never fuses a multiplication
/// with an addition by itself. Sums run over a fixed number of lanes.
pub(crate) trait Kernel {
    /// What it computes.
    type Output;
    /// Runs it.
    fn run<L: Lanes>(self) -> Self::Output;
}

/// A set of vector instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// What every processor of this architecture has.
    Baseline,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, VL, BW and DQ, beside what AVX2 asks for and F16C.
    Avx512,
}

/// The widest set that this processor has.
pub(crate) fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(detect)
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Level {
    if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
        Level::Baseline
    } else if is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
    {
        // A hypervisor may hide any of them alone, and the compiler takes those of AVX2, FMA and F16C for granted
        // where AVX-512 is.
        Level::Avx512
    } else {
        Level::Avx2
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Level {
    Level::Baseline
}

/// Runs a kernel with the widest vectors that this processor has.
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma")]
        fn avx2<K: Kernel>(kernel: K) -> K::Output {
            kernel.run::<x86::Avx2>()
        }
        #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
        fn avx512<K: Kernel>(kernel: K) -> K::Output {
            kernel.run::<x86::Avx512>()
        }
        match level() {
            // SAFETY: `level` has found these instructions on this processor.
            Level::Avx512 => return unsafe { avx512(kernel) },
            // SAFETY: as above.
            Level::Avx2 => return unsafe { avx2(kernel) },
            Level::Baseline => {}
        }
    }
    kernel.run::<lanes::Plain>()
}

#[cfg(test)]
mod tests {
    use super::lanes::{LANES, Plain};
    use super::*;

    struct Transpose<'a>(&'a [f32], &'a mut [f32]);

    impl Kernel for Transpose<'_> {
        type Output = ();

        #[inline(always)]
        fn run<L: Lanes>(self) {
            // SAFETY: both hold 256 values.
            unsafe {
                let rows = std::array::from_fn(|i| L::load(self.0.as_ptr().add(i * LANES)));
                for (i, row) in L::transpose(rows).into_iter().enumerate() {
                    row.store_part(self.1.as_mut_ptr().add(i * LANES), LANES);
                }
            }
        }
    }

    #[test]
    fn every_unit_transposes_alike() {
        let values: Vec<f32> = (0..256u16).map(f32::from).collect();
        let (mut fast, mut plain) = (vec![0.0; 256], vec![0.0; 256]);
        dispatch(Transpose(&values, &mut fast));
        Transpose(&values, &mut plain).run::<Plain>();
        assert_eq!(fast, plain);
        assert_eq!(plain[1], 16.0);
    }
}
