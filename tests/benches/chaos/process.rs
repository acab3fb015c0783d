//! A role in a process of its own, and what it tells on its admin port.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep};

/// How long a process may take to do what it is waited for.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How long the admin port may take to answer.
const ANSWERS_IN: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A process; it is killed when this is dropped.
pub struct Process {
    child: Child,
    /// What it writes on standard error.
    said: PathBuf,
    /// Where it tells its state.
    pub admin: String,
    /// What this start of the role calls itself.
    pub instance: String,
}

impl Process {
    /// Starts it, and waits until it is ready.
    pub async fn start(command: &mut Command, said: PathBuf) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&said)?);
        let child = command.spawn().with_context(|| format!("{command:?}"))?;
        let mut process = Self { child, said, admin: String::new(), instance: String::new() };
        process.admin = process.address("admin port open").await?;
        let began = Instant::now();
        while !process.get("/readyz").is_ok_and(|(status, _)| status == 200) {
            process.check(began).context("not ready")?;
            sleep(LOOK_AGAIN).await;
        }
        let status: Value = serde_json::from_slice(&process.get("/status")?.1)?;
        process.instance = status["instance"].as_str().context("an instance")?.to_owned();
        Ok(process)
    }

    /// The address of the line that says this.
    pub async fn address(&mut self, says: &str) -> Result<String> {
        let began = Instant::now();
        loop {
            let said = fs::read_to_string(&self.said)?;
            let line = said.split_inclusive('\n').find(|line| line.contains(says) && line.ends_with('\n'));
            let rest = line.and_then(|line| line.split("address=").nth(1));
            if let Some(address) = rest.and_then(|rest| rest.split_whitespace().next()) {
                return Ok(address.to_owned());
            }
            self.check(began).with_context(|| format!("it does not say: {says}"))?;
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Whether it is still there, and its time is not up.
    fn check(&mut self, since: Instant) -> Result<()> {
        let said = self.said.display();
        ensure!(self.child.try_wait()?.is_none(), "it has ended; it said why in {said}");
        ensure!(since.elapsed() < PATIENCE, "its time is up; what it said is in {said}");
        Ok(())
    }

    pub fn get(&self, path: &str) -> io::Result<(u16, Vec<u8>)> {
        block_in_place(|| get(&self.admin, path))
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    pub async fn end(mut self) -> Result<ExitStatus> {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        ensure!(asked.success(), "kill failed");
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            self.check(began)?;
            sleep(LOOK_AGAIN).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Asks an admin port for a page: the status, and the body. It blocks.
pub fn get(admin: &str, path: &str) -> io::Result<(u16, Vec<u8>)> {
    let broken = |what| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut connection = TcpStream::connect(admin)?;
    connection.set_read_timeout(Some(ANSWERS_IN))?;
    write!(connection, "GET {path} HTTP/1.1\r\nhost: {admin}\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(|| broken("no HTTP"))?;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let body = answer.split_off(end + 4);
    if length.is_some_and(|length| length.parse() != Ok(body.len())) {
        return Err(broken("the answer broke off"));
    }
    Ok((status.ok_or_else(|| broken("no status"))?, body))
}

/// Runs a command to its end; gives what it printed.
pub fn run(command: &mut Command) -> Result<(ExitStatus, String)> {
    let ran = block_in_place(|| command.stdin(Stdio::null()).output());
    let ran = ran.with_context(|| format!("{command:?}"))?;
    let told = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    Ok((ran.status, told))
}

/// Runs a command that must succeed.
pub fn run_well(command: &mut Command) -> Result<String> {
    let (status, told) = run(command)?;
    if !status.success() {
        bail!("{command:?}: {status}\n{told}");
    }
    Ok(told)
}
