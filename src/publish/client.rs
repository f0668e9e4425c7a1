//! Requests to a server: sent, tried again where that helps, and answered in time or not at all.
//!
//! Promises: no call lasts beyond the deadline; no answer is read beyond `ANSWER_BYTES_MAX`; the
//! token goes to no other host than the one that it is for, and is in nothing that comes back.

use std::time::{Duration, Instant};

use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use octocrab::Octocrab;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::error::Why;
use super::retry::{Again, Limited, Next, Seen, limited, next};
use super::token::Token;
use super::wire::{self, Broken};

/// How long one try may take.
const TRY_S_MAX: u64 = 30;
/// How much of a server's message is kept.
const MESSAGE_CHARS_MAX: usize = 300;

/// How requests travel.
enum Carrier {
    GitHub(Octocrab),
    GitLab(reqwest::Client),
}

/// One server, for one token, until a deadline.
pub(super) struct Client {
    carrier: Carrier,
    base: Url,
    token: Token,
    deadline: Instant,
    try_max: Duration,
}

/// A request.
pub(super) struct Request {
    method: Method,
    url: Url,
    body: Option<Value>,
    again: Again,
}

/// An answer that says that it was done.
pub(super) struct Answer {
    headers: HeaderMap,
    body: Vec<u8>,
}

/// One try's answer, whatever it says.
pub(super) struct Raw {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// Another address than those below the base.
    pub(super) fn at(method: Method, url: Url, again: Again) -> Self {
        Self { method, url, body: None, again }
    }

    pub(super) fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        self.url.query_pairs_mut().extend_pairs(pairs);
        self
    }

    pub(super) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What the body says. One that is not what it should be came incomplete.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Why> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Why::Lost(format!("what it holds is no JSON of the kind: {error}")))
    }
}

impl Client {
    /// For GitHub, through octocrab.
    ///
    /// # Errors
    /// When the address or the token cannot be used.
    pub(super) fn github(base: &Url, token: &Token, deadline: Instant) -> Result<Self, Why> {
        let carrier = Carrier::GitHub(wire::octocrab(base, token)?);
        Ok(Self::new(carrier, base, token, deadline))
    }

    /// For GitLab.
    ///
    /// # Errors
    /// When the token cannot be used.
    pub(super) fn gitlab(base: &Url, token: &Token, deadline: Instant) -> Result<Self, Why> {
        let carrier = Carrier::GitLab(wire::gitlab(token)?);
        Ok(Self::new(carrier, base, token, deadline))
    }

    fn new(carrier: Carrier, base: &Url, token: &Token, deadline: Instant) -> Self {
        let left = deadline.saturating_duration_since(Instant::now());
        let try_max = Duration::from_secs(TRY_S_MAX).min(left / 3);
        Self { carrier, base: base.clone(), token: token.clone(), deadline, try_max }
    }

    /// A request to what is below the base.
    pub(super) fn request(&self, method: Method, path: &[&str], again: Again) -> Request {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        Request::at(method, url, again)
    }

    /// Sends it, again and again where that helps.
    pub(super) async fn call(&self, request: &Request) -> Result<Answer, Why> {
        let mut tries = 0;
        loop {
            tries += 1;
            let (seen, outcome) = self.once(request).await;
            let left = self.deadline.saturating_duration_since(Instant::now());
            match next(seen, tries, request.again, left) {
                Next::Take => return outcome,
                Next::Wait(wait) => tokio::time::sleep(wait).await,
            }
        }
    }

    /// Sends it and reads what must be in the answer; a read that came incomplete is tried again.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        request: &Request,
    ) -> Result<(T, Answer), Why> {
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = self.call(request).await?;
            let why = match answer.read() {
                Ok(value) => return Ok((value, answer)),
                Err(why) => why,
            };
            let left = self.deadline.saturating_duration_since(Instant::now());
            match next(Seen::Lost, tries, request.again, left) {
                Next::Take => return Err(why),
                Next::Wait(wait) => tokio::time::sleep(wait).await,
            }
        }
    }

    async fn once(&self, request: &Request) -> (Seen, Result<Answer, Why>) {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let sent = tokio::time::timeout(self.try_max.min(left), self.send(request)).await;
        let raw = match sent {
            Ok(Ok(raw)) => raw,
            Ok(Err(broken)) => return self.broken(broken),
            Err(_) => return self.broken(Broken::Lost("it took too long".to_owned())),
        };
        let Raw { status, headers, body } = raw;
        if status.is_success() {
            return (Seen::Answer(status.as_u16()), Ok(Answer { headers, body }));
        }
        let message = self.clean(&message(&body));
        let header = |name: &str| headers.get(name)?.to_str().ok();
        let code = status.as_u16();
        match limited(code, header, &message, Timestamp::now()) {
            Some(Limited { wait }) => (Seen::Limited(wait), Err(Why::Limited(wait))),
            None => (Seen::Answer(code), Err(Why::of(code, message))),
        }
    }

    async fn send(&self, request: &Request) -> Result<Raw, Broken> {
        let Request { method, url, body, again: _ } = request;
        match &self.carrier {
            Carrier::GitHub(crab) => wire::through_octocrab(crab, method, url, body.as_ref()).await,
            Carrier::GitLab(http) => wire::plainly(http, method, url, body.as_ref()).await,
        }
    }

    fn broken(&self, broken: Broken) -> (Seen, Result<Answer, Why>) {
        match broken {
            Broken::Unsent(text) => (Seen::Unsent, Err(Why::Unreachable(self.clean(&text)))),
            Broken::Lost(text) => (Seen::Lost, Err(Why::Lost(self.clean(&text)))),
            // Trying it again would not help.
            Broken::Unmade(text) => (Seen::Answer(400), Err(Why::Unmade(self.clean(&text)))),
        }
    }

    /// What came from outside, short and without the token.
    fn clean(&self, text: &str) -> String {
        let text = self.token.hide(text);
        let short: String = text.chars().take(MESSAGE_CHARS_MAX).collect();
        crate::model::one_line(&short).into_owned()
    }
}

/// What a server says of its refusal: GitHub's `message` with its `errors`, GitLab's `message`
/// (text or lists), `error` and `error_description`.
fn message(body: &[u8]) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return "it does not say why".to_owned();
    };
    let mut parts = Vec::new();
    for key in ["message", "error", "error_description"] {
        words(&value[key], &mut parts);
    }
    words(&value["errors"], &mut parts);
    if parts.is_empty() { "it does not say why".to_owned() } else { parts.join("; ") }
}

/// The texts in a value; of an object those that speak.
fn words(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| words(item, out)),
        Value::Object(fields) => {
            let telling = fields.get("message");
            match telling {
                Some(text) => words(text, out),
                None => fields.values().for_each(|field| words(field, out)),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusals_words_are_found_wherever_they_stand() {
        for (body, expected) in [
            (r#"{"message":"Not Found","documentation_url":"u"}"#, "Not Found"),
            (
                r#"{"message":"Validation Failed","errors":[{"resource":"IssueComment","code":
                    "unprocessable","field":"data","message":"Body is too long"}]}"#,
                "Validation Failed; Body is too long",
            ),
            (r#"{"message":{"note":["can't be blank"]}}"#, "can't be blank"),
            (
                r#"{"error":"insufficient_scope","error_description":"more"}"#,
                "insufficient_scope; more",
            ),
            ("<html>502</html>", "it does not say why"),
            ("", "it does not say why"),
            ("[]", "it does not say why"),
        ] {
            assert_eq!(message(body.as_bytes()), expected);
        }
    }
}
