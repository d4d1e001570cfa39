//! What becomes of a download when the server misbehaves, one test a way.

mod support;

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flooding_core::context::Context;
use flooding_core::progress::Progress;
use flooding_core::store::Store;
use flooding_fetch::Manifest;
use flooding_fetch::download::{Fetched, Fetcher, Policy};
use support::server::{Answer, Server};
use support::{Listener, listening, store, toy_manifest};

const SIZE: usize = 300_000;

fn content() -> Vec<u8> {
    (0..SIZE).map(|i| (i * i / 7 % 251) as u8).collect()
}

/// Patience for tests: the same rules in shorter times.
fn impatient() -> Policy {
    Policy {
        attempts: 4,
        back_off: Duration::from_millis(5),
        longest_wait: Duration::from_secs(2),
        connect: Duration::from_secs(2),
        stall: Duration::from_millis(400),
        grace: Duration::from_secs(20),
        slowest: 1 << 20,
    }
}

struct Outcome {
    fetched: Fetched,
    file: Option<Vec<u8>>,
    warnings: Vec<String>,
    _folder: tempfile::TempDir,
    store: Store,
}

fn fetch_from(servers: &[&Server]) -> Outcome {
    let mirrors: Vec<String> = servers.iter().map(|server| server.url()).collect();
    let (folder, store) = store();
    fetch_into(folder, store, &toy_manifest(&content(), &mirrors))
}

fn fetch_into(folder: tempfile::TempDir, store: Store, manifest: &Manifest) -> Outcome {
    let (context, listener): (Context, Arc<Listener>) = listening();
    let fetched = Fetcher::with_policy(&store, &context, manifest, impatient()).fetch("toy").unwrap();
    let file = store.read(&store.layout().raw("toy").join("toy.tar.gz")).unwrap();
    let warnings = listener.warnings.lock().unwrap().clone();
    Outcome { fetched, file, warnings, _folder: folder, store }
}

fn assert_fetched(outcome: &Outcome) {
    assert_eq!(outcome.fetched, Fetched::Now { files: 1 }, "{:?}", outcome.warnings);
    assert!(outcome.file.as_deref() == Some(&content()), "the file is not the published one");
    let names = outcome.store.list(&outcome.store.layout().raw("toy")).unwrap();
    assert_eq!(names, [".lock", "toy.tar.gz", "verified.json"]);
}

/// The first server fails in this way, every time; a second one has the file.
fn assert_next_mirror_after(answers: Vec<Answer>, said: &str) -> (Vec<Option<usize>>, Vec<Option<usize>>) {
    let (bad, good) = (Server::start(&content(), answers), Server::start(&content(), vec![Answer::Good]));
    let outcome = fetch_from(&[&bad, &good]);
    assert_fetched(&outcome);
    assert!(outcome.warnings[0].contains(said), "{:?}", outcome.warnings);
    (bad.ranges(), good.ranges())
}

#[test]
fn a_good_server_is_asked_once() {
    let server = Server::start(&content(), vec![Answer::Good]);
    assert_fetched(&fetch_from(&[&server]));
    assert_eq!(server.ranges(), [None]);
}

#[test]
fn a_truncated_download_is_resumed_where_it_ended() {
    let server = Server::start(&content(), vec![Answer::Truncate(100_000), Answer::Truncate(50_000), Answer::Good]);
    assert_fetched(&fetch_from(&[&server]));
    assert_eq!(server.ranges(), [None, Some(100_000), Some(150_000)]);
}

#[test]
fn a_server_that_always_truncates_is_left_and_the_next_one_resumes_where_it_ended() {
    let (bad, good) = assert_next_mirror_after(
        vec![Answer::Truncate(1000), Answer::Truncate(1000), Answer::Truncate(1000), Answer::Truncate(0)],
        "after 3000 bytes",
    );
    assert_eq!(bad, [None, Some(1000), Some(2000), Some(3000)]);
    assert_eq!(good, [Some(3000)]);
}

