//! Clones of so many tables that a second connection copies their rows.

use evenly::db::{DatabaseName, TemplateName};

use super::{
    EVERYTHING, assert_equal, build, connect, connect_as, exists, fill, listed, names, owner,
    sixteen_clones,
};
use crate::support::mariadb::Mariadb;

/// So many tables that a clone takes a second connection; keys lead there and back, and the last
/// have no rows.
fn many_tables(number: usize) -> String {
    let mut schema = "SET foreign_key_checks = 0;\n".to_owned();
    for table in 0..number {
        let [before, behind] = [table.saturating_sub(1), (table + 1).min(number - 1)];
        schema.push_str(&format!(
            "CREATE TABLE w{table:03} (id INT PRIMARY KEY AUTO_INCREMENT, before_it INT, \
             behind_it INT, twice INT AS (before_it * 2) STORED, \
             FOREIGN KEY (before_it) REFERENCES w{before:03} (id), \
             FOREIGN KEY (behind_it) REFERENCES w{behind:03} (id));\n"
        ));
        if table + 9 < number {
            let rows = "SELECT seq, seq + 1, seq - 1 FROM seq_2_to_40";
            schema
                .push_str(&format!("INSERT INTO w{table:03} (id, before_it, behind_it) {rows};\n"));
        }
    }
    schema
}

/// How many connections the server has seen, this one not counted.
fn connections(mariadb: &Mariadb) -> u32 {
    let seen = mariadb.sql("SHOW GLOBAL STATUS LIKE 'Connections'");
    seen.trim().rsplit('\t').next().unwrap().parse::<u32>().unwrap() - 1
}

fn sessions(mariadb: &Mariadb, condition: &str) -> String {
    mariadb.sql(&format!("SELECT ID FROM information_schema.PROCESSLIST WHERE {condition}"))
}

#[tokio::test]
async fn two_connections_make_what_one_makes() {
    let mariadb = Mariadb::start();
    let mut server = connect(&mariadb).await;
    let (small, few) = names("few");
    build(&mut server, &mariadb, &small, "CREATE TABLE t (a INT); INSERT INTO t VALUES (1)").await;
    let (template, clone) = names("wide");
    build(&mut server, &mariadb, &template, &format!("{}{EVERYTHING}", many_tables(60))).await;
    for (template, clone, wanted) in [(&small, &few, 1), (&template, &clone, 2)] {
        let before = connections(&mariadb);
        server.clone_template(template, clone, &owner()).await.unwrap();
        assert_eq!(connections(&mariadb) - before - 1, wanted, "{clone}");
        assert_equal(&mariadb, &template.0, clone);
    }
    // Sixteen at once take one more than sixteen; the one that sets the count to zero may linger.
    mariadb.sql("FLUSH STATUS");
    let (_, clones) = sixteen_clones(server, &template).await;
    let most = mariadb.sql("SHOW GLOBAL STATUS LIKE 'Max_used_connections'");
    let most: u32 = most.trim().rsplit('\t').next().unwrap().parse().unwrap();
    assert!(most <= 16 + 1 + 1, "{most} connections");
    for clone in &clones {
        assert_equal(&mariadb, &template.0, clone);
    }
}

#[tokio::test]
async fn a_second_connection_that_is_refused_is_done_without() {
    let mariadb = Mariadb::shared();
    mariadb.sql(
        "CREATE OR REPLACE USER alone@localhost WITH MAX_USER_CONNECTIONS 1; \
         GRANT ALL ON `test\\_%`.* TO alone@localhost; \
         GRANT ALL ON `evenly\\_%`.* TO alone@localhost",
    );
    let mut server = connect(&mariadb).await;
    let (template, clone) = names("alone_with_it");
    build(&mut server, &mariadb, &template, &many_tables(60)).await;
    let alone = connect_as(&mariadb, "alone").await.unwrap();
    while !sessions(&mariadb, "USER = 'alone'").is_empty() {
        tokio::task::yield_now().await;
    }
    alone.clone_template(&template, &clone, &owner()).await.unwrap();
    assert_equal(&mariadb, &template.0, &clone);
}

/// One statement of many fails, by one connection or by two: it is named, and nothing stays.
#[tokio::test]
async fn an_error_names_what_failed() {
    let mariadb = Mariadb::start();
    let server = connect(&mariadb).await;
    let no_sequence = "CREATE SEQUENCE s; CREATE TABLE NAME (a INT DEFAULT NEXTVAL(s)); \
                       INSERT INTO NAME VALUES (1); DROP SEQUENCE s";
    let unfit_row = "SET check_constraint_checks = 0; CREATE TABLE NAME (a INT, CHECK (a < 9)); \
                     INSERT INTO NAME VALUES (10)";
    let mut number = 0;
    for (schema, what, why) in
        [(no_sequence, "table", "doesn't exist"), (unfit_row, "rows of", "CONSTRAINT")]
    {
        for (tables, place) in [(5, 3), (60, 0), (60, 29), (60, 30), (60, 59)] {
            number += 1;
            let (_, clone) = names(&format!("failing{number}"));
            let template = DatabaseName::existing(&format!("failing{number}"));
            let bad = format!("w{place:03}_bad");
            mariadb.sql(&format!("CREATE DATABASE {template}"));
            let schema = format!("{}{}", many_tables(tables), schema.replace("NAME", &bad));
            fill(&mariadb, &template, &schema);
            let template = TemplateName(template);
            let error = server.clone_template(&template, &clone, &owner()).await.unwrap_err();
            let wanted = format!("{what} `{bad}`: ");
            let told = error.to_string();
            assert!(told.contains(&wanted) && told.contains(why), "{wanted}{why}: {told}");
            assert!(!exists(&mariadb, &clone) && listed(&server, &clone).await.is_empty());
            // They take their leave; the server is not quicker than that.
            while !sessions(&mariadb, "ID <> CONNECTION_ID() AND USER = 'root'").is_empty() {
                tokio::task::yield_now().await;
            }
        }
    }
}
