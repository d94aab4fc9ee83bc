//! Large buffers whose memory goes back to the system when they are freed.
//!
//! glibc learns from what is freed: after one buffer of 12 MiB it takes all of that size
//! from its heap, and keeps the heap. What is larger than 32 MiB
//! (`DEFAULT_MMAP_THRESHOLD_MAX`, mallopt(3)) it maps by itself always, and unmaps when
//! it is freed. So a large buffer asks for as much; pages that nobody touches take none.

/// What is larger is large.
const LARGE_BYTES: usize = 1 << 20;
/// What is surely mapped by itself.
const MAPPED_BYTES: usize = (32 << 20) + (64 << 10);

/// Makes room for `more` bytes at once.
pub(super) fn make_room(buffer: &mut Vec<u8>, more: usize) {
    let needed = buffer.len() + more;
    if needed <= LARGE_BYTES {
        buffer.reserve(more);
    } else if buffer.capacity() < needed {
        buffer.reserve_exact(needed.max(MAPPED_BYTES) - buffer.len());
    }
}

/// Moves what is large, and was made without knowing that it would be.
pub(super) fn settle(buffer: Vec<u8>) -> Vec<u8> {
    if buffer.len() <= LARGE_BYTES || buffer.capacity() >= MAPPED_BYTES {
        return buffer;
    }
    let mut settled = Vec::new();
    make_room(&mut settled, buffer.len());
    settled.extend_from_slice(&buffer);
    settled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_small_is_left_as_it_is_and_what_is_large_is_mapped() {
        let mut small = Vec::new();
        make_room(&mut small, 1000);
        assert!((1000..MAPPED_BYTES).contains(&small.capacity()));
        let mut large = vec![1, 2, 3];
        make_room(&mut large, LARGE_BYTES);
        assert!(large.capacity() >= MAPPED_BYTES);
        assert_eq!(large, [1, 2, 3]);
        let mut huge = Vec::new();
        make_room(&mut huge, 2 * MAPPED_BYTES);
        assert!(huge.capacity() >= 2 * MAPPED_BYTES);
        let settled = settle(vec![7; LARGE_BYTES + 1]);
        assert_eq!(settled, vec![7; LARGE_BYTES + 1]);
        assert!(settled.capacity() >= MAPPED_BYTES);
        assert!(settle(vec![7; 10]).capacity() < LARGE_BYTES);
    }
}
