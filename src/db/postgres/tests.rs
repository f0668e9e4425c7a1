//! The URL, names, and that acts may move between threads.

use proptest::prelude::*;

use super::*;

fn of(url: &str, name: &str) -> String {
    url_of(&Url::parse(url).unwrap(), &DatabaseName::existing(name))
}

#[test]
fn the_url_keeps_all_but_the_database() {
    assert_eq!(
        of("postgres://me:p%40ss@host:5433/shop?sslmode=require&dbname=other&x=a%26b", "test_0"),
        "postgres://me:p%40ss@host:5433/test_0?sslmode=require&x=a%26b"
    );
    assert_eq!(of("postgres:///shop?host=/run/pg", "t"), "postgres:///t?host=/run/pg");
    assert_eq!(of("postgres://%2Frun%2Fpg/shop", "t"), "postgres://%2Frun%2Fpg/t");
    assert_eq!(of("postgres://h", "t"), "postgres://h/t");
    assert_eq!(of("postgres://h/x?dbname=y", "t"), "postgres://h/t");
}

proptest! {
    #[test]
    fn a_driver_reads_the_name_back(name in "[^\\x00]{1,20}") {
        use sqlx::ConnectOptions;
        // A driver takes the slashes at the front away.
        prop_assume!(!name.starts_with('/') && checked(&DatabaseName::existing(&name)).is_ok());
        let url = of("postgres://me@host/shop?options=-c%20a%3Db", &name);
        let options = sqlx::postgres::PgConnectOptions::from_url(&url.parse().unwrap()).unwrap();
        prop_assert_eq!(options.get_database(), Some(name.as_str()));
        prop_assert_eq!(options.get_host(), "host");
    }
}

#[test]
fn names_that_postgres_would_change_are_refused() {
    for bad in ["", "a\0b", "..", &"é".repeat(32)] {
        let error = checked(&DatabaseName::existing(bad)).unwrap_err();
        assert!(matches!(error, DbError::Failed { act: "use", .. }), "{error}");
    }
    assert!(checked(&DatabaseName::existing(&"x".repeat(63))).is_ok());
}

#[test]
fn acts_can_be_spawned() {
    fn send<T: Send>(_: T) {}
    fn never(server: &mut Postgres, template: &TemplateName, owner: &Owner) {
        send(server.open_template(template, owner));
        send(server.finish_template(template));
        send(server.clone_template(template, &template.0, owner));
        send(server.drop_database(&template.0));
        send(server.list());
    }
    let _ = never;
}
