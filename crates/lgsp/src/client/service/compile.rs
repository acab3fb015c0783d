//! From `.proto` files to a contract as the hub takes it.

use std::path::{Path, PathBuf};
use std::{fs, io};

use protox::file::{ChainFileResolver, DescriptorSetFileResolver, GoogleFileResolver, IncludeFileResolver};

use crate::client::Error;

/// Largest descriptor set to read from a file. The hub takes less.
const LARGEST_FILE: u64 = 16 << 20;
/// Most `.proto` files of one contract.
const MOST_FILES: usize = 1_000;

/// The contract of one service.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Full name of the service.
    pub service: String,
    /// An encoded FileDescriptorSet: its file, and what that imports.
    pub descriptor_set: Vec<u8>,
}

/// Compiles the files of a folder, or reads a set that was compiled elsewhere.
///
/// # Errors
/// The files cannot be read or do not compile, or do not say which service is meant.
pub fn compile(
    proto_dir: Option<&Path>,
    descriptor_set: Option<&Path>,
    service: Option<&str>,
) -> Result<Compiled, Error> {
    match (proto_dir, descriptor_set) {
        (_, Some(file)) => read(file, service),
        (Some(dir), None) => of_folder(dir, service),
        (None, None) => Err(bad("name the folder of the contract with --proto-dir")),
    }
}

fn of_folder(dir: &Path, service: Option<&str>) -> Result<Compiled, Error> {
    let names = proto_files(dir).map_err(|error| bad(format!("{}: {error}", dir.display())))?;
    if names.is_empty() {
        return Err(bad(format!("{} holds no .proto file", dir.display())));
    }
    let mut all = compiler(dir)?;
    for name in &names {
        all.open_file(name).map_err(located)?;
    }
    let pool = all.descriptor_pool();
    let ours =
        pool.services().filter(|service| names.iter().any(|name| name == service.parent_file().name()));
    let known: Vec<(String, String)> = ours
        .map(|service| (service.full_name().to_owned(), service.parent_file().name().to_owned()))
        .collect();
    let service = only(service, known.iter().map(|(service, _)| service.clone()).collect())?;
    let file = known.iter().find(|(known, _)| *known == service).map(|(_, file)| file);
    // The set as the compiler encodes it, and of the file alone: a round trip through plain types would drop the options.
    let mut compiler = compiler(dir)?;
    compiler.open_file(file.ok_or_else(|| bad("the service is not in the files"))?).map_err(located)?;
    Ok(Compiled { service, descriptor_set: compiler.encode_file_descriptor_set() })
}

fn read(file: &Path, service: Option<&str>) -> Result<Compiled, Error> {
    let unreadable = |error: io::Error| bad(format!("{}: {error}", file.display()));
    if fs::metadata(file).map_err(unreadable)?.len() > LARGEST_FILE {
        return Err(bad(format!("{} is larger than any contract", file.display())));
    }
    let descriptor_set = fs::read(file).map_err(unreadable)?;
    let pool = lgsp_proto::link(&descriptor_set);
    let pool = pool.map_err(|error| bad(format!("{}: {error}", file.display())))?;
    let service = only(service, pool.services().map(|service| service.full_name().to_owned()).collect())?;
    Ok(Compiled { service, descriptor_set })
}

/// The service that is named, or the only one there is.
fn only(named: Option<&str>, known: Vec<String>) -> Result<String, Error> {
    match (named, known.as_slice()) {
        (Some(named), known) if known.iter().any(|known| known == named) => Ok(named.to_owned()),
        (None, [only]) => Ok(only.clone()),
        (Some(_), _) | (None, []) => {
            Err(bad(format!("there is no such service; there are: {}", known.join(", "))))
        }
        (None, _) => Err(bad(format!("name the data service with --service: {}", known.join(", ")))),
    }
}

/// A compiler that finds the files of the folder first, then the hub's options and records, then those that everybody has.
fn compiler(dir: &Path) -> Result<protox::Compiler, Error> {
    let hub = DescriptorSetFileResolver::decode(lgsp_proto::DESCRIPTOR_SET);
    let mut files = ChainFileResolver::new();
    files.add(IncludeFileResolver::new(dir.to_owned()));
    files.add(hub.map_err(|error| bad(error.to_string()))?);
    files.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(files);
    compiler.include_imports(true).include_source_info(false);
    Ok(compiler)
}

