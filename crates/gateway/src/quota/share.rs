//! This gateway's share of a quota per second, in millionths of an exchange so that small quotas can be divided.

use lgsp_bus::Asked;

/// One exchange.
pub(super) const ONE: u64 = 1_000_000;
/// The part of a quota that is divided evenly, so that a gateway that was asked for nothing yet has something to begin with.
const EVEN: u64 = 10;

/// What this gateway may grant in a second of a quota that all gateways share: by what each was asked for, but for a tenth, which
/// is divided evenly.
///
/// All gateways compute it of the same heartbeats, so that their shares amount to no more than the quota.
pub(super) fn of_second(quota: u32, asked: Asked) -> u64 {
    let quota = u64::from(quota) * ONE;
    let gateways = u64::from(asked.gateways.max(1));
    if gateways == 1 {
        return quota;
    }
    if asked.everywhere == 0 {
        return quota / gateways;
    }
    let even = quota / EVEN;
    even / gateways + part(quota - even, asked.here, asked.everywhere)
}

/// What may be granted in a second that begins, of `left` from the one before and of a share.
///
/// A whole exchange that was not asked for is gone with its second; the rest of a division stays. A share of less than one
/// exchange is saved up to one.
pub(super) fn in_second(share: u64, left: u64, seconds_ago: u64) -> u64 {
    let saved = if share >= ONE {
        left % ONE
    } else {
        left.saturating_add(share.saturating_mul(seconds_ago.saturating_sub(1))).min(ONE)
    };
    share + saved
}

/// What may be granted in the first second.
pub(super) fn at_first(share: u64) -> u64 {
    in_second(share, ONE, 1)
}

fn part(whole: u64, of: u64, all: u64) -> u64 {
    let part = u128::from(whole) * u128::from(of.min(all)) / u128::from(all);
    // No larger than the whole.
    part as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asked(here: u64, everywhere: u64, gateways: u32) -> Asked {
        Asked { here, everywhere, gateways }
    }

    #[test]
    fn a_share_follows_what_a_gateway_was_asked_for() {
        for (quota, asked, share) in [
            (10, asked(0, 0, 1), 10 * ONE),
            (10, asked(5, 5, 1), 10 * ONE),
            (10, asked(0, 0, 2), 5 * ONE),
            (10, asked(3_000, 4_000, 2), 7 * ONE + ONE / 4),
            (10, asked(1_000, 4_000, 2), 2 * ONE + ONE * 3 / 4),
            (10, asked(4_000, 4_000, 2), 9 * ONE + ONE / 2),
            (10, asked(0, 4_000, 2), ONE / 2),
            (1, asked(0, 4_000, 4), ONE / 40),
        ] {
            assert_eq!(of_second(quota, asked), share, "{quota} of {asked:?}");
        }
    }

    proptest! {
        #[test]
        fn all_shares_together_are_the_quota_but_for_what_division_leaves(
            quota in 1_u32..,
            told in prop::collection::vec(0_u64..=u64::from(u32::MAX), 1..20),
        ) {
            let (everywhere, gateways) = (told.iter().sum(), told.len() as u32);
            let shares = told.iter().map(|here| of_second(quota, asked(*here, everywhere, gateways)));
            let (quota, sum) = (u64::from(quota) * ONE, shares.sum::<u64>());
            prop_assert!(sum <= quota, "{sum} of {quota}");
            prop_assert!(quota - sum <= 2 * told.len() as u64, "{sum} of {quota}");
        }

        #[test]
        fn over_time_no_more_is_granted_than_the_shares_and_one_exchange(
            share in 1_u64..5 * ONE,
            wanted in prop::collection::vec((0_u64..8, 1_u64..4), 1..60),
        ) {
            let (mut left, mut granted, mut seconds) = (at_first(share), 0, 1);
            for (wanted, later) in wanted {
                let now = wanted.min(left / ONE);
                prop_assert!(now * ONE <= share + ONE, "in one second");
                granted += now;
                left = in_second(share, left - now * ONE, later);
                seconds += later;
            }
            prop_assert!(granted * ONE <= share * seconds + ONE);
        }
    }

    #[test]
    fn a_quota_that_is_not_divided_is_whole_in_each_second_and_no_more() {
        for left in 0..=3 {
            assert_eq!(in_second(3 * ONE, left * ONE, 1), 3 * ONE);
        }
        assert_eq!(at_first(3 * ONE), 3 * ONE);
    }

    #[test]
    fn a_share_of_less_than_one_exchange_is_saved_up() {
        let mut left = at_first(ONE * 2 / 5);
        let mut granted = Vec::new();
        for _ in 0..10 {
            granted.push(left / ONE);
            left = in_second(ONE * 2 / 5, left % ONE, 1);
        }
        assert_eq!(granted, [1, 0, 1, 0, 1, 0, 0, 1, 0, 1]);
        assert_eq!(in_second(ONE * 2 / 5, 0, 100) / ONE, 1, "a long pause saves one and no more");
    }
}
