//! The self-test of a device, run on the CPU.

use flooding_core::context::DeviceChoice;
use flooding_engine::selftest::{Scale, run};

#[test]
fn the_self_test_passes_on_the_cpu_and_reports_every_check_and_time() {
    let report = run(DeviceChoice::Cpu, Scale::Small, None).expect("the CPU is always there");
    assert!(report.passed(), "{}", report.to_table());
    assert!(report.timings.iter().all(|t| t.ours.is_ok() && t.peer.is_none()), "{}", report.to_table());
    let json = report.to_json();
    assert_eq!(json["passed"], true);
    assert_eq!(json["checks"].as_array().map(Vec::len), Some(report.checks.len()));
    assert!(json["timings"][0]["gflops"].as_f64().is_some_and(|g| g > 0.0));
    assert_eq!(report.to_table().lines().filter(|l| l.ends_with("ok |")).count(), report.checks.len());
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_build_without_cuda_says_so_before_anything_runs() {
    let error = run(DeviceChoice::Cuda(0), Scale::Small, None).expect_err("no CUDA in this build");
    assert!(error.to_string().contains("no CUDA support"), "{error}");
}

/// A peer in a shell: says its name, then that each step took two milliseconds.
#[cfg(unix)]
#[test]
fn another_programs_steps_stand_beside_ours() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("peer.sh");
    let answers = r#"echo '{"name": "a shell"}'
while read -r request; do echo '{"steps": {"milliseconds": [2.0, 2.0], "peak_mib": 7}}'; done"#;
    std::fs::write(&script, answers).expect("a script");
    let command = format!("sh {}", script.display());
    let report = run(DeviceChoice::Cpu, Scale::Small, Some(&command)).expect("the CPU is always there");
    assert_eq!(report.peer.as_deref(), Some("a shell"));
    for timing in &report.timings {
        let ours = timing.ours.as_ref().expect("a time").median;
        assert_eq!(timing.ratio(), Some(ours / 2.0), "{}", timing.name);
    }
    assert!(report.to_table().contains("| a shell: min ms |"), "{}", report.to_table());
    assert_eq!(report.to_json()["timings"][0]["peer"]["peak_memory_mib"], 7);
}

#[cfg(unix)]
#[test]
fn a_peer_that_cannot_be_started_or_says_nonsense_is_named() {
    for (command, word) in
        [("/no/such/program", "cannot start"), ("echo nonsense", "nonsense"), ("true", "without a word")]
    {
        let error = run(DeviceChoice::Cpu, Scale::Small, Some(command)).expect_err("no peer").to_string();
        assert!(error.contains(word) && error.contains("--peer"), "{error}");
    }
}
