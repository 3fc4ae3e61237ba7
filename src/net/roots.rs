//! Trusted roots: parsed once per run and store, those that the subject holds and no others.
//!
//! `SSL_CERT_FILE` and its like are never obeyed here: whoever made the subject decided which roots count.

use crate::subject::{PublicRoots, Store, StoreId, Subject};
use rustls::{DistinguishedName, RootCertStore};
use rustls_pki_types::CertificateDer;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The stores of a subject and its public roots, each parsed when it is first needed.
pub(super) struct Roots {
    stores: Vec<(Store, OnceCell<Arc<Anchors>>)>,
    public: (PublicRoots, OnceCell<Arc<Anchors>>),
}

/// Trust anchors in the two forms that verification needs.
#[derive(Debug)]
pub(super) struct Anchors {
    /// For building chains.
    pub(super) store: Arc<RootCertStore>,
    /// The certificates themselves: one that stands in a store is trusted as it is, whatever it is for.
    exact: HashSet<Vec<u8>>,
}

impl Anchors {
    /// Reads roots; what cannot be parsed is passed over, as every TLS library does.
    pub(super) fn new(roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        let mut store = RootCertStore::empty();
        let mut exact = HashSet::new();
        for root in roots {
            exact.insert(root.to_vec());
            store.add_parsable_certificates([root]);
        }
        Self { store: Arc::new(store), exact }
    }

    fn mozilla() -> Self {
        let store = Arc::new(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect());
        Self { store, exact: HashSet::new() }
    }

    /// Whether this very certificate stands in the store.
    pub(super) fn holds(&self, certificate: &[u8]) -> bool {
        self.exact.contains(certificate)
    }

    /// Whether a root has this name, given in DER form.
    pub(super) fn names(&self, issuer: &[u8]) -> bool {
        self.store.roots.iter().any(|r| DistinguishedName::in_sequence(&r.subject).as_ref() == issuer)
    }
}

impl Roots {
    /// Takes the list of stores; nothing is parsed yet.
    pub(super) fn new(subject: &Subject) -> Self {
        let stores = subject.stores.iter().map(|s| (s.clone(), OnceCell::new())).collect();
        Self { stores, public: (subject.public_roots.clone(), OnceCell::new()) }
    }

    /// The roots of a store; an index that points nowhere trusts nobody.
    pub(super) async fn trusted(&self, id: StoreId) -> Arc<Anchors> {
        let Some((store, cell)) = self.stores.get(id.0) else { return Arc::new(Anchors::new([])) };
        cell.get_or_init(|| in_background(store.clone(), parsed)).await.clone()
    }

    /// The roots that count as public.
    pub(super) async fn public(&self) -> Arc<Anchors> {
        let (roots, cell) = &self.public;
        cell.get_or_init(|| {
            in_background(roots.clone(), |roots| match roots {
                PublicRoots::Mozilla => Anchors::mozilla(),
                PublicRoots::Given(given) => Anchors::new(given.into_iter().map(CertificateDer::from)),
            })
        })
        .await
        .clone()
    }
}

/// Parsing 140 roots takes long enough to stall other probes, so it happens on a thread of its own.
async fn in_background<T: Send + 'static>(given: T, read: fn(T) -> Anchors) -> Arc<Anchors> {
    let read = tokio::task::spawn_blocking(move || read(given)).await;
    Arc::new(read.unwrap_or_else(|_| Anchors::new([])))
}

fn parsed(store: Store) -> Anchors {
    Anchors::new(store.roots.into_iter().map(CertificateDer::from))
}
