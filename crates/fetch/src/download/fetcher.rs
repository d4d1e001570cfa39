//! All files of a dataset, each from the first source that has it.

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use flooding_core::context::Context;
use flooding_core::store::{Lock, Store, StoreError};

use super::sink::Sink;
use super::transfer::{Target, Transfer};
use super::{BadMirror, Failure, FetchError, Http, Mirror, Policy, Source, Tried};
use crate::manifest::{Dataset, Entry, Manifest, PublishedFile, UserProblem};
use crate::state::{FileState, Inspector};

/// Fetches datasets into `data/raw/`.
pub struct Fetcher<'a> {
    store: &'a Store,
    context: &'a Context,
    manifest: &'a Manifest,
    mirror: Option<Mirror>,
    /// Why a mirror that was named is not used.
    bad_mirror: Option<BadMirror>,
    mirror_told: AtomicBool,
    policy: Policy,
    http: Http,
    received: AtomicU64,
}

/// What came of fetching a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// All files were there already.
    UpToDate,
    /// Files came now.
    Now {
        /// How many (members counted by themselves).
        files: usize,
    },
    /// Some file is missing; the others are kept.
    Unavailable {
        /// What was tried, and what came of it.
        why: String,
    },
    /// The stop flag was raised; what has arrived is kept.
    Interrupted,
}

impl<'a> Fetcher<'a> {
    /// A fetcher with the usual patience.
    pub fn new(store: &'a Store, context: &'a Context, manifest: &'a Manifest) -> Self {
        Self::with_policy(store, context, manifest, Policy::default())
    }

    /// A fetcher with another patience.
    pub fn with_policy(store: &'a Store, context: &'a Context, manifest: &'a Manifest, policy: Policy) -> Self {
        let (mirror, bad_mirror) = match Mirror::of(context) {
            None => (None, None),
            Some(Err(problem)) => (None, Some(problem)),
            Some(Ok(mirror)) => match mirror.problem() {
                Some(problem) => (None, Some(problem)),
                None => (Some(mirror), None),
            },
        };
        let (http, received, mirror_told) = (Http::default(), AtomicU64::new(0), AtomicBool::new(false));
        Self { store, context, manifest, mirror, bad_mirror, mirror_told, policy, http, received }
    }

    /// How many published files [`fetch`](Self::fetch) will look for; members are counted with their archive.
    pub fn missing(&self, name: &str) -> u64 {
        let Some(Entry::Published(dataset)) = self.manifest.get(name) else { return 0 };
        let mut inspector = Inspector::of_store(self.store, dataset);
        let wanted = |file: &&PublishedFile| self.context.force || !is_whole(&inspector.file(file));
        let count = dataset.files.iter().filter(wanted).count() as u64;
        // Losing the note costs one reading of the files the next time, and no more.
        let _ = inspector.save(self.store);
        count
    }

