//! Scrambled numbers, for ids and draws that are the same from run to run.

/// Scrambles 64 bits: every bit of the result depends on every bit of `bits`.
///
/// The finaliser of SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>, public domain).
#[inline]
#[must_use]
pub fn mix(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::mix;

    #[test]
    fn the_first_numbers_are_those_of_the_reference() {
        // The generator of its page from state 1234567: its state grows by the constant
        // that `mix` adds.
        let draw = |n: u64| mix(1_234_567_u64.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        assert_eq!(
            [0, 1, 2].map(draw),
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }
}
