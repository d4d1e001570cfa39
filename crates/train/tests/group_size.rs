//! How a trial's runs are divided where they are trained together, and how runs side by side share the host's memory.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use dfdx::prelude::Cpu;
use flooding_core::dataset::InputShape;
use flooding_core::spec::{ModelSpec, RunSpec};
use flooding_engine::allocation::is_out_of_memory;
use flooding_engine::composite::Composite;
use flooding_engine::cost::Sizes;
use flooding_engine::memory::{MemoryBudget, NoReservation, Training, device, even, fitting, indexable};
use flooding_train::outcome::Trained;

const COLOUR: InputShape = InputShape::Image { channels: 3, height: 32, width: 32 };

fn resnet44() -> Training {
    let mut setting = support::setting("resnet", &[0.0]);
    setting.model = ModelSpec::CifarResnet { blocks: 7, width: 16 };
    setting.batch_size = 128;
    let plan = support::plan(vec![setting]);
    Training::of(&plan.runs().next().unwrap(), (COLOUR, 10), Sizes { train: 40_000, validation: 10_000, test: 10_000 })
}

#[test]
fn parts_are_as_few_and_as_even_as_can_be_and_keep_the_order() {
    let runs: Vec<u32> = (0..11).collect();
    let sizes = |most| even(&runs, most).iter().map(|part| part.len()).collect::<Vec<_>>();
    assert_eq!(sizes(11), [11]);
    assert_eq!(sizes(100), [11]);
    assert_eq!(sizes(6), [5, 6]);
    assert_eq!(sizes(4), [3, 4, 4]);
    assert_eq!(sizes(1), [1; 11]);
    assert_eq!(even(&runs, 4).concat(), runs);
}

#[test]
fn a_group_is_as_large_as_free_memory_allows_and_never_empty() {
    let training = resnet44();
    let of = |members| device(&training, members);
    // Eleven members were measured to take 38.7 GB.
    assert!((30_000_000_000..60_000_000_000).contains(&of(11)), "{}", of(11));
    let with = |free| fitting(&training, 11, free);
    assert_eq!(with(u64::MAX), 11);
    assert_eq!(with(of(4) * 10 / 9 + 10), 4);
    assert_eq!(with(of(4)), 3, "a tenth is left free");
    assert_eq!(with(0), 1);
}

#[test]
fn a_group_has_no_tensor_of_more_numbers_than_cuda_counts() {
    // 16 channels x 9 taps x 1024 pixels x 512 images are 75 million numbers a member.
    assert_eq!(indexable(&resnet44(), 100), 28);
}

fn trained(runs: &[RunSpec]) -> Vec<Trained> {
    let splits = Arc::new(support::splits(&runs[0]));
    let backend = Composite::new(Cpu::default());
    support::trained_together(&backend, runs, &splits)
}

#[test]
fn a_group_in_parts_gives_what_it_gives_as_a_whole() {
    let plan = support::plan(vec![support::setting("parts", &[0.0, 0.1, 0.2, 0.3, 0.4])]);
    let runs: Vec<RunSpec> = plan.runs().filter(|run| run.trial == 0).collect();
    let whole = trained(&runs);
    let parts: Vec<Trained> = even(&runs, 2).into_iter().flat_map(trained).collect();
    assert_eq!(whole.len(), parts.len());
    for (whole, part) in whole.iter().zip(&parts) {
        assert_eq!(whole.history.len(), part.history.len());
        for (a, b) in whole.history.iter().zip(&part.history) {
            let [a, b] = [a, b].map(|row| row.train.unwrap().loss);
            assert!((a - b).abs() / b.abs() < 1e-4, "{a} against {b}");
        }
    }
}

/// What the pretended machine has.
static HAS: AtomicU64 = AtomicU64::new(100);

#[test]
fn a_run_that_fits_alone_waits_for_those_under_way_and_one_that_does_not_fit_is_refused() {
    let budget = MemoryBudget::new(|| Some(HAS.load(Ordering::Relaxed)));
    let never = || false;
    assert_eq!(budget.reserve(101, never).err(), Some(NoReservation::TooLarge { needed: 101, there: 100 }));
    let first = budget.reserve(60, never).ok().unwrap();
    let second = budget.reserve(40, never).ok().unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let place = budget.reserve(90, never);
            assert!(done.load(Ordering::Relaxed), "it went in beside a run under way");
            drop(place.ok().unwrap());
        });
        drop(second);
        done.store(true, Ordering::Relaxed);
        drop(first);
        waiting.join().unwrap();
    });
    // The machine's memory was taken by others meanwhile.
    HAS.store(50, Ordering::Relaxed);
    let _first = budget.reserve(20, never).ok().unwrap();
    assert_eq!(budget.reserve(40, || true).err(), Some(NoReservation::Stopped));
}

#[test]
fn a_refusal_says_what_is_needed_what_is_there_and_what_to_do() {
    let refused = NoReservation::TooLarge { needed: 3_400_000_000, there: 1_200_000_000 }.to_string();
    assert_eq!(
        refused,
        "out of memory: it needs about 3.2 GiB, and 1.1 GiB is available; lower batch_size or the network's size, or \
         repeat where there is more"
    );
    assert!(is_out_of_memory(&refused));
}