    /// Files received so far.
    pub fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    /// Sees to it that all files of a dataset are there and whole. `--force` fetches them again: what is there is
    /// replaced only by a whole file.
    ///
    /// # Errors
    /// An unknown name, or a store that cannot be written; anything wrong with a source is part of the result.
    pub fn fetch(&self, name: &str) -> Result<Fetched, FetchError> {
        let dataset = match self.manifest.get(name) {
            // Used where they are.
            Some(Entry::User(files)) => {
                let why = |problem: &UserProblem| Fetched::Unavailable { why: problem.to_string() };
                return Ok(files.inventory().map_or_else(why, |_| Fetched::UpToDate));
            }
            Some(Entry::Published(dataset)) => dataset,
            None => {
                let known = self.manifest.names().collect::<Vec<_>>().join(", ");
                return Err(FetchError::Unknown { name: name.to_owned(), known });
            }
        };
        if !self.context.force {
            let mut inspector = Inspector::of_store(self.store, dataset);
            if dataset.files.iter().all(|file| is_whole(&inspector.file(file))) {
                // Losing the note costs one reading of the files the next time, and no more.
                let _ = inspector.save(self.store);
                return Ok(Fetched::UpToDate);
            }
        }
        self.tell_of_bad_mirror();
        let Some(_lock) = self.lock(dataset)? else { return Ok(Fetched::Interrupted) };
        // Whoever held the lock before may have fetched everything.
        let mut inspector = Inspector::of_store(self.store, dataset);
        let before = self.received();
        let mut outcome = Ok(());
        // Why, and which files: often it is the same for all.
        let mut missing: Vec<(String, Vec<&str>)> = Vec::new();
        for file in &dataset.files {
            if !self.context.force && is_whole(&inspector.file(file)) {
                continue;
            }
            match self.file(dataset, file) {
                Ok(()) => drop(inspector.file(file)),
                // The others are kept for the day when this one is available.
                Err(Failures::Tried(why)) => match missing.iter_mut().find(|(known, _)| *known == why) {
                    Some((_, files)) => files.push(&file.name),
                    None => missing.push((why, vec![&file.name])),
                },
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        let saved = inspector.save(self.store);
        match outcome {
            Err(Failures::Fatal(error)) => return Err(error.into()),
            Err(Failures::Stopped) => return Ok(Fetched::Interrupted),
            Err(Failures::Tried(_)) | Ok(()) => saved?,
        }
        if !missing.is_empty() {
            let sentence =
                |(why, files): &(String, Vec<&str>)| format!("{} could not be fetched{why}", files.join(", "));
            let why = missing.iter().map(sentence).collect::<Vec<_>>().join("; ");
            return Ok(Fetched::Unavailable { why });
        }
        match (self.received() - before) as usize {
            0 => Ok(Fetched::UpToDate),
            files => Ok(Fetched::Now { files }),
        }
    }

    /// A mirror that was named and cannot be used is reported once, and only when there is something to fetch.
    fn tell_of_bad_mirror(&self) {
        if let Some(problem) = &self.bad_mirror
            && !self.mirror_told.swap(true, Relaxed)
        {
            self.context.progress.warn(&problem.to_string());
        }
    }

    /// Waits until no other process fetches this dataset; `None` when asked to stop.
    fn lock(&self, dataset: &Dataset) -> Result<Option<Lock>, FetchError> {
        let folder = self.store.layout().raw(&dataset.name);
        let mut told = false;
        loop {
            if let Some(lock) = self.store.try_lock_folder(&folder)? {
                return Ok(Some(lock));
            }
            if self.context.stop.is_raised() {
                return Ok(None);
            }
            if !told {
                let message = format!("another process fetches {}: waiting for it", dataset.name);
                self.context.progress.warn(&message);
                told = true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// One published file, as one task.
    fn file(&self, dataset: &Dataset, file: &PublishedFile) -> Result<(), Failures> {
        let id = format!("{}/{}", dataset.name, file.name);
        let unpacked: u64 = file.members.iter().map(|member| member.bytes).sum();
        self.context.progress.item_started(&id, file.bytes.max(unpacked));
        let outcome = self.first_source(dataset, file, &id);
        let progress = &self.context.progress;
        match &outcome {
            Ok(()) => progress.item_finished(&id, "fetched"),
            Err(Failures::Stopped) => progress.item_paused(&id),
            Err(Failures::Fatal(_)) => progress.item_failed(&id, "failed"),
            Err(Failures::Tried(_)) => progress.item_failed(&id, "not available"),
        }
        outcome
    }

    /// From the mirror, unpacked from the mirror, or from where it is published.
    fn first_source(&self, dataset: &Dataset, file: &PublishedFile, id: &str) -> Result<(), Failures> {
        let folder = self.store.layout().raw(&dataset.name);
        let target = Target { id, before: 0, bytes: file.bytes, sha256: &file.sha256 };
        let mut tried = Vec::new();
        if let Some(mirror) = &self.mirror {
            let sources = mirror.candidates(&dataset.name, &file.name);
            if self.first(&sources, &target, &folder.join(&file.name), &mut tried)? {
                return Ok(());
            }
            if !file.members.is_empty() && self.members(mirror, dataset, file, id, &mut tried)? {
                return Ok(());
            }
        }
        let published: Vec<Source> =
            dataset.mirrors.iter().map(|base| Source::Url(format!("{base}{}", file.name))).collect();
        if self.first(&published, &target, &folder.join(&file.name), &mut tried)? {
            return Ok(());
        }
        Err(Failures::Tried(explain(self.bad_mirror.as_ref(), &tried)))
    }

    /// All members of an archive that a mirror holds unpacked.
    fn members(
        &self,
        mirror: &Mirror,
        dataset: &Dataset,
        file: &PublishedFile,
        id: &str,
        tried: &mut Vec<Tried>,
    ) -> Result<bool, Failures> {
        let mut before = 0;
        let folder = self.store.layout().raw(&dataset.name);
        let mut inspector = Inspector::of_store(self.store, dataset);
        for member in &file.members {
            let there = inspector.single(&member.name, member.bytes, &member.sha256);
            let target = Target { id, before, bytes: member.bytes, sha256: &member.sha256 };
            before += member.bytes;
            if !self.context.force && is_whole(&there) {
                continue;
            }
            let sources = mirror.candidates(&dataset.name, &member.name);
            if !self.first(&sources, &target, &folder.join(&member.name), tried)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Fetches from the first source that delivers the published bytes; `false` when none does.
    fn first(
        &self,
        sources: &[Source],
        target: &Target<'_>,
        path: &Path,
        tried: &mut Vec<Tried>,
    ) -> Result<bool, Failures> {
        if sources.is_empty() {
            return Ok(false);
        }
        let transfer = Transfer { http: &self.http, policy: &self.policy, context: self.context };
        let mut sink = None;
        for source in sources {
            if let Source::File(path) = source
                && !path.exists()
            {
                tried.push(Tried { source: source.clone(), failure: Failure::Absent });
                continue;
            }
            let sink = match &mut sink {
                Some(sink) => sink,
                none => none.insert(Sink::open(self.store, path, target.bytes)?),
            };
            match transfer.run(source, target, sink) {
                Ok(()) => break,
                Err(Failure::Store(error)) => return Err(error.into()),
                Err(Failure::Stopped) => return Err(Failures::Stopped),
                Err(failure) => {
                    let attempt = Tried { source: source.clone(), failure };
                    if !matches!(attempt.failure, Failure::Offline | Failure::KnownUnreachable | Failure::Absent) {
                        self.context.progress.warn(&attempt.to_string());
                    }
                    tried.push(attempt);
                }
            }
        }
        let Some(sink) = sink else { return Ok(false) };
        if sink.length() == target.bytes && sink.digest() == *target.sha256 {
            sink.commit()?;
            self.received.fetch_add(1, Relaxed);
            return Ok(true);
        }
        sink.abandon()?;
        Ok(false)
    }
}

/// Why a file is not there.
enum Failures {
    Fatal(StoreError),
    Stopped,
    Tried(String),
}

impl From<StoreError> for Failures {
    fn from(error: StoreError) -> Self {
        Self::Fatal(error)
    }
}

fn is_whole(state: &FileState) -> bool {
    matches!(state, FileState::Whole { .. })
}

/// What follows "could not be fetched".
fn explain(bad_mirror: Option<&BadMirror>, tried: &[Tried]) -> String {
    // A mirror folder is looked through in several places; what was not there, or not asked, says nothing one by one.
    let count = |failure: fn(&Failure) -> bool| tried.iter().filter(|tried| failure(&tried.failure)).count();
    let absent = count(|failure| matches!(failure, Failure::Absent));
    let offline = count(|failure| matches!(failure, Failure::Offline));
    let told = tried.iter().filter(|tried| !matches!(tried.failure, Failure::Absent | Failure::Offline));
    let mut told: Vec<String> = told.map(ToString::to_string).collect();
    if offline > 0 {
        told.push(format!("{offline} address(es) not tried: offline"));
    }
    let mut text = String::new();
    if absent > 0 {
        text.push_str(" (the mirror folder does not have it)");
    }
    let told = bad_mirror.map(ToString::to_string).into_iter().chain(told).collect::<Vec<_>>();
    if !told.is_empty() {
        text.push_str(": ");
        text.push_str(&told.join("; "));
    }
    text
}
