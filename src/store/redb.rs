//! A [`Table`] over redb 4: the only file that names redb. Off by default; docs/store.md compares it with sled.

use std::fs::File;
use std::path::Path;

use ::redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};

use super::manifest::{Change, Entries};
use super::table::Table;

/// redb's cache in bytes. Its own default is 1 GiB.
const CACHE_BYTES: usize = 4 << 20;

const FILE: &str = "entries.redb";

const ENTRIES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("entries");

struct Redb(Database);

/// Opens or makes one in a folder.
pub(super) fn open(path: &Path) -> Result<Box<dyn Table>, String> {
    let failed = |e: std::io::Error| e.to_string();
    std::fs::create_dir_all(path).map_err(failed)?;
    let db =
        Database::builder().set_cache_size(CACHE_BYTES).create(path.join(FILE)).map_err(|e| e.to_string())?;
    let table = Redb(db);
    table.apply(&Change::new())?;
    File::open(path).and_then(|folder| folder.sync_all()).map_err(failed)?;
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all()).map_err(failed)?;
    Ok(Box::new(table))
}

impl Table for Redb {
    fn load(&self) -> Result<Entries, String> {
        let load = || -> Result<Entries, ::redb::Error> {
            let table = self.0.begin_read()?.open_table(ENTRIES)?;
            let pairs = table.iter()?.map(|pair| {
                let (key, value) = pair?;
                Ok((key.value().to_vec(), value.value().to_vec()))
            });
            pairs.collect()
        };
        load().map_err(|e| e.to_string())
    }

    fn apply(&self, change: &Change) -> Result<(), String> {
        let apply = || -> Result<(), ::redb::Error> {
            let mut transaction = self.0.begin_write()?;
            transaction.set_durability(Durability::Immediate)?;
            {
                let mut table = transaction.open_table(ENTRIES)?;
                for (key, value) in change {
                    match value {
                        Some(value) => table.insert(key.as_slice(), value.as_slice())?,
                        None => table.remove(key.as_slice())?,
                    };
                }
            }
            Ok(transaction.commit()?)
        };
        apply().map_err(|e| e.to_string())
    }
}
