//! Where requests may go: the rules for a base URL.

use std::net::IpAddr;

use reqwest::Url;

use super::section::{Given, Section};

impl Section<'_> {
    /// A base URL to which path segments can be appended; required when there is no `default`.
    ///
    /// It must be https unless its host is loopback or this section has `allow_http = true`, because
    /// credentials are sent to it.
    pub fn base_url(&mut self, key: &str, default: Option<&str>) -> Option<Url> {
        let allow_http = self.bool_or("allow_http", false);
        let text = if self.ask(key).is_some() {
            self.value(key, "a URL", |given: Given<'_>| given.text().map(str::to_owned))?
        } else if let Some(default) = default {
            default.to_owned()
        } else {
            self.problem(key, "is required");
            return None;
        };
        base(&text, allow_http)
            .map_err(|detail| self.problem(key, detail))
            .ok()
    }

    /// The URL of one document; it must be given. The same rules, but that it may have a query.
    pub(super) fn document_url(&mut self, key: &str) -> Option<Url> {
        let allow_http = self.bool_or("allow_http", false);
        if self.ask(key).is_none() {
            self.problem(key, "is required");
            return None;
        }
        let text = self.value(key, "a URL", |given: Given<'_>| given.text().map(str::to_owned))?;
        url(&text, allow_http)
            .map_err(|detail| self.problem(key, detail))
            .ok()
    }
}

fn base(text: &str, allow_http: bool) -> Result<Url, &'static str> {
    let mut url = url(text, allow_http)?;
    if url.query().is_some() {
        return Err("must not have a query");
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

fn url(text: &str, allow_http: bool) -> Result<Url, &'static str> {
    // The parser's error is not repeated: the text may hold a password.
    let url = Url::parse(text).map_err(|_| "must be a URL such as \"https://api.example.com/v1\"")?;
    match url.scheme() {
        "https" => {}
        "http" if allow_http || is_loopback(&url) => {}
        "http" => return Err("must be https (or a loopback host, or set allow_http = true)"),
        _ => return Err("must be an https URL"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or password");
    }
    if url.fragment().is_some() {
        return Err("must not have a fragment");
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    // The URL parser has already turned every spelling of an IPv4 address into the dotted one.
    url.host_str().is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_or_loopback() {
        for text in [
            "https://api.example.com",
            "http://127.0.0.1:9090/bsa",
            "http://127.8.9.1",
            "http://127.1/",
            "http://localhost:9090",
            "http://LOCALHOST",
            "http://[::1]:9090/x",
        ] {
            assert!(base(text, false).is_ok(), "{text}");
        }
        for text in [
            "http://api.example.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://0.0.0.0",
            "http://[::ffff:127.0.0.1]",
            "http://10.0.0.1",
            "http://user@127.0.0.1",
        ] {
            assert!(base(text, false).is_err(), "{text}");
        }
        assert!(base("http://10.0.0.1", true).is_ok());
    }

    #[test]
    fn nothing_but_a_base() {
        for text in [
            "",
            "api.example.com",
            "/v1",
            "https://",
            "ftp://api.example.com",
            "file:///etc/passwd",
            "data:text/plain,x",
            "https://user:word@api.example.com",
            "https://:word@api.example.com",
            "https://api.example.com/v1?key=1",
            "https://api.example.com/v1?",
            "https://api.example.com/v1#part",
        ] {
            assert!(base(text, true).is_err(), "{text}");
        }
    }

    #[test]
    fn the_url_of_a_document_is_kept_as_it_is() {
        for text in ["https://id.example.com/keys/?p=one", "http://127.0.0.1:9/keys/"] {
            assert_eq!(url(text, false).unwrap().as_str(), text);
        }
        for text in [
            "http://id.example.com/keys",
            "https://id.example.com/keys#one",
            "https://user@id.example.com/keys",
            "keys",
        ] {
            assert!(url(text, false).is_err(), "{text}");
        }
    }

    #[test]
    fn segments_can_be_appended() {
        for (text, joined) in [
            ("https://a.example", "https://a.example/loans/a%2Fb"),
            ("https://a.example/", "https://a.example/loans/a%2Fb"),
            (
                "https://a.example/api/1.0",
                "https://a.example/api/1.0/loans/a%2Fb",
            ),
            ("https://a.example/api//", "https://a.example/api/loans/a%2Fb"),
        ] {
            let mut url = base(text, false).unwrap();
            url.path_segments_mut().unwrap().extend(["loans", "a/b"]);
            assert_eq!(url.as_str(), joined);
        }
    }
}
