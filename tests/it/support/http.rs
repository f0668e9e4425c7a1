//! A small HTTP server on loopback that answers as a test says, breaks off, or says nothing, and
//! remembers what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query, as they came.
    pub(crate) target: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn parts(&self) -> Vec<&str> {
        self.path.split('/').filter(|part| !part.is_empty()).collect()
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Json(u16, Vec<(&'static str, String)>, Value),
    /// These bytes, and the end.
    Bytes(Vec<u8>),
    /// A reset connection.
    Reset,
    /// Nothing, as long as the server is there.
    Silence,
}

impl Reply {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self::Json(status, Vec::new(), body)
    }

    /// An answer that promises more than comes.
    pub(crate) fn cut(status: u16, text: &str) -> Self {
        let promised = text.len() + 100;
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {promised}\r\n\r\n{text}");
        Self::Bytes(head.into_bytes())
    }

    /// A whole answer whose text is no JSON to its end.
    pub(crate) fn torn(status: u16, text: &str) -> Self {
        let length = text.len();
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
        );
        Self::Bytes(head.into_bytes())
    }
}

/// The server; it ends with its owner.
pub(crate) struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let over = Arc::new(AtomicBool::new(false));
        let thread = {
            let (asked, over, answer) = (asked.clone(), over.clone(), Arc::new(answer));
            thread::spawn(move || {
                let silent = Arc::new(Mutex::new(Vec::new()));
                for stream in listener.incoming().flatten() {
                    if over.load(Ordering::SeqCst) {
                        break;
                    }
                    let (asked, answer, silent) = (asked.clone(), answer.clone(), silent.clone());
                    thread::spawn(move || {
                        let _ = serve(stream, &asked, &*answer, &silent);
                    });
                }
            })
        };
        Self { address, asked, over, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What was asked, as `GET /path`.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.asked().iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect()
    }

    pub(crate) fn forget(&self) {
        self.asked.lock().unwrap().clear();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Asked>>,
    answer: &dyn Fn(&Asked) -> Reply,
    silent: &Mutex<Vec<TcpStream>>,
) -> std::io::Result<()> {
    let Some(asked) = read(&stream)? else { return Ok(()) };
    seen.lock().unwrap().push(asked.clone());
    match answer(&asked) {
        Reply::Json(status, headers, body) => {
            let body = if status == 204 { String::new() } else { body.to_string() };
            let mut head = format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n");
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            let length = body.len();
            head.push_str(&format!("Content-Length: {length}\r\nConnection: close\r\n\r\n"));
            stream.write_all(head.as_bytes())?;
            stream.write_all(body.as_bytes())
        }
        Reply::Bytes(bytes) => stream.write_all(&bytes),
        Reply::Reset => {
            rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
            Ok(())
        }
        Reply::Silence => {
            silent.lock().unwrap().push(stream);
            Ok(())
        }
    }
}

/// Reads one request; none where somebody only connected.
fn read(stream: &TcpStream) -> std::io::Result<Option<Asked>> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    let (method, target) = (method.to_owned(), target.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let url = url::Url::parse(&format!("http://h{target}")).map_err(std::io::Error::other)?;
    let query = url.query_pairs().into_owned().collect();
    let path = url.path().to_owned();
    Ok(Some(Asked { method, target, path, query, headers, body }))
}

/// An answer, as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) bytes: Vec<u8>,
    body_at: usize,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let body = &self.bytes[self.body_at..];
        let text = || String::from_utf8_lossy(&self.bytes).into_owned();
        serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error}: {}", text()))
    }
}

/// Asks a server on loopback. HTTP/1.0, so that the answer ends with the connection.
pub(crate) fn ask(
    port: u16,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let mut head = format!("{method} {target} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.ok_or_else(|| std::io::Error::other("no head"))?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let headers =
        fields.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
    Ok(Answer { status, headers, bytes, body_at: end + 4 })
}

/// A port that nobody has just now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
