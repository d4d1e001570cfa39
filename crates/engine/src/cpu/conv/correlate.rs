//! The convolution itself and its gradients, on maps of one member laid out (pixel, channel, image).
//!
//! With the images innermost, a vector holds the same pixel of sixteen images: no padding is stored or multiplied, no
//! columns are copied out, and every matrix that a tap reads is contiguous.
#![allow(unsafe_code)] // raw rows in the innermost loops; each `unsafe` names its bounds

use super::buffer::Buffer;
use crate::geometry::{Geometry, Table, Tap};
use crate::simd::lanes::{LANES, Lanes};
use crate::simd::{Kernel, dispatch};
use crate::threads::{Shared, for_each_task};

/// Channels that one register tile takes.
const ROWS: usize = 8;
/// Images that one pass over a gradient takes, so that a few rows of pixels stay in cache.
const IMAGES: usize = 64;
/// Tasks into which a weight gradient is divided, whatever the number of threads.
const GROUPS: usize = 8;
/// A weight gradient of more values than this is divided by output channel, not summed over groups of rows.
const LARGE: usize = 1 << 16;

/// One convolution of one member: `inputs` to `outputs` channels over `images` images.
#[derive(Clone, Copy)]
pub(super) struct Convolution<'a> {
    pub(super) geometry: &'a Geometry,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) images: usize,
}

