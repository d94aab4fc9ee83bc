//! Types by their names in Trino.

use datafusion::arrow::datatypes::DataType;

/// The name of a type. Texts are `varchar`, however long they may be.
pub(crate) fn type_name(of: &DataType) -> String {
    match of {
        DataType::Null => "unknown".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 | DataType::UInt8 => "tinyint".to_owned(),
        DataType::Int16 | DataType::UInt16 => "smallint".to_owned(),
        DataType::Int32 | DataType::UInt32 => "integer".to_owned(),
        DataType::Int64 | DataType::UInt64 => "bigint".to_owned(),
        DataType::Float16 | DataType::Float32 => "real".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "varchar".to_owned(),
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => "varbinary".to_owned(),
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Time32(_) | DataType::Time64(_) => "time(3)".to_owned(),
        DataType::Timestamp(_, None) => "timestamp(3)".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamp(3) with time zone".to_owned(),
        DataType::Interval(datafusion::arrow::datatypes::IntervalUnit::YearMonth) => {
            "interval year to month".to_owned()
        }
        DataType::Interval(_) | DataType::Duration(_) => "interval day to second".to_owned(),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => format!("array({})", type_name(item.data_type())),
        DataType::Map(entry, _) => match entry.data_type() {
            DataType::Struct(fields) => {
                let names: Vec<_> = fields.iter().map(|of| type_name(of.data_type())).collect();
                format!("map({})", names.join(", "))
            }
            _ => "map".to_owned(),
        },
        DataType::Struct(fields) => {
            let field = |of: &datafusion::arrow::datatypes::FieldRef| {
                format!("{} {}", of.name(), type_name(of.data_type()))
            };
            let fields: Vec<_> = fields.iter().map(field).collect();
            format!("row({})", fields.join(", "))
        }
        DataType::Dictionary(_, of) => type_name(of),
        of => of.to_string(),
    }
}
