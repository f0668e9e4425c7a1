//! Maven's Surefire and Gradle.

use super::{fixture, has_program, model, plainly, reported, suite};
use crate::support::{Evenly, Project};

/// What the fixture project comes to. Gradle knows no difference between failed and errored.
const MODEL: &str = r#"
passed shop.BasketTest::passes
failed shop.BasketTest::fails
errored shop.BasketTest::breaks
skipped shop.BasketTest::isSkipped
passed shop.OrderTest::passes
passed shop.OrderTest::passesToo
passed shop.ParameterTest::has[a b]
passed shop.ParameterTest::has[é]
passed shop.ParameterTest::has[$(exit 9)]
passed shop.ParameterTest::has[<"quoted"> & more]
"#;

fn maven(more: &str) -> Option<Project> {
    has_program("mvn")?;
    Some(Project::new(&suite("maven", more)).copy(&fixture("maven")))
}

/// Everything in one worker: what shares a command is then as much as may.
fn in_one(project: &Project) -> Evenly {
    project.evenly(&["local", "--shards", "1", "--workers", "1"])
}

#[test]
fn mavens_fixture_comes_to_what_maven_says_itself() {
    // Alone in their commands, and all in one.
    for batch in ["batch = 1", ""] {
        let Some(project) = maven(batch) else { return };
        project.evenly(&["local", "--shards", "1"]).exits(1).says("a line of the failing test");
        assert_eq!(reported(&project), model(MODEL), "{batch}");
        assert_eq!(project.report()["ledger"]["planned"], 3);
        if batch.is_empty() {
            let plain = plainly(&project, &["mvn", "-B", "test"]).exits(1);
            plain.says("Tests run: 10, Failures: 1, Errors: 1, Skipped: 1");
        }
    }
}

/// The fixture's POM with other dependencies, or with settings of Surefire.
pub(super) fn pom(jupiter: bool, surefire: &str) -> String {
    let pom = include_str!("../../fixtures/maven/pom.xml");
    let pom = if jupiter {
        pom.replace("<groupId>junit<", "<groupId>org.junit.jupiter<")
            .replace("<artifactId>junit<", "<artifactId>junit-jupiter<")
            .replace("<version>4.x<", "<version>debian<")
    } else {
        pom.to_owned()
    };
    let plugin = format!(
        "<build><plugins><plugin><artifactId>maven-surefire-plugin</artifactId>\
         <version>2.12.4</version><configuration>{surefire}</configuration></plugin></plugins>\
         </build></project>"
    );
    pom.replace("</project>", &plugin)
}

const NESTED: &str = r#"
package shop;

import org.junit.jupiter.api.*;

class NestedTest {
    @Test void outer() {}
    @Nested class Inner {
        @Test void inner() {}
        @Nested class Deep { @Test void deep() { Assertions.fail("deep down"); } }
    }
}
"#;

#[test]
fn nested_classes_run_with_their_own_alone_and_in_a_batch() {
    for batch in ["batch = 1", ""] {
        let Some(project) = maven(batch) else { return };
        std::fs::remove_dir_all(project.path("src")).unwrap();
        let only = "package shop;\nimport org.junit.jupiter.api.*;\nclass OnlyNestedTest {\n\
                    @Nested class Inner { @Test void inner() {} }\n}\n";
        let project = project
            .file("pom.xml", pom(true, ""))
            .file("src/test/java/shop/NestedTest.java", NESTED)
            .file("src/test/java/shop/OnlyNestedTest.java", only);
        let ran = in_one(&project).exits(1);
        assert!(!ran.stderr.contains("each runs again by itself"), "{ran}");
        let expected = "passed shop.NestedTest::outer\npassed shop.NestedTest$Inner::inner\n\
                        failed shop.NestedTest$Inner$Deep::deep\n\
                        passed shop.OnlyNestedTest$Inner::inner\n";
        assert_eq!(reported(&project), model(expected), "{batch}");
        if batch.is_empty() {
            let plain = plainly(&project, &["mvn", "-B", "test"]).exits(1);
            plain.says("Tests run: 4, Failures: 1, Errors: 0, Skipped: 0");
            let one = "s:shop.OnlyNestedTest$Inner::inner";
            project.evenly(&["run", "--only", one]).exits(0).says("1 test, 1 passed");
        }
    }
}

