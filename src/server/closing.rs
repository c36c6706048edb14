//! Closing a listener without losing a connection that the system has accepted for it.
//!
//! Between the last accept and the close the system may complete one more handshake; that client has sent its request
//! and would get a reset. So the listener first stops answering handshakes. A client that comes meanwhile repeats its
//! own a second later, to whoever listens then.

use std::io;

use tokio::net::TcpListener;

/// From now on no new handshake is answered; those under way are finished. Only Linux can do it.
#[cfg(target_os = "linux")]
pub(super) fn refuse_handshakes(listener: &TcpListener) -> io::Result<()> {
    use socket2::{SockFilter, SockRef};

    // Classic BPF over the TCP header: load a byte, skip one if these bits are not set, let this many bytes pass.
    const LOAD_BYTE: u16 = 0x30;
    const SKIP_UNLESS_SET: u16 = 0x45;
    const PASS: u16 = 0x06;
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    SockRef::from(listener).attach_filter(&[
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
        SockFilter::new(SKIP_UNLESS_SET, 0, 1, SYN),
        SockFilter::new(PASS, 0, 0, 0),
        SockFilter::new(PASS, 0, 0, u32::MAX),
    ])
}

#[cfg(not(target_os = "linux"))]
pub(super) fn refuse_handshakes(_: &TcpListener) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
