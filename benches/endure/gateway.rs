//! The gateway as a process of its own, and what the system says about it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::client;

const START: Duration = Duration::from_secs(10);
const STOP: Duration = Duration::from_secs(30);

/// The gateway beside this program.
pub(crate) fn binary() -> Result<PathBuf, String> {
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let built = here.parent().map(|folder| folder.join("loangate"));
    built
        .filter(|path| path.is_file())
        .ok_or_else(|| "the gateway is not built: run `cargo build --release` first".to_owned())
}

/// A port on 127.0.0.1 that is free now.
pub(crate) fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// A folder of this run's own, gone when this is dropped. A crate for it would have others built with other features.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("loangate-endure-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Who looks into it may have been killed.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running gateway. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    child: Child,
    pid: u32,
    asked_to_stop: AtomicBool,
    _config: Folder,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Ok(Some(status)) = self.child.try_wait()
            && !self.asked_to_stop.load(Ordering::Relaxed)
        {
            println!("the gateway of the line above had ended by itself: {status}");
        }
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the system says, in KiB.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    pub(crate) resident: u64,
    pub(crate) peak: u64,
    pub(crate) threads: u64,
}

impl Gateway {
    /// Starts one on a free port and waits until it is ready.
    pub(crate) async fn start(config: &str) -> Self {
        Self::start_at(free_address(), config).await
    }

    pub(crate) async fn start_at(address: SocketAddr, config: &str) -> Self {
        let folder = Folder::new();
        let path = folder.path().join("endure.toml");
        std::fs::write(&path, config).unwrap();
        let mut child = Command::new(binary().unwrap())
            .args(["serve", "--config"])
            .arg(&path)
            .env("LOANGATE__SERVER__LISTEN", address.to_string())
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pid = child.id();
        let began = Instant::now();
        loop {
            if client::get(address, "/readyz")
                .await
                .is_ok_and(|answer| answer.status == 200)
            {
                break;
            }
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the gateway ended with {status}; its config was:\n{config}");
            }
            assert!(began.elapsed() < START, "the gateway did not become ready");
            sleep(Duration::from_millis(2)).await;
        }
        Self {
            address,
            child,
            pid,
            asked_to_stop: AtomicBool::new(false),
            _config: folder,
        }
    }

    pub(crate) fn usage(&self) -> Usage {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let field = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
                .unwrap_or_default()
        };
        Usage {
            resident: field("VmRSS:"),
            peak: field("VmHWM:"),
            threads: field("Threads:"),
        }
    }

    /// The peak counts from now.
    pub(crate) fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.pid), "5").unwrap();
    }

    /// Time it has used a processor for, in steps of 10 ms.
    pub(crate) fn processor_time(&self) -> Duration {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        // Behind the name, which may hold anything: user and system time are the 12th and 13th of the rest.
        let rest = text.rsplit(')').next().unwrap_or_default();
        let ticks: u64 = rest
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|ticks| ticks.parse::<u64>().ok())
            .sum();
        Duration::from_millis(ticks * 10)
    }

    /// Open descriptors.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid)).map_or(0, Iterator::count)
    }

    pub(crate) fn ask_to_stop(&self) {
        self.asked_to_stop.store(true, Ordering::Relaxed);
        let sent = Command::new("kill")
            .args(["-TERM", &self.pid.to_string()])
            .status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "no signal could be sent"
        );
    }

    /// Whether it ended by itself, with exit code 0.
    pub(crate) async fn ended_well(mut self) -> bool {
        let ended = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    break status;
                }
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(STOP, ended).await.is_ok_and(|status| status.success())
    }

    pub(crate) async fn stop(self) -> bool {
        self.ask_to_stop();
        self.ended_well().await
    }
}

/// Whether a socket of this machine listens on this port of 127.0.0.1.
pub(crate) fn somebody_listens(address: SocketAddr) -> bool {
    let wanted = format!("0100007F:{:04X}", address.port());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    table.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        fields.next() == Some(&wanted) && fields.nth(1) == Some("0A")
    })
}