#[test]
fn an_end_without_a_promised_length_is_compared_with_the_published_size() {
    let answers = vec![Answer::ShortWithoutLength(200_000)];
    let (_, good) = assert_next_mirror_after(answers, "truncated: 200,000 of 300,000 bytes");
    assert_eq!(good, [Some(200_000)]);
}

#[test]
fn a_server_that_ignores_range_starts_over_and_the_file_is_right() {
    let server = Server::start(&content(), vec![Answer::Truncate(100_000), Answer::IgnoreRange]);
    assert_fetched(&fetch_from(&[&server]));
    assert_eq!(server.ranges(), [None, Some(100_000)]);
}

#[test]
fn a_server_that_sends_another_range_than_asked_for_is_not_believed() {
    let server = Server::start(&content(), vec![Answer::Truncate(100_000), Answer::WrongRange, Answer::Good]);
    assert_fetched(&fetch_from(&[&server]));
    assert_eq!(server.ranges(), [None, Some(100_000), None]);
}

#[test]
fn a_refused_range_starts_over() {
    let server = Server::start(&content(), vec![Answer::Truncate(100_000), Answer::Status(416), Answer::Good]);
    assert_fetched(&fetch_from(&[&server]));
    assert_eq!(server.ranges(), [None, Some(100_000), None]);
}

#[test]
fn a_stalled_download_is_given_up_and_resumed() {
    let server = Server::start(&content(), vec![Answer::Stall(120_000), Answer::Good]);
    assert_fetched(&fetch_from(&[&server]));
    assert_eq!(server.ranges(), [None, Some(120_000)]);
}

#[test]
fn a_server_that_never_answers_is_left_for_the_next_mirror() {
    let (bad, _) = assert_next_mirror_after(vec![Answer::Silent], "stalled");
    assert_eq!(bad.len(), 2);
}

#[test]
fn a_reset_connection_is_resumed() {
    let server = Server::start(&content(), vec![Answer::Reset(80_000), Answer::Good]);
    assert_fetched(&fetch_from(&[&server]));
    assert_eq!(server.ranges().len(), 2);
}

#[test]
fn forbidden_and_not_found_move_on_at_once() {
    for status in [403, 404, 410] {
        let (bad, good) = assert_next_mirror_after(vec![Answer::Status(status)], &format!("answered {status}"));
        assert_eq!((bad.len(), good.len()), (1, 1), "{status}");
    }
}

#[test]
fn passing_server_errors_are_tried_again_at_the_same_address() {
    for status in [429, 500, 502, 503] {
        let server = Server::start(&content(), vec![Answer::Status(status), Answer::Good]);
        assert_fetched(&fetch_from(&[&server]));
        assert_eq!(server.requests().len(), 2, "{status}");
    }
}

#[test]
fn lasting_server_errors_move_on_after_four_tries() {
    let (bad, _) = assert_next_mirror_after(vec![Answer::Status(500)], "answered 500");
    assert_eq!(bad.len(), 4);
}

#[test]
fn a_short_retry_after_is_waited_for() {
    let server = Server::start(&content(), vec![Answer::RetryAfter(429, 1), Answer::Good]);
    let started = std::time::Instant::now();
    assert_fetched(&fetch_from(&[&server]));
    assert!(started.elapsed() >= Duration::from_secs(1), "came back before it was asked to");
}

#[test]
fn a_long_retry_after_moves_on_at_once() {
    let (bad, _) = assert_next_mirror_after(vec![Answer::RetryAfter(503, 3600)], "answered 503");
    assert_eq!(bad.len(), 1);
}

#[test]
fn wrong_bytes_of_the_right_length_move_on_to_the_next_mirror() {
    let (bad, good) = assert_next_mirror_after(vec![Answer::WrongBytes], "wrong content");
    assert_eq!((bad, good), (vec![None], vec![None]));
}

