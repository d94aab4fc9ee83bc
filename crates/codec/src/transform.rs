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

/// Why a record has no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It was asked about and is not in the answer.
    #[error("the answer does not have the record")]
    Missing,
    /// It is in the answer twice.
    #[error("the answer has the record twice")]
    Duplicated,
    /// What the answer says of it cannot be read.
    #[error("the answer says nothing usable of the record: {0}")]
    Unreadable(String),
}

/// Reads an answer, record by record: one for each of the ids that were asked about, in
/// their order. Records that were not asked about are passed over.
///
/// # Errors
/// It is not JSON, or has no list of records.
pub fn read_answers(
    answer: &[u8],
    ids: &[String],
) -> Result<Vec<Result<Answer, Fault>>, serde_json::Error> {
    /// Its records, each to be read on its own.
    #[derive(Deserialize)]
    struct Loose<'a> {
        #[serde(borrow)]
        records: Vec<&'a serde_json::value::RawValue>,
    }
    /// What names a record, whatever else it says.
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        record_id: String,
    }
    let Loose { records } = serde_json::from_slice(answer)?;
    let mut by_id: HashMap<String, Result<Answer, Fault>> = HashMap::with_capacity(records.len());
    for record in records {
        let Ok(Named { record_id }) = serde_json::from_str(record.get()) else {
            continue;
        };
        let said = serde_json::from_str(record.get()).and_then(|answer: Answer| {
            match (answer.result, &answer.data) {
                (Status::Ok, None) => Err(serde::de::Error::missing_field("data")),
                _ => Ok(answer),
            }
        });
        let said = said.map_err(|error| Fault::Unreadable(error.to_string()));
        by_id
            .entry(record_id)
            .and_modify(|known| *known = Err(Fault::Duplicated))
            .or_insert(said);
    }
    let in_order = ids
        .iter()
        .map(|id| by_id.remove(id).unwrap_or(Err(Fault::Missing)));
    Ok(in_order.collect())
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

    #[test]
    fn answers_are_matched_by_id_and_each_record_has_its_own_fault() {
        let ids: Vec<String> = ["a", "b", "c", "d", "e", "f", "g", "h"]
            .map(str::to_owned)
            .to_vec();
        let answer = br#"{"records":[
            {"recordId":"h","result":"Dropped","data":null},
            {"recordId":"a","result":"Ok","data":"e30K","more":1},
            {"recordId":"b","result":"Ok"}, {"recordId":"c","result":"Ok","data":null},
            {"recordId":"d","result":"ok","data":"e30K"},
            {"recordId":"e","result":"Dropped"}, {"recordId":"e","result":"Dropped"},
            {"recordId":"f","result":"Ok","data":7},
            {"recordId":"unasked","result":"Ok","data":""}, 7, {"result":"Ok"}]}"#;
        let read = read_answers(answer, &ids).unwrap();
        let dropped = read[7].as_ref().unwrap();
        assert_eq!((dropped.result, &dropped.data), (Status::Dropped, &None));
        assert_eq!(read[0].as_ref().unwrap().data.as_deref(), Some("e30K"));
        for (at, part) in [
            (1, "missing field `data`"),
            (2, "missing field `data`"),
            (3, "unknown variant `ok`"),
            (4, "twice"),
            (5, "invalid type"),
            (6, "does not have"),
        ] {
            let fault = read[at].as_ref().unwrap_err().to_string();
            assert!(fault.contains(part), "{}: {fault}", ids[at]);
        }
    }

    #[test]
    fn what_is_no_list_of_records_is_no_answer() {
        for wrong in [
            "",
            "nonsense",
            "{}",
            "[]",
            r#"{"records":7}"#,
            "{\"records\":[{]}",
        ] {
            assert!(read_answers(wrong.as_bytes(), &[]).is_err(), "{wrong}");
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
