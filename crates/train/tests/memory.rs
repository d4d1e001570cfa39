//! What the estimates of memory are worth: never below what is really allocated, and not far above.
#![allow(unsafe_code)] // an allocator that counts

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dfdx::prelude::Cpu;
use flooding_core::context::Context;
use flooding_core::dataset::{Examples, InputShape, Inputs, Source, SourceError, Splits};
use flooding_core::seeds::{Purpose, Streams};
use flooding_core::spec::{LrSchedule, ModelSpec, Objective, OptimiserSpec, RunSpec};
use flooding_engine::allocation::is_out_of_memory;
use flooding_engine::composite::Composite;
use flooding_engine::cost::Sizes;
use flooding_engine::cpu::FastCpu;
use flooding_engine::memory::{Training, cpu, device, largest_tensor};
use flooding_engine::nets::{build, count_trainable, outline};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
/// Held by every test here, since the allocator counts what all of them take.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn grown(by: usize) {
    let now = NOW.fetch_add(by, Ordering::Relaxed) + by;
    PEAK.fetch_max(now, Ordering::Relaxed);
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that `work` took at its peak beyond what was there before, in a separate thread.
fn peak(work: impl FnOnce() + Send) -> u64 {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    std::thread::scope(|scope| scope.spawn(work).join().unwrap());
    (PEAK.load(Ordering::Relaxed) - before) as u64
}

fn images(shape: InputShape, n: usize) -> Examples {
    let inputs = Inputs::Bytes((0..n * shape.len()).map(|i| (i * 7919 % 256) as u8).collect());
    Examples { shape, inputs, labels: (0..n).map(|i| (i % 10) as u16).collect(), clean_labels: None }
}

fn splits(shape: InputShape, [train, validation, test]: [usize; 3]) -> Arc<Splits> {
    let set = |n| images(shape, n);
    Arc::new(Splits { train: set(train), validation: set(validation), test: set(test), classes: 10 })
}

/// Hands out the same examples to all.
struct Fixed(Arc<Splits>);

impl Source for Fixed {
    fn splits(&self, _: &RunSpec) -> Result<Arc<Splits>, SourceError> {
        Ok(self.0.clone())
    }
}

const COLOUR: InputShape = InputShape::Image { channels: 3, height: 32, width: 32 };
const GREY: InputShape = InputShape::Image { channels: 1, height: 28, width: 28 };
const SGD: OptimiserSpec = OptimiserSpec::Sgd { lr: 0.01, momentum: 0.9, weight_decay: 0.0 };
const ADAM: OptimiserSpec =
    OptimiserSpec::Adam { lr: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };

fn setting(
    model: ModelSpec,
    optimiser: OptimiserSpec,
    batch_size: u32,
    levels: &[f64],
) -> flooding_core::plan::Setting {
    let mut setting = support::setting("measured", levels);
    setting.model = model;
    setting.optimiser = optimiser;
    setting.schedule = LrSchedule { milestones: Vec::new(), factor: 1.0 };
    setting.objective = Objective::Flood;
    setting.batch_size = batch_size;
    setting.epochs = 2;
    setting.trials = 1;
    setting
}

fn cases() -> Vec<(&'static str, ModelSpec, OptimiserSpec, InputShape)> {
    let mlp = |hidden: &[u32], batch_norm| ModelSpec::Mlp { hidden: hidden.to_vec(), batch_norm };
    vec![
        ("5x500", mlp(&[500; 5], false), ADAM, InputShape::Vector(2)),
        ("MNIST MLP", mlp(&[1000, 1000], false), SGD, GREY),
        ("MNIST MLP with BN", mlp(&[1000, 1000], true), SGD, GREY),
        ("ResNet-20", ModelSpec::CifarResnet { blocks: 3, width: 16 }, SGD, COLOUR),
        ("ResNet-44", ModelSpec::CifarResnet { blocks: 7, width: 16 }, SGD, COLOUR),
        ("ResNet-18", ModelSpec::Resnet18 { width: 64 }, SGD, COLOUR),
    ]
}

fn assert_good(name: &str, measured: u64, estimate: u64) {
    let ratio = estimate as f64 / measured as f64;
    assert!(ratio >= 1.0, "{name}: {measured} bytes were needed, only {estimate} foreseen");
    assert!(ratio <= 1.5 || estimate - measured < 8_000_000, "{name}: {measured} needed, {estimate} foreseen");
}