#[test]
fn wrong_bytes_from_every_mirror_leave_nothing_behind() {
    let server = Server::start(&content(), vec![Answer::WrongBytes]);
    let outcome = fetch_from(&[&server]);
    let Fetched::Unavailable { why } = &outcome.fetched else { panic!("{:?}", outcome.fetched) };
    assert!(why.contains("wrong content: SHA-256 is"), "{why}");
    assert_eq!(outcome.file, None);
    let raw = outcome.store.layout().raw("toy");
    assert_eq!(std::fs::read_dir(raw).unwrap().count(), 1, "only the lock stays");
}

#[test]
fn a_part_left_by_a_lying_server_is_detected_and_fetched_again() {
    let mut lie = content();
    lie[..100_000].fill(b'!');
    let liar = Server::start(&lie, vec![Answer::Truncate(100_000), Answer::Status(404)]);
    let honest = Server::start(&content(), vec![Answer::Good]);
    assert_fetched(&fetch_from(&[&liar, &honest]));
    assert_eq!(honest.ranges(), [Some(100_000), None]);
}

#[test]
fn more_bytes_than_published_are_refused() {
    assert_next_mirror_after(vec![Answer::TooLong], "too long");
}

#[test]
fn a_web_page_with_status_200_is_no_file() {
    let (bad, _) = assert_next_mirror_after(vec![Answer::WebPage], "a web page");
    assert_eq!(bad.len(), 1);
}

#[test]
fn a_web_page_that_calls_itself_a_file_is_no_file() {
    let (_, good) = assert_next_mirror_after(vec![Answer::WebPageInDisguise], "truncated");
    // The next mirror is asked for what follows the page's bytes; the digest then says that they were wrong.
    assert_eq!(good, [Some(26), None]);
}

#[test]
fn a_redirect_is_followed_and_a_circle_is_left() {
    let good = Server::start(&content(), vec![Answer::Good]);
    let leading = Server::start(&content(), vec![Answer::Redirect(format!("{}toy.tar.gz", good.url()))]);
    assert_fetched(&fetch_from(&[&leading]));
    assert_next_mirror_after(vec![Answer::Redirect("/toy.tar.gz".to_owned())], "too many redirects");
}

#[test]
fn nobody_listening_costs_one_try_and_the_next_mirror_serves() {
    let good = Server::start(&content(), vec![Answer::Good]);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (folder, store) = store();
    let manifest = toy_manifest(&content(), &[format!("http://{closed}/"), good.url()]);
    let outcome = fetch_into(folder, store, &manifest);
    assert_fetched(&outcome);
    assert!(outcome.warnings[0].contains("no connection"), "{:?}", outcome.warnings);
}

#[test]
fn a_name_that_resolves_to_nothing_is_a_missing_result_and_no_error() {
    let (folder, store) = store();
    let manifest = toy_manifest(&content(), &["http://no-such-host.invalid/".to_owned()]);
    let outcome = fetch_into(folder, store, &manifest);
    let Fetched::Unavailable { why } = outcome.fetched else { panic!("{:?}", outcome.fetched) };
    assert!(why.contains("no connection"), "{why}");
}

#[test]
fn offline_asks_nobody() {
    let server = Server::start(&content(), vec![Answer::Good]);
    let (_folder, store) = store();
    let manifest = toy_manifest(&content(), &[server.url()]);
    let context = Context { offline: true, mirror: Some(server.url().into()), ..Context::default() };
    let fetched = Fetcher::new(&store, &context, &manifest).fetch("toy").unwrap();
    let Fetched::Unavailable { why } = fetched else { panic!("{fetched:?}") };
    assert!(why.contains("offline"), "{why}");
    assert_eq!(server.requests(), []);
}

#[test]
fn a_mirror_url_is_asked_before_the_published_address() {
    let published = Server::start(&content(), vec![Answer::Good]);
    let mirror = Server::start(&content(), vec![Answer::Status(404), Answer::Good]);
    let (_folder, store) = store();
    let manifest = toy_manifest(&content(), &[published.url()]);
    let context = Context { mirror: Some(mirror.url().trim_end_matches('/').into()), ..Context::default() };
    let fetched = Fetcher::with_policy(&store, &context, &manifest, impatient()).fetch("toy").unwrap();
    assert_eq!(fetched, Fetched::Now { files: 1 });
    let paths: Vec<String> = mirror.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/toy/toy.tar.gz", "/toy.tar.gz"]);
    assert_eq!(published.requests(), []);
}

