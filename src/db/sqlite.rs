//! SQLite: clones by copying a file whose log is folded in.
//!
//! All is in one directory: `NAME.sqlite3`, its mark `NAME.evenly.json`, while a template is built
//! `NAME.building.sqlite3`, and the lock of its builders `NAME.lock`. The mark is written first and
//! removed last, so that nothing of ours is ever without one. A template counts as finished when
//! its mark says so, which is written after the file has its final name.
//!
//! A template whose name is an absolute path is a file that evenly did not make
//! (`prepare = false`): see [`Sqlite::existing_template`].

mod files;
mod folding;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use url::Url;

use self::files::Files;
use super::Template;
use super::error::DbError;
use super::location::{Location, without_password};
use super::names::{DatabaseName, TemplateName};
use super::owner::{Found, Kind, Mark, Owner};

/// How often a waiting builder looks whether the other one is done.
const LOCK_PAUSE_MS: u64 = 10;

/// A directory of database files.
#[derive(Debug)]
pub struct Sqlite {
    directory: PathBuf,
    /// What stood behind the `?` of the URL: the driver's options, meant for clones too.
    query: Option<String>,
    version: String,
    /// Held while a template is built.
    lock: Option<File>,
}

impl Sqlite {
    /// The file that a location's URL names, as a template to be cloned as it is.
    ///
    /// # Errors
    /// When the URL names no file by an absolute path.
    pub fn existing_template(location: &Location) -> Result<TemplateName, DbError> {
        let path = sqlite_path(location.url().as_str())?;
        Ok(TemplateName(DatabaseName::existing(&path.to_string_lossy())))
    }