impl Convolution<'_> {
    /// y = x * w. `x` is (pixel, input channel, image), `w` (output channel, input channel, tap), `y` (output pixel,
    /// output channel, image).
    pub(super) fn forward(&self, x: &[f32], w: &[f32], y: &mut [f32]) {
        let taps = self.geometry.window.taps();
        let at = |output: usize, input: usize, tap: usize| w[(output * self.inputs + input) * taps + tap];
        let weights = self.pack(self.outputs, self.inputs, at);
        let (rows, columns) = self.geometry.output;
        let (from, to) = (self.inputs, self.outputs);
        self.gather(&self.geometry.reads, &weights, (from, to), (rows, columns), x, y, false);
    }

    /// dx = dy * w transposed, or that added to dx.
    pub(super) fn input_gradient(&self, dy: &[f32], w: &[f32], dx: &mut [f32], add: bool) {
        let taps = self.geometry.window.taps();
        let at = |input: usize, output: usize, tap: usize| w[(output * self.inputs + input) * taps + tap];
        let weights = self.pack(self.inputs, self.outputs, at);
        let (from, to) = (self.outputs, self.inputs);
        self.gather(&self.geometry.read_by, &weights, (from, to), self.geometry.input, dy, dx, add);
    }

    /// Weights in the order in which tiles read them: (tap, tile of `to` channels, `from` channel, channel in tile).
    fn pack(&self, to: usize, from: usize, at: impl Fn(usize, usize, usize) -> f32) -> Buffer {
        let tiles = to.div_ceil(ROWS);
        let mut packed = Buffer::scratch(self.geometry.window.taps() * tiles * from * ROWS);
        for (tap, packed) in packed.chunks_exact_mut(tiles * from * ROWS).enumerate() {
            if !self.geometry.used[tap] {
                continue;
            }
            for (i, value) in packed.iter_mut().enumerate() {
                let (channel, input) = (i / (from * ROWS) * ROWS + i % ROWS, i / ROWS % from);
                *value = if channel < to { at(channel, input, tap) } else { 0.0 };
            }
        }
        packed
    }

    /// Every pixel of `dst` becomes the sum over its taps of the tap's weights times the pixel at the other end.
    #[allow(clippy::too_many_arguments)] // two matrices and their shapes
    fn gather(
        &self,
        table: &Table,
        weights: &[f32],
        (from, to): (usize, usize),
        (rows, columns): (usize, usize),
        src: &[f32],
        dst: &mut [f32],
        add: bool,
    ) {
        // What `Gather` relies on.
        let (taps, pixels) = table.ends();
        assert_eq!(table.pixels(), rows * columns, "the table is another convolution's");
        assert_eq!(dst.len(), rows * columns * to * self.images, "the result is of another size");
        assert!(weights.len() >= taps * to.div_ceil(ROWS) * from * ROWS, "there are too few weights");
        assert!(src.len() >= pixels * from * self.images, "there are too few pixels to read");
        let shared = Shared::new(dst);
        for_each_task(rows, |y| {
            // Each task has its own row of pixels.
            dispatch(Gather {
                table,
                weights,
                src,
                dst: shared,
                first: y * columns,
                columns,
                from,
                to,
                images: self.images,
                add,
            });
        });
    }

    /// Adds the weights' gradient to `dw` (output channel, input channel, tap).
    pub(super) fn weight_gradient(&self, x: &[f32], dy: &[f32], dw: &mut [f32]) {
        let taps = self.geometry.window.taps();
        let (outputs, inputs) = (self.outputs.next_multiple_of(ROWS), self.inputs.next_multiple_of(LANES));
        let len = taps * outputs * inputs;
        let rows = self.geometry.output.0;
        // The division follows from the shapes alone, so that the sums do not depend on the threads.
        let by_rows = len <= LARGE && rows > 1;
        let groups = if by_rows { GROUPS.min(rows) } else { 1 };
        let tiles = outputs / ROWS;
        let parts = if by_rows { 1 } else { GROUPS.min(tiles) };
        let mut sums = Buffer::zeros(groups * len);
        let shared = Shared::new(&mut sums);
        for_each_task(groups * parts, |task| {
            let (group, part) = (task / parts, task % parts);
            dispatch(Outer {
                convolution: *self,
                x,
                dy,
                // Tasks of one group write to different output channels.
                sums: shared,
                offset: group * len,
                padded: (outputs, inputs),
                rows: (group * rows / groups, (group + 1) * rows / groups),
                tiles: (part * tiles / parts, (part + 1) * tiles / parts),
            });
        });
        let (total, others) = sums.split_at_mut(len);
        for other in others.chunks_exact(len) {
            for (total, other) in total.iter_mut().zip(other) {
                *total += other;
            }
        }
        for (row, total) in total.chunks_exact(inputs).enumerate() {
            let (tap, output) = (row / outputs, row % outputs);
            if output < self.outputs {
                let dw = dw[output * self.inputs * taps..][..self.inputs * taps].iter_mut().skip(tap).step_by(taps);
                for (dw, total) in dw.zip(total) {
                    *dw += total;
                }
            }
        }
    }
}

/// A row of pixels of a convolution (or of its input's gradient). `Convolution::gather` alone makes one: it has checked
/// that the table's pixels are those of `dst`, and that all of its taps have weights and all pixels at their other ends
/// are in `src`; and each writes to its own pixels.
struct Gather<'a> {
    table: &'a Table,
    weights: &'a [f32],
    src: &'a [f32],
    dst: Shared<'a>,
    first: usize,
    columns: usize,
    from: usize,
    to: usize,
    images: usize,
    add: bool,
}

impl Kernel for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let n = self.images;
        let mut start = 0;
        while start < n {
            let left = n - start;
            // SAFETY: the vectors from `start` on, or `left` images, stay within the `n` images of a row, and
            // the processor has the instructions of `L`: `simd::dispatch` says which.
            unsafe {
                if left >= 2 * LANES {
                    self.images::<L, 2, false>(start, LANES);
                    start += 2 * LANES;
                } else if left >= LANES {
                    self.images::<L, 1, false>(start, LANES);
                    start += LANES;
                } else {
                    self.images::<L, 1, true>(start, left);
                    start = n;
                }
            }
        }
    }
}

