//! The real binary, spoken to as Lambda does
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

/// One HTTP request: its first line and its body.
fn request(connection: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let mut first = String::new();
    if connection.read_line(&mut first).ok()? == 0 {
        return None;
    }
    let mut length = 0;
    let mut chunked = false;
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).ok()?;
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        chunked |= line == "transfer-encoding: chunked";
        if line.is_empty() {
            break;
        }
    }
    let mut body = Vec::new();
    while chunked {
        let mut size = String::new();
        connection.read_line(&mut size).ok()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        let mut chunk = vec![0; size + 2];
        connection.read_exact(&mut chunk).ok()?;
        body.extend_from_slice(&chunk[..size]);
        chunked = size > 0;
    }
    if length > 0 {
        body = vec![0; length];
        connection.read_exact(&mut body).ok()?;
    }
    Some((first, String::from_utf8(body).ok()?))
}

/// Starts the function, gives it one event and returns its answer: the first line
/// of the request that carries it, and its body.
pub(crate) fn invoke(event: &str) -> (String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut function = Command::new(env!("CARGO_BIN_EXE_hrload-transform"))
        .env(
            "AWS_LAMBDA_RUNTIME_API",
            listener.local_addr().unwrap().to_string(),
        )
        .env("AWS_LAMBDA_FUNCTION_NAME", "transform")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "stream")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "group")
        .spawn()
        .unwrap();
    let mut given = false;
    let answer = 'answered: loop {
        let mut connection = BufReader::new(listener.accept().unwrap().0);
        while let Some((first, body)) = request(&mut connection) {
            if !first.contains("/invocation/next") {
                break 'answered (first, body);
            }
            if given {
                // It asks for the next one before it has answered: never.
                panic!("asked twice");
            }
            given = true;
            let answer = format!(
                "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: one\r\n\
                 lambda-runtime-deadline-ms: 9999999999999\r\n\
                 lambda-runtime-invoked-function-arn: arn\r\ncontent-length: {}\r\n\r\n{event}",
                event.len()
            );
            connection.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    };
    function.kill().unwrap();
    function.wait().unwrap();
    answer
}
