//! Prices, by region.
//!
//! In goes a region's name or TOML text, out come checked [`Prices`]. The
//! built-in files say for each number where it is from and of which day; a
//! file of one's own has the same keys.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The price files built into the program.
const EMBEDDED: [(&str, &str); 1] = [("us-east-1", include_str!("prices/us-east-1.toml"))];

/// What AWS asks in one region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// The region's code.
    pub region: String,
    /// The currency's code.
    pub currency: String,
    /// The day of these prices, `YYYY-MM-DD`.
    pub as_of: String,
    /// DynamoDB.
    pub dynamodb: DynamoDbPrices,
    /// Kinesis Data Streams.
    pub kinesis: KinesisPrices,
    /// Data Firehose.
    pub firehose: FirehosePrices,
    /// S3, Standard.
    pub s3: S3Prices,
    /// Athena.
    pub athena: AthenaPrices,
    /// Lambda.
    pub lambda: LambdaPrices,
    /// What is free.
    #[serde(default)]
    pub free_tier: FreeTier,
}

/// Prices of DynamoDB, Standard table class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DynamoDbPrices {
    /// A million write request units (on-demand).
    pub million_write_request_units: f64,
    /// A million read request units (on-demand).
    pub million_read_request_units: f64,
    /// A provisioned write unit for an hour.
    pub write_unit_hour: f64,
    /// A provisioned read unit for an hour.
    pub read_unit_hour: f64,
    /// A GB stored for a month.
    pub storage_gb_month: f64,
    /// A million change data capture units for Kinesis Data Streams.
    pub million_change_units: f64,
    /// A million GetRecords calls on tables' own streams.
    pub million_stream_reads: f64,
}

/// Prices of Kinesis Data Streams.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KinesisPrices {
    /// A shard for an hour (provisioned).
    pub shard_hour: f64,
    /// A million PUT payload units of 25 KB (provisioned).
    pub million_put_payload_units: f64,
    /// A stream for an hour (on-demand Standard).
    pub on_demand_stream_hour: f64,
    /// A GB written (on-demand).
    pub on_demand_gb_in: f64,
    /// A GB read by polling (on-demand).
    pub on_demand_gb_out: f64,
    /// An enhanced fan-out consumer of a shard for an hour (provisioned).
    pub fan_out_shard_hour: f64,
    /// A GB read by enhanced fan-out (provisioned).
    pub fan_out_gb: f64,
    /// A GB read by enhanced fan-out (on-demand).
    pub on_demand_fan_out_gb: f64,
}

/// Prices of Data Firehose.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FirehosePrices {
    /// A GB taken in.
    pub gb: f64,
    /// A GB converted to Parquet or ORC, besides.
    pub format_conversion_gb: f64,
    /// A GB partitioned dynamically, besides.
    pub dynamic_partitioning_gb: f64,
}

/// Prices of S3, Standard storage.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct S3Prices {
    /// A thousand PUT requests.
    pub thousand_puts: f64,
    /// A GB stored for a month.
    pub gb_month: f64,
}

/// Prices of Athena.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AthenaPrices {
    /// A TB scanned.
    pub tb_scanned: f64,
}

/// Prices of Lambda.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LambdaPrices {
    /// A million requests.
    pub million_requests: f64,
    /// A GB-second on x86.
    pub gb_second: f64,
    /// A GB-second on Arm.
    pub arm_gb_second: f64,
}

/// What is free, all month long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FreeTier {
    /// Provisioned write units.
    pub write_units: f64,
    /// Provisioned read units.
    pub read_units: f64,
    /// GB in tables.
    pub storage_gb: f64,
}

