//! Sequence numbers: 56-digit decimal numbers that order the records of a shard.
//!
//! AWS documents only that they grow; the layout below is the one that
//! kinesalite's authors found by comparing with the service
//! (<https://github.com/mhart/kinesalite/blob/master/db/index.js>), so that
//! numbers look and compare like the service's own. From the highest bit:
//!
//! | bits | holds |
//! |---|---|
//! | 4 | 2 |
//! | 36 | second in which the shard was created |
//! | 4 | low bits of the shard's number |
//! | 64 | index of the record within the shard; 0 is the shard's start |
//! | 8 | 0 for records; 1 for the place just behind a record |
//! | 36 | second in which the record arrived |
//! | 32 | the shard's number |
//! | 4 | 2, the layout's version |

/// Index in the closing sequence number of a shard.
pub(super) const CLOSING_INDEX: u64 = 0x7fff_ffff_ffff_ffff;

/// 10^19, the largest power of ten in 64 bits.
const DECIMAL_LIMB: u128 = 10_000_000_000_000_000_000;
const LIMB_DIGITS: usize = 19;
/// Numbers in this layout lie between 2^185 and 2^186: always 56 digits.
const DIGITS: usize = 56;
const SECOND_MASK: u64 = (1 << 36) - 1;

/// One sequence number, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sequence {
    /// Second in which the shard was created, since the Unix epoch.
    pub(super) created_s: u64,
    /// The shard's number.
    pub(super) shard: u32,
    /// Index of the record in the shard, from 1.
    pub(super) index: u64,
    /// The place just behind the record, not the record itself.
    pub(super) behind: bool,
    /// Second in which the record arrived, since the Unix epoch.
    pub(super) second: u64,
}

impl Sequence {
    /// The number at which a shard starts: smaller than every record's.
    pub(super) fn starting(shard: u32, created_s: u64) -> Self {
        Self {
            created_s,
            shard,
            index: 0,
            behind: false,
            second: created_s,
        }
    }

    /// The number at which a shard ends: larger than every record's.
    pub(super) fn closing(shard: u32, created_s: u64, closed_s: u64) -> Self {
        Self {
            created_s,
            shard,
            index: CLOSING_INDEX,
            behind: false,
            second: closed_s,
        }
    }

    /// The number in three words, lowest first.
    fn words(self) -> [u64; 3] {
        let high = (2_u128 << 104)
            | (u128::from(self.created_s & SECOND_MASK) << 68)
            | (u128::from(self.shard & 0xf) << 64)
            | u128::from(self.index);
        let low = (u128::from(self.behind) << 72)
            | (u128::from(self.second & SECOND_MASK) << 36)
            | (u128::from(self.shard) << 4)
            | 2;
        [
            low as u64,
            (low >> 64) as u64 | (high << 16) as u64,
            (high >> 48) as u64,
        ]
    }

    /// Appends the number's 56 decimal digits.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        let [w0, w1, w2] = self.words();
        // Long division by 10^19: the remainder of one word leads the next.
        let upper = (u128::from(w2) << 64) | u128::from(w1);
        let lower = ((upper % DECIMAL_LIMB) << 64) | u128::from(w0);
        let quotient = ((upper / DECIMAL_LIMB) << 64) | (lower / DECIMAL_LIMB);
        let limbs = [
            (quotient / DECIMAL_LIMB) as u64,
            (quotient % DECIMAL_LIMB) as u64,
            (lower % DECIMAL_LIMB) as u64,
        ];
        let mut buffer = itoa::Buffer::new();
        out.extend_from_slice(buffer.format(limbs[0]).as_bytes());
        for limb in &limbs[1..] {
            let digits = buffer.format(*limb).as_bytes();
            out.extend_from_slice(&b"0000000000000000000"[digits.len()..]);
            out.extend_from_slice(digits);
        }
    }

    /// Reads a number of this layout; `None` for any other.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() != DIGITS || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let limb = |from: usize, to: usize| text[from..to].parse::<u64>().ok();
        let top = limb(0, DIGITS - 2 * LIMB_DIGITS)?;
        let middle = limb(DIGITS - 2 * LIMB_DIGITS, DIGITS - LIMB_DIGITS)?;
        let bottom = limb(DIGITS - LIMB_DIGITS, DIGITS)?;
        // (top * 10^19 + middle) * 10^19 + bottom, in three 64-bit words.
        let head = u128::from(top) * DECIMAL_LIMB + u128::from(middle);
        let p0 = u128::from(head as u64) * DECIMAL_LIMB + u128::from(bottom);
        let p1 = (head >> 64) * DECIMAL_LIMB + (p0 >> 64);
        let (w0, w1) = (p0 as u64, p1 as u64);
        let w2 = u64::try_from(p1 >> 64).ok()?;

        let low = (u128::from(w1 & 0xffff) << 64) | u128::from(w0);
        let high = (u128::from(w2) << 48) | u128::from(w1 >> 16);
        let sequence = Self {
            created_s: (high >> 68) as u64 & SECOND_MASK,
            shard: (low >> 4) as u32,
            index: high as u64,
            behind: (low >> 72) as u64 & 0xff != 0,
            second: (low >> 36) as u64 & SECOND_MASK,
        };
        // Whatever does not come out as it went in was not made here.
        (sequence.words() == [w0, w1, w2]).then_some(sequence)
    }
}

impl std::fmt::Display for Sequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut digits = Vec::with_capacity(DIGITS);
        self.write(&mut digits);
        f.write_str(&String::from_utf8_lossy(&digits))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_of_the_service_are_read_and_written_as_they_are() {
        // From the GetShardIterator and DescribeStream examples in AWS's API
        // reference and from public bug reports.
        for text in [
            "49545115243490985018280067714973144582180062593244200961",
            "49554751971385712311965096607999491514675643249030332418",
        ] {
            match Sequence::parse(text) {
                Some(sequence) => assert_eq!(sequence.to_string(), text),
                // The first is of layout version 1, which is not written any more.
                None => assert!(text.ends_with("961")),
            }
        }
    }

    proptest! {
        #[test]
        fn a_number_comes_back_as_it_was_written(
            created_s in 1_000_000_000_u64..(1 << 36),
            shard in any::<u32>(),
            index in any::<u64>(),
            behind in any::<bool>(),
            second in 0_u64..(1 << 36),
        ) {
            let sequence = Sequence { created_s, shard, index, behind, second };
            let text = sequence.to_string();
            prop_assert_eq!(text.len(), 56);
            // As all numbers made until the year 2052.
            prop_assert!(text.starts_with("49") || created_s > 2_600_000_000);
            prop_assert_eq!(Sequence::parse(&text), Some(sequence));
        }

        #[test]
        fn numbers_compare_as_index_then_place_then_time(
            a in (0_u64..1000, any::<bool>(), 0_u64..10_000_000_000),
            b in (0_u64..1000, any::<bool>(), 0_u64..10_000_000_000),
        ) {
            let make = |(index, behind, second)| Sequence {
                created_s: 1_700_000_000, shard: 3, index, behind, second,
            };
            // All have 56 digits, so text order is number order.
            prop_assert_eq!(make(a).to_string().cmp(&make(b).to_string()), a.cmp(&b));
        }

        #[test]
        fn nonsense_is_refused_without_panic(text in "[0-9]{0,60}|\\PC{0,60}") {
            if let Some(sequence) = Sequence::parse(&text) {
                prop_assert_eq!(sequence.to_string(), text);
            }
        }
    }
}
