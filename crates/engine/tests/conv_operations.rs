//! The convolutional operations: gradients against finite differences, the CPU's own against dfdx's public ones.

use std::sync::Arc;

use dfdx::prelude::{Cpu, Device, TensorFromVec as _};
use flooding_core::seeds::{Purpose, Stream, Streams};
use flooding_engine::backend::{Backend, T2};
use flooding_engine::composite::Composite;
use flooding_engine::convolution::{Operations as _, Statistics};
use flooding_engine::cpu::FastCpu;
use flooding_engine::geometry::{Geometry, ImageSize, Window};
use flooding_engine::layers::ConvNorm;
use flooding_engine::layers::{BatchNorm, Parameter, Role};
use flooding_engine::selftest::programs::{PROGRAMS, Setting};
use flooding_engine::threads::with_threads_inside;
use rand::RngExt as _;

fn random(count: usize, stream: &mut Stream) -> Vec<f32> {
    (0..count).map(|_| stream.random::<f32>() * 2.0 - 1.0).collect()
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>().sqrt()
}

fn gradients_match_finite_differences<B: Backend>(backend: &B) {
    let stream = &mut Streams::new(8, "directions", 0).stream(Purpose::Direction, 0);
    for program in PROGRAMS {
        let mut setting = Setting::new(backend.clone(), program, 19, 1).expect("memory");
        let (_, gradients) = setting.run().expect("memory");
        for (i, gradient) in gradients.iter().enumerate() {
            let start = setting.parameters()[i].to_host();
            for _ in 0..3 {
                let direction = random(gradient.len(), stream);
                let length = norm(&direction);
                let step = 1e-3 / length;
                let mut at = |sign: f64| {
                    let moved: Vec<f32> =
                        start.iter().zip(&direction).map(|(s, d)| s + (sign * step * f64::from(*d)) as f32).collect();
                    setting.parameters()[i].set_member(0, &moved);
                    f64::from(setting.run().expect("memory").0[0])
                };
                let measured = (at(1.0) - at(-1.0)) / 2e-3;
                let expected: f64 =
                    gradient.iter().zip(&direction).map(|(g, d)| f64::from(g * d)).sum::<f64>() / length;
                let tolerance = 0.03 * norm(gradient) + 5e-4;
                let error = (measured - expected).abs();
                assert!(error <= tolerance, "{program:?}, parameter {i}: {measured} against {expected}");
            }
            setting.parameters()[i].set_member(0, &start);
        }
    }
}

#[test]
fn every_gradient_on_the_cpu_matches_finite_differences_also_where_an_input_is_used_twice() {
    gradients_match_finite_differences(&FastCpu::default());
}

#[test]
fn every_gradient_of_the_public_operations_matches_finite_differences() {
    gradients_match_finite_differences(&Composite::new(Cpu::default()));
}

#[test]
fn the_cpus_operations_agree_with_the_public_ones_for_any_number_of_images_and_members() {
    for program in PROGRAMS {
        for (images, members) in [(2, 1), (16, 2), (37, 1), (70, 2)] {
            let mut own = Setting::new(FastCpu::default(), program, images, members).expect("memory");
            let mut public = Setting::new(Composite::new(Cpu::default()), program, images, members).expect("memory");
            let ((losses, gradients), (expected, expected_gradients)) =
                (own.run().expect("memory"), public.run().expect("memory"));
            for (loss, expected) in losses.iter().zip(&expected) {
                assert!(
                    (loss - expected).abs() <= 1e-5 * expected.abs(),
                    "{program:?}, {images} images: {loss}, {expected}"
                );
            }
            for (i, (a, b)) in gradients.iter().zip(&expected_gradients).enumerate() {
                let difference: Vec<f32> = a.iter().zip(b).map(|(a, b)| a - b).collect();
                assert!(
                    norm(&difference) <= 1e-4 * norm(b) + 1e-5,
                    "{program:?}, {images} images, parameter {i}: off by {} of {}",
                    norm(&difference),
                    norm(b)
                );
            }
        }
    }
}

#[test]
fn results_do_not_depend_on_threads() {
    for program in PROGRAMS {
        let mut setting = Setting::new(FastCpu::default(), program, 37, 1).expect("memory");
        let alone = setting.run().expect("memory");
        let spread = with_threads_inside(true, || setting.run().expect("memory"));
        assert!(alone == spread, "{program:?}");
    }
}

#[test]
fn a_member_of_a_group_equals_the_same_network_alone() {
    for program in PROGRAMS {
        let (losses, gradients) =
            Setting::new(FastCpu::default(), program, 19, 3).expect("memory").run().expect("memory");
        let (alone, alone_gradients) =
            Setting::new(FastCpu::default(), program, 19, 1).expect("memory").run().expect("memory");
        assert_eq!(losses, vec![alone[0]; 3], "{program:?}");
        for (group, alone) in gradients.iter().zip(&alone_gradients) {
            assert!(group.chunks(alone.len()).all(|member| member == alone), "{program:?}");
        }
    }
}

/// Weights that let one channel of the image through, and nothing else.
fn pass_through<D: Device<f32>>(device: &D) -> ConvNorm<D> {
    let weight = Parameter::new(device, "weight", (vec![1, 1, 1, 1], Role::Weight), 1, &[1.0]).expect("memory");
    let norm = BatchNorm::new(device, "norm", 1, 1).expect("memory");
    ConvNorm { weight, norm, geometry: Arc::new(Geometry::new(Window::new(1, 1, 0), 2, 2)) }
}

fn tied_pixels_give_the_gradient_to_the_first<B: Backend>(backend: &B) {
    // Two images of 2x2 pixels in one window: all pixels tie in the first; the second has its largest last.
    let layer = pass_through(backend.device());
    let size = ImageSize { channels: 1, height: 2, width: 2 };
    let pixels = vec![3.0, 3.0, 3.0, 3.0, 1.0, 2.0, 1.0, 5.0];
    let x: T2<B::Dev> = backend.device().tensor_from_vec(pixels, (2, 4));
    let conv = backend.conv();
    let maps = conv.images(x, size, 1, backend.record(&[]).expect("a tape")).expect("images");
    let (maps, _) = conv.conv_norm(maps, &layer, None, false, Statistics::Running).expect("convolution");
    let maps = conv.max_pool(maps, &Arc::new(Geometry::new(Window::new(3, 2, 1), 2, 2))).expect("pooling");
    let features = conv.average(maps).expect("average");
    let expected = [3.0, 5.0].map(|v: f32| v / (1.0f32 + 1e-5).sqrt());
    for (value, expected) in features.as_vec().into_iter().zip(expected) {
        assert!((value - expected).abs() < 1e-5, "{value} {expected}");
    }
    // The weight's gradient is the sum of winners; four tied winners would count the first image four times.
    let losses = dfdx::prelude::SumTo::sum::<_, dfdx::prelude::Axes2<1, 2>>(features);
    let gradients = backend.backward(losses, &[1.0]).expect("backward");
    let gradient = gradients.get(&layer.weight.tensor).as_vec()[0];
    assert!((gradient - 8.0 / (1.0f32 + 1e-5).sqrt()).abs() < 1e-4, "{gradient}");
}

#[test]
fn of_tied_pixels_the_first_gets_the_gradient() {
    tied_pixels_give_the_gradient_to_the_first(&FastCpu::default());
    tied_pixels_give_the_gradient_to_the_first(&Composite::new(Cpu::default()));
}