fn assert_cpu(batch: u32, examples: [usize; 3], skip: &[&str]) {
    for (name, model, optimiser, shape) in cases().into_iter().filter(|case| !skip.contains(&case.0)) {
        let plan = support::plan(vec![setting(model, optimiser, batch, &[0.0])]);
        let spec = plan.runs().next().unwrap();
        let source = Fixed(splits(shape, examples));
        let estimate = cpu(&Training::new(&spec, &source.0));
        let (_folder, store) = support::store();
        let context = Context { checkpoint_every: Duration::ZERO, ..Context::default() };
        let measured = peak(|| {
            support::run(&plan, &store, &context, &source).unwrap();
        });
        assert_good(&format!("{name}, batch {batch}"), measured, estimate);
    }
}

fn assert_device(batch: u32, examples: [usize; 3], members: usize, skip: &[&str]) {
    for (name, model, optimiser, shape) in cases().into_iter().filter(|case| !skip.contains(&case.0)) {
        let levels: Vec<f64> = (0..members).map(|k| k as f64 / 100.0).collect();
        let mut setting = setting(model, optimiser, batch, &levels);
        // Levels that share no prefix are members from the first step on.
        setting.objective = Objective::IFlood;
        let plan = support::plan(vec![setting]);
        let runs: Vec<RunSpec> = plan.runs().collect();
        let splits = splits(shape, examples);
        let estimate = device(&Training::new(&runs[0], &splits), members);
        let measured = peak(|| {
            let backend = Composite::new(Cpu::default());
            support::trained_together(&backend, &runs, &splits);
        });
        assert_good(&format!("{name}, batch {batch}, group of {members}"), measured, estimate);
    }
}

#[test]
fn the_estimate_for_the_cpu_is_at_least_what_a_run_takes_and_at_most_half_more() {
    let _alone = alone();
    assert_cpu(32, [72, 40, 40], &[]);
    assert_cpu(128, [128, 64, 256], &["ResNet-44"]);
}

#[test]
fn the_estimate_for_a_device_is_at_least_what_a_group_takes_there_and_at_most_half_more() {
    let _alone = alone();
    assert_device(8, [20, 8, 8], 1, &["ResNet-44"]);
    assert_device(8, [16, 8, 8], 3, &["ResNet-44", "ResNet-18"]);
    assert_device(4, [8, 512, 8], 2, &["ResNet-20", "ResNet-44", "ResNet-18"]);
}

#[test]
fn the_outline_of_a_network_counts_its_parameters_as_the_network_does() {
    let _alone = alone();
    let models = cases().into_iter().map(|(_, model, _, shape)| (model, shape));
    let other = InputShape::Image { channels: 1, height: 40, width: 24 };
    let small = [ModelSpec::CifarResnet { blocks: 1, width: 4 }, ModelSpec::Resnet18 { width: 4 }].map(|m| (m, other));
    for (model, shape) in models.chain(small) {
        let mut stream = Streams::new(1, "outline", 0).stream(Purpose::Initialisation, 0);
        let network = build(&FastCpu::default(), &model, (shape, 10), 1, &mut stream).unwrap();
        let counted: f64 = outline(&model, shape, 10).iter().map(|layer| layer.trainable()).sum();
        assert_eq!(counted, count_trainable(&*network) as f64, "{model:?}");
    }
}

#[test]
fn the_largest_tensor_of_a_group_grows_with_its_members() {
    let _alone = alone();
    let plan = support::plan(vec![setting(ModelSpec::CifarResnet { blocks: 7, width: 16 }, SGD, 128, &[0.0])]);
    let training = Training::of(
        &plan.runs().next().unwrap(),
        (COLOUR, 10),
        Sizes { train: 40_000, validation: 10_000, test: 10_000 },
    );
    // 16 channels x 9 taps x 1024 pixels x 512 images.
    assert_eq!(largest_tensor(&training, 1), 16 * 9 * 1024 * 512);
    assert_eq!(largest_tensor(&training, 11), 11 * 16 * 9 * 1024 * 512);
}

#[test]
fn memory_that_is_not_available_is_a_panic_that_says_so_and_not_the_end_of_the_process() {
    let _alone = alone();
    let model = ModelSpec::Mlp { hidden: vec![u32::MAX], batch_norm: false };
    let shape = InputShape::Vector(1 << 30);
    let mut stream = Streams::new(1, "absurd", 0).stream(Purpose::Initialisation, 0);
    let built = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        build(&FastCpu::default(), &model, (shape, 2), 1, &mut stream).map(|_| ())
    }));
    let panic = built.unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.starts_with("out of memory: ") && is_out_of_memory(message), "{message}");
}
