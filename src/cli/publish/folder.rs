//! Where in its repository evenly runs, and what the configuration is called there.

use std::path::{Component, Path, PathBuf};

/// The repository's root on this machine, and the folder of it that is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) root: PathBuf,
    pub(super) folder: PathBuf,
}

impl Folder {
    /// By the root that the CI names, and the directory that evenly runs in.
    pub(super) fn new(root: Option<&Path>, here: &Path) -> Self {
        let inside =
            |root: &Path| Some((root.to_owned(), here.strip_prefix(root).ok()?.to_owned()));
        match root.and_then(inside) {
            Some((root, folder)) => Self { root, folder },
            None => Self::default(),
        }
    }

    /// The configuration's path from the root: the same name in every job of the repository.
    pub(super) fn name_of(&self, config: &Path) -> String {
        let path = match config.strip_prefix(&self.root) {
            Ok(inside) if !self.root.as_os_str().is_empty() => inside.to_owned(),
            Ok(_) | Err(_) => self.folder.join(config),
        };
        let mut name = PathBuf::new();
        for part in path.components() {
            match part {
                Component::ParentDir if name.file_name().is_some_and(|last| last != "..") => {
                    name.pop();
                }
                Component::Normal(_) | Component::ParentDir => name.push(part),
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
        name.to_string_lossy().into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(here: &str) -> Folder {
        Folder::new(Some(Path::new("/w/repo")), Path::new(here))
    }

    #[test]
    fn a_configuration_has_one_name_wherever_evenly_runs() {
        for (here, config, name) in [
            ("/w/repo", "evenly.toml", "evenly.toml"),
            ("/w/repo", "./evenly.toml", "evenly.toml"),
            ("/w/repo", "api/evenly.toml", "api/evenly.toml"),
            ("/w/repo/api", "evenly.toml", "api/evenly.toml"),
            ("/w/repo/api", "../evenly.toml", "evenly.toml"),
            ("/w/repo/api", "/w/repo/web/evenly.toml", "web/evenly.toml"),
            ("/elsewhere", "evenly.toml", "evenly.toml"),
            ("/elsewhere", "../evenly.toml", "../evenly.toml"),
        ] {
            assert_eq!(folder(here).name_of(Path::new(config)), name, "{here} {config}");
        }
        let nowhere = Folder::new(None, Path::new("/home/me/p"));
        assert_eq!(nowhere.name_of(Path::new("evenly.toml")), "evenly.toml");
    }
}
