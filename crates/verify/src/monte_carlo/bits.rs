//! Zero-one losses, 64 at a time.

use flooding_core::seeds::Stream;
use rand::Rng as _;

/// A stream of independent Bernoulli bits, each one loss.
///
/// 64 uniform numbers are compared with p at once, bit by bit from the most significant: lane i holds the bits i of as
/// many random words as are needed until every lane has differed from p. That takes about seven words instead of 64, and
/// each lane is an independent draw with Pr[1] = p to within 2^-64.
pub(crate) struct Bits<'a> {
    stream: &'a mut Stream,
    /// p in units of 2^-64; `None` is p = 1.
    threshold: Option<u64>,
    word: u64,
    left: u32,
}

impl<'a> Bits<'a> {
    pub(crate) fn new(p: f64, stream: &'a mut Stream) -> Self {
        // 2^64 times a double below one is exact, or rounds below the last bit.
        let threshold = (p < 1.0).then(|| (p * 2.0_f64.powi(64)) as u64);
        Self { stream, threshold, word: 0, left: 0 }
    }

    /// The next 64 losses.
    pub(crate) fn word(&mut self) -> u64 {
        let Some(threshold) = self.threshold else { return u64::MAX };
        let (mut below, mut undecided) = (0, u64::MAX);
        let mut rest = threshold;
        while rest != 0 && undecided != 0 {
            let random = self.stream.next_u64();
            if rest >> 63 == 1 {
                below |= undecided & !random;
                undecided &= random;
            } else {
                undecided &= !random;
            }
            rest <<= 1;
        }
        below
    }

    /// How many of the next n losses are 1.
    pub(crate) fn ones(&mut self, n: u32) -> u32 {
        let (mut wanted, mut ones) = (n, 0);
        while wanted > 0 {
            if self.left == 0 {
                self.word = self.word();
                self.left = 64;
            }
            let taken = wanted.min(self.left);
            let mask = u64::MAX >> (64 - taken);
            ones += (self.word & mask).count_ones();
            self.word = self.word.checked_shr(taken).unwrap_or(0);
            self.left -= taken;
            wanted -= taken;
        }
        ones
    }
}
