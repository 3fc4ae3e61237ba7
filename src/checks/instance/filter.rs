//! `outbound-filter`: Rails refuses to connect to private addresses, also where a proxy is used.
//!
//! On the node its rules as they come are held against the addresses that this node gives the names (GitLab's
//! `url_blocker.rb`). For the instance its settings are: whether all hosts but those on a list are denied, and whether the
//! list has Duo's (`allow_list`).

use super::allow_list;
use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::checks::network::addresses::special;
use crate::checks::network::named;
use crate::checks::serves;
use crate::failure::Layer;
use crate::finding::Code;
use crate::probe::{Probe, Reading};
use crate::subject::Subject;
use crate::subject::address::Target;
use crate::subject::place::{Endpoint, Place, Stack};
use crate::subject::services::Requirement;

/// The addresses of Duo's hosts pass Rails' outbound filter.
pub(in crate::checks) static OUTBOUND_FILTER: Check = Check {
    id: "outbound-filter",
    title: "addresses pass Rails' filter",
    group: Group::Instance,
    about: "Rails refuses private, loopback and shared addresses for the portal's host, also behind a proxy.",
    codes: &[Code::AddressBlockedByFilter, Code::OutboundFilterBlocks, Code::DnsRebindingBehindProxy],
    needs: &[],
    serves: serves::nothing,
    places,
    ask,
    judge,
};

fn places(subject: &Subject) -> Vec<Place> {
    let node = (!stacks(subject).is_empty()).then_some(Place::Node);
    node.into_iter().chain([Place::Instance]).collect()
}

fn ask(subject: &Subject, place: Place, seen: Seen) -> Vec<Ask> {
    if place == Place::Instance {
        return allow_list::ask(subject, seen);
    }
    target(subject).map(|t| Ask::whole(Probe::Resolve(t))).into_iter().collect()
}

/// The portal's client and GitLab's own host test leave the filter on; requests to the gateway allow local
/// addresses (`field-notes` 4).
fn target(subject: &Subject) -> Option<Target> {
    let is_needed = subject.requirement(Endpoint::Customers) == Requirement::Needed;
    subject.target(Endpoint::Customers).filter(|t| is_needed && !subject.dial.is_connect_to(t))
}

fn stacks(subject: &Subject) -> Vec<Stack> {
    let ruby = |s: &Stack| matches!(s, Stack::Rails | Stack::Sidekiq);
    subject.routes_to(Endpoint::Customers).flat_map(|r| r.stacks.iter().copied().filter(ruby)).collect()
}

fn judge(subject: &Subject, place: Place, seen: Seen) -> Verdict {
    if place == Place::Instance {
        return allow_list::judge(subject, seen);
    }
    let Some(target) = target(subject) else {
        return Verdict::NotApplicable(
            "the portal is not needed from here, or --connect-to leads elsewhere".to_owned(),
        );
    };
    let resolved = match seen.reached(&Probe::Resolve(target.clone()), Layer::Dns) {
        Reached::Here(Reading::Resolved(resolved)) => resolved,
        Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => {
            return Verdict::NotApplicable(format!("{} has no address here to hold against it", target.host));
        }
    };
    let blocked = resolved.addresses.iter().find_map(|a| Some((a, special(*a)?)));
    match blocked {
        Some((address, kind)) => Verdict::found(
            Code::AddressBlockedByFilter,
            &[
                ("host", target.host.as_str()),
                ("address", &address.to_string()),
                ("kind", kind),
                ("stacks", &named(&stacks(subject))),
            ],
        ),
        None => Verdict::pass(format!("Every address of {} is public.", target.host)),
    }
}
