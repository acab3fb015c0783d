//! Compiles the contract: the messages, the service, and the descriptor set with the hub's options.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=../../../proto");
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let mut compiler = protox::Compiler::new(["proto", "../../../proto"])?;
    compiler.include_imports(true).include_source_info(false);
    compiler.open_file("example/vehicle/v1/vehicle.proto")?;
    // As the compiler encodes it: a round trip through prost's types would drop the options.
    fs::write(out_dir.join("vehicle.binpb"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        .emit_rerun_if_changed(false)
        .extern_path(".lgsp.options.v1", "::lgsp_proto::options::v1")
        .extern_path(".lgsp.record.v1", "::lgsp_proto::record::v1")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
