//! Checkpoints and weights that are damaged or lie about themselves: read bit for bit, or refused in a sentence.

#[path = "../../core/tests/support/hostile.rs"]
mod hostile;

use std::path::Path;

use flooding_core::dataset::InputShape;
use flooding_core::seeds::{Purpose, Streams};
use flooding_core::spec::ModelSpec;
use flooding_engine::cpu::FastCpu;
use flooding_engine::nets::{self, Network};
use flooding_engine::weights::Weights;
use flooding_train::checkpoint::{Checkpoint, State};
use hostile::{damaged, lying_safetensors};

/// As that version wrote it. It is never rewritten: where the format changes, a folder for the new version is
/// added beside it.
fn archived(version: u32) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/archive/checkpoint-v{version}"));
    std::fs::read(folder.join("checkpoint.safetensors")).unwrap()
}

#[test]
fn an_archived_checkpoint_of_this_version_is_read() {
    let checkpoint = Checkpoint::from_bytes(&archived(4)).unwrap();
    assert_eq!((checkpoint.state.epochs, checkpoint.state.steps, checkpoint.state.members.len()), (3, 9, 1));
    assert_eq!(checkpoint.state.members[0].rows.len(), 3);
    assert_eq!(checkpoint.state.runs().count(), 2);
    assert!(checkpoint.tensors.keys().any(|name| name.starts_with("second.")));
    assert!(checkpoint.to_bytes() == archived(4), "the same checkpoint is written in another form");
}

#[test]
fn a_checkpoint_of_another_version_is_refused_by_name() {
    for version in [1, 2] {
        let told = Checkpoint::from_bytes(&archived(version)).unwrap_err();
        assert_eq!(told, format!("is of version {version}, this version reads 4"));
    }
    let Checkpoint { state, tensors } = Checkpoint::from_bytes(&archived(4)).unwrap();
    let text = serde_json::to_string(&state).unwrap().replacen("\"version\":4", "\"version\":5", 1);
    let state: State = serde_json::from_str(&text).unwrap();
    let told = Checkpoint::from_bytes(&Checkpoint { state, tensors }.to_bytes()).unwrap_err();
    assert_eq!(told, "is of version 5, this version reads 4");
}

#[test]
fn no_damage_to_a_checkpoint_goes_unnoticed() {
    let (whole, bytes) = (Checkpoint::from_bytes(&archived(4)).unwrap(), archived(4));
    for damaged in damaged(&bytes, 1).chain(lying_safetensors(&bytes)) {
        // Of a header of which only the spacing changed, the same is read.
        if let Ok(read) = Checkpoint::from_bytes(&damaged) {
            assert!(read == whole);
        }
    }
}

fn network() -> Box<dyn Network<FastCpu>> {
    let model = ModelSpec::Mlp { hidden: vec![3], batch_norm: true };
    let mut stream = Streams::new(1, "hostile", 0).stream(Purpose::Initialisation, 0);
    nets::build(&FastCpu::default(), &model, (InputShape::Vector(2), 2), 1, &mut stream).unwrap()
}

#[test]
fn no_weights_that_do_not_fit_their_network_are_taken() {
    let network = network();
    let bytes = Weights::of(&*network, 0).to_safetensors();
    assert!(Weights::from_safetensors(&bytes, &*network).unwrap().to_safetensors() == bytes);
    for damaged in damaged(&bytes, 1).chain(lying_safetensors(&bytes)) {
        if let Ok(read) = Weights::from_safetensors(&damaged, &*network) {
            // Nothing here has a checksum of the numbers (a run's record does), but names and shapes are the network's.
            assert_eq!(read.to_safetensors().len(), bytes.len());
        }
    }
}
