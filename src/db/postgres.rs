//! Postgres: clones by `CREATE DATABASE … TEMPLATE`.

use super::Template;
use super::error::DbError;
use super::location::Location;
use super::names::{DatabaseName, TemplateName};
use super::owner::{Found, Owner};

/// A server of this kind.
#[derive(Debug)]
pub struct Postgres {}

impl Postgres {
    pub(super) async fn connect(_location: &Location) -> Result<Self, DbError> {
        unimplemented!()
    }

    pub(super) fn version(&self) -> &str {
        unimplemented!()
    }

    pub(super) fn url(&self, _database: &DatabaseName) -> String {
        unimplemented!()
    }

    pub(super) async fn open_template(
        &mut self,
        _template: &TemplateName,
        _owner: &Owner,
    ) -> Result<Template, DbError> {
        unimplemented!()
    }

    pub(super) async fn finish_template(
        &mut self,
        _template: &TemplateName,
    ) -> Result<(), DbError> {
        unimplemented!()
    }

    pub(super) async fn abandon_template(
        &mut self,
        _template: &TemplateName,
    ) -> Result<(), DbError> {
        unimplemented!()
    }

    pub(super) async fn clone_template(
        &self,
        _template: &TemplateName,
        _clone: &DatabaseName,
        _owner: &Owner,
    ) -> Result<(), DbError> {
        unimplemented!()
    }

    pub(super) async fn drop_database(&self, _database: &DatabaseName) -> Result<(), DbError> {
        unimplemented!()
    }

    pub(super) async fn list(&self) -> Result<Vec<Found>, DbError> {
        unimplemented!()
    }

    pub(super) async fn close(self) {
        unimplemented!()
    }
}
