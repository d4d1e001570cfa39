//! Several processes, killed processes, and disks that take no more. Each child is this test program again.

// A skipped test says so.
#![allow(clippy::print_stdout)]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use flooding_core::context::Context;
use flooding_core::store::Store;
use flooding_fetch::download::{Fetched, Fetcher};
use support::server::{Answer, Server};
use support::{store, toy_manifest};

const SIZE: usize = 400_000;

fn content() -> Vec<u8> {
    (0..SIZE).map(|i| (i * 31 % 253) as u8).collect()
}

/// Not a test by itself: what a child process does, told by the environment.
#[test]
fn child_process() {
    let (Ok(url), Ok(data)) = (std::env::var("FETCH_TEST_URL"), std::env::var("FETCH_TEST_DATA")) else { return };
    let store = Store::open(Path::new(&data).join("data"), Path::new(&data).join("reports")).unwrap();
    let (context, manifest) = (Context::default(), toy_manifest(&content(), &[url]));
    let fetched = Fetcher::new(&store, &context, &manifest).fetch("toy").unwrap();
    assert!(matches!(fetched, Fetched::Now { .. } | Fetched::UpToDate), "{fetched:?}");
}

fn spawn(server: &Server, data: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_process"])
        .env("FETCH_TEST_URL", server.url())
        .env("FETCH_TEST_DATA", data)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn file(data: &Path) -> PathBuf {
    data.join("data/raw/toy/toy.tar.gz")
}

#[test]
fn ten_processes_fetch_a_file_once() {
    let server = Server::start(&content(), vec![Answer::Slow(2)]);
    let folder = tempfile::tempdir().unwrap();
    let children: Vec<Child> = (0..10).map(|_| spawn(&server, folder.path())).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(std::fs::read(file(folder.path())).unwrap(), content());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn without_ca_certificates_http_and_folders_still_serve_and_https_says_what_is_missing() {
    let server = Server::start(&content(), vec![Answer::Good]);
    let folder = tempfile::tempdir().unwrap();
    for (url, works) in [("https://localhost:1/".to_owned(), false), (server.url(), true)] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "child_process", "--nocapture"]).env("FETCH_TEST_URL", url);
        command.env("FETCH_TEST_DATA", folder.path()).env("SSL_CERT_FILE", "/nowhere").env("SSL_CERT_DIR", "/nowhere");
        let output = command.output().unwrap();
        assert_eq!(output.status.success(), works);
        let said = String::from_utf8_lossy(&output.stderr);
        // Where certificates come from elsewhere than files, the server is simply not there.
        let missing = said.contains("ca-certificates") && said.contains("SSL_CERT_FILE");
        assert!(works || missing || cfg!(not(target_os = "linux")), "{said}");
    }
}

#[test]
fn a_process_killed_at_any_moment_leaves_no_half_file_and_the_next_one_resumes() {
    let server = Server::start(&content(), vec![Answer::Slow(4)]);
    let folder = tempfile::tempdir().unwrap();
    for round in 0..12_u64 {
        let mut child = spawn(&server, folder.path());
        std::thread::sleep(Duration::from_millis(20 + round * 37 % 150));
        child.kill().unwrap();
        child.wait().unwrap();
        if let Ok(bytes) = std::fs::read(file(folder.path())) {
            assert_eq!(bytes, content(), "killed in round {round}");
        }
    }
    assert!(spawn(&server, folder.path()).wait().unwrap().success());
    assert_eq!(std::fs::read(file(folder.path())).unwrap(), content());
    let from: Vec<usize> = server.ranges().into_iter().map(Option::unwrap_or_default).collect();
    assert!(from.is_sorted(), "a later process began before an earlier one ended: {from:?}");
}

/// A separate small file system, unmounted when dropped; `None` where we may not mount.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=128k", "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !mounted {
            println!("skipped: this needs the right to mount a small file system");
        }
        mounted.then_some(Self(folder))
    }

    fn remount(&self, options: &str) {
        let status = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(self.0.path()).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_an_error_with_a_remedy_and_the_same_command_resumes_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else { return };
    let server = Server::start(&content(), vec![Answer::Good]);
    let store = Store::open(disk.0.path().join("data"), disk.0.path().join("reports")).unwrap();
    let (context, manifest) = (Context::default(), toy_manifest(&content(), &[server.url()]));
    let error = Fetcher::new(&store, &context, &manifest).fetch("toy").unwrap_err().to_string();
    assert!(error.contains("free some space"), "{error}");
    assert!(!file(disk.0.path()).exists());
    disk.remount("size=4m");
    let fetched = Fetcher::new(&store, &context, &manifest).fetch("toy").unwrap();
    assert_eq!(fetched, Fetched::Now { files: 1 });
    assert!(server.ranges()[1].is_some_and(|from| from > 0), "{:?}", server.ranges());
}

#[test]
fn a_read_only_disk_is_an_error_with_a_remedy_and_what_is_whole_is_used_all_the_same() {
    let Some(disk) = SmallDisk::mount() else { return };
    disk.remount("size=4m");
    let server = Server::start(&content(), vec![Answer::Good]);
    let store = Store::open(disk.0.path().join("data"), disk.0.path().join("reports")).unwrap();
    let (context, manifest) = (Context::default(), toy_manifest(&content(), &[server.url()]));
    disk.remount("ro");
    let error = Fetcher::new(&store, &context, &manifest).fetch("toy").unwrap_err().to_string();
    assert!(error.contains("--data DIR"), "{error}");
    disk.remount("rw");
    Fetcher::new(&store, &context, &manifest).fetch("toy").unwrap();
    disk.remount("ro");
    let fetched = Fetcher::new(&store, &context, &manifest).fetch("toy").unwrap();
    assert_eq!(fetched, Fetched::UpToDate);
    disk.remount("rw");
}

#[test]
fn a_file_that_changes_after_it_was_verified_is_noticed_and_fetched_again() {
    let server = Server::start(&content(), vec![Answer::Good]);
    let (_folder, store) = store();
    let (context, manifest) = (Context::default(), toy_manifest(&content(), &[server.url()]));
    let fetcher = Fetcher::new(&store, &context, &manifest);
    assert_eq!(fetcher.fetch("toy").unwrap(), Fetched::Now { files: 1 });
    assert_eq!(fetcher.fetch("toy").unwrap(), Fetched::UpToDate);
    let path = store.layout().raw("toy").join("toy.tar.gz");
    std::fs::write(&path, vec![0; SIZE]).unwrap();
    assert_eq!(fetcher.fetch("toy").unwrap(), Fetched::Now { files: 1 });
    assert_eq!(std::fs::read(path).unwrap(), content());
}