#[test]
fn a_mirror_that_is_not_there_is_reported_and_the_published_addresses_are_asked() {
    for (mirror, words) in [
        ("/no/such/folder", "there is no such folder"),
        ("/dev/null", "it is not a folder"),
        ("me:secret@host/x", "the mirror `***@host/x` is not used"),
        ("ftp://me:secret@host/", "the scheme `ftp`"),
    ] {
        let server = Server::start(&content(), vec![Answer::Good]);
        let (_folder, store) = store();
        let manifest = toy_manifest(&content(), &[server.url()]);
        let (context, listener) = listening();
        let context = Context { mirror: Some(mirror.into()), ..context };
        let fetched = Fetcher::with_policy(&store, &context, &manifest, impatient()).fetch("toy").unwrap();
        assert_eq!(fetched, Fetched::Now { files: 1 });
        let warnings = listener.warnings.lock().unwrap();
        assert!(warnings.len() == 1 && warnings[0].contains(words) && !warnings[0].contains("secret"), "{warnings:?}");
    }
}

/// Appends to a file whenever a piece of it has been copied.
struct Grows {
    path: std::path::PathBuf,
    pieces: AtomicUsize,
    warnings: Mutex<Vec<String>>,
}

impl Progress for Grows {
    fn stage_started(&self, _: &str, _: u64, _: &str) {}
    fn item_started(&self, _: &str, _: u64) {}
    fn item_advanced(&self, _: &str, _: u64) {
        self.pieces.fetch_add(1, Ordering::SeqCst);
        let mut file = std::fs::OpenOptions::new().append(true).open(&self.path).unwrap();
        file.write_all(&content()).unwrap();
    }
    fn item_finished(&self, _: &str, _: &str) {}
    fn stage_finished(&self) {}
    fn warn(&self, message: &str) {
        self.warnings.lock().unwrap().push(message.to_owned());
    }
}

#[test]
fn a_mirrors_file_that_grows_while_it_is_copied_is_left_at_its_published_size() {
    let server = Server::start(&content(), vec![Answer::Good]);
    let mirror = tempfile::tempdir().unwrap();
    let path = mirror.path().join("toy.tar.gz");
    std::fs::write(&path, content()).unwrap();
    let grows = Arc::new(Grows { path, pieces: AtomicUsize::new(0), warnings: Mutex::default() });
    let context =
        Context { mirror: Some(mirror.path().into()), progress: grows.clone(), offline: true, ..Context::default() };
    let (_folder, store) = store();
    let manifest = toy_manifest(&content(), &[server.url()]);
    let fetcher = Fetcher::with_policy(&store, &context, &manifest, impatient());
    let Fetched::Unavailable { why } = fetcher.fetch("toy").unwrap() else { panic!("a file without end was taken") };
    assert!(why.contains("too long") && why.contains("instead of 300,000"), "{why}");
    let pieces = grows.pieces.load(Ordering::SeqCst);
    assert!((1..10).contains(&pieces), "it was copied on and on: {pieces} pieces");
    assert!(grows.warnings.lock().unwrap()[0].contains("too long"));
    assert_eq!(store.read(&store.layout().raw("toy").join("toy.tar.gz")).unwrap(), None);
}

