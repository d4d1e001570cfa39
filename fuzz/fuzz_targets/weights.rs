//! Stored weights of a small network.
#![no_main]

use std::cell::OnceCell;

use flooding_core::dataset::InputShape;
use flooding_core::seeds::{Purpose, Streams};
use flooding_core::spec::ModelSpec;
use flooding_engine::cpu::FastCpu;
use flooding_engine::nets::{self, Network};
use flooding_engine::weights::Weights;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static NETWORK: OnceCell<Box<dyn Network<FastCpu>>> = const { OnceCell::new() };
}

fn network() -> Box<dyn Network<FastCpu>> {
    let model = ModelSpec::Mlp { hidden: vec![3], batch_norm: true };
    let mut stream = Streams::new(1, "fuzz", 0).stream(Purpose::Initialisation, 0);
    nets::build(&FastCpu::default(), &model, (InputShape::Vector(2), 2), 1, &mut stream).unwrap()
}

fuzz_target!(|data: &[u8]| {
    NETWORK.with(|network_of_thread| {
        let network = &**network_of_thread.get_or_init(network);
        if let Ok(weights) = Weights::from_safetensors(data, network) {
            assert_eq!(weights.iter().count(), network.parameters().len());
            let written = weights.to_safetensors();
            let again = Weights::from_safetensors(&written, network).unwrap();
            assert_eq!(again.to_safetensors(), written);
        }
    });
});
