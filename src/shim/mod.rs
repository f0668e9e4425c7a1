//! The programs that evenly puts between itself and a test framework: real files in the
//! framework's own language, its standard library and the framework alone, carried in the binary.
//!
//! Each file's own text says how it is called and what it promises. `tools/` holds those of
//! frameworks that commands run and whose own command line cannot do what is needed.

use crate::framework::Shim;

/// A shim as a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The file's name.
    pub file_name: &'static str,
    /// The file's text.
    pub text: &'static str,
}

/// A file of the package.
macro_rules! worker {
    ($name:literal) => {
        Source {
            file_name: concat!("evenly_worker/", $name),
            text: include_str!(concat!("evenly_worker/", $name)),
        }
    };
}

/// A program in the language of the tool that it drives.
macro_rules! tool {
    ($name:literal) => {
        Source { file_name: $name, text: include_str!(concat!("tools/", $name)) }
    };
}

/// The file of a shim, to be written where `{shim}` then points.
#[must_use]
pub fn source(shim: Shim) -> Source {
    match shim {
        Shim::Mocha => tool!("mocha.cjs"),
        Shim::Vitest => tool!("vitest.mjs"),
        Shim::Rspec => tool!("rspec.rb"),
        Shim::Minitest => tool!("minitest.rb"),
        Shim::Phpunit => tool!("phpunit.php"),
        Shim::Exunit => tool!("exunit.exs"),
        Shim::Maven => tool!("maven.sh"),
        Shim::Gradle => tool!("evenly.gradle"),
    }
}

/// The package by which Python is a warm worker, to be written below one directory: `python
/// DIR/evenly_worker serve FRAMEWORK` starts it.
pub const WORKER: &[Source] = &[
    worker!("__init__.py"),
    worker!("__main__.py"),
    worker!("channel.py"),
    worker!("django_databases.py"),
    worker!("django_framework.py"),
    worker!("django_groups.py"),
    worker!("django_key.py"),
    worker!("django_settings.py"),
    worker!("django_suite.py"),
    worker!("django_urls.py"),
    worker!("output.py"),
    worker!("pytest_databases.py"),
    worker!("pytest_framework.py"),
    worker!("pytest_plugins.py"),
    worker!("pytest_results.py"),
    worker!("pytest_session.py"),
    worker!("results.py"),
    worker!("serve.py"),
    worker!("suites.py"),
    worker!("trial_framework.py"),
    worker!("trial_tests.py"),
    worker!("twisted_django.py"),
    worker!("unittest_framework.py"),
];

#[cfg(test)]
mod tests;