impl Gather<'_> {
    /// All pixels and channels for `VECTORS` vectors of images from `start` on (with `PART`, one of `len` images).
    ///
    /// # Safety
    /// There are so many images from `start` on, and the processor has the instructions of `L`.
    #[inline(always)]
    unsafe fn images<L: Lanes, const VECTORS: usize, const PART: bool>(&self, start: usize, len: usize) {
        let tiles = self.to.div_ceil(ROWS);
        for column in 0..self.columns {
            let taps = self.table.of(self.first + column);
            for tile in 0..tiles {
                let channels = ROWS.min(self.to - tile * ROWS);
                let first = ((self.first + column) * self.to + tile * ROWS) * self.images + start;
                let wide = if PART { len } else { VECTORS * LANES };
                // SAFETY: `at` checks the values that are written; `start` is less than the images of one channel, and
                // the tile's first weights are among the packed ones (see `Gather`).
                unsafe {
                    let dst = self.dst.at(first, (channels - 1) * self.images + wide);
                    let weights = self.weights.as_ptr().add(tile * self.from * ROWS);
                    let src = self.src.as_ptr().add(start);
                    self.tile::<L, VECTORS, PART>(taps, weights, tiles, src, dst, channels, len);
                }
            }
        }
    }

    /// Eight channels of one pixel.
    ///
    /// # Safety
    /// As for `images`; `src` points at image `start` of the first pixel and channel, `dst` at that of the pixel and
    /// its first channel, of `channels` that may be written, `weights` at the tile's first.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)] // the innermost loop's registers
    unsafe fn tile<L: Lanes, const VECTORS: usize, const PART: bool>(
        &self,
        taps: &[Tap],
        weights: *const f32,
        tiles: usize,
        src: *const f32,
        dst: *mut f32,
        channels: usize,
        len: usize,
    ) {
        let n = self.images;
        // SAFETY: a tap has weights for each of the tile's channels, and its pixel is in `src` (see `Gather`); a vector
        // reads and writes 16 images from `start` on, or `len` of them, in each channel. The step behind the last
        // channel may lead out of the slice, and is not read from.
        unsafe {
            let mut sums = [[L::zero(); VECTORS]; ROWS];
            for &Tap { tap, pixel } in taps {
                let mut weights = weights.add(tap as usize * tiles * self.from * ROWS);
                let mut src = src.add(pixel as usize * self.from * n);
                for _ in 0..self.from {
                    let values: [L; VECTORS] =
                        std::array::from_fn(
                            |v| if PART { L::load_part(src, len) } else { L::load(src.add(v * LANES)) },
                        );
                    for (row, sums) in sums.iter_mut().enumerate() {
                        let weight = *weights.add(row);
                        for (sum, value) in sums.iter_mut().zip(values) {
                            *sum = sum.add_scaled(weight, value);
                        }
                    }
                    weights = weights.wrapping_add(ROWS);
                    src = src.wrapping_add(n);
                }
            }
            for (row, sums) in sums.into_iter().enumerate() {
                if row >= channels {
                    break;
                }
                for (v, sum) in sums.into_iter().enumerate() {
                    let at = dst.add(row * n + v * LANES);
                    if PART {
                        let sum = if self.add { L::load_part(at, len).add_scaled(1.0, sum) } else { sum };
                        sum.store_part(at, len);
                    } else {
                        let sum = if self.add { L::load(at).add_scaled(1.0, sum) } else { sum };
                        sum.store(at);
                    }
                }
            }
        }
    }
}

/// The weights' gradient over some rows of output pixels and some tiles of output channels, whose sums no other task
/// touches.
struct Outer<'a> {
    convolution: Convolution<'a>,
    x: &'a [f32],
    dy: &'a [f32],
    sums: Shared<'a>,
    offset: usize,
    padded: (usize, usize),
    rows: (usize, usize),
    tiles: (usize, usize),
}

