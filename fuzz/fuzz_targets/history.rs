#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hrload_fuzz::laws::hold("history", data));
