//! How a server's own client program is told where a database is. Passwords go by the environment:
//! arguments are there for every user of the machine to see.

use std::ffi::OsString;

use url::Url;

use super::error::DbError;
use super::location::without_password;

/// Arguments and environment of `mariadb` or `mysql`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Options, of which the last names the database.
    pub arguments: Vec<OsString>,
    /// The password, if there is one.
    pub env: Vec<(OsString, OsString)>,
}

/// What `mariadb` or `mysql` needs to connect to the database of a URL.
///
/// # Errors
/// When it is no URL.
pub fn mysql_client(url: &str) -> Result<Client, DbError> {
    let parsed = parsed(url)?;
    let mut arguments: Vec<OsString> = vec!["--no-defaults".into()];
    let socket = parsed.query_pairs().find(|(key, _)| key == "socket");
    match (&socket, parsed.host_str()) {
        (Some((_, path)), _) => arguments.push(format!("--socket={path}").into()),
        (None, Some(host)) => {
            arguments.push(format!("--host={}", decoded(host)).into());
            // A host of `localhost` would mean the socket.
            arguments.push("--protocol=tcp".into());
        }
        (None, None) => {}
    }
    if let Some(port) = parsed.port() {
        arguments.push(format!("--port={port}").into());
    }
    if !parsed.username().is_empty() {
        arguments.push(format!("--user={}", decoded(parsed.username())).into());
    }
    arguments.push(format!("--database={}", decoded(parsed.path().trim_start_matches('/'))).into());
    let password = parsed.password().map(decoded);
    let env = password.map(|password| ("MYSQL_PWD".into(), password.into())).into_iter().collect();
    Ok(Client { arguments, env })
}

fn parsed(url: &str) -> Result<Url, DbError> {
    Url::parse(url).map_err(|error| refused(url, &error.to_string()))
}

fn refused(url: &str, why: &str) -> DbError {
    DbError::Url { url: without_password(url), why: why.to_owned() }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_no_arguments() {
        let client = mysql_client("mysql://u%40x:p%3Aw@127.0.0.1:3307/a%20b").unwrap();
        let expected = [
            "--no-defaults",
            "--host=127.0.0.1",
            "--protocol=tcp",
            "--port=3307",
            "--user=u@x",
            "--database=a b",
        ];
        assert_eq!(client.arguments, expected);
        assert_eq!(client.env, [("MYSQL_PWD".into(), "p:w".into())]);
    }

    #[test]
    fn a_socket_goes_before_the_host() {
        let client = mysql_client("mysql://root@localhost/x?socket=%2Frun%2Fs.sock").unwrap();
        assert!(client.arguments.contains(&"--socket=/run/s.sock".into()));
        assert!(client.env.is_empty());
    }
}
