//! The Firehose data transformation: what goes to a transform, what comes
//! back, and the transform that ends each record with a newline
//! (<https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html>).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Transformed: deliver `data`.
    Ok,
    /// Left out on purpose.
    Dropped,
    /// Could not be transformed.
    ProcessingFailed,
}

/// One record of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The id of the record that was asked about.
    pub record_id: String,
    /// What became of it.
    pub result: Status,
    /// Base64; not wanted for a dropped record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

/// What a transform says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// One for each record of the question, in any order.
    pub records: Vec<Answer>,
}

/// An answer that does not fit its question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// A record that was asked about is not there, or one is that was not.
    #[error("the answer has no record {0}, or has ids that were not asked about")]
    MissingRecordId(String),
    /// A record is there twice.
    #[error("the answer has record {0} twice")]
    DuplicatedRecordId(String),
}

impl Answers {
    /// The answers in the order of the ids that were asked about.
    ///
    /// # Errors
    /// The ids of question and answer are not the same.
    pub fn in_order(self, ids: &[String]) -> Result<Vec<Answer>, Mismatch> {
        let mut by_id = HashMap::with_capacity(self.records.len());
        for answer in self.records {
            let id = answer.record_id.clone();
            if by_id.insert(id.clone(), answer).is_some() {
                return Err(Mismatch::DuplicatedRecordId(id));
            }
        }
        let ordered: Result<Vec<_>, _> = ids
            .iter()
            .map(|id| {
                by_id
                    .remove(id)
                    .ok_or_else(|| Mismatch::MissingRecordId(id.clone()))
            })
            .collect();
        match by_id.into_keys().next() {
            Some(unasked) if ordered.is_ok() => Err(Mismatch::MissingRecordId(unasked)),
            _ => ordered,
        }
    }
}

/// What Firehose asks; the fields that the answer needs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Event {
    /// The records to transform.
    pub records: Vec<Asked>,
}

/// One record of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// Names it in the answer.
    pub record_id: String,
    /// Base64.
    pub data: String,
}

/// Answers for all records of an event, each ended with a newline. One that is
/// not base64 or not UTF-8 is marked as failed and comes back as it was.
#[must_use]
pub fn answer(event: &Event) -> Answers {
    let mut line = Vec::new();
    let records = event.records.iter().map(|asked| {
        line.clear();
        let done = base64_simd::STANDARD
            .decode_to_vec(&asked.data)
            .is_ok_and(|data| newline(&data, &mut line));
        Answer {
            record_id: asked.record_id.clone(),
            result: if done {
                Status::Ok
            } else {
                Status::ProcessingFailed
            },
            data: Some(if done {
                base64_simd::STANDARD.encode_to_string(&line)
            } else {
                asked.data.clone()
            }),
        }
    });
    Answers {
        records: records.collect(),
    }
}

/// Appends a record and a newline, so that one line is one record. Returns
/// `false`, and appends nothing, where the record is not UTF-8. Allocates
/// nothing once `out` has the room.
pub fn newline(record: &[u8], out: &mut Vec<u8>) -> bool {
    if std::str::from_utf8(record).is_err() {
        return false;
    }
    out.extend_from_slice(record);
    out.push(b'\n');
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn answers(ids: &[&str]) -> Answers {
        let records = ids.iter().map(|id| Answer {
            record_id: (*id).to_owned(),
            result: Status::Dropped,
            data: None,
        });
        Answers {
            records: records.collect(),
        }
    }

    #[test]
    fn answers_are_matched_by_id_whatever_their_order() {
        let asked = ["a".to_owned(), "b".to_owned()];
        let ordered = answers(&["b", "a"]).in_order(&asked).unwrap();
        assert_eq!(ordered, answers(&["a", "b"]).records);
        for (ids, problem) in [
            (&["a"][..], Mismatch::MissingRecordId("b".into())),
            (&["a", "b", "c"], Mismatch::MissingRecordId("c".into())),
            (&["a", "a"], Mismatch::DuplicatedRecordId("a".into())),
        ] {
            assert_eq!(answers(ids).in_order(&asked), Err(problem));
        }
    }

    #[test]
    fn an_event_is_answered_record_by_record() {
        let event = r#"{"invocationId":"i","records":[
            {"recordId":"a","approximateArrivalTimestamp":1,"data":"e30="},
            {"recordId":"b","data":"/w=="},{"recordId":"c","data":"?"}]}"#;
        let answers = answer(&serde_json::from_str(event).unwrap());
        assert_eq!(
            serde_json::to_string(&answers).unwrap(),
            r#"{"records":[{"recordId":"a","result":"Ok","data":"e30K"},"#.to_owned()
                + r#"{"recordId":"b","result":"ProcessingFailed","data":"/w=="},"#
                + r#"{"recordId":"c","result":"ProcessingFailed","data":"?"}]}"#
        );
    }

    #[test]
    fn a_line_is_a_record_and_bytes_that_are_no_text_are_refused() {
        let mut out = Vec::new();
        assert!(newline(b"{}", &mut out));
        assert!(!newline(b"\xff", &mut out));
        assert!(newline("not JSON \u{2764}".as_bytes(), &mut out));
        assert_eq!(out, "{}\nnot JSON \u{2764}\n".as_bytes());
    }
}
