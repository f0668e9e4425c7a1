//! A process that evenly started itself, up to the point where it is a worker or makes some.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::error::WarmError;
use super::session::{Listing, Spec};
use super::supervised::Supervised;
use super::wire::{Heard, Wire, unasked};
use super::{BEGIN_S_MAX, NEWS_S_MAX};
use crate::framework::protocol::{Ask, Hello, Listed, PROTOCOL, Ready, Told, WarmGroup};
use crate::model::{ProcessEnd, one_line};
use crate::process::{Control, Launch, Options};

/// A process that answered `hello`.
#[derive(Debug)]
pub(super) struct MainProcess {
    pub(super) wire: Wire,
    pub(super) process: Supervised,
    pub(super) ready: Ready,
}

/// A question to a process that is not a worker yet, or not at work.
pub(super) struct Talk<'a> {
    pub(super) wire: &'a mut Wire,
    pub(super) deadline: Instant,
}

/// Why there is no answer, before the process's last words are known.
pub(super) enum Silence {
    Closed,
    TimedOut,
    Astray(String),
    Refused(WarmError),
}

impl<'a> Talk<'a> {
    pub(super) fn new(wire: &'a mut Wire, limit: Duration) -> Self {
        Self { wire, deadline: Instant::now() + limit }
    }

    pub(super) async fn ask(&mut self, ask: &Ask) -> Result<(), Silence> {
        // Why it cannot be told anything, its end says best.
        self.wire.send(ask, None).await.map_err(|_| Silence::Closed)
    }

    pub(super) async fn answer(&mut self) -> Result<Told, Silence> {
        match timeout_at(self.deadline, self.wire.hear()).await {
            Err(_) => Err(Silence::TimedOut),
            Ok(Heard::Closed) => Err(Silence::Closed),
            Ok(Heard::Nonsense(what)) => Err(Silence::Astray(what)),
            Ok(Heard::Told(Told::Failed { message, detail }, _)) => {
                let message = one_line(&message).into_owned();
                let detail = detail.trim_end().lines();
                let detail = detail.fold(String::new(), |out, line| out + "\n  " + line);
                Err(Silence::Refused(WarmError::Refused { message, detail }))
            }
            Ok(Heard::Told(told, _)) => Ok(told),
        }
    }
}

impl Silence {
    /// As an error, once it is known how the process ended and what it printed.
    pub(super) fn told(
        self,
        act: &'static str,
        after_s: u64,
        end: ProcessEnd,
        words: String,
    ) -> WarmError {
        match self {
            Self::Closed => WarmError::Ended { act, end, words },
            Self::TimedOut => WarmError::TimedOut { act, after_s, words },
            Self::Astray(what) => WarmError::Astray { act, what, words },
            Self::Refused(error) => error,
        }
    }
}

impl MainProcess {
    /// Starts a process and greets it.
    pub(super) async fn start(
        spec: &Spec,
        options: &Options,
        number: usize,
    ) -> Result<Self, WarmError> {
        let system = |act| move |source| WarmError::System { act, source };
        let (mut wire, socket) = Wire::pair().map_err(system("make a socket"))?;
        let launch = Launch {
            argv: spec.argv.clone(),
            cwd: spec.dir.clone(),
            env: spec.env.clone(),
            user: None,
            output: spec.scratch.join(format!("process-{number}.output")),
            stdout: None,
        };
        let process =
            Supervised::start(options, launch, socket).map_err(system("start a supervisor"))?;
        let act = "begin";
        let mut talk = Talk::new(&mut wire, Duration::from_secs(BEGIN_S_MAX));
        let hello = Ask::Hello(Hello {
            protocol: PROTOCOL,
            framework: spec.framework.clone(),
            processes: spec.processes,
            options: spec.options.clone(),
        });
        let answer = match talk.ask(&hello).await {
            Ok(()) => talk.answer().await,
            Err(silence) => Err(silence),
        };
        let ready = match answer {
            Ok(Told::Ready(ready)) if ready.protocol == PROTOCOL => Ok(ready),
            Ok(Told::Ready(Ready { protocol, .. })) => {
                Err(Silence::Refused(WarmError::Version(protocol)))
            }
            Ok(told) => Err(Silence::Astray(unasked(&told))),
            Err(silence) => Err(silence),
        };
        match ready {
            Ok(ready) => Ok(Self { wire, process, ready }),
            Err(silence) => Err(fail(process, silence, act, BEGIN_S_MAX).await),
        }
    }

    /// Asks for all groups, once. An error ends the process.
    pub(super) async fn list(mut self, limit: Duration) -> Result<(Self, Listing), WarmError> {
        let act = "list its tests";
        let mut talk = Talk::new(&mut self.wire, limit);
        match listing(&mut talk).await {
            Ok(listing) => Ok((self, listing)),
            Err(silence) => Err(fail(self.process, silence, act, limit.as_secs()).await),
        }
    }
}

async fn listing(talk: &mut Talk<'_>) -> Result<Listing, Silence> {
    let mut groups: Vec<WarmGroup> = Vec::new();
    talk.ask(&Ask::List {}).await?;
    loop {
        match talk.answer().await? {
            Told::Group(group) if group.tests.is_empty() => {
                return Err(Silence::Refused(WarmError::Empty(group.name)));
            }
            Told::Group(group) => groups.push(group),
            Told::Listed(Listed { groups: told, broken, databases }) => {
                let came = groups.len();
                if told != came {
                    return Err(Silence::Refused(WarmError::Count { came, told }));
                }
                return Ok(Listing { groups, broken, databases });
            }
            told => return Err(Silence::Astray(unasked(&told))),
        }
    }
}

/// Ends a process that is of no use, and says why it is not.
async fn fail(
    mut process: Supervised,
    silence: Silence,
    act: &'static str,
    after_s: u64,
) -> WarmError {
    if let Silence::Closed = silence {
        // Its own end says more than that of the kill.
        let patience = Duration::from_secs(NEWS_S_MAX);
        let _ = tokio::time::timeout(patience, process.gone()).await;
    }
    process.control(Control::Kill);
    let gone = process.gone().await;
    let words = process.words();
    process.close().await;
    silence.told(act, after_s, gone.end, words)
}
