//! Who a server runs as: never root.

use std::fs;

use super::error::ManagedError;
use crate::db::Engine;

/// A user's and their group's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// Where evenly is root, the user that a server has to run as instead.
pub(super) fn server_user(engine: Engine) -> Result<Option<User>, ManagedError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let own = match engine {
        Engine::Postgres => "postgres",
        Engine::Mysql => "mysql",
        Engine::Sqlite => return Err(ManagedError::NoServer),
    };
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = find(&passwd, &[own, "nobody"]);
    user.map(Some).ok_or(ManagedError::NoUser { engine, user: own })
}

/// The first of the names that is a user other than root: `name:password:uid:gid:…` a line.
fn find(passwd: &str, names: &[&str]) -> Option<User> {
    let of = |name: &str| {
        let mut fields = passwd.lines().map(|line| line.split(':'));
        let mut fields = fields.find_map(|mut line| (line.next() == Some(name)).then_some(line))?;
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        (uid != 0).then_some(User { uid, gid })
    };
    names.iter().find_map(|name| of(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_own_user_comes_before_nobody_and_root_never() {
        let passwd = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65533::/:/bin/false\n\
                      evil:x:0:0::/:/bin/sh\npostgres:x:101:104::/:/bin/sh\ntorn:x\n";
        let user = |uid, gid| Some(User { uid, gid });
        assert_eq!(find(passwd, &["postgres", "nobody"]), user(101, 104));
        assert_eq!(find(passwd, &["mysql", "nobody"]), user(65534, 65533));
        assert_eq!(find(passwd, &["evil", "torn", "root"]), None);
    }
}
