use crate::support::{HOST, STORE, address_rule, carry_out, failure, peer, subject};
use duo_doctor::failure::{Failure, Layer, TlsKind};
use duo_doctor::net::Net;
use duo_doctor::probe::{Knock, Probe, Sample, TlsAsk};
use duo_doctor::subject::Subject;
use duo_doctor::subject::address::Target;
use duo_doctor::subject::dial::AddressTo;
use duo_doctor::subject::limits::Limits;
use futures_util::future::join_all;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// A run of 2 s, in which a knock may take a tenth of that.
fn short(to: SocketAddr) -> Subject {
    let limits = Limits { deadline: Duration::from_secs(2), ..Limits::DEFAULT };
    let mut subject = Subject { limits, ..subject() };
    address_rule(&mut subject, AddressTo::Connect(to));
    subject
}

fn knock(last: u8) -> Probe {
    let address = [192, 0, 2, last].into();
    Probe::Knock(Knock { target: Target::new(HOST, 443), address, tls: TlsAsk::lenient(STORE) })
}

async fn mute() -> SocketAddr {
    peer(|stream| async move {
        let (mut read, _write) = stream.into_split();
        let _ = read.read_to_end(&mut Vec::new()).await;
    })
    .await
}

#[tokio::test]
async fn a_knock_ends_within_one_limit_for_all_its_layers() {
    let to = mute().await;
    let (layer, failed) = failure(short(to), &knock(1)).await;
    let Failure::Tls(failed) = failed else { panic!("{failed:?}") };
    assert_eq!((layer, failed.kind), (Layer::Tls, TlsKind::Timeout));
    let mut swallowing = short(to);
    swallowing.dial.addresses[0].to = AddressTo::Swallow;
    let samples = carry_out(swallowing, &knock(1)).await;
    assert!(samples[0].took < Duration::from_secs(2), "{samples:?}");
}

#[tokio::test]
async fn a_handful_of_knocks_is_under_way_at_a_time() {
    let net = Net::new(Arc::new(short(mute().await)));
    let all = (1..=14).map(|last| {
        let net = &net;
        async move {
            let mut samples: Vec<Sample> = Vec::new();
            net.carry_out(&knock(last), &mut |sample| samples.push(sample)).await;
            (samples[0].at, samples[1].at + samples[1].took)
        }
    });
    let spans = join_all(all).await;
    let at_once = |moment: &Duration| spans.iter().filter(|(from, to)| from <= moment && moment < to).count();
    let most = spans.iter().map(|(from, _)| at_once(from)).max();
    assert_eq!(most, Some(6));
}
