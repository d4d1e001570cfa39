//! Batches: every example once an epoch, in its own order, and what is done to images.

mod support;

use std::collections::HashSet;

use flooding_core::dataset::{Examples, InputShape, Inputs};
use flooding_core::record::{History, Record, Status};
use flooding_core::seeds::Streams;
use flooding_core::spec::{Augment, ModelSpec};
use flooding_core::store::Layout;
use flooding_engine::data::{Epoch, PADDING, Placement, gather};
use support::{Clouds, jobs, plan, run, setting, store};

fn streams() -> Streams {
    Streams::new(1, "batches", 0)
}

fn indices(epoch: u32, examples: usize, batch: (usize, usize)) -> Vec<Vec<u32>> {
    let plan = Epoch::draw(&streams(), epoch, examples, batch, Augment::None);
    plan.batches().map(|(indices, _)| indices.to_vec()).collect()
}

#[test]
fn an_epoch_takes_every_example_once_and_keeps_the_last_smaller_batch() {
    let batches = indices(0, 25, (10, 1));
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);
    let mut all = batches.concat();
    all.sort_unstable();
    assert_eq!(all, (0..25).collect::<Vec<_>>());
}

#[test]
fn each_epoch_has_an_order_of_its_own_that_always_is_the_same() {
    assert_eq!(indices(3, 25, (10, 1)), indices(3, 25, (10, 1)));
    assert_ne!(indices(3, 25, (10, 1)), indices(4, 25, (10, 1)));
    assert_eq!(indices(3, 25, (25, 1)), [(0..25).collect::<Vec<_>>()], "one batch is a set, in its own order");
}

#[test]
fn a_last_example_that_batch_normalisation_could_not_use_is_another_one_each_epoch() {
    let left_out = |epoch| {
        let seen: HashSet<u32> = indices(epoch, 21, (10, 2)).concat().into_iter().collect();
        assert_eq!(seen.len(), 20);
        (0..21).find(|i| !seen.contains(i)).unwrap()
    };
    assert!((0..10).map(left_out).collect::<HashSet<_>>().len() > 3);
    assert_eq!(indices(0, 22, (10, 2)).len(), 3, "two examples are a batch");
}

#[test]
fn batch_normalisation_trains_through_a_last_batch_of_one_and_refuses_a_set_of_one() {
    let ((_folder, store), mut plan) = (store(), plan(vec![setting("clouds", &[0.0]), setting("lonely", &[0.0])]));
    for (setting, train) in plan.settings.iter_mut().zip([31, 1]) {
        setting.model = ModelSpec::Mlp { hidden: vec![8], batch_norm: true };
        setting.trials = 1;
        if let flooding_core::spec::DataSpec::Synthetic(data) = &mut setting.data {
            data.train = train;
        }
    }
    let report = run(&plan, &store, &jobs(2), &Clouds::default()).unwrap();
    assert_eq!((report.done, report.missing.len()), (1, 1));
    let lonely = plan.runs().nth(1).unwrap();
    let record: Record = store.read_document(&store.layout().run(&lonely).join(Layout::RECORD)).unwrap().unwrap();
    let Status::Failed { cause, step: 1, .. } = record.status else { panic!("{:?}", record.status) };
    assert!(cause.contains("batch of 1 example"), "{cause}");
}

#[test]
fn the_loss_of_an_epoch_is_weighted_by_the_sizes_of_its_batches() {
    let ((_folder, store), mut plan) = (store(), plan(vec![setting("clouds", &[0.0])]));
    plan.settings[0].batch_size = 30;
    plan.settings[0].trials = 1;
    run(&plan, &store, &jobs(1), &Clouds::default()).unwrap();
    let folder = store.layout().run(&plan.runs().next().unwrap());
    let text = String::from_utf8(store.read(&folder.join(Layout::HISTORY)).unwrap().unwrap()).unwrap();
    let rows = History::from_csv(&text).unwrap().rows;
    // One full batch an epoch: its loss before the update is the training loss after the epoch before.
    for pair in rows.windows(2) {
        assert!((pair[1].batch_loss - pair[0].train.unwrap().loss).abs() < 1e-6, "{pair:?}");
    }
}

fn image() -> Examples {
    let shape = InputShape::Image { channels: 2, height: 3, width: 3 };
    let pixels = (0..18).map(|i| i * 14).collect();
    Examples { shape, inputs: Inputs::Bytes(pixels), labels: vec![0], clean_labels: None }
}

fn placed(placement: Placement) -> Vec<u32> {
    let mut out = Vec::new();
    gather(&image(), &[0], Some(&[placement]), &mut out);
    out.iter().map(|value| (value * 255.0 / 14.0).round() as u32).collect()
}

#[test]
fn a_crop_in_the_middle_changes_nothing_and_a_mirror_swaps_left_and_right() {
    let centre = Placement { row: PADDING, column: PADDING, mirrored: false };
    assert_eq!(placed(centre), (0..18).collect::<Vec<_>>());
    let mirrored = placed(Placement { mirrored: true, ..centre });
    assert_eq!(mirrored, [2, 1, 0, 5, 4, 3, 8, 7, 6, 11, 10, 9, 14, 13, 12, 17, 16, 15]);
}

#[test]
fn a_crop_at_the_edge_moves_the_image_and_fills_with_zeros() {
    let moved = placed(Placement { row: PADDING + 1, column: PADDING - 1, mirrored: false });
    assert_eq!(moved, [0, 3, 4, 0, 6, 7, 0, 0, 0, 0, 12, 13, 0, 15, 16, 0, 0, 0]);
}

#[test]
fn crops_and_mirrors_differ_between_epochs_and_cover_their_range() {
    let placements = |epoch| {
        let plan = Epoch::draw(&streams(), epoch, 400, (64, 1), Augment::CropFlip);
        plan.batches().flat_map(|(_, placements)| placements.unwrap().to_vec()).collect::<Vec<_>>()
    };
    let (first, second) = (placements(0), placements(1));
    assert_eq!(first.len(), 400);
    assert_ne!(first, second);
    let rows: HashSet<u8> = first.iter().map(|placement| placement.row).collect();
    assert_eq!(rows, (0..=2 * PADDING).collect());
    let mirrored = first.iter().filter(|placement| placement.mirrored).count();
    assert!((150..250).contains(&mirrored), "{mirrored} of 400");
}
