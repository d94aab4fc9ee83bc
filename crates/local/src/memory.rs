//! Memory that goes back to the system when it is freed: large buffers, and blocks.
//!
//! glibc learns from what is freed: after one buffer of 12 MiB it takes all of that size
//! from its heap, and keeps the heap. What is larger than 32 MiB
//! (`DEFAULT_MMAP_THRESHOLD_MAX`, mallopt(3)) it maps by itself always, and unmaps when
//! it is freed. So a large buffer asks for as much; pages that nobody touches take none.

use std::alloc::{Layout, handle_alloc_error};
use std::ops::Deref;

use memmap2::MmapMut;

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

/// A block of memory of a fixed size to be filled, mapped by itself whatever its size:
/// pages that nobody has touched take none, and all go back when it is dropped.
#[derive(Debug)]
pub(super) struct Block {
    map: MmapMut,
    filled: usize,
}

impl Block {
    /// An empty block with room for `bytes`, at least one.
    pub(super) fn new(bytes: usize) -> Self {
        let bytes = bytes.max(1);
        let map = MmapMut::map_anon(bytes).unwrap_or_else(|_| {
            // As where a vector finds no memory.
            let layout = Layout::array::<u8>(bytes);
            handle_alloc_error(layout.unwrap_or(Layout::new::<u8>()))
        });
        Self { map, filled: 0 }
    }

    pub(super) fn capacity(&self) -> usize {
        self.map.len()
    }

    /// Adds to what is in it; there must be room.
    pub(super) fn extend_from_slice(&mut self, bytes: &[u8]) {
        let end = self.filled + bytes.len();
        self.map[self.filled..end].copy_from_slice(bytes);
        self.filled = end;
    }

    /// Empties it and keeps its memory.
    pub(super) fn clear(&mut self) {
        self.filled = 0;
    }
}

impl Deref for Block {
    type Target = [u8];

    /// What is in it.
    fn deref(&self) -> &[u8] {
        &self.map[..self.filled]
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
    fn a_block_holds_what_it_was_filled_with() {
        let mut block = Block::new(10);
        assert_eq!((block.capacity(), block.len()), (10, 0));
        block.extend_from_slice(b"01234");
        block.extend_from_slice(b"56789");
        assert_eq!(*block, *b"0123456789");
        block.clear();
        block.extend_from_slice(b"a");
        assert_eq!(*block, *b"a");
    }

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
