use proptest::prelude::*;

use super::*;

/// Moves from `tpl` to `clone`.
fn moved(text: &str) -> String {
    Movable::new(text, "tpl", Case::Exact, "").within("clone")
}

#[track_caller]
fn stays(text: &str) {
    assert_eq!(moved(text), text);
}

#[test]
fn qualified_names_of_a_view_move() {
    assert_eq!(
        moved(
            "VIEW `v` AS select `tpl`.`t`.`a` AS `q`,(select count(0) from `tpl`.`t` where \
             `tpl`.`t`.`a` = `x`.`a`),`tpl`.`f`(1) from (`other`.`u` join `tpl`.`t` `x`)"
        ),
        "VIEW `v` AS select `clone`.`t`.`a` AS `q`,(select count(0) from `clone`.`t` where \
         `clone`.`t`.`a` = `x`.`a`),`clone`.`f`(1) from (`other`.`u` join `clone`.`t` `x`)"
    );
}

#[test]
fn strings_comments_and_aliases_stay() {
    stays("select 'it\\'s `tpl`.`t`' AS `z`, \"tpl.t\" /* from tpl.t */ -- from tpl.t");
    stays("select `tpl`.`a` AS `a`,`tpl`.`b` AS `b` from `t` `tpl` where `tpl`.`a` > 1");
    stays("select tpl.* from t tpl join u on (tpl.a = u.a) order by tpl.a, tpl.b");
    stays("select `x`.`tpl`.`t` from `x`.`tpl`");
    stays("CREATE DEFINER=`root`@`tpl`.`t` VIEW `tpl` AS select 1");
}

#[test]
fn bodies_move_too_quoted_or_not() {
    assert_eq!(
        moved("trigger tpl.tr before insert on tpl.t for each row insert into tpl.d values(1)"),
        "trigger `clone`.tr before insert on `clone`.t for each row insert into `clone`.d values(1)"
    );
    assert_eq!(moved("begin update tpl.t set a=1; end"), "begin update `clone`.t set a=1; end");
    assert_eq!(moved("delete from tpl.t where 1"), "delete from `clone`.t where 1");
    assert_eq!(moved("select 1 from a join b on a.x=b.x, tpl.c"), {
        "select 1 from a join b on a.x=b.x, `clone`.c"
    });
    assert_eq!(moved("call tpl.p(1)"), "call `clone`.p(1)");
    assert_eq!(moved("replace into tpl.t values (1)"), "replace into `clone`.t values (1)");
}

#[test]
fn sequences_in_defaults_move() {
    let text = "CREATE TABLE `d` (`x` bigint DEFAULT nextval(`tpl`.`s`), KEY (`x`))";
    assert_eq!(moved(text), text.replace("`tpl`", "`clone`"));
    assert_eq!(moved("select next value for tpl.s"), "select next value for `clone`.s");
}

#[test]
fn case_matters_where_the_server_says_so() {
    let text = "select 1 from TPL.t";
    assert_eq!(moved(text), text);
    let folded = Movable::new(text, "tpl", Case::Folded, "").within("c");
    assert_eq!(folded, "select 1 from `c`.t");
}

proptest! {
    /// Whatever the database is called, its name in front of a table moves and moves back.
    #[test]
    fn any_name_moves_and_moves_back(
        name in "[a-z`'\"\\\\. é]{1,12}",
        to in "[a-z`'\"\\\\. é]{1,12}",
        text in "[a-z`'\"\\\\. é]{0,12}",
    ) {
        let quoted = identifier(&name);
        let string = super::super::literal(&text);
        let from = format!("select {string} AS `s` from {quoted}.`t` where {quoted}.`t`.`a` = 1");
        let there = Movable::new(&from, &name, Case::Exact, "").within(&to);
        let wanted = from.split(&format!("{quoted}.`t`")).collect::<Vec<_>>();
        prop_assert_eq!(&there, &wanted.join(&format!("{}.`t`", identifier(&to))));
        prop_assert_eq!(Movable::new(&there, &to, Case::Exact, "").within(&name), from);
    }

    /// Nothing moves out of a string or a quoted name that only contains the database's.
    #[test]
    fn what_is_quoted_stays(text in "[tpl.`'\\\\ ]{0,20}") {
        let string = super::super::literal(&text);
        let name = identifier(&format!("x{text}"));
        let statement = format!("select {string} AS {name} from {name}");
        prop_assert_eq!(moved(&statement), statement);
    }
}
