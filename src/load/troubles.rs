//! Calls that met an obstacle, counted by what the system said.

use crate::trouble::{Obstacle, Trouble};

/// Words that are kept apart: there are a handful, unless something writes
/// another text each time.
const KEPT: usize = 32;

/// Calls that met an obstacle, by obstacle and words; those of the warm-up
/// alone are left out. Adds up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Troubles(Vec<(Trouble, u64)>);

impl Troubles {
    pub(super) fn note(&mut self, trouble: &Trouble) {
        self.add(trouble, 1);
    }

    fn add(&mut self, trouble: &Trouble, calls: u64) {
        let same = self.0.iter_mut().find(|(of, _)| of == trouble);
        if let Some((_, count)) = same {
            *count += calls;
            return;
        }
        if self.0.len() < KEPT {
            self.0.push((trouble.clone(), calls));
            return;
        }
        // Its words are lost, its count is not.
        let alike = |of: &Trouble| of.obstacle == trouble.obstacle;
        match self.0.iter_mut().find(|(of, _)| alike(of)) {
            Some((_, count)) => *count += calls,
            None => self.0.push((trouble.clone(), calls)),
        }
    }

    /// Adds another worker's.
    pub fn merge(&mut self, other: &Self) {
        for (trouble, calls) in &other.0 {
            self.add(trouble, *calls);
        }
    }

    /// Calls that met it, and what was said most often; `None` where none did.
    #[must_use]
    pub fn of(&self, obstacle: Obstacle) -> Option<(u64, &str)> {
        let alike = || self.0.iter().filter(|(of, _)| of.obstacle == obstacle);
        let (most, _) = alike().max_by_key(|(_, calls)| *calls)?;
        Some((alike().map(|(_, calls)| calls).sum(), &most.words))
    }
}
