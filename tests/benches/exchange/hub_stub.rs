use anyhow::{Result, bail};
use crate::cpu::Parts;
use crate::slice::{Place, Running, Runtimes};
pub const PURPOSE: &str = "prefill";
pub async fn start(_: &Place, _: &Runtimes, _: &mut Parts) -> Result<Running> { bail!("not yet") }
