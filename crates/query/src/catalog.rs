//! The databases and tables that were made by `CREATE`, kept in the lake itself.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::ddl::{Ddl, Named};
use super::types::ColumnType;
use hrload_lake::{Lake, StoreError};

/// Where it lies. What is under `_hrload/` is no record.
const KEY: &str = "_hrload/catalog.json";
const SCHEMA: &str = "hrload.catalog/1";

/// The databases, by name; each with its declared tables and their columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    schema: String,
    databases: BTreeMap<String, BTreeMap<String, Vec<(String, ColumnType)>>>,
}

/// Why the catalog cannot be used, or not so.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The lake cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is not what was written there.
    #[error(
        "{KEY} in {place} is no catalog that this version reads ({cause}); remove it, and \
         create its tables again"
    )]
    Corrupt {
        /// The lake.
        place: String,
        /// What is wrong with it.
        cause: String,
    },
    /// There is one.
    #[error("{0} is there already; say IF NOT EXISTS, or drop it first")]
    Exists(String),
    /// There is none.
    #[error("there is no {0}; known are {1}")]
    Missing(String, String),
    /// What is always there cannot be dropped.
    #[error("{0} is always there")]
    BuiltIn(String),
    /// A database with tables.
    #[error("the database {0} has tables: drop them first")]
    NotEmpty(String),
}

impl Default for Catalog {
    fn default() -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            databases: BTreeMap::new(),
        }
    }
}

impl Catalog {
    /// The lake's; an empty one where none was written.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub async fn load(lake: &Lake) -> Result<Self, CatalogError> {
        let Some(bytes) = lake.own(KEY).await? else {
            return Ok(Self::default());
        };
        let corrupt = |cause: String| CatalogError::Corrupt {
            place: lake.place().to_owned(),
            cause,
        };
        let catalog: Self =
            serde_json::from_slice(&bytes).map_err(|error| corrupt(error.to_string()))?;
        if catalog.schema != SCHEMA {
            return Err(corrupt(format!("its schema is {:?}", catalog.schema)));
        }
        Ok(catalog)
    }

    /// Writes it into the lake.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn save(&self, lake: &Lake) -> Result<(), CatalogError> {
        let text = serde_json::to_vec_pretty(self).map_err(|error| CatalogError::Corrupt {
            place: lake.place().to_owned(),
            cause: error.to_string(),
        })?;
        Ok(lake.put(KEY, Bytes::from(text)).await?)
    }

    /// The declared tables: database, name, columns.
    pub(super) fn tables(&self) -> impl Iterator<Item = (&str, &str, &[(String, ColumnType)])> {
        self.databases.iter().flat_map(|(database, tables)| {
            let tables = tables.iter();
            tables.map(|(name, columns)| (database.as_str(), name.as_str(), columns.as_slice()))
        })
    }

    /// The databases that were made.
    pub(super) fn databases(&self) -> impl Iterator<Item = &str> {
        self.databases.keys().map(String::as_str)
    }

    /// Does what a statement says. `usual` is the database of names without one;
    /// `built_in` says whether a name is a table's that is always there. Returns
    /// what to tell of it.
    ///
    /// # Errors
    /// What is to be made is there, what is to be dropped is not.
    pub(super) fn apply(
        &mut self,
        statement: Ddl,
        usual: &str,
        built_in: impl Fn(&Named) -> bool,
    ) -> Result<String, CatalogError> {
        let known = || {
            let names = self.databases.keys().map(String::as_str);
            let mut names: Vec<_> = names.chain([usual]).collect();
            names.sort_unstable();
            names.dedup();
            names.join(", ")
        };
        match statement {
            Ddl::CreateDatabase {
                name,
                if_not_exists,
            } => {
                if self.databases.contains_key(&name) {
                    return match if_not_exists {
                        true => Ok(format!("database {name} is there")),
                        false => Err(CatalogError::Exists(format!("the database {name}"))),
                    };
                }
                self.databases.insert(name.clone(), BTreeMap::new());
                Ok(format!("database {name} made"))
            }
            Ddl::DropDatabase { name, if_exists } => match self.databases.get(&name) {
                Some(tables) if !tables.is_empty() => Err(CatalogError::NotEmpty(name)),
                Some(_) => {
                    self.databases.remove(&name);
                    Ok(format!("database {name} dropped"))
                }
                None if if_exists => Ok(format!("database {name} is not there")),
                None if name == usual => Err(CatalogError::BuiltIn(format!("database {name}"))),
                None => Err(CatalogError::Missing(format!("database {name}"), known())),
            },
            Ddl::CreateTable {
                name,
                columns,
                if_not_exists,
                ..
            } => {
                let database = name.database.as_deref().unwrap_or(usual);
                if database != usual && !self.databases.contains_key(database) {
                    return Err(CatalogError::Missing(
                        format!("database {database}"),
                        known(),
                    ));
                }
                let full = format!("{database}.{}", name.table);
                if built_in(&name) {
                    return Err(CatalogError::BuiltIn(full));
                }
                let tables = self.databases.entry(database.to_owned()).or_default();
                if tables.contains_key(&name.table) {
                    return match if_not_exists {
                        true => Ok(format!("table {full} is there")),
                        false => Err(CatalogError::Exists(format!("the table {full}"))),
                    };
                }
                tables.insert(name.table, columns);
                Ok(format!("table {full} made"))
            }
            Ddl::DropTable { name, if_exists } => {
                let database = name.database.as_deref().unwrap_or(usual);
                let full = format!("{database}.{}", name.table);
                if built_in(&name) {
                    return Err(CatalogError::BuiltIn(full));
                }
                let tables = self.databases.get_mut(database);
                match tables.and_then(|tables| tables.remove(&name.table)) {
                    Some(_) => Ok(format!("table {full} dropped; its records are still there")),
                    None if if_exists => Ok(format!("table {full} is not there")),
                    None => {
                        let names: Vec<_> = self
                            .tables()
                            .map(|(of, name, _)| format!("{of}.{name}"))
                            .collect();
                        let known = if names.is_empty() {
                            "none".to_owned()
                        } else {
                            names.join(", ")
                        };
                        Err(CatalogError::Missing(format!("table {full}"), known))
                    }
                }
            }
        }
    }
}
