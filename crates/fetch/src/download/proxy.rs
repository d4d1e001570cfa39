//! Proxy variables that cannot be followed: they are named, because a request past them, or a failed one without a reason,
//! helps nobody.

use std::ffi::OsString;
use std::net::IpAddr;

use flooding_core::shown;
use reqwest::Url;

/// What is wrong with the proxy that the environment names for `url`; `None` where there is none or it can be used.
pub(super) fn problem(url: &Url, variable: impl Fn(&str) -> Option<OsString>) -> Option<String> {
    // As for every client: under CGI, a request could set `HTTP_PROXY`.
    if variable("REQUEST_METHOD").is_some() || excepted(url, &variable) {
        return None;
    }
    let own = if url.scheme() == "https" { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
    let first = |names: [&'static str; 2]| names.into_iter().find_map(|name| Some((name, variable(name)?)));
    let (name, value) = [own, ["ALL_PROXY", "all_proxy"]].into_iter().filter_map(first).find(|(_, v)| !v.is_empty())?;
    let why = wrong(value.to_str())?;
    let value = shown::line(&shown::without_secrets(&value.to_string_lossy()));
    Some(format!("the environment variable {name} is `{value}`: {why} (set it to http://HOST:PORT, or unset it)"))
}

fn wrong(value: Option<&str>) -> Option<String> {
    let Some(value) = value else { return Some("it is not UTF-8".to_owned()) };
    let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    match Url::parse(&with_scheme) {
        Err(error) => Some(format!("it is no address ({error})")),
        Ok(url) if url.scheme().starts_with("socks") => Some("SOCKS proxies are not supported".to_owned()),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            Some(format!("proxies of the scheme `{}` are not supported", url.scheme()))
        }
        Ok(url) if url.host_str().is_none_or(str::is_empty) => Some("it names no host".to_owned()),
        Ok(_) => None,
    }
}

/// Does `NO_PROXY` except this host?
fn excepted(url: &Url, variable: &impl Fn(&str) -> Option<OsString>) -> bool {
    let list = variable("NO_PROXY").or_else(|| variable("no_proxy")).unwrap_or_default();
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    list.to_string_lossy().split(',').map(|entry| entry.trim().to_ascii_lowercase()).any(|entry| {
        let domain = entry.trim_start_matches('.');
        let below = || host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        entry == "*" || (!domain.is_empty() && below()) || within(&host, &entry)
    })
}

/// Is this address in a subnet such as `10.0.0.0/8`?
fn within(host: &str, subnet: &str) -> bool {
    let Some((network, length)) = subnet.split_once('/') else { return false };
    let (Ok(host), Ok(network), Ok(length)) = (host.parse(), network.parse(), length.parse::<u32>()) else {
        return false;
    };
    let bits = |address| match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    let ((host, width), (network, other)) = (bits(host), bits(network));
    width == other && length <= width && (length == 0 || (host ^ network) >> (128 - length) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(url: &str, variables: &[(&str, &str)]) -> Option<String> {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        problem(&Url::parse(url).unwrap(), find)
    }

    #[test]
    fn socks_and_malformed_proxies_are_named_with_their_variable_and_without_their_password() {
        for (url, name, value, words) in [
            ("https://h.org/f", "HTTPS_PROXY", "socks5h://me:secret@proxy:1080", "SOCKS proxies are not supported"),
            ("http://h.org/f", "ALL_PROXY", "socks4://proxy", "SOCKS"),
            ("http://h.org/f", "http_proxy", "ftp://proxy", "the scheme `ftp`"),
            ("https://h.org/f", "https_proxy", "http://", "no address"),
            ("https://h.org/f", "HTTPS_PROXY", "http://proxy:many", "no address"),
        ] {
            let text = said(url, &[(name, value)]).unwrap();
            assert!(text.contains(name) && text.contains(words) && !text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn proxies_that_can_be_used_or_do_not_concern_the_address_are_no_problem() {
        for (url, variables) in [
            ("https://h.org/f", &[("HTTPS_PROXY", "http://me:secret@proxy:3128")][..]),
            ("https://h.org/f", &[("HTTPS_PROXY", "proxy:3128")]),
            ("https://h.org/f", &[("HTTP_PROXY", "socks5://proxy")]),
            ("https://h.org/f", &[("HTTPS_PROXY", "")]),
            ("https://data.h.org/f", &[("HTTPS_PROXY", "socks5://proxy"), ("NO_PROXY", "x, .h.org")]),
            ("http://10.1.2.3/f", &[("ALL_PROXY", "socks5://proxy"), ("NO_PROXY", "10.0.0.0/8")]),
            ("http://[::1]/f", &[("ALL_PROXY", "socks5://proxy"), ("no_proxy", "::1")]),
            ("http://h.org/f", &[("HTTP_PROXY", "socks5://proxy"), ("REQUEST_METHOD", "GET")]),
        ] {
            assert_eq!(said(url, variables), None, "{variables:?}");
        }
        assert!(said("https://noth.org/f", &[("HTTPS_PROXY", "socks5://p"), ("NO_PROXY", "h.org")]).is_some());
        assert!(said("http://11.1.2.3/f", &[("ALL_PROXY", "socks5://p"), ("NO_PROXY", "10.0.0.0/8")]).is_some());
    }
}
