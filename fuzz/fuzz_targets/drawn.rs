//! The stored examples of a drawn trial.
#![no_main]

use flooding_core::dataset::Inputs;
use flooding_generate::decode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(splits) = decode(data) else { return };
    for set in [&splits.train, &splits.validation, &splits.test] {
        let Inputs::Real(values) = &set.inputs else { panic!("drawn inputs are real numbers") };
        assert_eq!(values.len(), set.len() * set.shape.len());
        assert!(set.clean_labels.as_ref().is_none_or(|clean| clean.len() == set.labels.len()));
    }
});