/// Prices that cannot be had.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PriceError {
    /// No prices of this region are built in.
    #[error(
        "no prices of region `{region}` are built in; there are those of {} (nearest in name: \
         `{nearest}`). Give a file with the region's own, with the same keys",
        .known.join(", ")
    )]
    UnknownRegion {
        /// The region asked for.
        region: String,
        /// The built-in region nearest in name.
        nearest: String,
        /// All built-in regions.
        known: Vec<&'static str>,
    },
    /// The text is not a price file.
    #[error("{origin}{}: {problem}", .line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Invalid {
        /// The file.
        origin: String,
        /// The line at fault, from 1.
        line: Option<usize>,
        /// What was found and what would be right.
        problem: String,
    },
}

/// The currency of all bills.
const CURRENCY: &str = "USD";

/// No price of anything is higher.
const HIGHEST: f64 = 1e6;

impl Prices {
    /// The regions whose prices are built in.
    pub fn regions() -> impl ExactSizeIterator<Item = &'static str> {
        EMBEDDED.iter().map(|(region, _)| *region)
    }

    /// The built-in prices of a region.
    ///
    /// # Errors
    ///
    /// [`PriceError::UnknownRegion`] if there are none.
    pub fn named(region: &str) -> Result<Self, PriceError> {
        match EMBEDDED.iter().find(|(known, _)| *known == region) {
            Some((_, text)) => Self::from_file(text, region),
            None => {
                let nearest = Self::regions()
                    .max_by(|a, b| {
                        strsim::jaro_winkler(region, a).total_cmp(&strsim::jaro_winkler(region, b))
                    })
                    .unwrap_or_default();
                Err(PriceError::UnknownRegion {
                    region: region.to_owned(),
                    nearest: nearest.to_owned(),
                    known: Self::regions().collect(),
                })
            }
        }
    }

    /// Reads a price file's `text`; `origin`, the file's name, stands in errors.
    ///
    /// # Errors
    ///
    /// [`PriceError::Invalid`] with the line at fault: a key that is missing or
    /// unknown, a price that is no number or below zero.
    pub fn from_file(text: &str, origin: &str) -> Result<Self, PriceError> {
        let invalid = |line, problem| PriceError::Invalid {
            origin: origin.to_owned(),
            line,
            problem,
        };
        let prices: Self = toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            invalid(line, error.message().trim_end().replace('\n', "; "))
        })?;
        let line_of = |key: &str| {
            let mut lines = text.lines();
            let at = lines.position(|line| line.split('=').next().is_some_and(|k| k.trim() == key));
            at.map(|at| at + 1)
        };
        if prices.currency != CURRENCY {
            return Err(invalid(
                line_of("currency"),
                format!(
                    "`currency` is {:?}; all that is shown is in {CURRENCY}, so give prices in \
                     that",
                    prices.currency
                ),
            ));
        }
        if let Some((key, price)) = prices.wrong() {
            return Err(invalid(
                line_of(key),
                format!(
                    "`{key}` is {price}; a price is a number from 0 to {HIGHEST}, such as \
                     `{key} = 0.015`"
                ),
            ));
        }
        Ok(prices)
    }

    /// The first number that is no price.
    fn wrong(&self) -> Option<(&'static str, f64)> {
        let Self {
            dynamodb,
            kinesis,
            firehose,
            s3,
            athena,
            lambda,
            free_tier,
            ..
        } = self;
        macro_rules! numbers {
            ($($of:ident . $key:ident),* $(,)?) => { [$((stringify!($key), $of.$key)),*] };
        }
        numbers![
            dynamodb.million_write_request_units,
            dynamodb.million_read_request_units,
            dynamodb.write_unit_hour,
            dynamodb.read_unit_hour,
            dynamodb.storage_gb_month,
            dynamodb.million_change_units,
            dynamodb.million_stream_reads,
            kinesis.shard_hour,
            kinesis.million_put_payload_units,
            kinesis.on_demand_stream_hour,
            kinesis.on_demand_gb_in,
            kinesis.on_demand_gb_out,
            kinesis.fan_out_shard_hour,
            kinesis.fan_out_gb,
            kinesis.on_demand_fan_out_gb,
            firehose.gb,
            firehose.format_conversion_gb,
            firehose.dynamic_partitioning_gb,
            s3.thousand_puts,
            s3.gb_month,
            athena.tb_scanned,
            lambda.million_requests,
            lambda.gb_second,
            lambda.arm_gb_second,
            free_tier.write_units,
            free_tier.read_units,
            free_tier.storage_gb,
        ]
        .into_iter()
        .find(|(_, price)| !(0.0..=HIGHEST).contains(price))
    }

    /// From which utilisation on provisioned units are cheaper than on-demand
    /// ones, as shares of what is provisioned: a unit for an hour over the
    /// 3,600 request units that it can be used for.
    #[must_use]
    pub fn break_even(&self) -> BreakEven {
        let share = |unit_hour: f64, million: f64| unit_hour / (3600.0 * million / 1e6);
        let of = &self.dynamodb;
        BreakEven {
            write_utilisation: share(of.write_unit_hour, of.million_write_request_units),
            read_utilisation: share(of.read_unit_hour, of.million_read_request_units),
        }
    }
}