#[test]
fn the_classes_are_those_that_surefire_would_run() {
    let Some(project) = maven("paths = [\"src/test/java/shop/\", \"./src/test/java/Top.java\"]")
    else {
        return;
    };
    let test = |head: &str| format!("{head} {{ @org.junit.Test public void runs() {{}} }}\n");
    let surefire = "<includes><include>**/*Test.java</include><include>Top*</include></includes>\
                    <excludes><exclude>shop/**/slow/*</exclude></excludes>";
    let project = project
        .file("pom.xml", pom(false, surefire))
        .file("src/test/java/Top.java", test("public class Top"))
        .file("src/test/java/TopToo.java", test("public class TopToo"))
        .file("src/test/java/shopping/BTest.java", test("package shopping; public class BTest"))
        .file("src/test/java/shop/BaseTest.java", test("package shop; abstract class BaseTest"))
        .file("src/test/java/shop/ThingTest.java", "package shop; interface ThingTest {}\n")
        .file("src/test/java/shop/a/slow/C.java", test("package shop.a.slow; public class CTest"))
        .file("src/test/java/shop/OrdersCheck.java", "package shop; class OrdersCheck {}\n");
    std::fs::rename(
        project.path("src/test/java/shop/a/slow/C.java"),
        project.path("src/test/java/shop/a/slow/CTest.java"),
    )
    .unwrap();
    project.evenly(&["plan", "--shards", "1", "--out", "plan.json"]).exits(0);
    let plan = project.text("plan.json");
    for listed in ["Top", "shop.BasketTest", "shop.OrderTest", "shop.ParameterTest"] {
        assert!(plan.contains(&format!("\"s:{listed}\"")), "{listed}: {plan}");
    }
    for left in ["TopToo", "BTest", "BaseTest", "ThingTest", "CTest", "OrdersCheck"] {
        assert!(!plan.contains(left), "{left}: {plan}");
    }
}

#[test]
fn settings_that_would_run_other_classes_than_the_planned_are_refused() {
    let Some(project) = maven("args = [\"-Dtest=BasketTest\"]") else { return };
    project.evenly(&["plan", "--shards", "2"]).exits(2).warns("Surefire's `test` is set");
    let Some(project) = maven("") else { return };
    let includes = "<includes><include>%regex[.*Basket.*]</include></includes>";
    let project = project.file("pom.xml", pom(false, includes));
    project.evenly(&["plan", "--shards", "2"]).exits(2).warns("`%regex[.*Basket.*]`");
}

#[test]
fn more_than_one_run_of_surefire_is_refused_with_what_to_do() {
    let Some(project) = maven("") else { return };
    let module = |name: &str| {
        let pom = pom(false, "").replace("<artifactId>shop<", &format!("<artifactId>{name}<"));
        (format!("{name}/pom.xml"), pom)
    };
    let root = pom(false, "").replace(
        "<version>1</version>",
        "<version>1</version><packaging>pom</packaging><modules><module>one</module>\
         <module>two</module></modules>",
    );
    let test = "public class ATest { @org.junit.Test public void runs() {} }\n";
    let ((one, first), (two, second)) = (module("one"), module("two"));
    let project = project.file("pom.xml", root).file(one, first).file(two, second);
    let project = project
        .file("one/src/test/java/ATest.java", test)
        .file("two/src/test/java/ATest.java", test);
    project.evenly(&["plan", "--shards", "2"]).exits(2).warns("make a suite of each");

    let again = "<executions><execution><id>again</id><goals><goal>test</goal>\
                 </goals><configuration><includes><include>**/Order*</include></includes>\
                 </configuration></execution></executions>";
    let Some(project) = maven("") else { return };
    let pom = pom(false, "").replace("<configuration></configuration>", again);
    let project = project.file("pom.xml", pom);
    project.evenly(&["plan", "--shards", "2"]).exits(2).warns("others here are: again");
    let config = suite("maven", "env = { SUREFIRE_EXECUTION = \"again\" }");
    let project = project.file("evenly.toml", config);
    project.evenly(&["plan", "--shards", "1", "--out", "plan.json"]).exits(0);
    let plan = project.text("plan.json");
    assert!(plan.contains("\"s:shop.OrderTest\"") && !plan.contains("BasketTest"), "{plan}");
}

#[test]
fn a_class_without_a_test_of_the_chosen_groups_is_skipped() {
    let Some(project) = maven("args = [\"-Dgroups=fast\"]") else { return };
    std::fs::remove_dir_all(project.path("src")).unwrap();
    let test = |class: &str, tag: &str| {
        format!(
            "package shop;\nimport org.junit.jupiter.api.*;\nclass {class} {{\n\
             @Test void slow() {{ Assertions.fail(); }}\n\
             @Tag(\"{tag}\") @Test void tagged() {{}}\n}}\n"
        )
    };
    let project = project
        .file("pom.xml", pom(true, ""))
        .file("src/test/java/shop/ATest.java", test("ATest", "fast"))
        .file("src/test/java/shop/BTest.java", test("BTest", "other"));
    in_one(&project).exits(0);
    let expected = "passed shop.ATest::tagged\nskipped shop.BTest::[class]\n";
    assert_eq!(reported(&project), model(expected));
}

