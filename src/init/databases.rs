//! Which database server the tests need, by settings, compose files and examples of environments.

use super::toml::{comment, list, quoted};
use super::{Facts, Found, Suite};
use crate::framework::WarmFramework;
use crate::model::Engine;

/// What is written of a database.
const NAME: &str = "main";

/// What a Django project's settings say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    engine: Engine,
    file: String,
}

impl Base {
    /// By the text of settings, which are never imported.
    pub(super) fn of_settings(text: &str, file: &str) -> Option<Self> {
        let mut code = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let engine = code.find_map(engine_of_settings)?;
        Some(Self { engine, file: file.to_owned() })
    }
}

fn engine_of_settings(line: &str) -> Option<Engine> {
    let marks = [
        ("backends.postgresql", Engine::Postgres),
        ("backends.postgis", Engine::Postgres),
        ("postgres://", Engine::Postgres),
        ("postgresql://", Engine::Postgres),
        ("backends.mysql", Engine::Mysql),
        ("mysql://", Engine::Mysql),
        ("backends.sqlite3", Engine::Sqlite),
        ("backends.spatialite", Engine::Sqlite),
        ("sqlite://", Engine::Sqlite),
    ];
    marks.into_iter().find(|(mark, _)| line.contains(mark)).map(|(_, engine)| engine)
}

/// The `[database.main]` that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Database {
    engine: Engine,
    /// The suite that it is for; none where it only stands there as a comment.
    suite: Option<String>,
    filled: Filled,
}

/// What fills it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Filled {
    ByFramework,
    By { command: &'static str, inputs: &'static str },
    Unknown,
}

pub(super) fn find(facts: &Facts, found: &mut Found) -> Option<Database> {
    by_settings(found).or_else(|| by_server(facts, found))
}

/// By the settings of the first Django suite that needs a server.
fn by_settings(found: &mut Found) -> Option<Database> {
    let django = |suite: &&Suite| suite.framework == WarmFramework::Django.name();
    let based = found
        .suites
        .iter()
        .filter(django)
        .filter_map(|suite| Some((suite.name.clone(), suite.base.clone()?)));
    let based: Vec<(String, Base)> = based.collect();
    for (_, base) in based.iter().filter(|(_, base)| base.engine == Engine::Sqlite) {
        let why = format!("`{}` says so", comment(&base.file));
        found.tell("SQLite: every worker gets its own, nothing to configure", why);
    }
    let mut on_servers = based.into_iter().filter(|(_, base)| base.engine != Engine::Sqlite);
    let (suite, base) = on_servers.next()?;
    let what = format!("{}: evenly starts a private server in memory", called(base.engine));
    found.tell(what, format!("`{}` names it", comment(&base.file)));
    if on_servers.next().is_some() {
        let text = "one database is written, for the first Django suite: give the others theirs";
        found.advice.push(text.to_owned());
    }
    Some(Database { engine: base.engine, suite: Some(suite), filled: Filled::ByFramework })
}

/// By a server that the project starts for itself, or an address in an example.
fn by_server(facts: &Facts, found: &mut Found) -> Option<Database> {
    // Django's own settings have said it, or it needs no server.
    if found.suites.iter().any(|suite| suite.base.is_some()) {
        return None;
    }
    let first = found.suites.first()?.name.clone();
    let (engine, why) = by_compose(facts).or_else(|| by_example(facts))?;
    found.tell(format!("{}, for tests", called(engine)), why);
    let filled = filled(facts);
    let told = [".env.example", ".env.sample"]
        .into_iter()
        .any(|name| facts.text("", name).is_some_and(|text| text.contains("DATABASE_URL")));
    let active = told && filled != Filled::Unknown;
    if !active {
        found.advice.push(
            "say in `[database.main]` how your database is filled, and take its `#` away: each \
             worker then finds its own in DATABASE_URL"
                .to_owned(),
        );
    }
    Some(Database { engine, suite: active.then_some(first), filled })
}

