//! Compiles the contract of the echo service, which only the tests know.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=../proto/lgsp/options");
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let mut compiler = protox::Compiler::new(["proto", "../proto"])?;
    compiler.include_imports(true);
    compiler.open_file("lgsp/echo/v1/echo.proto")?;
    fs::write(out_dir.join("echo.binpb"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        .bytes(".lgsp.echo.v1")
        .emit_rerun_if_changed(false)
        .extern_path(".lgsp.options.v1", "::lgsp_proto::options::v1")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
