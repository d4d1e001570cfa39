//! The HTTP client: rustls with ring, redirects that never leave https, proxies from the environment.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock};

use flooding_core::shown;
use reqwest::Url;
use reqwest::blocking::{Client, ClientBuilder, Response};
use reqwest::header::{RANGE, RETRY_AFTER};
use reqwest::redirect;

use super::{Failure, Policy, proxy};

const REDIRECTS: usize = 10;

/// A client for all files of a run, made when the first address is asked: a folder needs none. It remembers which hosts could not be reached.
#[derive(Default)]
pub struct Http {
    client: OnceLock<Result<Client, String>>,
    /// For http alone, where this machine has no CA certificates.
    plain: OnceLock<Result<Client, String>>,
    unreachable: Mutex<BTreeSet<String>>,
}

impl Http {
    /// The client for a scheme. Without CA certificates there is one for http all the same.
    fn client(&self, scheme: &str, policy: &Policy) -> Result<&Client, Failure> {
        match self.client.get_or_init(|| build(policy, |builder| builder)) {
            Ok(client) => Ok(client),
            Err(why) if scheme == "https" => Err(Failure::NoCertificates(why.clone())),
            Err(_) => {
                let plain = self.plain.get_or_init(|| build(policy, |builder| builder.tls_certs_only([])));
                plain.as_ref().map_err(|why| Failure::Unreachable(why.clone()))
            }
        }
    }

    /// Asks for a file from byte `from` on.
    pub(super) fn get(&self, url: &str, from: u64, policy: &Policy) -> Result<Response, Failure> {
        let parsed = Url::parse(url).map_err(|error| Failure::Unreachable(error.to_string()))?;
        if let Some(problem) = proxy::problem(&parsed, |name| std::env::var_os(name)) {
            return Err(Failure::Proxy(problem));
        }
        let client = self.client(parsed.scheme(), policy)?;
        let host = format!("{}:{}", parsed.host_str().unwrap_or_default(), parsed.port_or_known_default().unwrap_or(0));
        if self.unreachable.lock().is_ok_and(|hosts| hosts.contains(&host)) {
            return Err(Failure::KnownUnreachable);
        }
        let mut request = client.get(parsed);
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        request.send().map_err(|error| {
            let downgrade = error.url().filter(|_| error.is_redirect()).map(ToString::to_string);
            if error.is_connect() {
                if let Ok(mut hosts) = self.unreachable.lock() {
                    hosts.insert(host);
                }
                Failure::Unreachable(chain(&error))
            } else if let Some(url) = downgrade {
                if chain(&error).contains(DOWNGRADE) { Failure::Downgrade(url) } else { Failure::Redirects }
            } else if error.is_timeout() {
                Failure::Stalled(policy.stall, from)
            } else {
                Failure::Broken(chain(&error), from)
            }
        })
    }
}

fn build(policy: &Policy, more: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<Client, String> {
    // An error means that the process has a provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("flooding-pipeline/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(policy.connect)
        // For this client a time-out of the wait for the answer's head and of each read, not of the whole.
        .timeout(policy.stall)
        .redirect(redirect::Policy::custom(follow));
    more(builder).build().map_err(|error| chain(&error))
}

const DOWNGRADE: &str = "redirect from https to http";

fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    if attempt.previous().last().is_some_and(|from| is_downgrade(from, attempt.url())) {
        attempt.error(DOWNGRADE)
    } else if attempt.previous().len() > REDIRECTS {
        attempt.error("too many redirects")
    } else {
        attempt.follow()
    }
}

/// Would this redirect leave https?
fn is_downgrade(from: &Url, to: &Url) -> bool {
    from.scheme() == "https" && to.scheme() != "https"
}

/// How long an answer asks to wait.
pub(super) fn retry_after(response: &Response) -> Option<std::time::Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    super::retry_after::parse(text, std::time::SystemTime::now())
}

/// An error with its causes, without passwords: the outermost alone says little.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    shown::without_secrets(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_may_reach_https_and_never_leave_it() {
        let url = |text| Url::parse(text).unwrap();
        assert!(is_downgrade(&url("https://a.org/f"), &url("http://a.org/f")));
        assert!(!is_downgrade(&url("https://a.org/f"), &url("https://b.org/f")));
        assert!(!is_downgrade(&url("http://a.org/f"), &url("https://a.org/f")));
        assert!(!is_downgrade(&url("http://a.org/f"), &url("http://b.org/f")));
    }
}
