//! A GitHub of our own, for what no emulator has: limits, locks, tokens of apps, faults of the
//! wire. It is as strict as GitHub where evenly could go wrong.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::http::{Asked, Reply, Server};

/// A token that may write, of the app that GitHub Actions is.
pub(crate) const APP: &str = "ghs_Sup3rS3cretAppT0ken";
/// One of the same app that may only read.
pub(crate) const READER: &str = "ghs_Sup3rS3cretReadT0ken";
/// A person's.
pub(crate) const PERSON: &str = "ghp_Sup3rS3cretMyT0ken";

pub(crate) const HEAD: &str = "fedcba9876543210fedcba9876543210fedcba98";

const BODY_CHARS_MAX: usize = 65_536;

/// What is there.
#[derive(Default)]
pub(crate) struct Hub {
    pub(crate) comments: Vec<Value>,
    pub(crate) checks: Vec<Value>,
    pub(crate) statuses: Vec<Value>,
    pub(crate) locked: bool,
    pub(crate) pulls: Vec<Value>,
    /// Answers to the next requests of this method whose path has this in it.
    faults: VecDeque<(&'static str, &'static str, Reply, Done)>,
    clock: u64,
}

/// Whether what a fault answers was carried out all the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    Yes,
    No,
}

pub(crate) struct GitHub {
    pub(crate) server: Server,
    pub(crate) hub: Arc<Mutex<Hub>>,
}

impl GitHub {
    /// `o/r` with one open pull request, 12.
    pub(crate) fn start() -> Self {
        let mut hub = Hub::default();
        hub.pulls.push(json!({
            "number": 12, "state": "open",
            "head": {"sha": HEAD, "ref": "patch", "label": "you:patch"},
        }));
        let hub = Arc::new(Mutex::new(hub));
        let server = {
            let hub = hub.clone();
            Server::start(move |asked| hub.lock().unwrap().answer(asked))
        };
        Self { server, hub }
    }

    pub(crate) fn fault(&self, method: &'static str, path: &'static str, reply: Reply, done: Done) {
        self.hub.lock().unwrap().faults.push_back((method, path, reply, done));
    }

    /// Somebody comments.
    pub(crate) fn comment(&self, login: &str, body: &str) {
        self.hub.lock().unwrap().comment(login, "User", body);
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        let hub = self.hub.lock().unwrap();
        hub.comments.iter().map(|comment| comment["body"].as_str().unwrap().to_owned()).collect()
    }
}

fn refuse(status: u16, message: &str) -> Reply {
    Reply::json(status, json!({"message": message, "documentation_url": "https://docs"}))
}

fn time(clock: u64) -> String {
    format!("2026-01-{:02}T{:02}:{:02}:00Z", 1 + clock / 1440, clock / 60 % 24, clock % 60)
}

impl Hub {
    fn comment(&mut self, login: &str, kind: &str, body: &str) -> Value {
        // Five minutes between two, as people do.
        self.clock += 5;
        let id = 1_000 + self.clock;
        let now = time(self.clock);
        let comment = json!({
            "id": id, "body": body, "user": {"login": login, "id": 7, "type": kind},
            "created_at": now, "updated_at": now,
            "html_url": format!("https://github.example/o/r/pull/12#issuecomment-{id}"),
        });
        self.comments.push(comment.clone());
        comment
    }

    fn answer(&mut self, asked: &Asked) -> Reply {
        let (login, kind) = match asked.header("authorization").strip_prefix("Bearer ") {
            Some(APP | READER) => ("github-actions[bot]", "Bot"),
            Some(PERSON) => ("me", "User"),
            _ => return refuse(401, "Bad credentials"),
        };
        let at = self
            .faults
            .iter()
            .position(|(method, path, ..)| asked.method == *method && asked.path.contains(path));
        let fault = at.and_then(|at| self.faults.remove(at));
        match fault {
            Some((_, _, reply, Done::No)) => reply,
            Some((_, _, reply, Done::Yes)) => {
                self.route(asked, login, kind);
                reply
            }
            None => self.route(asked, login, kind),
        }
    }

