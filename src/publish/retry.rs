//! Whether to try a request again, and when: a decision over what was seen.
//!
//! Promises: what may have been carried out is sent again only where that does no harm; what was
//! turned away for coming too often waits as long as it is told to; nothing waits longer than there
//! is time.

use std::time::Duration;

use jiff::Timestamp;

/// How often a request is tried.
const TRIES_MAX: u32 = 5;
/// The wait before the second try; it doubles each time.
const PAUSE_MS: u64 = 500;
const PAUSE_MS_MAX: u64 = 8_000;
/// What GitHub asks for where it says no more than that there were too many requests.
const LIMITED_S: u64 = 60;

/// Whether a request may be sent again though it may have been carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// It may: twice is as good as once.
    Safe,
    /// It may not.
    Once,
}

/// What came of sending it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// An answer with this status.
    Answer(u16),
    /// Too many requests: it was not carried out. The time to wait, where that was told.
    Limited(Option<Duration>),
    /// It never left: no connection.
    Unsent,
    /// It left, and no whole answer came.
    Lost,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Go on with what came.
    Take,
    /// Send it again after this time.
    Wait(Duration),
}

/// What to do after so many tries, with this much time left.
pub(super) fn next(seen: Seen, tries: u32, again: Again, left: Duration) -> Next {
    let pause = PAUSE_MS.saturating_mul(1 << (tries.clamp(1, 16) - 1)).min(PAUSE_MS_MAX);
    let pause = Duration::from_millis(pause);
    let wait = match (seen, again) {
        (Seen::Limited(told), _) => told.unwrap_or(Duration::from_secs(LIMITED_S)),
        (Seen::Unsent, _) | (Seen::Lost, Again::Safe) => pause,
        (Seen::Answer(status), Again::Safe) if status >= 500 => pause,
        (Seen::Answer(_) | Seen::Lost, Again::Safe | Again::Once) => return Next::Take,
    };
    if tries >= TRIES_MAX || wait >= left { Next::Take } else { Next::Wait(wait) }
}

/// The server wants fewer requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limited {
    /// The time to wait, where that is told.
    pub(super) wait: Option<Duration>,
}

/// What an answer says of limits, out of its headers: `header` gives one by its name. `message` is
/// the server's.
pub(super) fn limited<'a>(
    status: u16,
    header: impl Fn(&str) -> Option<&'a str>,
    message: &str,
    now: Timestamp,
) -> Option<Limited> {
    let message = message.to_lowercase();
    let after = header("retry-after").and_then(|value| until(value, now));
    let spent = header("x-ratelimit-remaining").is_some_and(|value| value.trim() == "0");
    let limited = match status {
        429 => true,
        403 => after.is_some() || spent || message.contains("rate limit"),
        _ => false,
    };
    let reset = || {
        let names = ["x-ratelimit-reset", "ratelimit-reset"];
        let reset = names.into_iter().find_map(&header).filter(|_| spent || status == 429)?;
        let seconds: i64 = reset.trim().parse().ok()?;
        Some(from_now(seconds.checked_sub(now.as_second())?))
    };
    limited.then(|| Limited { wait: after.or_else(reset) })
}

/// `Retry-After`: seconds, or a date.
fn until(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(from_now(date.as_second().checked_sub(now.as_second())?))
}

fn from_now(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMPLE: Duration = Duration::from_mins(10);

    fn millis(next: Next) -> Option<u128> {
        match next {
            Next::Take => None,
            Next::Wait(wait) => Some(wait.as_millis()),
        }
    }

    #[test]
    fn what_does_no_harm_is_tried_again_ever_later() {
        for seen in [Seen::Answer(500), Seen::Answer(503), Seen::Lost, Seen::Unsent] {
            let waits = (1..=5).map(|tries| millis(next(seen, tries, Again::Safe, AMPLE)));
            let waits: Vec<_> = waits.collect();
            assert_eq!(waits, [Some(500), Some(1000), Some(2000), Some(4000), None], "{seen:?}");
        }
    }

    #[test]
    fn what_may_have_been_done_is_not_sent_again() {
        for seen in [Seen::Answer(500), Seen::Answer(502), Seen::Lost] {
            assert_eq!(next(seen, 1, Again::Once, AMPLE), Next::Take, "{seen:?}");
        }
        assert_eq!(millis(next(Seen::Unsent, 1, Again::Once, AMPLE)), Some(500));
        let told = Seen::Limited(Some(Duration::from_secs(7)));
        assert_eq!(millis(next(told, 1, Again::Once, AMPLE)), Some(7000));
    }

    #[test]
    fn an_answer_is_taken() {
        for status in [200, 201, 401, 403, 404, 422] {
            assert_eq!(next(Seen::Answer(status), 1, Again::Safe, AMPLE), Next::Take);
        }
    }

    #[test]
    fn no_wait_is_longer_than_there_is_time() {
        let left = Duration::from_secs(30);
        assert_eq!(next(Seen::Limited(None), 1, Again::Safe, left), Next::Take);
        let told = Seen::Limited(Some(Duration::from_hours(1)));
        assert_eq!(next(told, 1, Again::Safe, left), Next::Take);
        assert_eq!(next(Seen::Unsent, 1, Again::Safe, Duration::from_millis(500)), Next::Take);
        assert_eq!(millis(next(Seen::Limited(None), 1, Again::Safe, AMPLE)), Some(60_000));
    }

    fn told(status: u16, headers: &[(&str, &'static str)], message: &str) -> Option<Limited> {
        let header = |name: &str| headers.iter().find(|(own, _)| *own == name).map(|(_, v)| *v);
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        limited(status, header, message, now)
    }

    const UNTOLD: Option<Limited> = Some(Limited { wait: None });

    fn wait(seconds: u64) -> Limited {
        Limited { wait: Some(Duration::from_secs(seconds)) }
    }

    #[test]
    fn limits_are_read_as_github_and_gitlab_write_them() {
        let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1000000090")];
        for (status, headers, message, expected) in [
            (429, &[("retry-after", "12")][..], "", Some(wait(12))),
            (429, &[("retry-after", "Sun, 09 Sep 2001 01:47:10 GMT")], "", Some(wait(30))),
            (429, &[("retry-after", "Sun, 09 Sep 2001 01:40:00 GMT")], "", Some(wait(0))),
            (429, &[], "Too Many Requests", UNTOLD),
            (429, &[("ratelimit-reset", "1000000007")], "", Some(wait(7))),
            (403, &spent, "API rate limit exceeded", Some(wait(90))),
            (403, &[], "You have exceeded a secondary rate limit", UNTOLD),
            (403, &[("retry-after", "5")], "", Some(wait(5))),
            (403, &[("x-ratelimit-remaining", "41")], "Resource not accessible", None),
            (200, &spent, "", None),
            (503, &[("retry-after", "1")], "", None),
        ] {
            assert_eq!(told(status, headers, message), expected, "{status} {headers:?} {message}");
        }
    }
}
