//! A SQLite file: one writer, which commits what waits at the same time together, and readers beside it.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, ConnectOptions as _, Connection as _, Executor as _, Row as _};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use super::fault::Fault;
use super::rows::{self, Engine, Write, Written};
use super::schema;

/// Writes that are committed together at most: a thousand of them are about as long as one takes to reach the disk.
const TOGETHER: usize = 256;

/// Every commit is on the disk before it is answered, and what is deleted is overwritten.
const WRITER: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
     PRAGMA secure_delete = ON";
const READER: &str = "PRAGMA query_only = ON";

/// When the log is to be emptied, and somebody is reading from it: how long that may keep everybody who writes, and how
/// long until it is tried again.
const SWEEP_WITHIN: &str = "PRAGMA busy_timeout = 100";
const AGAIN: Duration = Duration::from_millis(500);
/// How long to wait for another process that writes.
const BUSY: &str = "PRAGMA busy_timeout = 5000";

/// For how long a file is tried again that others keep locked. Those who make it at the same moment are in each other's way
/// where they turn to the log, and there SQLite does not wait: it refuses all but one.
const LOCKED: Duration = Duration::from_secs(5);

/// Nobody else writes until the transaction ends.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// What waits to be written, and who waits for it.
type Job = (Write, oneshot::Sender<Result<Written, Fault>>);

/// A file, opened.
#[derive(Debug)]
pub(super) struct File {
    pub(super) readers: AnyPool,
    writer: mpsc::Sender<Job>,
}

impl File {
    /// Opens the file, makes it where there is none, and brings its tables up.
    pub(super) async fn open(path: &Path, max_connections: u32, patience: Duration) -> Result<Self, Fault> {
        sqlx::any::install_default_drivers();
        create(path)?;
        let options = AnyConnectOptions::from_str(&address(path))?.disable_statement_logging();
        let began = Instant::now();
        let first = loop {
            match begin(&options).await {
                Err(Fault::Locked) if began.elapsed() < LOCKED => {
                    sleep(Duration::from_millis(fastrand::u64(5..50))).await;
                }
                outcome => break outcome?,
            }
        };
        let writing = pool(options.clone(), WRITER, 1, patience);
        let readers = pool(options, READER, max_connections, patience);
        // The log is kept for as long as anybody has the file open.
        drop(writing.acquire().await?);
        first.close().await?;
        let (writer, jobs) = mpsc::channel(TOGETHER);
        tokio::spawn(run(writing, jobs));
        Ok(Self { readers, writer })
    }

    pub(super) async fn write(&self, write: Write) -> Result<Written, Fault> {
        let (done, written) = oneshot::channel();
        self.writer.send((write, done)).await.map_err(|_| Fault::Closed)?;
        written.await.map_err(|_| Fault::Closed)?
    }
}

/// The first connection, with the tables as they are to be. A pool would try again until its time is over, and not say why.
async fn begin(options: &AnyConnectOptions) -> Result<AnyConnection, Fault> {
    let mut first = options.connect().await?;
    sqlx::raw_sql(WRITER).execute(&mut first).await?;
    let mut transaction = first.begin_with(BEGIN).await?;
    schema::bring_up(&mut transaction, Engine::Sqlite).await?;
    transaction.commit().await?;
    Ok(first)
}

/// Makes the file before SQLite does, which would let others read it. What SQLite puts beside it has the same mode.
fn create(path: &Path) -> Result<(), Fault> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Err(Fault::NoRoom),
        Err(_) => Err(Fault::NotOpened),
    }
}

fn pool(
    options: AnyConnectOptions,
    pragmas: &'static str,
    max_connections: u32,
    patience: Duration,
) -> AnyPool {
    AnyPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(patience)
        // A file does not go away in between; looking whether it has costs as much as a read.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(pragmas).execute(connection).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options)
}

/// The path as the driver takes it: every byte that could mean something in a URL is written as `%XX`.
fn address(path: &Path) -> String {
    let mut address = "sqlite://".to_owned();
    for byte in path.to_string_lossy().bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            address.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(address, "%{byte:02X}");
        }
    }
    address + "?mode=rw"
}

/// Writes until nobody can ask for it any more.
async fn run(writing: AnyPool, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::with_capacity(TOGETHER);
    // A process that was killed may have left something.
    let mut residue = Residue {
        there: true,
        hindered: None,
    };
    residue.sweep(&writing).await;
    loop {
        let more = jobs.recv_many(&mut batch, TOGETHER);
        match timeout(residue.patience(), more).await {
            Ok(0) => return,
            Ok(_) => {}
            Err(_) => {
                residue.sweep(&writing).await;
                continue;
            }
        }
        let outcome = commit(&writing, &batch, &mut residue.there).await;
        if outcome.is_ok() && residue.patience().is_zero() {
            residue.sweep(&writing).await;
        }
        let mut written = outcome.map(Vec::into_iter);
        for (_, done) in batch.drain(..) {
            let result = match &mut written {
                Ok(written) => written.next().ok_or(Fault::Other),
                Err(fault) => Err(*fault),
            };
            // Whoever asked may have stopped waiting.
            let _ = done.send(result);
        }
    }
}

/// One transaction for all of them, so that they share the one wait for the disk. Each of them sees what those before it
/// did.
async fn commit(writing: &AnyPool, batch: &[Job], residue: &mut bool) -> Result<Vec<Written>, Fault> {
    let mut transaction = writing.begin_with(BEGIN).await?;
    let mut written = Vec::with_capacity(batch.len());
    for (job, _) in batch {
        let (outcome, removed) = rows::write(&mut transaction, Engine::Sqlite, job).await?;
        written.push(outcome);
        *residue |= removed;
    }
    transaction.commit().await?;
    Ok(written)
}

/// What was deleted and may still be in the log.
#[derive(Debug)]
struct Residue {
    there: bool,
    /// When somebody who reads from the log kept it from being emptied.
    hindered: Option<Instant>,
}

impl Residue {
    /// How long until the log is to be emptied.
    fn patience(&self) -> Duration {
        match self.hindered {
            _ if !self.there => Duration::MAX,
            Some(at) => AGAIN.saturating_sub(at.elapsed()),
            None => Duration::ZERO,
        }
    }

    async fn sweep(&mut self, writing: &AnyPool) {
        let swept = swept(writing).await.unwrap_or(false);
        self.there = !swept;
        self.hindered = (!swept).then(Instant::now);
    }
}

/// Moves everything from the log into the file, where what was deleted has been overwritten, and empties the log. Not
/// possible while somebody reads from it, who may be another program with all the time in the world: then it is tried
/// again, and those who write wait no longer for it than [`SWEEP_WITHIN`].
async fn swept(writing: &AnyPool) -> Result<bool, sqlx::Error> {
    let mut writer = writing.acquire().await?;
    writer.execute(SWEEP_WITHIN).await?;
    let answer = writer.fetch_one("PRAGMA wal_checkpoint(TRUNCATE)").await;
    writer.execute(BUSY).await?;
    Ok(answer?.try_get::<i64, _>(0)? == 0)
}