#[test]
fn suites_of_one_module_have_each_their_own_settings() {
    let config = "[run]\nworkers = 1\n\n[[suite]]\nname = \"fast\"\nframework = \"maven\"\n\
                  args = [\"-Dgroups=fast\"]\n\n[[suite]]\n\
                  name = \"whole\"\nframework = \"maven\"\n";
    let Some(project) = maven("") else { return };
    std::fs::remove_dir_all(project.path("src")).unwrap();
    let test = |class: &str, tag: &str| {
        format!(
            "package shop;\nimport org.junit.jupiter.api.*;\n\
             class {class} {{ @Tag(\"{tag}\") @Test void runs() {{}} }}\n"
        )
    };
    let project = project
        .file("evenly.toml", config)
        .file("pom.xml", pom(true, ""))
        .file("src/test/java/shop/ATest.java", test("ATest", "fast"))
        .file("src/test/java/shop/BTest.java", test("BTest", "other"));
    in_one(&project).exits(0);
    let totals = &project.report()["totals"];
    assert_eq!((&totals["passed"], &totals["skipped"]), (&3.into(), &1.into()), "{totals}");
}

#[test]
fn inner_classes_run_once_where_the_pom_excludes_others() {
    let Some(project) = maven("batch = 1") else { return };
    let outer = "package shop;\npublic class OuterTest {\n@org.junit.Test public void outer() {}\n\
                 public static class InnerTest { @org.junit.Test public void inner() {} }\n}\n";
    let excludes = "<excludes><exclude>**/Basket*</exclude><exclude>**/Param*</exclude></excludes>";
    let project = project
        .file("pom.xml", pom(false, excludes))
        .file("src/test/java/shop/OuterTest.java", outer);
    in_one(&project).exits(0);
    let expected = "passed shop.OrderTest::passes\npassed shop.OrderTest::passesToo\n\
                    passed shop.OuterTest::outer\npassed shop.OuterTest$InnerTest::inner\n";
    assert_eq!(reported(&project), model(expected));
    plainly(&project, &["mvn", "-B", "test"]).exits(0).says("Tests run: 4, Failures: 0");
}

#[test]
fn a_class_in_which_surefire_finds_no_test_is_told() {
    let Some(project) = maven("") else { return };
    let project = project.file("src/test/java/shop/NoTest.java", "package shop; class NoTest {}\n");
    in_one(&project).exits(1).says("leave it out by `<excludes>`");
    let found = reported(&project);
    assert_eq!(found["[group] shop.NoTest"], "errored");
    assert_eq!(found.len(), 11);
}

#[test]
fn gradles_fixture_comes_to_what_gradle_says_itself() {
    let Some(()) = has_program("gradle") else { return };
    for batch in ["batch = 1", ""] {
        let project = Project::new(&suite("gradle", batch));
        let project = project.copy(&fixture("maven")).copy(&fixture("gradle"));
        project.evenly(&["local", "--shards", "1"]).exits(1).says("a line of the failing test");
        let inside = "passed shop.StockCheck::isInherited\npassed shop.StockCheck$Empty::isEmpty\n";
        let expected = model(&format!("{}{inside}", MODEL.replace("errored", "failed")));
        assert_eq!(reported(&project), expected, "{batch}");
        assert_eq!(project.report()["ledger"]["planned"], 4);
        if batch.is_empty() {
            let plain = plainly(&project, &["./gradlew", "test"]).exits(1);
            plain.warns("12 tests completed, 2 failed, 1 skipped");
        }
    }
}

#[test]
fn a_class_without_a_test_of_gradles_chosen_categories_is_skipped() {
    let Some(()) = has_program("gradle") else { return };
    let project = Project::new(&suite("gradle", "batch = 1"));
    let project = project.copy(&fixture("maven")).copy(&fixture("gradle"));
    std::fs::remove_dir_all(project.path("src")).unwrap();
    let build = include_str!("../../fixtures/gradle/build.gradle");
    let chosen = "test { useJUnit { includeCategories 'Fast' } }\n";
    let test = |class: &str, mark: &str| {
        format!("public class {class} {{ @org.junit.Test {mark} public void runs() {{}} }}\n")
    };
    let fast = "@org.junit.experimental.categories.Category(Fast.class)";
    let project = project
        .file("build.gradle", format!("{build}{chosen}"))
        .file("src/test/java/Fast.java", "public interface Fast {}\n")
        .file("src/test/java/ATest.java", test("ATest", fast))
        .file("src/test/java/BTest.java", test("BTest", ""));
    project.evenly(&["local", "--shards", "1"]).exits(0);
    assert_eq!(reported(&project), model("passed ATest::runs\nskipped BTest::[class]\n"));
}

#[test]
fn gradles_paths_choose_classes_by_their_packages() {
    let Some(()) = has_program("gradle") else { return };
    let paths = "paths = [\"src/test/java/shop/OrderTest.java\", \"src/test/java/sho\"]";
    let project = Project::new(&suite("gradle", paths));
    let project = project.copy(&fixture("maven")).copy(&fixture("gradle"));
    project.evenly(&["plan", "--shards", "1", "--out", "plan.json"]).exits(0);
    let plan = project.text("plan.json");
    assert!(plan.contains("\"s:shop.OrderTest\""), "{plan}");
    assert!(!plan.contains("BasketTest"), "{plan}");
}
