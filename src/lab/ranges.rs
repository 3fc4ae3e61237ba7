//! Cloudflare's ranges in the lab: the addresses that stand for each of them lead to the cloud, unless a fault on
//! the node's side ends connections to a range.

use super::fault::{ConnectEnd, Kind, On};
use super::situation::Situation;
use crate::subject::Cloudflare;
use crate::subject::dial::{AddressRule, AddressTo};
use ipnet::IpNet;

/// Where the addresses of all ranges lead now.
pub(super) fn rules(situation: &Situation) -> Vec<AddressRule> {
    let cloud = AddressTo::Connect(situation.ports.cloud);
    let rule = |to, address| AddressRule { address: Some(address), port: Some(443), to };
    let both = |(range, addresses): (IpNet, [_; 2])| {
        let to = ending(situation, &range).unwrap_or(cloud);
        addresses.map(|address| rule(to, address))
    };
    Cloudflare::embedded().samples().flat_map(both).collect()
}

/// How connections to a range end, where a fault ends them.
fn ending(situation: &Situation, range: &IpNet) -> Option<AddressTo> {
    situation.faults(On::Node).find_map(|kind| {
        let Kind::Ranges { ranges, how } = kind else { return None };
        ranges.contains(range).then_some(match how {
            ConnectEnd::Refused | ConnectEnd::Reset => AddressTo::Refuse,
            ConnectEnd::Unreachable => AddressTo::Unreachable,
            ConnectEnd::Swallowed => AddressTo::Swallow,
        })
    })
}
