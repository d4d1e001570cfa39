//! `pipeline.toml`: any text becomes a plan, or is refused in a message that fits a terminal.
#![no_main]

use std::collections::BTreeMap;
use std::path::Path;

use flooding_core::config::Config;
use flooding_core::digest::Digest;
use flooding_core::plan::{Overrides, Plan, Resolver};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let path = Path::new("pipeline.toml");
    let names = ["mnist", "kmnist", "svhn", "cifar10", "cifar100", "tiles"];
    let catalogue: BTreeMap<String, Digest> = names.map(|name| (name.to_owned(), Digest::of(name.as_bytes()))).into();
    let plan = Config::parse(text, path)
        .and_then(|config| Resolver::new(&config, text, path, &catalogue).plan("quick", &Overrides::default()));
    match plan {
        Ok(plan) => check(&plan),
        Err(error) => {
            let message = error.to_string();
            assert!(message.chars().all(|c| c == '\n' || !c.is_control()), "{message:?}");
        }
    }
});

fn check(plan: &Plan) {
    let runs: u64 = plan.settings.iter().map(|s| u64::from(s.trials) * s.levels.len() as u64).sum();
    assert!(runs <= 1_000_000);
    for setting in &plan.settings {
        assert!(setting.id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')), "{:?}", setting.id);
        let run = setting.run(plan.master_seed, 0, setting.levels[0]);
        let text = serde_json::to_string(&run).unwrap();
        assert_eq!(serde_json::from_str::<flooding_core::spec::RunSpec>(&text).unwrap(), run);
    }
}