#[test]
fn what_is_there_already_needs_no_mirror() {
    let server = Server::start(&content(), vec![Answer::Good]);
    let (_folder, store) = store();
    let manifest = toy_manifest(&content(), &[server.url()]);
    for mirror in [None, Some(""), Some("/no/such/folder")] {
        let (context, listener) = listening();
        let context = Context { mirror: mirror.map(Into::into), ..context };
        Fetcher::with_policy(&store, &context, &manifest, impatient()).fetch("toy").unwrap();
        assert!(listener.warnings.lock().unwrap().is_empty(), "{mirror:?}");
    }
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_mirrors_query_stays_behind_the_path_and_its_password_is_shown_nowhere() {
    let mirror = Server::start(&content(), vec![Answer::Status(404)]);
    let (_folder, store) = store();
    let manifest = toy_manifest(&content(), &[]);
    let (context, listener) = listening();
    let url = mirror.url().replace("http://", "HTTP://me:secret@");
    let context = Context { mirror: Some(format!("{url}data?token=secret").into()), ..context };
    let fetched = Fetcher::with_policy(&store, &context, &manifest, impatient()).fetch("toy").unwrap();
    let Fetched::Unavailable { why } = fetched else { panic!("{fetched:?}") };
    assert_eq!(mirror.requests()[0].path, "/data/toy/toy.tar.gz?token=secret");
    let said = format!("{why} {:?}", listener.warnings.lock().unwrap());
    assert!(said.contains("answered 404") && !said.contains("secret"), "{said}");
}

#[test]
fn a_range_without_a_total_and_in_capitals_is_believed() {
    for form in ["bytes {first}-{last}/*", "Bytes {first}-{last}/{total}"] {
        let server = Server::start(&content(), vec![Answer::Truncate(100_000), Answer::Range(form)]);
        assert_fetched(&fetch_from(&[&server]));
        assert_eq!(server.ranges(), [None, Some(100_000)], "{form}");
    }
}

#[test]
fn a_range_that_ends_early_is_gone_on_with() {
    let server = Server::start(&content(), vec![Answer::Truncate(100_000), Answer::ShortRange(50_000), Answer::Good]);
    assert_fetched(&fetch_from(&[&server]));
    assert_eq!(server.ranges(), [None, Some(100_000), Some(150_000)]);
}

#[test]
fn a_web_page_is_known_whatever_the_case_of_its_type() {
    for kind in ["TEXT/HTML", "Text/Html;charset=UTF-8", " application/xhtml+xml"] {
        assert_next_mirror_after(vec![Answer::PageOfType(kind)], "a web page");
    }
}

#[test]
fn as_many_pieces_of_work_end_as_were_announced() {
    let server = Server::start(&content(), vec![Answer::Good]);
    let (_folder, store) = store();
    let manifest = toy_manifest(&content(), &[server.url()]);
    let (context, listener) = listening();
    flooding_fetch::fetch(&["toy"], &store, &context, &manifest).unwrap();
    assert_eq!(*listener.stages.lock().unwrap(), [(1, "file".to_owned())]);
    assert_eq!(*listener.finished.lock().unwrap(), ["toy/toy.tar.gz fetched"]);
    flooding_fetch::fetch(&["toy"], &store, &context, &manifest).unwrap();
    assert_eq!(listener.stages.lock().unwrap().len(), 1, "nothing is announced where nothing is missing");
}

#[test]
fn a_raised_stop_flag_keeps_what_has_arrived() {
    let server = Server::start(&content(), vec![Answer::Truncate(100_000), Answer::Good]);
    let (_folder, store) = store();
    let manifest = toy_manifest(&content(), &[server.url()]);
    let context = Context::default();
    let policy = Policy { back_off: Duration::from_secs(30), ..impatient() };
    let stop = context.stop.clone();
    let raised = std::thread::spawn({
        let part = store.layout().raw("toy").join(".toy.tar.gz.partial.tmp");
        move || {
            while std::fs::metadata(&part).map_or(0, |metadata| metadata.len()) < 100_000 {
                std::thread::sleep(Duration::from_millis(5));
            }
            stop.raise();
        }
    });
    let fetched = Fetcher::with_policy(&store, &context, &manifest, policy).fetch("toy").unwrap();
    raised.join().unwrap();
    assert_eq!(fetched, Fetched::Interrupted);
    let again = Context::default();
    let fetched = Fetcher::with_policy(&store, &again, &manifest, impatient()).fetch("toy").unwrap();
    assert_eq!(fetched, Fetched::Now { files: 1 });
    assert_eq!(server.ranges(), [None, Some(100_000)]);
}
