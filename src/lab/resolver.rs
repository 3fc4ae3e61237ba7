//! The lab's resolver: A and AAAA of the lab's names over UDP, and the ways in which resolvers fail.

use super::fault::NameAnswer;
use super::situation::{HOSTS, Situation};
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA};
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// Late answers on their way at a time, at most.
const MOST: usize = 64;

/// What a name leads to.
enum Truth {
    Addresses(Vec<IpAddr>),
    Failure(ResponseCode),
}

/// Answers until it is dropped.
pub(super) async fn serve(socket: UdpSocket, situation: Arc<Situation>) {
    let socket = Arc::new(socket);
    let mut late = JoinSet::new();
    let mut buffer = [0; 4096];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        let Ok(query) = Message::from_vec(&buffer[..length]) else { continue };
        while late.try_join_next().is_some() {}
        let Some((answer, after)) = answer(&query, &situation) else { continue };
        if after.is_zero() {
            let _gone_asker = socket.send_to(&answer, from).await;
        } else if late.len() < MOST {
            late.spawn(send_late(socket.clone(), answer, from, after));
        }
    }
}

async fn send_late(socket: Arc<UdpSocket>, answer: Vec<u8>, to: SocketAddr, after: Duration) {
    tokio::time::sleep(after).await;
    let _gone_asker = socket.send_to(&answer, to).await;
}

/// The answer and after how long it is sent; `None`: no answer.
fn answer(query: &Message, situation: &Situation) -> Option<(Vec<u8>, Duration)> {
    let question = query.queries.first()?;
    let name = question.name().to_string().trim_end_matches('.').to_ascii_lowercase();
    let (truth, after) = match situation.name_answer(&name) {
        None => (looked_up(&name), Duration::ZERO),
        Some(NameAnswer::Nxdomain) => (Truth::Failure(ResponseCode::NXDomain), Duration::ZERO),
        Some(NameAnswer::Nodata) => (Truth::Addresses(Vec::new()), Duration::ZERO),
        Some(NameAnswer::Servfail) => (Truth::Failure(ResponseCode::ServFail), Duration::ZERO),
        Some(NameAnswer::Refused) => (Truth::Failure(ResponseCode::Refused), Duration::ZERO),
        Some(NameAnswer::Silent) => return None,
        Some(NameAnswer::Late(millis)) => (looked_up(&name), Duration::from_millis(*millis)),
        Some(NameAnswer::Addresses(addresses)) => (Truth::Addresses(addresses.clone()), Duration::ZERO),
    };
    let mut message = Message::response(query.metadata.id, query.metadata.op_code);
    message.metadata.recursion_desired = query.metadata.recursion_desired;
    message.metadata.recursion_available = true;
    message.add_query(question.clone());
    match truth {
        Truth::Failure(code) => message.metadata.response_code = code,
        Truth::Addresses(addresses) => {
            let records = addresses.into_iter().filter_map(|a| record(a, question.query_type()));
            message.add_answers(records.map(|data| Record::from_rdata(question.name().clone(), 60, data)));
        }
    }
    message.to_vec().ok().map(|bytes| (bytes, after))
}

fn looked_up(name: &str) -> Truth {
    match HOSTS.iter().find(|h| h.name == name) {
        Some(host) => Truth::Addresses(host.addresses()),
        None => Truth::Failure(ResponseCode::NXDomain),
    }
}

/// The record for an address, if it is of the type asked for.
fn record(address: IpAddr, asked: RecordType) -> Option<RData> {
    match address {
        IpAddr::V4(address) => (asked == RecordType::A).then_some(RData::A(A(address))),
        IpAddr::V6(address) => (asked == RecordType::AAAA).then_some(RData::AAAA(AAAA(address))),
    }
}
