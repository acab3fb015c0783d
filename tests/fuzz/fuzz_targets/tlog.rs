#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lgsp_properties::tlog(data));
