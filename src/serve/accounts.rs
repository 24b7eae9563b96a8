//! Asks the name service whether the accounts that faces were enrolled for are still there. It may be remote and slow, so
//! it is asked on the pool, before the engine gets the job.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::LOOKUPS;
use super::peer::Peers;
use crate::people::{Account, Accounts, UserName, note_account};
use crate::store::{StoreError, TemplateStore};

/// Looks up the accounts of the people who are enrolled.
pub(super) struct AccountLookup {
    peers: Arc<dyn Peers>,
    store: Arc<dyn TemplateStore>,
    /// Limits lookups, so that the store keeps some threads.
    lookups: Arc<Semaphore>,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    /// Of the store that `enrolled` was read from.
    revision: Option<u64>,
    enrolled: BTreeMap<UserName, Account>,
    /// What the journal has been told already.
    noted: BTreeSet<String>,
}

/// Why it is not known which accounts there are.
#[derive(Debug, thiserror::Error)]
pub(super) enum AccountError {
    #[error(
        "name service: {0}, so it is not known whose account that is; use your password, and look at nsswitch.conf(5)"
    )]
    NameService(String),
    #[error("name service: its library panicked; restart the daemon")]
    Panicked,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AccountLookup {
    pub(super) fn new(peers: Arc<dyn Peers>, store: Arc<dyn TemplateStore>) -> Self {
        Self { peers, store, lookups: Arc::new(Semaphore::new(LOOKUPS)), cache: Mutex::default() }
    }

    /// User id of the account with this name, if there is one.
    ///
    /// # Errors
    /// [`AccountError`] when the name service fails or takes longer than `limit`.
    pub(super) async fn uid(
        self: &Arc<Self>,
        name: UserName,
        limit: Duration,
    ) -> Result<Option<u32>, AccountError> {
        Ok(self.uids(vec![name], limit).await?.into_values().next())
    }

    /// What an attempt has to know about the claimed user, or about everybody. Only those are looked up whose faces are for
    /// an account.
    ///
    /// # Errors
    /// As [`AccountLookup::uid`].
    pub(super) async fn for_attempt(
        self: &Arc<Self>,
        claimed: Option<&UserName>,
        login: bool,
        limit: Duration,
    ) -> Result<Accounts, AccountError> {
        let lookup = self.clone();
        let enrolled =
            spawn_blocking(move || lookup.enrolled()).await.map_err(|_| AccountError::Panicked)??;
        let concerned = |user: &UserName| claimed.is_none_or(|claimed| claimed == user);
        let for_account = |account: &Account| matches!(account, Account::Uid(_));
        let asked = enrolled.iter().filter(|(user, account)| concerned(user) && for_account(account));
        let uids = self.uids(asked.map(|(user, _)| user.clone()).collect(), limit).await?;
        let accounts = Accounts { uids, login };
        for (user, account) in enrolled.iter().filter(|(user, _)| concerned(user)) {
            self.note(user, *account, &accounts);
        }
        Ok(accounts)
    }

    /// User ids of those among these names that have an account.
    ///
    /// # Errors
    /// As [`AccountLookup::uid`].
    pub(super) async fn uids(
        self: &Arc<Self>,
        names: Vec<UserName>,
        limit: Duration,
    ) -> Result<BTreeMap<UserName, u32>, AccountError> {
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let (peers, lookups) = (self.peers.clone(), self.lookups.clone());
        let looked_up = async move {
            // Never closed. Held until the answer comes, even if nobody waits for it any more.
            let permit = lookups.acquire_owned().await;
            let ask = move || {
                let _permit = permit;
                let uid = |name: UserName| Ok(peers.account(name.as_str())?.map(|uid| (name, uid)));
                names
                    .into_iter()
                    .filter_map(|name| uid(name).transpose())
                    .collect::<Result<BTreeMap<_, _>, _>>()
            };
            spawn_blocking(ask).await
        };
        in_time(limit, looked_up).await?.map_err(AccountError::NameService)
    }

    /// Whom everybody's templates are for; read again when the store has changed. Waits for the disk.
    pub(super) fn enrolled(&self) -> Result<BTreeMap<UserName, Account>, StoreError> {
        let revision = self.store.revision();
        if self.cache().revision == Some(revision) {
            return Ok(self.cache().enrolled.clone());
        }
        let mut enrolled = BTreeMap::new();
        self.store.each_template(&mut |_, template| {
            note_account(&mut enrolled, &template.user, template.account);
        })?;
        let mut cache = self.cache();
        (cache.revision, cache.enrolled) = (Some(revision), enrolled.clone());
        Ok(enrolled)
    }

    /// Tells the journal, once, that somebody's face does not count any more.
    fn note(&self, user: &UserName, account: Account, accounts: &Accounts) {
        let standing = accounts.standing(user, account);
        if !standing.may_match(false) && self.cache().noted.insert(format!("{user} {standing:?}")) {
            tracing::warn!(user = user.as_str(), "not enrolled: {}", standing.text());
        }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        // Each change is one assignment.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, tokio::task::JoinError>>,
) -> Result<T, AccountError> {
    let done = timeout(limit, work).await;
    let done = done.map_err(|_| AccountError::NameService("no answer in time".to_owned()))?;
    done.map_err(|_| AccountError::Panicked)
}
