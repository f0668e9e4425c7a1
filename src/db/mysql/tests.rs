use super::*;

fn mysql(url: &str) -> Mysql {
    let url = url::Url::parse(url).unwrap();
    Mysql {
        place: Arc::new(place(&url).unwrap()),
        version: String::new(),
        case: sql::Case::Exact,
        building: None,
        seconds: Semaphore::new(0),
        definitions: Mutex::default(),
    }
}

#[test]
fn a_url_leads_to_another_database_of_the_server() {
    let server = mysql("mysql://u:p%40@h:3307/shop?socket=%2Ftmp%2Fs&ssl-mode=DISABLED");
    let name = DatabaseName::existing("a/b%c d");
    let url = server.url(&name);
    assert_eq!(url, "mysql://u:p%40@h:3307/a%2Fb%25c%20d?socket=%2Ftmp%2Fs&ssl-mode=DISABLED");
    let options = MySqlConnectOptions::from_url(&url::Url::parse(&url).unwrap()).unwrap();
    assert_eq!(options.get_database(), Some("a/b%c d"));
}

#[test]
fn no_text_shows_the_password() {
    let server = mysql("mysql://u:hunter2@h/shop");
    assert_eq!(server.place.server, "MySQL at h:3306");
    assert!(!format!("{server:?}").contains("hunter2"));
    let odd = place(&url::Url::parse("mysql://u:hunter2@h/x?ssl-mode=hunter2").unwrap());
    assert!(!odd.unwrap_err().to_string().contains("h/x?ssl-mode=hunter2"));
}

#[test]
fn the_product_is_short() {
    assert_eq!(product("10.11.19-MariaDB-0+deb12u1 Debian 12"), "MariaDB 10.11.19");
    assert_eq!(product("8.4.2 MySQL Community Server - GPL"), "MySQL 8.4.2");
}

#[test]
fn grants_tell_who_may_create() {
    let may = |grant: &str| may_create(&[grant.to_owned()]);
    assert!(may("GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"));
    assert!(may("GRANT SELECT, CREATE, DROP ON `test\\_%`.* TO `u`@`%`"));
    assert!(may("GRANT `role` TO `u`@`%`"));
    assert!(!may("GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*x'"));
    assert!(!may("GRANT SELECT, CREATE VIEW ON `shop`.* TO `u`@`%`"));
}

#[test]
fn a_locks_name_is_short_and_of_one_template() {
    let [a, b] = ["x".repeat(64), "y".repeat(64)].map(|name| DatabaseName::existing(&name));
    assert!(lock_name(&a).len() <= 64 && lock_name(&a) != lock_name(&b));
}
