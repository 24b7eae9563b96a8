//! Templates issued anew under another turn.

use std::sync::Arc;

use super::{Inner, record_key};
use crate::embed::TurnKind;
use crate::store::StoreError;
use crate::store::keyring::TurnKey;

impl Inner {
    /// Kind and length of the present turn.
    pub(super) fn turn_key(&self) -> Result<(TurnKind, usize), StoreError> {
        let present = self.turn.id();
        let key = self.keyring.header().turns.iter().find(|key| key.id() == present);
        let key = key.ok_or_else(|| self.io("the keyring does not have the turn that templates are in"))?;
        Ok((key.kind, key.length.into()))
    }

    /// New turn, old templates: the keyring holds both turns until the change is on the disk.
    pub(super) fn renew(&mut self, kind: (TurnKind, usize)) -> Result<usize, StoreError> {
        let disk = self.disk.clone();
        let (next, before) = (TurnKey::random(kind), self.turn.clone());
        let turn = next.draw();
        let mut templates = self.templates(None)?;
        self.keyring.change(&*disk, |header| {
            // The one before a renewal whose end failed may still be there, and there is room for two.
            header.turns.retain(|key| key.id() == before.id());
            header.turns.push(next);
        })?;
        let reissued = templates.iter_mut().map(|template| {
            template.embedding = turn.apply(&before.undo(&template.embedding));
            Ok((record_key(&template.id), Some(self.seal(template, &turn.id())?)))
        });
        let reissued = reissued.collect::<Result<Vec<_>, StoreError>>();
        let count = templates.len();
        let done = reissued.and_then(|change| self.commit_as(change, |manifest| manifest.turn = turn.id()));
        if done.is_ok() {
            self.turn = Arc::new(turn);
        }
        self.forget_other_turns()?;
        done?;
        // Twice, so that neither generation holds a template that the destroyed turn belongs to.
        let (manifest, entries) = (&self.manifest, &self.entries);
        self.backup
            .begin_anew(manifest, entries)
            .and_then(|()| self.backup.begin_anew(manifest, entries))
            .map_err(|e| StoreError::Io {
                path: self.path.clone(),
                why: format!("renewed, but the old backup could not be replaced: {e}"),
            })?;
        Ok(count)
    }

    /// Destroys the keys of all turns but the one that templates are in.
    pub(super) fn forget_other_turns(&mut self) -> Result<(), StoreError> {
        let present = self.turn.id();
        let others = self.keyring.header().turns.iter().any(|key| key.id() != present);
        if !others {
            return Ok(());
        }
        let disk = self.disk.clone();
        self.keyring.change(&*disk, |header| header.turns.retain(|key| key.id() == present))
    }
}