/// All `.proto` files below a folder by their names in it, sorted.
fn proto_files(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(dir.join(&folder))? {
            let entry = entry?;
            let name = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(name);
            } else if name.extension().is_some_and(|extension| extension == "proto") {
                names.extend(name.to_str().map(str::to_owned));
            }
            if names.len() + folders.len() > MOST_FILES {
                return Err(io::Error::other(format!("holds more than {MOST_FILES} files and folders")));
            }
        }
    }
    names.sort();
    Ok(names)
}

/// With its file and line: the compiler tells them in this form only.
fn located(error: protox::Error) -> Error {
    bad(format!("{error:?}"))
}

fn bad(problem: impl Into<String>) -> Error {
    Error::Protos { problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTRACT: &str = r#"
        syntax = "proto3";
        package shelf.v1;
        import "lgsp/options/v1/options.proto";
        import "lgsp/record/v1/record.proto";
        import "google/protobuf/timestamp.proto";
        service Shelf {
          option (lgsp.options.v1.service) = {domain: "shelf" title_vi: "Kệ"};
          rpc Get(Ask) returns (Book) { option (lgsp.options.v1.method) = {deadline_ms: 1000}; }
        }
        message Ask { string isbn = 1 [(lgsp.options.v1.field) = {required: true}]; }
        message Book { lgsp.record.v1.Provenance provenance = 1; google.protobuf.Timestamp since = 2; }
    "#;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a scratch directory");
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
            fs::write(path, text).expect("written");
        }
        dir
    }

    #[test]
    fn a_folder_becomes_a_contract_with_its_options_and_all_it_imports() {
        let dir = folder(&[("shelf/v1/shelf.proto", CONTRACT)]);
        let Compiled { service, descriptor_set } =
            compile(Some(dir.path()), None, None).expect("it compiles");
        assert_eq!(service, "shelf.v1.Shelf");
        let contract = lgsp_core::contract::Contract::read(&descriptor_set, &service).expect("it links");
        assert_eq!(contract.rules.domain, "shelf");
        let input = contract.method("Get").expect("a method").input();
        let isbn = input.get_field_by_name("isbn").expect("a field");
        assert!(lgsp_proto::options::field(&isbn).required, "the hub's options are kept");
        let provenance = contract.service.parent_pool().get_message_by_name("lgsp.record.v1.Provenance");
        let first = provenance.expect("imported").fields().next().expect("a field");
        let classified = lgsp_proto::options::field(&first).classification;
        assert_ne!(classified, 0, "and those of what the hub itself brings");

        let file = dir.path().join("shelf.binpb");
        fs::write(&file, &descriptor_set).expect("written");
        let read = compile(None, Some(&file), Some("shelf.v1.Shelf")).expect("the same");
        assert_eq!(read.descriptor_set, descriptor_set);
    }

    #[test]
    fn what_does_not_compile_is_told_with_its_file_and_line() {
        let dir = folder(&[("shelf.proto", "syntax = \"proto3\";\nmessage Book {\n  strin title = 1;\n}\n")]);
        let error = compile(Some(dir.path()), None, None).expect_err("there is no such type").to_string();
        assert!(error.contains("shelf.proto:3:"), "{error}");
    }

    #[test]
    fn of_several_services_one_has_to_be_named() {
        let two = "syntax = \"proto3\"; package a; message M {} service A { rpc X(M) returns (M); } service B { rpc X(M) returns (M); }";
        let dir = folder(&[("two.proto", two)]);
        let error = compile(Some(dir.path()), None, None).expect_err("which?").to_string();
        assert!(error.contains("a.A, a.B"), "{error}");
        assert_eq!(compile(Some(dir.path()), None, Some("a.B")).expect("named").service, "a.B");
        assert!(compile(Some(dir.path()), None, Some("a.C")).is_err());
        assert!(compile(Some(folder(&[]).path()), None, None).is_err(), "an empty folder");
    }
}
