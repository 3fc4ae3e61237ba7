use crate::support::{carry_out, failure, fetch, get, impatient, peer, reading, says, subject};
use duo_doctor::failure::{Answer, Failure, HttpKind, Layer};
use duo_doctor::probe::{Probe, Reading};
use duo_doctor::subject::Subject;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn answer(subject: Subject, probe: &Probe) -> Answer {
    match reading(subject, probe).await {
        Reading::Answer(answer) => *answer,
        other => panic!("{other:?}"),
    }
}

async fn http_kind(subject: Subject, probe: &Probe) -> HttpKind {
    match failure(subject, probe).await {
        (Layer::Http, Failure::Http(failed)) => failed.kind,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_answer_keeps_status_date_listed_headers_and_the_start_of_its_body() {
    let to = says(
        "HTTP/1.1 404 Not Found\r\nDate: Mon, 01 Jun 2026 00:02:00 GMT\r\nServer: nginx\r\nX-Other: 1\r\n\
         Set-Cookie: a=secret\r\nContent-Length: 14\r\n\r\nPage not found",
    )
    .await;
    for probe in [get(to, None), fetch(to, None)] {
        let answer = answer(subject(), &probe).await;
        assert_eq!(
            (answer.status, answer.reason.as_str(), answer.version.as_str()),
            (404, "Not Found", "HTTP/1.1")
        );
        assert_eq!(answer.headers.get("server"), Some("nginx"));
        assert_eq!(answer.headers.get("set-cookie"), Some("a=…"));
        assert_eq!(answer.headers.get("x-other"), None);
        assert_eq!((answer.body.as_str(), answer.body_bytes, answer.cut), ("Page not found", 14, false));
        assert_eq!(answer.date.map(|date| date - answer.received), Some(120));
    }
}

#[tokio::test]
async fn a_fetch_tells_its_answer_alone() {
    let to = says("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let layers: Vec<Layer> = carry_out(subject(), &fetch(to, None)).await.iter().map(|s| s.layer).collect();
    assert_eq!(layers, [Layer::Http]);
}

#[tokio::test]
async fn garbage_and_endless_headers_are_malformed() {
    let endless = peer(|mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"x-more: and more and more and more and more\r\n").await.is_ok() {}
    })
    .await;
    let garbage = says("220 smtp.example.com ESMTP\r\n").await;
    for probe in [get(endless, None), fetch(endless, None), get(garbage, None), fetch(garbage, None)] {
        assert_eq!(http_kind(subject(), &probe).await, HttpKind::Malformed, "{probe:?}");
    }
}

#[tokio::test]
async fn silence_and_a_hang_up_are_told_apart() {
    let silent = peer(|stream| async move {
        let (mut read, _write) = stream.into_split();
        let _ = read.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let hangs_up = says("").await;
    for probe in [get, fetch] {
        assert_eq!(http_kind(impatient(), &probe(silent, None)).await, HttpKind::Timeout);
        assert_eq!(http_kind(subject(), &probe(hangs_up, None)).await, HttpKind::Closed);
    }
}

#[tokio::test]
async fn a_huge_body_is_read_no_further_than_the_bound() {
    let to = peer(|mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n").await;
        while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
    })
    .await;
    for probe in [get(to, None), fetch(to, None)] {
        let answer = answer(subject(), &probe).await;
        assert!(answer.cut && answer.body_bytes < 1_000_000, "{}", answer.body_bytes);
        assert_eq!(answer.body.len(), 4096);
    }
}

#[tokio::test]
async fn a_body_that_trickles_is_kept_as_far_as_it_came() {
    let to = peer(|mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nstart").await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    for probe in [get(to, None), fetch(to, None)] {
        let answer = answer(impatient(), &probe).await;
        assert_eq!((answer.body.as_str(), answer.cut), ("start", true));
    }
}
