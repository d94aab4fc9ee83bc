#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hrload_fuzz::laws::hold("event_stream", data));
