//! How much more memory this process can have: what the machine has left, what its control group leaves, and what its own
//! limit on addresses (`ulimit -v`) leaves, whichever is least.

use std::fs;
use std::path::{Path, PathBuf};

/// Below this, nobody asks how much there is: asking reads several files.
const SMALL: u64 = 32 << 20;

/// Memory that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it needs {needed} bytes of memory, and {available} are available")]
pub struct NotEnough {
    /// Bytes that are needed at once.
    pub needed: u64,
    /// Bytes that are available.
    pub available: u64,
}

/// Are so many bytes there? Three quarters of what is available may be taken at once: others need memory too, and Linux
/// promises more than it has.
pub fn check(needed: u64) -> Result<(), NotEnough> {
    if needed <= SMALL {
        return Ok(());
    }
    let available = available().map_or(u64::MAX, |bytes| bytes - bytes / 4);
    if needed <= available { Ok(()) } else { Err(NotEnough { needed, available }) }
}

/// An empty vector with room for exactly `count` values; a refusal is an error instead of the end of the process.
pub fn reserve<T>(count: u64) -> Result<Vec<T>, NotEnough> {
    let needed = count.saturating_mul(size_of::<T>() as u64);
    check(needed)?;
    let mut vector = Vec::new();
    // Asked only then: each small file that is read comes through here.
    let refused = || NotEnough { needed, available: available().unwrap_or(0) };
    let count = usize::try_from(count).map_err(|_| refused())?;
    vector.try_reserve_exact(count).map_err(|_| refused())?;
    Ok(vector)
}

/// Bytes; `None` where the system does not tell (it tells on Linux).
pub fn available() -> Option<u64> {
    let machine = field(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:").map(kibibytes);
    [machine, addresses(), control_groups()].into_iter().flatten().min()
}

/// The first word after `name` at the start of a line.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()
}

fn kibibytes(word: &str) -> u64 {
    word.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(1024)
}

/// What `ulimit -v` leaves.
fn addresses() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let limit: u64 = field(&limits, "Max address space")?.parse().ok()?;
    let used = kibibytes(field(&fs::read_to_string("/proc/self/status").ok()?, "VmSize:")?);
    Some(limit.saturating_sub(used))
}

/// What the control groups leave that this process is in, and those around them.
fn control_groups() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let lefts = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        if controllers.is_empty() {
            least_on_the_way(Path::new("/sys/fs/cgroup"), path, &V2)
        } else if controllers.split(',').any(|controller| controller == "memory") {
            least_on_the_way(Path::new("/sys/fs/cgroup/memory"), path, &V1)
        } else {
            None
        }
    });
    lefts.min()
}

/// Names of a version's files, and of the line that says how much of what is used can be freed at once.
struct Version {
    limit: &'static str,
    used: &'static str,
    reclaimable: &'static str,
}

const V2: Version = Version { limit: "memory.max", used: "memory.current", reclaimable: "inactive_file " };
const V1: Version =
    Version { limit: "memory.limit_in_bytes", used: "memory.usage_in_bytes", reclaimable: "total_inactive_file " };

/// The least that any group leaves, from `path` up to the root; in a container the root is the container's own group.
fn least_on_the_way(root: &Path, path: &str, version: &Version) -> Option<u64> {
    let inside: PathBuf = root.join(path.trim_start_matches('/'));
    inside.ancestors().take_while(|folder| folder.starts_with(root)).filter_map(|folder| left(folder, version)).min()
}

fn left(folder: &Path, version: &Version) -> Option<u64> {
    let number = |name: &str| fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
    let (limit, used) = (number(version.limit)?, number(version.used)?);
    let statistics = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let reclaimable = field(&statistics, version.reclaimable).and_then(|word| word.parse().ok()).unwrap_or(0);
    Some(limit.saturating_sub(used.saturating_sub(reclaimable)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_leaves_its_limit_less_what_is_used_and_cannot_be_had_back() {
        let folder = tempfile::tempdir().unwrap();
        let (outer, inner) = (folder.path().join("a"), folder.path().join("a/b"));
        fs::create_dir_all(&inner).unwrap();
        let write = |folder: &Path, max: &str, current: &str| {
            fs::write(folder.join("memory.max"), max).unwrap();
            fs::write(folder.join("memory.current"), current).unwrap();
            fs::write(folder.join("memory.stat"), "anon 5\ninactive_file 30\nactive_file 7\n").unwrap();
        };
        write(&inner, "max\n", "100\n");
        assert_eq!(least_on_the_way(folder.path(), "/a/b", &V2), None);
        write(&outer, "1000\n", "100\n");
        assert_eq!(least_on_the_way(folder.path(), "/a/b", &V2), Some(930));
        write(&inner, "500\n", "100\n");
        assert_eq!(least_on_the_way(folder.path(), "/a/b", &V2), Some(430));
    }

    #[test]
    fn more_than_there_is_is_refused_with_both_numbers_and_nothing_is_taken() {
        let error = reserve::<u64>(1 << 50).unwrap_err();
        assert_eq!(error.needed, 1 << 53);
        assert_eq!(error.available > 0, cfg!(target_os = "linux"));
        assert!(reserve::<u64>(u64::MAX).is_err());
        assert_eq!(reserve::<u16>(5).unwrap().capacity(), 5);
    }

    #[test]
    fn linux_tells_how_much_memory_there_is() {
        assert_eq!(available().is_some_and(|bytes| bytes > 0), cfg!(target_os = "linux"));
    }
}
