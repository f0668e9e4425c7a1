//! Quoting holds against hostile names; statements say what they should.

use proptest::prelude::*;

use super::*;

/// Reads a quoted name as Postgres' scanner does: the name, and what stands behind it.
fn scan_ident(sql: &str) -> Option<(String, &str)> {
    scan(sql.strip_prefix('"')?, '"', None)
}

/// The same for a value in single quotes, `E''` included.
fn scan_literal(sql: &str) -> Option<(String, &str)> {
    let sql = sql.trim_start_matches(' ');
    match sql.strip_prefix("E'") {
        Some(rest) => scan(rest, '\'', Some('\\')),
        None => scan(sql.strip_prefix('\'')?, '\'', None),
    }
}

fn scan(text: &str, quote: char, escape: Option<char>) -> Option<(String, &str)> {
    let mut read = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        if Some(char) == escape {
            read.push(chars.next()?.1);
        } else if char != quote {
            read.push(char);
        } else if chars.next_if(|&(_, next)| next == quote).is_some() {
            read.push(quote);
        } else {
            return Some((read, &text[at + 1..]));
        }
    }
    None
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,20}",
        r#"['"\\; \-=,.$a-z/*]{0,20}"#,
        Just("\"; DROP DATABASE x; --".to_owned()),
        Just("\\'; DROP DATABASE x; --".to_owned()),
    ]
}

proptest! {
    #[test]
    fn a_name_stays_in_its_quotes(name in hostile()) {
        let quoted = ident(&name);
        prop_assert_eq!(scan_ident(&quoted), Some((name, "")));
    }

    #[test]
    fn a_value_stays_in_its_quotes(value in hostile()) {
        let quoted = literal(&value);
        prop_assert_eq!(scan_literal(&quoted), Some((value, "")));
        // Also where backslashes escape in plain quotes.
        prop_assert!(!quoted.starts_with('\'') || !quoted.contains('\\'));
    }

    #[test]
    fn names_in_a_statement_are_read_back(database in hostile(), template in hostile()) {
        let sql = create(&Create {
            database: &database,
            template: &template,
            owner: None,
            strategy: Some("FILE_COPY"),
        });
        let (name, rest) = scan_ident(sql.strip_prefix("CREATE DATABASE ").unwrap()).unwrap();
        prop_assert_eq!(name, database);
        let (name, rest) = scan_ident(rest.strip_prefix(" TEMPLATE ").unwrap()).unwrap();
        prop_assert_eq!(name, template);
        prop_assert_eq!(rest, " CONNECTION LIMIT 1163284044 STRATEGY FILE_COPY");
    }

    #[test]
    fn a_list_is_split_as_it_was_joined(items in prop::collection::vec(hostile(), 0..5)) {
        let text: Vec<String> = items.iter().map(|item| ident(item)).collect();
        prop_assert_eq!(split_list(&text.join(", ")), items);
    }
}

#[test]
fn nul_is_left_out() {
    assert_eq!(ident("a\0b"), "\"ab\"");
    assert_eq!(literal("a\0b"), "'ab'");
}

#[test]
fn bare_items_are_split_too() {
    assert_eq!(split_list("\"$user\", public ,\"a,b\""), ["$user", "public", "a,b"]);
    assert_eq!(split_list(""), [""; 0]);
}

fn setting(role: Option<&str>, text: &str) -> Setting {
    Setting { role: role.map(str::to_owned), text: text.to_owned() }
}

#[test]
fn settings_are_said_again() {
    let said = |role, text| set("\"d\"", &setting(role, text));
    assert_eq!(
        said(None, "search_path=\"$user\", public"),
        "ALTER DATABASE \"d\" SET \"search_path\" = '$user', 'public'"
    );
    assert_eq!(said(None, "search_path="), "ALTER DATABASE \"d\" SET \"search_path\" = ''");
    assert_eq!(
        said(Some("r\"r"), "app.key=a=b'c"),
        "ALTER ROLE \"r\"\"r\" IN DATABASE \"d\" SET \"app.key\" = 'a=b''c'"
    );
}

#[test]
fn rights_are_given_by_whoever_gave_them() {
    let grant = |grantor: &str, grantee: Option<&str>, option| Grant {
        grantor: grantor.to_owned(),
        grantee: grantee.map(str::to_owned),
        privilege: Privilege::Connect,
        option,
    };
    let dressed = Dress {
        owner: "o".to_owned(),
        connections_max: 7,
        settings: Vec::new(),
        grants: Some(vec![
            grant("o", Some("a"), GrantOption::With),
            grant("a", None, GrantOption::Without),
        ]),
    };
    assert_eq!(
        dress("d", &dressed, "it's"),
        "BEGIN; ALTER DATABASE \"d\" CONNECTION LIMIT 7; \
         REVOKE ALL ON DATABASE \"d\" FROM PUBLIC, \"o\"; \
         GRANT CONNECT ON DATABASE \"d\" TO \"a\" WITH GRANT OPTION; \
         SET LOCAL ROLE \"a\"; GRANT CONNECT ON DATABASE \"d\" TO PUBLIC; RESET ROLE; \
         COMMENT ON DATABASE \"d\" IS 'it''s'; COMMIT; SELECT pg_advisory_unlock_all()"
    );
}