    pub(super) async fn connect(location: &Location) -> Result<Self, DbError> {
        let url = location.url();
        let refuse =
            |why: &str| DbError::Url { url: without_password(url.as_str()), why: why.to_owned() };
        let directory = location.directory().ok_or_else(|| refuse("it has no directory"))?;
        std::fs::create_dir_all(directory).map_err(cannot("create", directory))?;
        let directory = directory.canonicalize().map_err(cannot("find", directory))?;
        let version = folding::version().await.map_err(|error| refuse(&error.to_string()))?;
        let query = url.query().map(str::to_owned);
        let server = Self { directory, query, version, lock: None };
        let survives = |path: &PathBuf| {
            path.to_str().is_some() && sqlite_path(&server.url_of(path)).is_ok_and(|p| p == *path)
        };
        if survives(&server.directory) {
            Ok(server)
        } else {
            Err(refuse("the path of its clones' directory has signs that no URL can hold"))
        }
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// `sqlite:////absolute/path`: with four slashes it means the same to sqlx, SQLAlchemy,
    /// `dj-database-url` and `django-environ`.
    pub(super) fn url(&self, database: &DatabaseName) -> String {
        self.url_of(&self.files(database).database)
    }

    fn url_of(&self, path: &Path) -> String {
        let mut url = Url::parse("sqlite:///").expect("a scheme and a path");
        let parts = path.to_str().expect("the directory is UTF-8, as names are").split('/');
        url.path_segments_mut().expect("it has a path").clear().extend(parts.skip(1));
        url.set_query(self.query.as_deref());
        url.as_str().replacen("sqlite://", "sqlite:///", 1)
    }

    fn files(&self, database: &DatabaseName) -> Files {
        Files::of(&self.directory, database)
    }

    pub(super) async fn open_template(
        &mut self,
        template: &TemplateName,
        owner: &Owner,
    ) -> Result<Template, DbError> {
        let files = self.files(&template.0);
        Files::check(&template.0)?;
        self.lock = Some(locked(&files.lock).await?);
        if files.mark()?.is_some_and(|mark| mark.kind == Kind::Template) && files.database.is_file()
        {
            return Ok(Template::Ready);
        }
        files.refuse_stranger(&template.0)?;
        files.remove()?;
        files.write_mark(&Mark::new(Kind::Building, owner))?;
        // An empty file is an empty database, also to a driver that would not make one.
        File::create(&files.building).map_err(cannot("create", &files.building))?;
        Ok(Template::Empty { url: self.url_of(&files.building) })
    }

    pub(super) async fn finish_template(&mut self, template: &TemplateName) -> Result<(), DbError> {
        let files = self.files(&template.0);
        if let Some(mark) = files.mark()?.filter(|mark| mark.kind == Kind::Building) {
            folding::fold(&files.building, &template.0).await?;
            files::remove_logs(&files.building)?;
            std::fs::rename(&files.building, &files.database)
                .map_err(cannot("rename", &files.building))?;
            files.write_mark(&Mark { kind: Kind::Template, ..mark })?;
        }
        self.lock = None;
        Ok(())
    }

    #[expect(clippy::unused_async, reason = "as of the other servers")]
    pub(super) async fn abandon_template(
        &mut self,
        template: &TemplateName,
    ) -> Result<(), DbError> {
        let files = self.files(&template.0);
        if files.mark()?.is_some_and(|mark| mark.kind == Kind::Building) {
            files.remove()?;
        }
        self.lock = None;
        Ok(())
    }

    pub(super) async fn clone_template(
        &self,
        template: &TemplateName,
        clone: &DatabaseName,
        owner: &Owner,
    ) -> Result<(), DbError> {
        let files = self.files(clone);
        Files::check(clone)?;
        files.refuse_stranger(clone)?;
        files.remove()?;
        files.write_mark(&Mark::new(Kind::Clone, owner))?;
        let source = template.0.as_str();
        if Path::new(source).is_absolute() {
            return folding::copy_foreign(Path::new(source), &files, clone).await;
        }
        let source = self.files(&template.0).database;
        blocking(move || files::copy_whole(&source, &files)).await
    }

    #[expect(clippy::unused_async, reason = "as of the other servers")]
    pub(super) async fn drop_database(&self, database: &DatabaseName) -> Result<(), DbError> {
        let files = self.files(database);
        Files::check(database)?;
        files.refuse_stranger(database)?;
        files.remove()
    }

    #[expect(clippy::unused_async, reason = "as of the other servers")]
    pub(super) async fn list(&self) -> Result<Vec<Found>, DbError> {
        files::list(&self.directory)
    }

    #[expect(clippy::unused_async, reason = "as of the other servers")]
    pub(super) async fn close(self) {}
}

/// Runs a file of SQL in the database of a URL; the first error ends it.
///
/// # Errors
/// When the file cannot be read, or a statement fails.
pub async fn load_sqlite(url: &str, file: &Path) -> Result<(), DbError> {
    let path = sqlite_path(url)?;
    let text = std::fs::read_to_string(file).map_err(cannot("read", file))?;
    folding::load(&path, text).await
}

/// The file that an URL means: absolute, after `sqlite:` and at most two slashes.
///
/// # Errors
/// When it names none by an absolute path.
pub fn sqlite_path(url: &str) -> Result<PathBuf, DbError> {
    let refuse = |why: &str| DbError::Url { url: without_password(url), why: why.to_owned() };
    let rest = url.strip_prefix("sqlite:").ok_or_else(|| refuse("expected `sqlite:`"))?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    if !path.starts_with('/') {
        return Err(refuse("expected a file's absolute path"));
    }
    let path = format!("/{}", path.trim_start_matches('/'));
    let path = percent_decoded(&path).ok_or_else(|| refuse("its path cannot be read"))?;
    Ok(path.into())
}

/// A text with `%` and two hex digits for each sign that a URL does not hold.
fn percent_decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// Takes a lock, waiting for who has it.
async fn locked(path: &Path) -> Result<File, DbError> {
    let file = File::options().create(true).append(true).open(path);
    let file = file.map_err(cannot("open", path))?;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            // Looked for again and again, since a thread that waits could not be called back.
            Err(Errno::WOULDBLOCK | Errno::INTR) => {
                tokio::time::sleep(Duration::from_millis(LOCK_PAUSE_MS)).await;
            }
            Err(error) => return Err(cannot("lock", path)(error.into())),
        }
    }
}

/// Runs what only the disk makes wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DbError> + Send + 'static,
) -> Result<T, DbError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn cannot(act: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> DbError {
    let path = path.to_owned();
    move |source| DbError::File { act, path, source }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(url: &str) -> Option<String> {
        sqlite_path(url).ok().map(|path| path.to_str().unwrap().to_owned())
    }

    #[test]
    fn an_absolute_path_is_found_however_many_slashes_it_has() {
        for url in ["sqlite:/a/b.db", "sqlite:///a/b.db?mode=ro", "sqlite:////a/b.db"] {
            assert_eq!(path(url).as_deref(), Some("/a/b.db"), "{url}");
        }
        for url in ["sqlite:b.db", "sqlite://b.db", "sqlite::memory:", "postgres:///a", ""] {
            assert_eq!(path(url), None, "{url}");
        }
    }

    proptest! {
        #[test]
        fn any_name_survives_its_url(name in "[^/\\p{Cc}]{1,20}") {
            prop_assume!(name != "." && name != "..");
            let server = Sqlite {
                directory: "/dir".into(),
                query: Some("timeout=5".into()),
                version: String::new(),
                lock: None,
            };
            let url = server.url(&DatabaseName::existing(&name));
            prop_assert!(Url::parse(&url).is_ok());
            prop_assert_eq!(path(&url), Some(format!("/dir/{name}.sqlite3")));
        }
    }
}