impl Kernel for Outer<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Convolution { geometry, inputs, outputs, images } = self.convolution;
        let (padded_outputs, padded_inputs) = self.padded;
        let (width, ow) = (geometry.input.1, geometry.output.1);
        // Transposed input rows (image, channel), in as many slots as the window has rows.
        let slots = geometry.window.kernel.min(geometry.input.0);
        let block = IMAGES.min(images);
        let slot = width * block * padded_inputs;
        let mut xt = Buffer::scratch(slots * slot);
        let mut dyt = Buffer::scratch(block * padded_outputs);
        let mut columns = Vec::with_capacity(geometry.window.taps() * padded_inputs / LANES);
        for start in (0..images).step_by(block) {
            let count = block.min(images - start);
            let mut ready = geometry.input_rows(self.rows.0..self.rows.0 + 1).start;
            for row in self.rows.0..self.rows.1 {
                let needed = geometry.input_rows(row..row + 1);
                for y in ready.max(needed.start)..needed.end {
                    for x in 0..width {
                        let from = &self.x[(y * width + x) * inputs * images + start..];
                        prefetch::<L>(from, 2 * inputs * images, (inputs, count, images));
                        let to = &mut xt[y % slots * slot + x * block * padded_inputs..];
                        transpose::<L>(from, (inputs, count, images), to, (padded_inputs, padded_inputs));
                    }
                }
                ready = needed.end.max(ready);
                for column in 0..ow {
                    let pixel = row * ow + column;
                    let from = &self.dy[pixel * outputs * images + start..];
                    prefetch::<L>(from, outputs * images, (outputs, count, images));
                    transpose::<L>(from, (outputs, count, images), &mut dyt, (padded_outputs, padded_outputs));
                    columns.clear();
                    for &Tap { tap, pixel } in geometry.reads.of(pixel) {
                        let (y, x) = (pixel as usize / width, pixel as usize % width);
                        let from = y % slots * slot + x * block * padded_inputs;
                        let to = tap as usize * padded_outputs * padded_inputs;
                        columns.extend((0..padded_inputs).step_by(LANES).map(|i| (from + i, self.offset + to + i)));
                    }
                    for tile in self.tiles.0..self.tiles.1 {
                        let dy = &dyt[tile * ROWS..];
                        let three = columns.chunks_exact(3);
                        let rest = three.remainder();
                        for columns in three {
                            self.tile::<L, 3>(columns, &xt, dy, tile, count);
                        }
                        match rest.len() {
                            2 => self.tile::<L, 2>(rest, &xt, dy, tile, count),
                            1 => self.tile::<L, 1>(rest, &xt, dy, tile, count),
                            _ => {}
                        }
                    }
                }
            }
        }
    }
}

impl Outer<'_> {
    /// Adds `count` images' products of eight output channels and `VECTORS` vectors of input channels.
    #[inline(always)]
    fn tile<L: Lanes, const VECTORS: usize>(
        &self,
        columns: &[(usize, usize)],
        xt: &[f32],
        dy: &[f32],
        tile: usize,
        count: usize,
    ) {
        let (outputs, inputs) = self.padded;
        assert!(dy.len() >= reach((count, outputs), ROWS));
        assert!(columns.iter().all(|c| c.0 <= xt.len() && xt.len() - c.0 >= reach((count, inputs), LANES)));
        // SAFETY: what is read is checked above, what is written by `at`, and it belongs to this task alone; the
        // processor has the instructions of `L`, since this runs by `simd::dispatch`. The step behind the last image may
        // lead out of the slices, and is not read from.
        unsafe {
            let mut sums = [[L::zero(); VECTORS]; ROWS];
            let mut xs = [xt.as_ptr(); VECTORS];
            let mut to = [std::ptr::null_mut::<f32>(); VECTORS];
            for v in 0..VECTORS {
                xs[v] = xs[v].add(columns[v].0);
                to[v] = self.sums.at(columns[v].1 + tile * ROWS * inputs, reach((ROWS, inputs), LANES));
                for (row, sums) in sums.iter_mut().enumerate() {
                    sums[v] = L::load(to[v].add(row * inputs));
                }
            }
            let mut dy = dy.as_ptr();
            for _ in 0..count {
                let mut values = [L::zero(); VECTORS];
                for (value, x) in values.iter_mut().zip(&mut xs) {
                    *value = L::load(*x);
                    *x = x.wrapping_add(inputs);
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let scalar = *dy.add(row);
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum = sum.add_scaled(scalar, value);
                    }
                }
                dy = dy.wrapping_add(outputs);
            }
            for (row, sums) in sums.into_iter().enumerate() {
                for (v, sum) in sums.into_iter().enumerate() {
                    sum.store(to[v].add(row * inputs));
                }
            }
        }
    }
}

