//! Compiles the contracts with protox, so that no protoc is needed.
//!
//! Descriptor sets are kept as the compiler encodes them: a round trip through `prost_types` would silently drop
//! the custom options.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

const PROTO_DIR: &str = "../../proto";
const ERROR_DETAILS: &str = "google/rpc/error_details.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={PROTO_DIR}");
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let proto_files = proto_files(Path::new(PROTO_DIR))?;

    let error_details = compiler()?.open_file(ERROR_DETAILS)?.encode_file_descriptor_set();
    fs::write(out_dir.join("error_details.binpb"), error_details)?;

    let mut compiler = compiler()?;
    compiler.open_files(&proto_files)?;
    fs::write(out_dir.join("all.binpb"), compiler.encode_file_descriptor_set())?;
    write_descriptor_sets_of_services(&compiler, &out_dir)?;

    // Source info carries the comments into the generated documentation, and nowhere else.
    compiler.include_source_info(true);
    let mut files = compiler.file_descriptor_set();
    for google in files.file.iter_mut().filter(|file| file.package().starts_with("google.")) {
        // Indented examples in its comments would become documentation tests.
        google.source_code_info = None;
    }
    tonic_prost_build::configure()
        .bytes(".lgsp.ledger.v1")
        .bytes(".lgsp.registry.v1")
        .emit_rerun_if_changed(false)
        .compile_fds(files)?;
    Ok(())
}

fn compiler() -> Result<protox::Compiler, protox::Error> {
    let mut compiler = protox::Compiler::new([PROTO_DIR])?;
    compiler.include_imports(true).include_source_info(false);
    Ok(compiler)
}

/// All `.proto` files below a folder, sorted, so that two builds of the same contracts give the same bytes.
fn proto_files(dir: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "proto") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Writes, for each service, the set of its file and what that imports, and a table of them.
fn write_descriptor_sets_of_services(all: &protox::Compiler, out_dir: &Path) -> Result<(), Box<dyn Error>> {
    let mut services: Vec<(String, String)> = all
        .descriptor_pool()
        .services()
        .map(|service| (service.full_name().to_owned(), service.parent_file().name().to_owned()))
        .collect();
    services.sort();

    let mut table = String::from("[\n");
    for (service, file) in services {
        let set = compiler()?.open_file(&file)?.encode_file_descriptor_set();
        fs::write(out_dir.join(format!("{service}.binpb")), set)?;
        writeln!(
            table,
            "    ({service:?}, include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{service}.binpb\")).as_slice()),"
        )?;
    }
    table.push(']');
    fs::write(out_dir.join("services.rs"), table)?;
    Ok(())
}
