//! Whose request it is, behind reverse proxies: for the log, and for nothing else.
//!
//! Everybody can write these headers. What counts is who wrote them last: each proxy adds the address it heard from at the
//! end, so that reading from the end, for as long as the one who says so is a proxy of ours, gives the first stranger.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The reverse proxies that are believed.
#[derive(Debug, Clone, Default)]
pub(super) struct Proxies(Arc<[IpNet]>);

impl Proxies {
    pub(super) fn new(networks: &[IpNet]) -> Self {
        Self(Arc::from(networks))
    }

    /// The address that a request comes from; `None` where there is no socket.
    pub(super) fn remote(&self, request: &Request) -> Option<IpAddr> {
        let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
        Some(self.behind(peer.ip().to_canonical(), request.headers()))
    }

    /// A proxy writes one of the two headers and may hand on the caller's own other one. So where both are there, they
    /// must say the same.
    fn behind(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let listed = headers
            .contains_key(FORWARDED_FOR)
            .then(|| self.first_stranger(peer, entries(headers, &FORWARDED_FOR).map(plain)));
        let told = headers
            .contains_key(header::FORWARDED)
            .then(|| self.first_stranger(peer, entries(headers, &header::FORWARDED).map(element)));
        match (listed, told) {
            (Some(one), Some(other)) if one != other => peer,
            (Some(address), _) | (None, Some(address)) => address,
            (None, None) => peer,
        }
    }

    /// Follows the hops from the nearest one. One that cannot be read ends the way at the last that could.
    fn first_stranger(&self, peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut address = peer;
        for hop in hops {
            let ours = self.0.iter().any(|network| network.contains(&address));
            match hop {
                Some(hop) if ours => address = hop,
                _ => break,
            }
        }
        address
    }
}

/// The entries of a list header, the last one first; one that is not text is empty.
fn entries<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let lines: Vec<&[u8]> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
    let entries = lines
        .into_iter()
        .rev()
        .flat_map(|line| line.rsplit(|byte| *byte == b','));
    entries.map(|entry| std::str::from_utf8(entry).unwrap_or_default())
}

/// `192.0.2.1`, `2001:db8::1`, and with a port `192.0.2.1:80` or `[2001:db8::1]:80`.
fn plain(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let address = entry
        .parse()
        .or_else(|_| entry.parse().map(|socket: SocketAddr| socket.ip()))
        .ok()
        .or_else(|| entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok())?;
    Some(address.to_canonical())
}

/// `for=192.0.2.1;proto=https`, `For="[2001:db8::1]:80"`. A list is cut at every comma: one inside of quotes is in no
/// address, and leaves halves that say nothing.
fn element(entry: &str) -> Option<IpAddr> {
    let value = entry.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value.trim())
    })?;
    match value.strip_prefix('"') {
        Some(quoted) => plain(quoted.strip_suffix('"')?),
        None => plain(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(peer: &str, headers: &[(&str, &str)]) -> String {
        let proxies: Vec<IpNet> = ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"]
            .map(|network| network.parse().unwrap())
            .to_vec();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let peer: IpAddr = peer.parse().unwrap();
        Proxies::new(&proxies)
            .behind(peer.to_canonical(), &map)
            .to_string()
    }

    fn listed(peer: &str, list: &str) -> String {
        remote(peer, &[("x-forwarded-for", list)])
    }

    fn told(list: &str) -> String {
        remote("10.0.0.1", &[("forwarded", list)])
    }

    #[test]
    fn a_stranger_is_who_it_is_whatever_it_says() {
        assert_eq!(listed("192.0.2.9", "198.51.100.1"), "192.0.2.9");
        assert_eq!(
            remote("192.0.2.9", &[("forwarded", "for=198.51.100.1")]),
            "192.0.2.9"
        );
        assert_eq!(remote("192.0.2.9", &[]), "192.0.2.9");
        let nobody = Proxies::default();
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_FOR, HeaderValue::from_static("198.51.100.1"));
        let peer: IpAddr = "127.0.0.1".parse().unwrap();
        assert_eq!(nobody.behind(peer, &headers), peer);
    }

    #[test]
    fn the_last_address_that_is_no_proxy_of_ours_wins() {
        assert_eq!(listed("10.0.0.1", "198.51.100.1"), "198.51.100.1");
        assert_eq!(listed("10.0.0.1", "203.0.113.66, 198.51.100.1"), "198.51.100.1");
        assert_eq!(
            listed("10.0.0.1", "203.0.113.66, 198.51.100.1, 10.1.1.1"),
            "198.51.100.1"
        );
        assert_eq!(listed("::ffff:10.0.0.1", "::ffff:198.51.100.1"), "198.51.100.1");
        assert_eq!(listed("fd00::1", "2001:db8::7"), "2001:db8::7");
        // Nobody but proxies: the farthest.
        assert_eq!(listed("10.0.0.1", "10.0.0.3, 10.0.0.2"), "10.0.0.3");
        let two = [
            ("x-forwarded-for", "203.0.113.66"),
            ("x-forwarded-for", "198.51.100.1, 10.0.0.2"),
        ];
        assert_eq!(remote("10.0.0.1", &two), "198.51.100.1");
    }

    #[test]
    fn ports_and_brackets_are_read() {
        assert_eq!(listed("10.0.0.1", "198.51.100.1:4711"), "198.51.100.1");
        assert_eq!(listed("10.0.0.1", "[2001:db8::7]:4711"), "2001:db8::7");
        assert_eq!(listed("10.0.0.1", "[2001:db8::7]"), "2001:db8::7");
        assert_eq!(told("for=198.51.100.1"), "198.51.100.1");
        assert_eq!(told("For=\"[2001:DB8::7]:4711\";proto=https"), "2001:db8::7");
        assert_eq!(
            told("for=203.0.113.66, proto=https;for=\"198.51.100.1:80\";by=10.0.0.1"),
            "198.51.100.1"
        );
    }

    #[test]
    fn what_cannot_be_read_ends_the_way_there() {
        for nonsense in [
            "",
            " ",
            "unknown",
            "198.51.100.1.5",
            "a, ",
            "\u{e9}",
            "[::1",
            "10.0.0.2;",
        ] {
            assert_eq!(listed("10.0.0.1", nonsense), "10.0.0.1", "{nonsense}");
            assert_eq!(told(nonsense), "10.0.0.1", "{nonsense}");
            let behind = format!("{nonsense}, 10.0.0.2");
            assert_eq!(listed("10.0.0.1", &behind), "10.0.0.2", "{nonsense}");
        }
        for hidden in [
            "for=unknown",
            "for=_hidden",
            "for=\"",
            "for=\"198.51.100.1",
            "by=198.51.100.1",
            "host=\"a,for=198.51.100.1\"",
        ] {
            assert_eq!(told(hidden), "10.0.0.1", "{hidden}");
        }
        // An open quote of a caller does not swallow what our proxy wrote.
        assert_eq!(told("for=\"203.0.113.66, for=198.51.100.1"), "198.51.100.1");
    }

    #[test]
    fn two_headers_that_differ_are_both_not_believed() {
        let both = |listed, told| remote("10.0.0.1", &[("x-forwarded-for", listed), ("forwarded", told)]);
        assert_eq!(both("198.51.100.1", "for=198.51.100.1"), "198.51.100.1");
        assert_eq!(both("198.51.100.1", "for=203.0.113.66"), "10.0.0.1");
        assert_eq!(both("203.0.113.66", "for=198.51.100.1"), "10.0.0.1");
    }
}