/// How many values there must be for `rows` rows, `stride` apart, of `columns` values; more than any slice has where that
/// cannot be counted.
const fn reach((rows, stride): (usize, usize), columns: usize) -> usize {
    if rows == 0 { 0 } else { (rows - 1).saturating_mul(stride).saturating_add(columns) }
}

/// Asks for the `rows` rows of `columns` values, `stride` apart, that start `ahead` values on, if they exist.
#[inline(always)]
fn prefetch<L: Lanes>(from: &[f32], ahead: usize, (rows, columns, stride): (usize, usize, usize)) {
    if from.len() >= reach((rows, stride), columns).saturating_add(ahead) {
        for row in 0..rows {
            for column in (0..columns).step_by(LANES) {
                // SAFETY: inside the slice, and the processor has the instructions of `L`: see `simd::dispatch`.
                unsafe { L::prefetch(from.as_ptr().add(ahead + row * stride + column)) }
            }
        }
    }
}

/// `from` holds `rows` rows of `columns` values, `stride` apart; `to` gets them as columns, in rows of `width` values
/// (zeros beyond `rows`, which is at most 15 less) that are `to_stride` apart.
#[inline(always)]
pub(super) fn transpose<L: Lanes>(
    from: &[f32],
    (rows, columns, stride): (usize, usize, usize),
    to: &mut [f32],
    (width, to_stride): (usize, usize),
) {
    assert!(rows <= width && width <= rows.next_multiple_of(LANES), "{rows} values do not fill rows of {width}");
    assert!(from.len() >= reach((rows, stride), columns), "there are too few values to transpose");
    assert!(to.len() >= reach((columns, to_stride), width), "there is too little room for the columns");
    for row in (0..rows).step_by(LANES) {
        for column in (0..columns).step_by(LANES) {
            let (high, long, wide) = (LANES.min(rows - row), LANES.min(columns - column), LANES.min(width - row));
            // SAFETY: rows and columns are cut to what is there, as checked above, and the processor has the
            // instructions of `L`: see `simd::dispatch`.
            unsafe {
                let (from, to) =
                    (from.as_ptr().add(row * stride + column), to.as_mut_ptr().add(column * to_stride + row));
                let mut block = [L::zero(); LANES];
                if high == LANES && long == LANES && wide == LANES {
                    for (i, values) in block.iter_mut().enumerate() {
                        *values = L::load(from.add(i * stride));
                    }
                    for (i, values) in L::transpose(block).into_iter().enumerate() {
                        values.store(to.add(i * to_stride));
                    }
                    continue;
                }
                for (i, values) in block.iter_mut().enumerate() {
                    if i < high {
                        *values = L::load_part(from.add(i * stride), long);
                    }
                }
                for (i, values) in L::transpose(block).into_iter().enumerate() {
                    if i < long {
                        values.store_part(to.add(i * to_stride), wide);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Window;
    use crate::simd::lanes::Lanes;
    use crate::simd::{Kernel, dispatch};

    fn geometry() -> Geometry {
        Geometry::new(Window::new(3, 1, 1), 3, 4)
    }

    fn convolution(geometry: &Geometry) -> Convolution<'_> {
        Convolution { geometry, inputs: 2, outputs: 3, images: 5 }
    }

    #[test]
    #[should_panic(expected = "too few pixels to read")]
    fn maps_with_fewer_pixels_than_the_windows_read_are_refused() {
        let geometry = geometry();
        convolution(&geometry).forward(&[0.0; 11 * 2 * 5], &[0.0; 3 * 2 * 9], &mut [0.0; 12 * 3 * 5]);
    }

    #[test]
    #[should_panic(expected = "the result is of another size")]
    fn a_result_with_fewer_pixels_than_windows_is_refused() {
        let geometry = geometry();
        convolution(&geometry).forward(&[0.0; 12 * 2 * 5], &[0.0; 3 * 2 * 9], &mut [0.0; 11 * 3 * 5]);
    }

    #[test]
    #[should_panic(expected = "the table is another convolution's")]
    fn a_geometry_whose_sizes_are_not_its_tables_is_refused() {
        let geometry = Geometry { output: (2, 4), ..geometry() };
        convolution(&geometry).forward(&[0.0; 12 * 2 * 5], &[0.0; 3 * 2 * 9], &mut [0.0; 8 * 3 * 5]);
    }

    #[test]
    #[should_panic(expected = "too few weights")]
    fn a_geometry_whose_window_is_smaller_than_its_tables_is_refused() {
        let geometry = Geometry { window: Window::new(2, 1, 1), ..geometry() };
        convolution(&geometry).forward(&[0.0; 12 * 2 * 5], &[0.0; 3 * 2 * 9], &mut [0.0; 12 * 3 * 5]);
    }

    /// Transposes a matrix of `rows` x `columns`, `stride` apart, to rows of `width`.
    struct Turn<'a>(&'a [f32], (usize, usize, usize), &'a mut [f32], (usize, usize));

    impl Kernel for Turn<'_> {
        type Output = ();

        #[inline(always)]
        fn run<L: Lanes>(self) {
            transpose::<L>(self.0, self.1, self.2, self.3);
        }
    }

    #[test]
    fn a_matrix_of_any_size_is_transposed_and_filled_with_zeros() {
        for (rows, columns) in [(1, 1), (3, 5), (16, 16), (17, 33), (40, 20)] {
            let (stride, width) = (columns + 2, rows + usize::from(rows % 16 != 0));
            let from: Vec<f32> = (0..rows * stride).map(|i| i as f32 + 1.0).collect();
            let mut to = vec![f32::NAN; columns * width];
            dispatch(Turn(&from, (rows, columns, stride), &mut to, (width, width)));
            for (i, value) in to.iter().enumerate() {
                let (column, row) = (i / width, i % width);
                let expected = if row < rows { from[row * stride + column] } else { 0.0 };
                assert_eq!(*value, expected, "{rows} x {columns}, row {row}, column {column}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "do not fill rows of 4")]
    fn columns_that_are_longer_than_their_rows_are_refused() {
        dispatch(Turn(&[0.0; 40], (5, 8, 8), &mut [0.0; 40], (4, 4)));
    }

    #[test]
    #[should_panic(expected = "too few values to transpose")]
    fn rows_that_end_beyond_the_values_are_refused() {
        dispatch(Turn(&[0.0; 39], (5, 8, 8), &mut [0.0; 40], (5, 5)));
    }

    #[test]
    #[should_panic(expected = "too few values to transpose")]
    fn a_stride_whose_product_cannot_be_counted_is_refused() {
        dispatch(Turn(&[0.0; 40], (5, 8, usize::MAX / 2), &mut [0.0; 40], (5, 5)));
    }

    #[test]
    #[should_panic(expected = "too little room for the columns")]
    fn columns_that_end_beyond_the_room_are_refused() {
        dispatch(Turn(&[0.0; 40], (5, 8, 8), &mut [0.0; 39], (5, 5)));
    }
}
