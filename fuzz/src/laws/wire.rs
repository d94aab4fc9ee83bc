//! What comes over connections: HTTP answers, and frames of event streams.

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use bytes::Bytes;

use super::codec;

/// An answer is read or refused whatever a server says, and no more of a body comes than
/// was sent.
pub(super) fn http_answer(data: &[u8]) {
    let mut body = b"before".to_vec();
    match hrload::load::answer_in(data, &mut body) {
        Ok(status) => assert!((200..=999).contains(&status), "{status}"),
        Err(error) => super::shown(&error),
    }
    assert!(body.starts_with(b"before") && body.len() <= "before".len() + data.len());
}

/// The payloads of an event stream's frames are read as pages are. The first byte says
/// how many of the next are a frame's headers; lengths and checksums, which nobody can
/// guess, are put around the rest.
pub(super) fn event_stream(data: &[u8]) {
    let Some((&headers, rest)) = data.split_first() else {
        return;
    };
    let headers = usize::from(headers).min(rest.len());
    let mut frame = Vec::with_capacity(rest.len() + 16);
    frame.extend_from_slice(&(rest.len() as u32 + 16).to_be_bytes());
    frame.extend_from_slice(&(headers as u32).to_be_bytes());
    frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
    frame.extend_from_slice(rest);
    frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
    let mut decoder = MessageFrameDecoder::new();
    let mut frame = Bytes::from(frame);
    if let Ok(DecodedFrame::Complete(message)) = decoder.decode_frame(&mut frame) {
        assert_eq!(message.payload(), &rest[headers..]);
        codec::page(message.payload());
    }
}
