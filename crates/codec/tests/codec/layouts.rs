//! Readings as items.

use super::*;

#[test]
fn the_seed_layout_is_the_blog_posts_four_strings() {
    let item = String::from_utf8(item_json(Layout::Post, &reading())).unwrap();
    assert_eq!(
        item,
        r#"{"id":{"S":"1721011165.891550-4217-12"},"HeartRate":{"S":"72"},"SensorID":{"S":"4217"},"ReportTime":{"S":"07/15/2402:39:25"}}"#
    );
}

#[test]
fn the_time_series_layout_has_numbers_as_numbers() {
    let item: Value = serde_json::from_slice(&item_json(Layout::TimeSeries, &reading())).unwrap();
    assert_eq!(
        item,
        json!({
            "device": {"S": "d-0004217"},
            "intended": {"N": "1721011165891550"},
            "seq": {"N": "12"},
            "observed": {"N": "1721011165891550"},
            "bpm": {"N": "72"},
            "unit": {"S": "/min"},
            "loinc": {"S": "8867-4"},
            "sensor": {"N": "4217"},
            "sensorLocation": {"S": "wrist"},
            "motionContext": {"S": "sedentary"},
        })
    );
}

#[test]
fn the_fhir_layout_is_an_observation_of_vital_signs() {
    let item: Value = serde_json::from_slice(&item_json(Layout::Fhir, &reading())).unwrap();
    assert_eq!(
        plain(&json!({ "M": item })),
        json!({
            "id": "1721011165.891550-4217-12",
            "resourceType": "Observation",
            "status": "final",
            "category": [{"coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                "code": "vital-signs",
                "display": "Vital Signs",
            }]}],
            "code": {"coding": [{
                "system": "http://loinc.org", "code": "8867-4", "display": "Heart rate",
            }]},
            "subject": {"reference": "Patient/p-0004217"},
            "effectiveDateTime": "2024-07-15T02:39:25.891550Z",
            "valueQuantity": {
                "value": 72, "unit": "beats/minute",
                "system": "http://unitsofmeasure.org", "code": "/min",
            },
            "device": {"reference": "Device/d-0004217"},
        })
    );
}

/// A DynamoDB attribute value as plain JSON.
fn plain(value: &Value) -> Value {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "N" => serde_json::from_str(value.as_str().unwrap()).unwrap(),
        "L" => value.as_array().unwrap().iter().map(plain).collect(),
        "M" => {
            let members = value.as_object().unwrap().iter();
            members
                .map(|(name, value)| (name.clone(), plain(value)))
                .collect()
        }
        _ => value.clone(),
    }
}

/// The size rule, over a tree: written apart from the code under test.
fn tree_bytes(value: &Value) -> usize {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "S" => value.as_str().unwrap().len(),
        "N" => {
            let digits = value.as_str().unwrap().trim_matches('0');
            digits.len().div_ceil(2) + 1
        }
        "M" => {
            let members = value.as_object().unwrap();
            let inner = members.iter().map(|(n, v)| n.len() + tree_bytes(v) + 1);
            3 + inner.sum::<usize>()
        }
        "L" => {
            let elements = value.as_array().unwrap();
            3 + elements.iter().map(|v| tree_bytes(v) + 1).sum::<usize>()
        }
        other => panic!("no layout has attributes of type {other}"),
    }
}

proptest! {
    #[test]
    fn item_size_follows_the_rule_whatever_the_reading(reading in any_reading()) {
        for layout in LAYOUTS {
            let item: Value = serde_json::from_slice(&item_json(layout, &reading)).unwrap();
            let attributes = item.as_object().unwrap().iter();
            let expected: usize = attributes.map(|(name, v)| name.len() + tree_bytes(v)).sum();
            prop_assert_eq!(layout.item_bytes(&reading), expected, "{:?}", layout);
        }
    }

    #[test]
    fn an_item_holds_its_keys_with_the_types_of_the_schema(reading in any_reading()) {
        for layout in LAYOUTS {
            let item: Value = serde_json::from_slice(&item_json(layout, &reading)).unwrap();
            let schema = layout.key_schema();
            for (name, kind) in std::iter::once(schema.partition).chain(schema.sort) {
                prop_assert!(item[name][kind].is_string(), "{:?} {}", layout, name);
            }
        }
    }

    #[test]
    fn different_readings_never_share_a_key(a in any_reading(), b in any_reading()) {
        // Two readings of one device are never due in the same microsecond.
        prop_assume!((a.id.device, a.id.intended_us) != (b.id.device, b.id.intended_us));
        for layout in LAYOUTS {
            let [a, b] = [&a, &b].map(|reading| {
                keys_of(layout, &serde_json::from_slice(&item_json(layout, reading)).unwrap())
            });
            prop_assert_ne!(a, b);
        }
    }
}
