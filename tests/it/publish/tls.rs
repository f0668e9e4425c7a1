//! TLS: a server with a company's own certificate is trusted when the machine knows it, and not
//! otherwise.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::github::APP;
use crate::support::tool;

use super::{merge_with, ran};

/// Answers everything over TLS, with a certificate for `localhost` by an authority of its own.
const SERVER: &str = r"
import http.server, json, socketserver, ssl, sys, trustme

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({'message': 'said over TLS'}).encode()
        self.send_response(401)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

authority = trustme.CA()
authority.cert_pem.write_to_path(sys.argv[1])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
authority.issue_cert('localhost').configure_cert(context)
server = socketserver.TCPServer(('127.0.0.1', 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
";

#[test]
fn a_companys_certificate_is_trusted_where_the_machine_knows_it() {
    let Some(venv) = tool("EVENLY_TEST_VENV") else { return };
    let project = ran(&["adds"], &[]);
    let mut command = Command::new(Path::new(&venv).join("bin/python"));
    command.args(["-c", SERVER]).arg(project.path("authority.pem"));
    let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let api = format!("https://localhost:{}", line.trim());
    let merge = || merge_with(&project, &api, APP, &["always", "--publish-timeout", "3s"]);
    let trusting = merge().env("SSL_CERT_FILE", project.path("authority.pem")).exits(0);
    let strict = merge().exits(0);
    server.kill().unwrap();
    server.wait().unwrap();
    trusting.warns("the token is not accepted (said over TLS)");
    strict.warns("cannot").warns("ertificate");
}