    fn route(&mut self, asked: &Asked, login: &str, kind: &str) -> Reply {
        let read_only = asked.header("authorization").ends_with(READER);
        let parts = asked.parts();
        // An Enterprise server has its APIs below a folder.
        let parts = match &parts[..] {
            ["api", "v3", rest @ ..] => rest,
            ["api", "graphql"] => &["graphql"],
            all => all,
        };
        if (asked.method != "GET" && parts != ["graphql"]) && read_only {
            return refuse(403, "Resource not accessible by integration");
        }
        let parts = match parts {
            ["repos", "o", "r", rest @ ..] => rest,
            ["user"] if kind == "Bot" => {
                return refuse(403, "Resource not accessible by integration");
            }
            ["user"] => return Reply::json(200, json!({"login": login, "id": 7, "type": kind})),
            ["graphql"] => {
                return Reply::json(200, json!({"data": {"viewer": {"login": login}}}));
            }
            _ => return refuse(404, "Not Found"),
        };
        match (asked.method.as_str(), parts) {
            ("GET", ["issues", "12", "comments"]) => self.list(asked),
            ("POST", ["issues", "12", "comments"]) => self.create(asked, login, kind),
            (_, ["issues", "comments", id]) => self.one(asked, id),
            ("GET", ["pulls", "12"]) => Reply::json(200, self.pulls[0].clone()),
            ("GET", ["pulls"]) => {
                let head = asked.query.get("head").cloned();
                let pulls = self.pulls.iter().filter(|pull| {
                    head.as_deref().is_none_or(|head| pull["head"]["label"] == head)
                });
                Reply::json(200, pulls.cloned().collect())
            }
            ("GET", ["commits", sha, "pulls"]) => {
                let pulls = self.pulls.iter().filter(|pull| pull["head"]["sha"] == *sha);
                Reply::json(200, pulls.cloned().collect())
            }
            ("GET", ["commits", sha, "check-runs"]) => {
                let runs = self.checks.iter().filter(|run| run["head_sha"] == *sha);
                let runs: Vec<_> = runs.cloned().collect();
                Reply::json(200, json!({"total_count": runs.len(), "check_runs": runs}))
            }
            ("POST", ["check-runs"]) if kind != "Bot" => {
                refuse(403, "You must authenticate via a GitHub App.")
            }
            ("POST", ["check-runs"]) => self.check(asked),
            ("PATCH", ["check-runs", id]) => self.annotate(asked, id),
            ("POST", ["statuses", _]) => {
                let mut status = asked.json();
                status["sha"] = json!(parts[1]);
                self.statuses.push(status);
                Reply::json(201, json!({"id": 1}))
            }
            _ => refuse(404, "Not Found"),
        }
    }

    fn list(&self, asked: &Asked) -> Reply {
        let number = |name: &str, default: usize| {
            asked.query.get(name).and_then(|value| value.parse().ok()).unwrap_or(default)
        };
        let (size, page) = (number("per_page", 30).min(100), number("page", 1));
        let since = asked.query.get("since").cloned().unwrap_or_default();
        let updated = |comment: &&Value| comment["updated_at"].as_str().unwrap() >= since.as_str();
        let all: Vec<_> = self.comments.iter().filter(updated).cloned().collect();
        let last = all.len().div_ceil(size);
        let here: Vec<_> = all.into_iter().skip((page - 1) * size).take(size).collect();
        let mut links = Vec::new();
        if page < last {
            let link = |page, rel| {
                format!("<https://github.example/repositories/1/c?page={page}>; rel=\"{rel}\"")
            };
            links.push(("Link", format!("{}, {}", link(page + 1, "next"), link(last, "last"))));
        }
        Reply::Json(200, links, Value::Array(here))
    }

    fn create(&mut self, asked: &Asked, login: &str, kind: &str) -> Reply {
        if self.locked {
            return refuse(403, "Unable to create comment because issue is locked.");
        }
        match allowed(asked) {
            Ok(body) => Reply::json(201, self.comment(login, kind, &body)),
            Err(reply) => reply,
        }
    }

    fn one(&mut self, asked: &Asked, id: &str) -> Reply {
        let at = self.comments.iter().position(|comment| comment["id"].to_string() == id);
        let Some(at) = at else { return refuse(404, "Not Found") };
        match asked.method.as_str() {
            "DELETE" => {
                self.comments.remove(at);
                Reply::json(204, Value::Null)
            }
            "PATCH" => match allowed(asked) {
                Ok(body) => {
                    self.comments[at]["body"] = json!(body);
                    self.comments[at]["updated_at"] = json!(time(self.clock + 1));
                    Reply::json(200, self.comments[at].clone())
                }
                Err(reply) => reply,
            },
            _ => refuse(404, "Not Found"),
        }
    }

    fn check(&mut self, asked: &Asked) -> Reply {
        let mut run = asked.json();
        if let Some(reply) = too_many(&run) {
            return reply;
        }
        run["id"] = json!(self.checks.len() + 1);
        run["html_url"] = json!("https://github.example/o/r/runs/1");
        self.checks.push(run.clone());
        Reply::json(201, run)
    }

    fn annotate(&mut self, asked: &Asked, id: &str) -> Reply {
        let patch = asked.json();
        if let Some(reply) = too_many(&patch) {
            return reply;
        }
        let Some(run) = self.checks.iter_mut().find(|run| run["id"].to_string() == id) else {
            return refuse(404, "Not Found");
        };
        let more = patch["output"]["annotations"].as_array().cloned().unwrap_or_default();
        run["output"]["annotations"].as_array_mut().unwrap().extend(more);
        Reply::json(200, run.clone())
    }
}

fn allowed(asked: &Asked) -> Result<String, Reply> {
    let json = asked.json();
    let Some(body) = json["body"].as_str() else { return Err(refuse(422, "Invalid request.")) };
    if body.chars().count() > BODY_CHARS_MAX {
        let errors = json!([{"message": "Body is too long (maximum is 65536 characters)"}]);
        let body = json!({"message": "Validation Failed", "errors": errors});
        return Err(Reply::json(422, body));
    }
    Ok(body.to_owned())
}

fn too_many(run: &Value) -> Option<Reply> {
    let output = &run["output"];
    let annotations = output["annotations"].as_array().map_or(0, Vec::len);
    let summary = output["summary"].as_str().map_or(0, str::len);
    if annotations > 50 {
        Some(refuse(422, "Too many annotations"))
    } else if summary > 65_535 {
        Some(refuse(422, "summary exceeds a maximum bytesize of 65535"))
    } else {
        None
    }
}
