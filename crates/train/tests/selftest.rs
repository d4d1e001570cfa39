//! The self-test of a device, run on the CPU.

use flooding_core::context::DeviceChoice;
use flooding_train::selftest::{Scale, run};

#[test]
fn the_self_test_passes_on_the_cpu_and_reports_every_check_and_time() {
    let report = run(DeviceChoice::Cpu, Scale::Small).expect("the CPU is always there");
    assert!(report.passed(), "{}", report.to_table());
    assert!(report.timings.iter().all(|t| t.milliseconds.is_ok()), "{}", report.to_table());
    let json = report.to_json();
    assert_eq!(json["passed"], true);
    assert_eq!(json["checks"].as_array().map(Vec::len), Some(report.checks.len()));
    assert!(json["timings"][0]["gflops"].as_f64().is_some_and(|g| g > 0.0));
    assert_eq!(report.to_table().lines().filter(|l| l.ends_with("ok |")).count(), report.checks.len());
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_build_without_cuda_says_so_before_anything_runs() {
    let error = run(DeviceChoice::Cuda(0), Scale::Small).expect_err("no CUDA in this build");
    assert!(error.to_string().contains("no CUDA support"), "{error}");
}
