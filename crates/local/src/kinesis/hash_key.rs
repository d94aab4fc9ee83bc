//! Hash keys: 128-bit numbers by which records are dealt to shards.

use md5::{Digest, Md5};

/// The hash keys of one shard, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HashRange {
    pub(super) start: u128,
    pub(super) end: u128,
}

impl HashRange {
    /// Whether `right` begins where `self` ends.
    pub(super) fn touches(&self, right: &Self) -> bool {
        self.end.checked_add(1) == Some(right.start)
    }

    /// Whether any hash key is in both.
    pub(super) fn overlaps(self, other: Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }

    /// The part before `key` and the part from it on.
    pub(super) fn split_at(&self, key: u128) -> (Self, Self) {
        debug_assert!(self.start < key && key <= self.end);
        (
            Self {
                start: self.start,
                end: key - 1,
            },
            Self {
                start: key,
                end: self.end,
            },
        )
    }
}

/// First keys of `count` equal ranges: multiples of the whole part of
/// 2^128 / count, as the service cuts them; the last range takes the rest.
pub(super) fn uniform_starts(count: u32) -> impl Iterator<Item = u128> {
    let count = u128::from(count.max(1));
    // 2^128 / count without 2^128: only a power of two divides it.
    let width = if count.is_power_of_two() {
        (u128::MAX / count).wrapping_add(1)
    } else {
        u128::MAX / count
    };
    (0..count).map(move |i| width.wrapping_mul(i))
}

/// `count` equal ranges.
pub(super) fn uniform_ranges(count: u32) -> Vec<HashRange> {
    let starts: Vec<u128> = uniform_starts(count).collect();
    let ends = starts.iter().skip(1).map(|s| s - 1).chain([u128::MAX]);
    starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| HashRange { start, end })
        .collect()
}

/// The hash key of a partition key: its MD5 as a number, per
/// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html>.
pub(super) fn of_partition_key(key: &[u8]) -> u128 {
    u128::from_be_bytes(Md5::digest(key).into())
}

/// Reads a hash key as requests spell it: decimal, no sign, no leading zeros.
/// `None` if it is spelled otherwise, `Some(None)` if it is 2^128 or more.
pub(super) fn parse(text: &str) -> Option<Option<u128>> {
    let spelled = text == "0"
        || ((1..=39).contains(&text.len())
            && !text.starts_with('0')
            && text.bytes().all(|b| b.is_ascii_digit()));
    spelled.then(|| text.parse().ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn uniform_ranges_partition_the_key_space_into_equal_parts() {
        for count in [1, 2, 3, 4, 5, 7, 8, 100, 1000] {
            let ranges = uniform_ranges(count);
            assert_eq!(ranges.len(), count as usize);
            assert_eq!(ranges[0].start, 0);
            assert_eq!(ranges[ranges.len() - 1].end, u128::MAX);
            let width = ranges[0].end - ranges[0].start;
            for pair in ranges.windows(2) {
                assert!(pair[0].touches(&pair[1]));
                let other = pair[1].end - pair[1].start;
                assert!(other.abs_diff(width) <= u128::from(count), "{count} shards");
            }
        }
    }

    #[test]
    fn three_shards_are_cut_where_the_service_cuts_them() {
        let ranges = uniform_ranges(3);
        assert_eq!(
            ranges[0].end,
            113_427_455_640_312_821_154_458_202_477_256_070_484
        );
        assert_eq!(
            ranges[1].start,
            113_427_455_640_312_821_154_458_202_477_256_070_485
        );
    }

    #[test]
    fn a_partition_key_hashes_to_its_md5() {
        // MD5 of the empty text and of "a", RFC 1321.
        assert_eq!(
            of_partition_key(b""),
            0xd41d_8cd9_8f00_b204_e980_0998_ecf8_427e
        );
        assert_eq!(
            of_partition_key(b"a"),
            0x0cc1_75b9_c0f1_b6a8_31c3_99e2_6977_2661
        );
    }

    #[test]
    fn hash_keys_are_decimal_numbers_below_two_to_the_128() {
        assert_eq!(parse("0"), Some(Some(0)));
        assert_eq!(
            parse("340282366920938463463374607431768211455"),
            Some(Some(u128::MAX))
        );
        assert_eq!(parse("340282366920938463463374607431768211456"), Some(None));
        for wrong in [
            "",
            "00",
            "-1",
            "1a",
            "+1",
            "1000000000000000000000000000000000000000",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