/// Above these mean utilisations provisioned capacity is cheaper than on-demand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BreakEven {
    /// Consumed over provisioned write units, a share.
    pub write_utilisation: f64,
    /// Consumed over provisioned read units, a share.
    pub read_utilisation: f64,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_built_in_file_is_of_the_region_it_is_named_after() {
        for region in Prices::regions() {
            let prices = Prices::named(region).unwrap();
            assert_eq!(prices.region, region);
            assert_eq!(prices.currency, "USD");
            assert!(prices.as_of.parse::<jiff::civil::Date>().is_ok());
        }
    }

    #[test]
    fn every_built_in_price_names_its_source() {
        for (_, text) in EMBEDDED {
            let lines: Vec<_> = text.lines().collect();
            let tables = lines.iter().position(|line| line.starts_with('[')).unwrap();
            for pair in lines[tables..].windows(2) {
                if pair[1].contains('=') {
                    assert!(
                        pair[0].starts_with('#') && pair[0].contains('['),
                        "{}",
                        pair[1]
                    );
                }
            }
        }
    }

    #[test]
    fn provisioned_capacity_pays_from_a_utilisation_of_29_per_cent_on() {
        let break_even = Prices::named("us-east-1").unwrap().break_even();
        // 0.00065 / (3,600 * 0.625 / 1,000,000) = 0.00065 / 0.00225
        assert!((break_even.write_utilisation - 0.288_889).abs() < 1e-6);
        assert!((break_even.read_utilisation - 0.288_889).abs() < 1e-6);
    }

    #[test]
    fn a_region_without_prices_is_named_with_those_there_are() {
        let error = Prices::named("us-east-2").unwrap_err().to_string();
        for part in ["`us-east-2`", "`us-east-1`", "file"] {
            assert!(error.contains(part), "{error}");
        }
        assert!(Prices::named("").is_err());
    }

    #[test]
    fn a_price_file_that_is_wrong_says_where() {
        let good = EMBEDDED[0].1;
        for (from, to, says) in [
            (
                "shard_hour = 0.015",
                "shard_hour = -1",
                "`shard_hour` is -1",
            ),
            ("gb = 0.029", "gb = nan", "`gb` is NaN"),
            ("gb = 0.029", "gb = 1e300", "a number from 0 to 1000000"),
            (
                "currency = \"USD\"",
                "currency = \"EUR\"",
                "`currency` is \"EUR\"",
            ),
            ("gb = 0.029", "gb = \"0.029\"", "invalid type"),
            (
                "gb_month = 0.023",
                "gb_moth = 0.023",
                "unknown field `gb_moth`",
            ),
            ("tb_scanned = 5.00", "", "missing field `tb_scanned`"),
        ] {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good, "{from}");
            let error = Prices::from_file(&text, "my.toml").unwrap_err().to_string();
            assert!(error.starts_with("my.toml, line "), "{error}");
            assert!(error.contains(says), "{error}");
        }
    }
}
