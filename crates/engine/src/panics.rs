//! Panics that become a sentence of a record or of an error.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

/// Which messages need not be printed, because whoever catches the panic tells them in other words.
pub type Quiet = fn(&str) -> bool;

thread_local! {
    static QUIET: Cell<Quiet> = const { Cell::new(|_| false) };
}

/// Runs `work`; a panic becomes its message, which is printed, too, unless it is one of the `quiet` ones.
///
/// What `work` was doing is left as it was: nothing of it may be used any more.
pub fn catch<T>(quiet: Quiet, work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get()(&message(info.payload())) {
                usual(info);
            }
        }));
    });
    let before = QUIET.replace(quiet);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    QUIET.set(before);
    result.map_err(|panic| message(&*panic))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
