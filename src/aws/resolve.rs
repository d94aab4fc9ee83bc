//! From a name to its addresses, each connection to the next of them.
//!
//! DynamoDB's name has several addresses, and a resolver beside the machine may give
//! them in the same order for as long as it remembers them: without more, every
//! connection would go to the first.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use crate::trouble::NameError;

/// Resolves names by the system, and gives the addresses of each family in turn. Which
/// family is tried first stays the system's choice.
#[derive(Debug, Clone)]
pub struct Spread {
    turn: Arc<AtomicUsize>,
}

impl Spread {
    /// Begins anywhere, so that many processes do not begin alike.
    #[must_use]
    pub fn new() -> Self {
        Self {
            turn: Arc::new(AtomicUsize::new(rand::random::<u32>() as usize)),
        }
    }

    async fn addresses(self, name: String) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name.as_str(), 0)).await;
        let found = found.map_err(|cause| io::Error::other(NameError::new(&name, cause)))?;
        let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
        rotate(&mut addresses, self.turn.fetch_add(1, Relaxed));
        Ok(addresses)
    }
}

impl Default for Spread {
    fn default() -> Self {
        Self::new()
    }
}

/// Turns the addresses of each family by so many places, among those of the family.
fn rotate(addresses: &mut [IpAddr], turn: usize) {
    for v4 in [true, false] {
        let places = || {
            addresses
                .iter()
                .enumerate()
                .filter(|(_, of)| of.is_ipv4() == v4)
        };
        let (places, mut family): (Vec<usize>, Vec<IpAddr>) =
            places().map(|(place, address)| (place, *address)).unzip();
        if family.is_empty() {
            continue;
        }
        let by = turn % family.len();
        family.rotate_left(by);
        for (place, address) in places.into_iter().zip(family) {
            addresses[place] = address;
        }
    }
}

impl ResolveDns for Spread {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        let found = self.clone().addresses(name.to_owned());
        DnsFuture::new(async { found.await.map_err(ResolveDnsError::new) })
    }
}

impl Service<Name> for Spread {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let found = self.clone().addresses(name.as_str().to_owned());
        Box::pin(async {
            // The connector puts the port in.
            let addresses = found.await?.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(addresses.collect::<Vec<_>>().into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_address_has_its_turn_and_families_keep_their_places(
            families in prop::collection::vec(any::<bool>(), 1..12),
        ) {
            let addresses: Vec<IpAddr> = (1u8..)
                .zip(&families)
                .map(|(n, v4)| match v4 {
                    true => IpAddr::from([127, 0, 0, n]),
                    false => IpAddr::from([0, 0, 0, 0, 0, 0, 0, u16::from(n)]),
                })
                .collect();
            let mut first = HashSet::new();
            for turn in 0..families.len() {
                let mut turned = addresses.clone();
                rotate(&mut turned, turn);
                let found: Vec<bool> = turned.iter().map(IpAddr::is_ipv4).collect();
                prop_assert_eq!(&found, &families);
                let same: HashSet<IpAddr> = turned.iter().copied().collect();
                prop_assert_eq!(same, addresses.iter().copied().collect::<HashSet<_>>());
                first.insert(turned[0]);
            }
            let of_first = families.iter().filter(|v4| **v4 == families[0]).count();
            prop_assert_eq!(first.len(), of_first);
        }
    }
}