fn by_compose(facts: &Facts) -> Option<(Engine, String)> {
    let names = ["docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml"];
    let files = names.into_iter().filter_map(|name| Some((name, facts.text("", name)?)));
    let images = files.flat_map(|(name, text)| {
        text.lines().filter_map(move |line| Some((name, line.trim().strip_prefix("image:")?)))
    });
    let mut engines = images.filter_map(|(name, image)| {
        let marks = [
            ("postg", Engine::Postgres),
            ("timescale", Engine::Postgres),
            ("mysql", Engine::Mysql),
            ("mariadb", Engine::Mysql),
            ("percona", Engine::Mysql),
        ];
        let (_, engine) = marks.into_iter().find(|(mark, _)| image.contains(mark))?;
        Some((engine, format!("`{name}` has the image {}", comment(image.trim()))))
    });
    engines.next()
}

fn by_example(facts: &Facts) -> Option<(Engine, String)> {
    [".env.example", ".env.sample"].into_iter().find_map(|name| {
        let text = facts.text("", name)?;
        let address = text.lines().find_map(|line| line.trim().strip_prefix("DATABASE_URL="))?;
        let engine = Engine::of_url(address.trim_matches(['"', '\'']))?;
        (engine != Engine::Sqlite).then(|| (engine, format!("`{name}` has a DATABASE_URL")))
    })
}

/// What fills the project's databases, by what its tools leave in it.
fn filled(facts: &Facts) -> Filled {
    let tools = [
        ("alembic.ini", "alembic upgrade head", "**/versions/*.py"),
        ("prisma/schema.prisma", "npx prisma migrate deploy", "prisma/**/*"),
        ("db/schema.rb", "bin/rails db:schema:load", "db/schema.rb"),
        ("db/structure.sql", "bin/rails db:schema:load", "db/structure.sql"),
        ("artisan", "php artisan migrate --force", "database/migrations/*.php"),
    ];
    let found = tools.into_iter().find(|(file, ..)| {
        let (dir, name) = super::facts::split(file);
        facts.has(dir, name)
    });
    match found {
        Some((_, command, inputs)) => Filled::By { command, inputs },
        None => Filled::Unknown,
    }
}

fn called(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "Postgres",
        Engine::Mysql => "MySQL or MariaDB",
        Engine::Sqlite => "SQLite",
    }
}

fn word(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "postgres",
        Engine::Mysql => "mysql",
        Engine::Sqlite => "sqlite",
    }
}

impl Database {
    /// The line of a suite that uses it.
    pub(super) fn key_of(&self, suite: &Suite) -> Option<String> {
        let uses = self.suite.as_ref() == Some(&suite.name);
        uses.then(|| format!("databases = {}", list(&[NAME.to_owned()])))
    }

    /// Its table.
    pub(super) fn text(&self) -> String {
        let Self { engine, suite, filled } = self;
        let mut lines = vec![format!("[database.{NAME}]")];
        lines.push("server = \"managed\"".to_owned());
        lines.push(format!("engine = {}", quoted(word(*engine))));
        match filled {
            Filled::ByFramework => {}
            Filled::By { command, inputs } => {
                lines.push(format!("prepare = {}", quoted(command)));
                lines.push(format!("inputs = {}", list(&[(*inputs).to_owned()])));
            }
            Filled::Unknown => {
                lines.push("prepare = \"make migrate\"".to_owned());
                lines.push("inputs = [\"migrations/**/*\"]".to_owned());
            }
        }
        let mark = if suite.is_some() { "" } else { "# " };
        let lines = lines.iter().fold(String::new(), |text, line| text + mark + line + "\n");
        let also = match suite {
            Some(_) => String::new(),
            None => format!("# A suite uses it by `databases = [\"{NAME}\"]`.\n"),
        };
        format!(
            "\n# A private server in memory, from the programs of {} on the machine, and on it a\n\
             # database for each worker. For one that runs already, give its `url` instead of\n\
             # `server` and `engine`: docs/reference/databases.md.\n{also}{lines}",
            called(*engine)
        )
    }
}
