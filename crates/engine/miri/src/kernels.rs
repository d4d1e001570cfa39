//! Every kernel that holds `unsafe`, against sums that are written down in the plainest way.

use super::correlate::Convolution;
use super::norm::{Affine, Gradient, Normalised, Residual, Shape, apply, statistics};
use super::pool::maps_of_images;
use crate::geometry::{Geometry, Window};
use crate::threads::with_threads_inside;

/// Small whole numbers, whose sums are exact in any order.
fn numbers(len: usize, seed: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7 + seed * 13) % 11) as f32 - 5.0).collect()
}

/// Every output pixel, tap and input pixel that the window connects.
fn connections(window: Window, (height, width): (usize, usize)) -> Vec<(usize, usize, usize)> {
    let (rows, columns) = (window.out(height), window.out(width));
    let mut all = Vec::new();
    for (out, tap) in (0..rows * columns).flat_map(|out| (0..window.taps()).map(move |tap| (out, tap))) {
        let at = |position: usize, tap: usize| (position * window.stride + tap).checked_sub(window.pad);
        let (y, x) = (at(out / columns, tap / window.kernel), at(out % columns, tap % window.kernel));
        if let (Some(y), Some(x)) = (y.filter(|&y| y < height), x.filter(|&x| x < width)) {
            all.push((out, tap, y * width + x));
        }
    }
    all
}

fn a_convolution_is_the_sum_of_its_products(window: Window, size: (usize, usize), channels: (usize, usize), images: usize) {
    let geometry = Geometry::new(window, size.0, size.1);
    let (inputs, outputs) = channels;
    let (from, to, taps) = (size.0 * size.1, geometry.output_pixels(), window.taps());
    let x = numbers(from * inputs * images, 1);
    let w = numbers(outputs * inputs * taps, 2);
    let dy = numbers(to * outputs * images, 3);
    let (mut y, mut dx, mut dw) = (vec![0.0; dy.len()], vec![1.0; x.len()], vec![1.0; w.len()]);
    let (mut expected_y, mut expected_dx, mut expected_dw) = (y.clone(), dx.clone(), dw.clone());
    for (out, tap, pixel) in connections(window, size) {
        for (output, input) in (0..outputs).flat_map(|output| (0..inputs).map(move |input| (output, input))) {
            let weight = (output * inputs + input) * taps + tap;
            for image in 0..images {
                let (read, written) =
                    ((pixel * inputs + input) * images + image, (out * outputs + output) * images + image);
                expected_y[written] += w[weight] * x[read];
                expected_dx[read] += w[weight] * dy[written];
                expected_dw[weight] += dy[written] * x[read];
            }
        }
    }
    let convolution = Convolution { geometry: &geometry, inputs, outputs, images };
    convolution.forward(&x, &w, &mut y);
    convolution.input_gradient(&dy, &w, &mut dx, true);
    convolution.weight_gradient(&x, &dy, &mut dw);
    assert!(y == expected_y && dx == expected_dx && dw == expected_dw, "{window:?} {size:?} {channels:?} {images}");
}

/// More images than a vector, than two and than a block; more channels than a tile or a vector; several rows and groups.
const SHAPES: [(Window, (usize, usize), (usize, usize), usize); 5] = [
    (Window::new(3, 1, 1), (3, 2), (1, 9), 2),
    (Window::new(3, 2, 1), (3, 2), (2, 1), 17),
    (Window::new(1, 2, 0), (2, 2), (17, 1), 1),
    (Window::new(3, 1, 1), (1, 1), (1, 1), 33),
    (Window::new(1, 1, 0), (1, 1), (1, 2), 65),
];

#[test]
fn convolutions_of_many_shapes_are_the_sums_of_their_products() {
    for (window, size, channels, images) in SHAPES {
        a_convolution_is_the_sum_of_its_products(window, size, channels, images);
    }
}

#[test]
fn convolutions_on_several_threads_at_once_write_each_result_once() {
    with_threads_inside(true, || {
        let (window, size, channels, images) = SHAPES[0];
        a_convolution_is_the_sum_of_its_products(window, size, channels, images);
    });
}

#[test]
fn a_normalisation_and_its_gradient_write_each_pixel_once() {
    for spread in [false, true] {
        with_threads_inside(spread, || {
            let shape = Shape { pixels: 11, channels: 2, images: 19 };
            let (x, residual) = (numbers(shape.len(), 1), numbers(shape.len(), 2));
            let measured = statistics(&x, shape);
            assert_eq!(measured.len(), 2);
            let affine = [Affine { gain: 2.0, shift: 1.0 }, Affine { gain: -1.0, shift: 0.5 }];
            let mut z = vec![f32::NAN; shape.len()];
            apply(&x, shape, &affine, Some(&residual), true, &mut z);
            for (i, z) in z.iter().enumerate() {
                let Affine { gain, shift } = affine[i / shape.images % 2];
                assert_eq!(*z, (x[i] * gain + shift + residual[i]).max(0.0));
            }
            let channels: Vec<Normalised> =
                measured.iter().map(|m| Normalised { mean: m.0, inverse_std: 0.5, scale: 2.0 }).collect();
            let gradient = Gradient { shape, x: &x, z: Some(&z), channels: &channels, batch_statistics: false };
            let (mut dz, mut d_residual) = (vec![1.0; shape.len()], vec![1.0; shape.len()]);
            let sums = gradient.apply(&mut dz, Some(Residual { values: &mut d_residual, add: true }));
            let passed = |channel: usize| (0..z.len()).filter(|i| i / 19 % 2 == channel && z[*i] > 0.0).count() as f32;
            assert_eq!([sums[0][1], sums[1][1]], [passed(0), passed(1)]);
            for ((z, dz), d_residual) in z.iter().zip(&dz).zip(&d_residual) {
                let through = if *z > 0.0 { 1.0 } else { 0.0 };
                assert_eq!((*dz, *d_residual), (through, 1.0 + through));
            }
        });
    }
}

#[test]
fn images_become_maps_and_no_value_is_lost() {
    let shape = Shape { pixels: 18, channels: 2, images: 21 };
    let rows: Vec<f32> = (0..shape.len()).map(|i| i as f32).collect();
    let mut maps = vec![f32::NAN; shape.len()];
    maps_of_images(shape, &rows, &mut maps);
    for (i, value) in maps.iter().enumerate() {
        let (pixel, channel, image) = (i / (2 * 21), i / 21 % 2, i % 21);
        assert_eq!(*value, rows[(image * 2 + channel) * 18 + pixel]);
    }
}
