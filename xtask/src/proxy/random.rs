//! A fault or none for each call, as a seed says.

use serde::{Deserialize, Serialize};

use super::Action;

/// How often each kind of fault happens, per mille of the calls that the rule means, 1000 at most in all.
///
/// The nth draw depends on the seed and on n alone. Which call is the nth one is up to the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Random {
    /// The seed.
    pub seed: u64,
    /// [`Action::Throttle`].
    pub throttle: u16,
    /// [`Action::Fail`], with 500 or 503.
    pub error: u16,
    /// [`Action::Delay`], by 50 to 1500 ms.
    pub delay: u16,
    /// [`Action::Reset`].
    pub reset: u16,
    /// [`Action::LoseAnswer`].
    pub lose_answer: u16,
}

impl Random {
    /// How many of a thousand calls meet a fault.
    pub fn total(self) -> u32 {
        self.kinds().iter().map(|(often, _)| u32::from(*often)).sum()
    }

    /// The nth draw.
    pub fn draw(self, n: u64) -> Option<Action> {
        // Neighbouring seeds begin alike in a generator this small, so the two numbers are spread first.
        let mut random = fastrand::Rng::with_seed((self.seed ^ n.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut drawn = random.u32(0..1000);
        for (often, action) in self.kinds() {
            let often = u32::from(often);
            if drawn < often {
                return Some(match action {
                    Action::Delay(_) => Action::Delay(random.u32(50..=1500)),
                    Action::Fail(_) => Action::Fail(if random.bool() { 500 } else { 503 }),
                    other => other,
                });
            }
            drawn -= often;
        }
        None
    }

    const fn kinds(self) -> [(u16, Action); 5] {
        [
            (self.throttle, Action::Throttle(true)),
            (self.error, Action::Fail(503)),
            (self.delay, Action::Delay(0)),
            (self.reset, Action::Reset(true)),
            (self.lose_answer, Action::LoseAnswer(true)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const ALL: Random = Random { seed: 1, throttle: 50, error: 50, delay: 50, reset: 50, lose_answer: 50 };

    #[test]
    fn a_seed_draws_the_same_again_and_another_one_others() {
        let draws = |seed| (1..=500).map(|n| Random { seed, ..ALL }.draw(n)).collect::<Vec<_>>();
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
    }

    #[test]
    fn each_kind_comes_as_often_as_told() {
        let mut kinds: BTreeMap<&str, u32> = BTreeMap::new();
        for action in (1..=20_000).filter_map(|n| ALL.draw(n)) {
            *kinds.entry(action.kind()).or_default() += 1;
        }
        assert_eq!(kinds.len(), 5, "{kinds:?}");
        assert!(kinds.values().all(|count| (850..1150).contains(count)), "{kinds:?}");
        assert_eq!((1..1000).find_map(|n| Random { seed: 1, ..Random::default() }.draw(n)), None);
        assert_eq!(ALL.total(), 250);
    }

    #[test]
    fn only_one_is_drawn_where_it_always_comes() {
        let always = Random { seed: 3, reset: 1000, ..Random::default() };
        assert!((1..100).all(|n| always.draw(n) == Some(Action::Reset(true))));
    }
}
