#![no_main]

// A panic that is caught, as `lgsp_proto::link` catches those of prost-reflect, is no finding; one that is not ends the run.
libfuzzer_sys::fuzz_target!(
    init: std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map_or("", |location| location.file());
        if !location.contains("prost-reflect") {
            eprintln!("{panic}");
        }
    })),
    |data: &[u8]| lgsp_properties::snapshot(data)
);
