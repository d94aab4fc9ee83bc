//! String, number and binary sets: without duplicates, not empty, kept sorted.

use super::json::write_string;
use super::number::Number;
use super::problem::{Problems, Wording};
use hrload_capacity::size::number_bytes;

/// One member: what it is compared by, and its canonical text.
struct Member {
    order: Vec<u8>,
    text: String,
    bytes: usize,
}

/// Appends a set (`SS`, `NS` or `BS`) in canonical form and returns its size;
/// notes what is wrong with it.
pub(super) fn write(
    kind: &str,
    written: Vec<String>,
    out: &mut Vec<u8>,
    problems: &mut Problems,
    wording: Wording,
) -> usize {
    if written.is_empty() {
        problems.empty_set(kind);
    }
    let mut members: Vec<Member> = written
        .iter()
        .map(|text| member(kind, text, problems, wording))
        .collect();
    members.sort_by(|a, b| a.order.cmp(&b.order));
    if members
        .windows(2)
        .any(|pair| pair[0].order == pair[1].order)
    {
        problems.duplicates(kind, &written, wording);
    }
    out.push(b'[');
    for (at, member) in members.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_string(out, &member.text);
    }
    out.push(b']');
    members.iter().map(|m| m.bytes).sum()
}

fn member(kind: &str, text: &str, problems: &mut Problems, wording: Wording) -> Member {
    let mut order = Vec::new();
    match kind {
        "NS" => {
            let mut canonical = Vec::new();
            match Number::parse(text) {
                Ok(number) => {
                    number.write(&mut canonical);
                    number.write_sortable(&mut order);
                }
                Err(error) => {
                    problems.number(error, text, wording);
                    order.extend_from_slice(text.as_bytes());
                }
            }
            Member {
                order,
                bytes: number_bytes(&canonical),
                text: String::from_utf8(canonical).unwrap_or_default(),
            }
        }
        "BS" => {
            match base64_simd::STANDARD.decode_to_vec(text.as_bytes()) {
                Ok(bytes) => order = bytes,
                Err(_) => problems.not_base64(),
            }
            Member {
                bytes: order.len(),
                order,
                text: text.to_owned(),
            }
        }
        _ => Member {
            order: text.as_bytes().to_vec(),
            bytes: text.len(),
            text: text.to_owned(),
        },
    }
}
