//! A GitLab of our own: the notes of merge request 3 and the statuses of project 5. python-gitlab
//! is held against it.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::http::{Asked, Reply, Server};

/// A project access token.
pub(crate) const PROJECT: &str = "glpat-Sup3rS3cretT0ken";
/// A job's own token: it may read notes and nothing more.
pub(crate) const JOB: &str = "glcbt-Sup3rS3cretJ0b";

#[derive(Default)]
pub(crate) struct Lab {
    pub(crate) notes: Vec<Value>,
    pub(crate) statuses: Vec<Value>,
    next: u64,
}

pub(crate) struct GitLab {
    pub(crate) server: Server,
    pub(crate) lab: Arc<Mutex<Lab>>,
}

impl GitLab {
    pub(crate) fn start() -> Self {
        let lab = Arc::new(Mutex::new(Lab::default()));
        let server = {
            let lab = lab.clone();
            Server::start(move |asked| lab.lock().unwrap().answer(asked))
        };
        Self { server, lab }
    }

    pub(crate) fn api(&self) -> String {
        format!("{}/api/v4", self.server.url())
    }

    pub(crate) fn note(&self, username: &str, body: &str) {
        self.lab.lock().unwrap().note(username, body);
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        let lab = self.lab.lock().unwrap();
        lab.notes.iter().map(|note| note["body"].as_str().unwrap().to_owned()).collect()
    }
}

impl Lab {
    fn note(&mut self, username: &str, body: &str) -> Value {
        self.next += 1;
        let now = format!("2026-01-01T{:02}:{:02}:00.000Z", self.next / 60, self.next % 60);
        let note = json!({
            "id": self.next, "body": body, "system": false, "noteable_iid": 3,
            "author": {"id": 9, "username": username, "name": username},
            "created_at": now, "updated_at": now,
        });
        self.notes.push(note.clone());
        note
    }

    fn answer(&mut self, asked: &Asked) -> Reply {
        let bearer = asked.header("authorization").strip_prefix("Bearer ");
        let token = bearer.unwrap_or_else(|| asked.header("private-token"));
        let reads_notes = asked.method == "GET" && asked.path.ends_with("/notes");
        match token {
            PROJECT => {}
            JOB if reads_notes => {}
            JOB => return Reply::json(403, json!({"message": "403 Forbidden"})),
            _ => return Reply::json(401, json!({"message": "401 Unauthorized"})),
        }
        let parts = asked.parts();
        match (asked.method.as_str(), &parts[..]) {
            ("GET", ["api", "v4", "user"]) => {
                Reply::json(200, json!({"id": 9, "username": "project_5_bot", "name": "evenly"}))
            }
            ("GET", ["api", "v4", "projects", "5"]) => Reply::json(200, json!({"id": 5})),
            ("GET", ["api", "v4", "projects", "5", "merge_requests", "3"]) => {
                Reply::json(200, json!({"id": 30, "iid": 3, "project_id": 5}))
            }
            ("GET", ["api", "v4", "projects", "5", "merge_requests", "3", "notes"]) => {
                self.list(asked)
            }
            ("POST", ["api", "v4", "projects", "5", "merge_requests", "3", "notes"]) => {
                let body = asked.json()["body"].as_str().unwrap_or_default().to_owned();
                if body.is_empty() {
                    let blank = json!({"message": {"note": ["can't be blank"]}});
                    return Reply::json(400, blank);
                }
                Reply::json(201, self.note("project_5_bot", &body))
            }
            (_, ["api", "v4", "projects", "5", "merge_requests", "3", "notes", id]) => {
                self.one(asked, id)
            }
            ("POST", ["api", "v4", "projects", "5", "statuses", sha]) => {
                let mut status = asked.json();
                let state = status["state"].as_str().unwrap_or_default();
                let known = ["pending", "running", "success", "failed", "canceled", "skipped"];
                if !known.contains(&state) {
                    let error = "state does not have a valid value";
                    return Reply::json(400, json!({"error": error}));
                }
                status["sha"] = json!(sha);
                status["id"] = json!(self.statuses.len() + 1);
                self.statuses.push(status.clone());
                Reply::json(201, status)
            }
            _ => Reply::json(404, json!({"message": "404 Not Found"})),
        }
    }

    fn list(&self, asked: &Asked) -> Reply {
        let get = |name: &str| asked.query.get(name).map(String::as_str);
        let number =
            |name: &str, default: usize| get(name).and_then(|v| v.parse().ok()).unwrap_or(default);
        let (size, page) = (number("per_page", 20).min(100), number("page", 1));
        let mut notes = self.notes.clone();
        if get("sort") != Some("asc") {
            notes.reverse();
        }
        let pages = notes.len().div_ceil(size).max(1);
        let total = notes.len();
        let here = notes.into_iter().skip((page - 1) * size).take(size).collect();
        let next = if page < pages { (page + 1).to_string() } else { String::new() };
        let order = get("sort").unwrap_or("desc");
        let link = format!(
            "<http://{}{}?page={next}&per_page={size}&sort={order}>; rel=\"next\"",
            asked.header("host"),
            asked.path
        );
        let link = if next.is_empty() { String::new() } else { link };
        let headers = vec![
            ("Link", link),
            ("X-Page", page.to_string()),
            ("X-Per-Page", size.to_string()),
            ("X-Next-Page", next),
            ("X-Total", total.to_string()),
            ("X-Total-Pages", pages.to_string()),
        ];
        Reply::Json(200, headers, Value::Array(here))
    }

    fn one(&mut self, asked: &Asked, id: &str) -> Reply {
        let Some(at) = self.notes.iter().position(|note| note["id"].to_string() == id) else {
            return Reply::json(404, json!({"message": "404 Note Not Found"}));
        };
        match asked.method.as_str() {
            "GET" => Reply::json(200, self.notes[at].clone()),
            "PUT" => {
                self.notes[at]["body"] = asked.json()["body"].clone();
                Reply::json(200, self.notes[at].clone())
            }
            "DELETE" => {
                self.notes.remove(at);
                Reply::json(204, Value::Null)
            }
            _ => Reply::json(405, json!({"message": "405 Method Not Allowed"})),
        }
    }
}
