//! The logs of Sidekiq, Workhorse and NGINX, one line for each trace.

use super::{JOBS, NGINX, WORKHORSE, check, shows};
use duo_doctor::subject::logs::Trace;

#[test]
fn jobs_of_chat_and_of_the_sync_tell_why_they_failed() {
    let job = |class: &str, status: &str, rest: &str| {
        format!(
            r#"{{"severity":"INFO","time":"2026-11-27T10:00:00.123Z","retry":3,"queue":"default","class":"{class}","jid":"abc","args":["[FILTERED]"],"message":"{class} JID-abc: {status}: 1.0 sec","job_status":"{status}"{rest}}}"#
        )
    };
    let sync = "CloudConnector::SyncServiceTokenWorker";
    let said = |words: &str| {
        job(
            sync,
            "done",
            &format!(r#","extra.cloud_connector_sync_service_token_worker.error_message":"{words}""#),
        )
    };
    let failed = |class: &str, exception: &str, message: &str| {
        job(
            class,
            "fail",
            &format!(
                r#","exception.class":"{exception}","exception.message":"{message}","exception.backtrace":[]"#
            ),
        )
    };
    check(
        JOBS,
        &[
            (
                &said("License not found"),
                &[Trace::SyncNoLicense, Trace::SyncFailed],
                &format!("{sync}, License not found"),
            ),
            (
                &said("License is not an online cloud license"),
                &[Trace::SyncNotOnline, Trace::SyncFailed],
                &format!("{sync}, is not an online cloud license"),
            ),
            (
                &said("License grace period has been expired"),
                &[Trace::SyncGraceOver, Trace::SyncFailed],
                &format!("{sync}, grace period has been expired"),
            ),
            (
                &said("License has no expiration date"),
                &[Trace::SyncWithoutEnd, Trace::SyncFailed],
                &format!("{sync}, has no expiration date"),
            ),
            (&said("CONNECTIVITY_ERROR"), &[Trace::SyncFailed], &format!("{sync}, CONNECTIVITY_ERROR")),
            (
                &job(
                    sync,
                    "done",
                    r#","extra.cloud_connector_sync_service_token_worker.result":"skipping token refresh""#,
                ),
                &[],
                "",
            ),
            (
                &failed(
                    "SyncSeatLinkRequestWorker",
                    "SyncSeatLinkRequestWorker::RequestError",
                    "HTTP status code: 403",
                ),
                &[Trace::PortalRefused, Trace::SyncFailed],
                "SyncSeatLinkRequestWorker, SyncSeatLinkRequestWorker::RequestError, the Customers Portal's address answered, status 403",
            ),
            (
                &failed("Llm::CompletionWorker", "Net::ReadTimeout", "Net::ReadTimeout"),
                &[Trace::ReadTimeout, Trace::ChatJobFailed],
                "Llm::CompletionWorker, Net::ReadTimeout, Net::ReadTimeout",
            ),
            (&failed("Llm::CompletionWorker", "PG::ConnectionBad", "Connection refused"), &[], ""),
            (&failed("WebHookWorker", "Net::ReadTimeout", "Net::ReadTimeout"), &[], ""),
        ],
    );
    let prefixed =
        format!("2026-11-27_10:00:00.12345 {}", said("License not found").replace("\"time\"", "\"x\""));
    assert_eq!(shows(JOBS, &prefixed).0, [Trace::SyncNoLicense, Trace::SyncFailed], "svlogd's own time");
}

#[test]
fn workhorse_tells_why_what_it_sent_on_did_not_arrive() {
    let error = |uri: &str, error: &str| {
        format!(
            r#"{{"correlation_id":"01K","error":"{error}","level":"error","method":"POST","msg":"","time":"2026-11-27T10:00:00Z","uri":"{uri}"}}"#
        )
    };
    let send = |words: &str| {
        error(
            "/api/v4/code_suggestions/completions",
            &format!(
                r#"SendURL: Do request: Post \"https://cloud.gitlab.com/ai/v2/code/completions\": {words}"#
            ),
        )
    };
    let socket = |words: &str| error("/api/v4/ai/duo_workflows/ws?project_id=1", words);
    let access = |uri: &str, status: u16| {
        format!(
            r#"{{"host":"gitlab.example.com","level":"info","method":"GET","msg":"access","remote_ip":"10.0.0.9","status":{status},"time":"2026-11-27T10:00:00Z","uri":"{uri}","user_agent":"x"}}"#
        )
    };
    let init = "failed to initialize agent platform client";
    check(
        WORKHORSE,
        &[
            (
                &send("dial tcp: lookup cloud.gitlab.com on 10.0.0.2:53: no such host"),
                &[Trace::DnsFailed],
                "no such host, cloud.gitlab.com",
            ),
            (
                &send("dial tcp 104.18.26.123:443: i/o timeout"),
                &[Trace::ConnectTimeout],
                "i/o timeout, cloud.gitlab.com",
            ),
            (
                &send("proxyconnect tcp: dial tcp 10.0.0.5:3128: connect: connection refused"),
                &[Trace::ProxyUnreachable],
                "proxyconnect tcp, cloud.gitlab.com",
            ),
            (
                &error("/api/v4/code_suggestions/completions", "SendURL: Do request: Forbidden"),
                &[Trace::ProxyRefused],
                "Do request: Forbidden",
            ),
            (
                &send("Proxy Authentication Required"),
                &[Trace::ProxyAuth],
                "Proxy Authentication Required, cloud.gitlab.com",
            ),
            (&send("Forbidden"), &[Trace::ProxyRefused], "Forbidden, cloud.gitlab.com"),
            (
                &send("tls: failed to verify certificate: x509: certificate signed by unknown authority"),
                &[Trace::TlsUntrusted],
                "certificate signed by unknown authority, cloud.gitlab.com",
            ),
            (
                &send("net/http: TLS handshake timeout"),
                &[Trace::TlsFailed],
                "TLS handshake timeout, cloud.gitlab.com",
            ),
            (
                &send("net/http: timeout awaiting response headers"),
                &[Trace::ReadTimeout],
                "timeout awaiting response headers, cloud.gitlab.com",
            ),
            (&send("context canceled"), &[], ""),
            (
                &error(
                    "/group/project/-/jobs/1/artifacts/download",
                    r#"SendURL: Do request: Get \"https://s3.example.com/x\": dial tcp: i/o timeout"#,
                ),
                &[],
                "",
            ),
            (
                &socket(&format!("{init}: failed to initialize stream: server is unavailable")),
                &[Trace::WorkflowUnreachable],
                init,
            ),
            (
                &socket(&format!(
                    r#"{init}: failed to initialize stream: rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial tcp: lookup duo-workflow-svc.runway.gitlab.net: no such host\""#
                )),
                &[Trace::DnsFailed, Trace::WorkflowUnreachable],
                &format!("{init}, no such host, duo-workflow-svc.runway.gitlab.net"),
            ),
            (
                &socket(
                    "handleAgentMessages: failed to read a gRPC message: rpc error: code = Unauthenticated desc = Forbidden by auth provider",
                ),
                &[Trace::Gateway401, Trace::WorkflowUnauthenticated],
                "code = Unauthenticated, Forbidden by auth provider",
            ),
            (
                &socket("handleAgentMessages: usage quota exceeded"),
                &[Trace::Gateway402],
                "usage quota exceeded",
            ),
            (
                &socket("failed to upgrade: websocket: request origin not allowed by Upgrader.CheckOrigin"),
                &[Trace::WorkflowOrigin],
                "request origin not allowed by Upgrader.CheckOrigin",
            ),
            (
                &socket(
                    "handleWebSocketMessages: failed to read a WS message: websocket: close 1006 (abnormal closure): unexpected EOF",
                ),
                &[Trace::WorkflowCut],
                "websocket: close 1006",
            ),
            (
                &socket(
                    "handleWebSocketMessages: failed to read a WS message: websocket: close 1001 (going away)",
                ),
                &[],
                "",
            ),
            (&access("/-/cable", 101), &[], ""),
            (&access("/-/cable", 400), &[Trace::CableUpgrade], "status 400"),
            (&access("/-/cable", 404), &[Trace::CableNotFound], "status 404"),
            (&access("/-/cable", 502), &[Trace::RailsUnanswered], "status 502"),
            (&access("/api/v4/ai/duo_workflows/ws", 403), &[Trace::WorkflowRefused], "status 403"),
            (&access("/api/v4/code_suggestions/completions", 500), &[Trace::CompletionsFailed], "status 500"),
            (
                &access("/api/v4/code_suggestions/completions", 401),
                &[Trace::CompletionsRefused],
                "status 401",
            ),
        ],
    );
}

#[test]
fn nginx_tells_what_clients_got_and_what_stood_behind_it() {
    let access = |asked: &str, status: u16| {
        format!(
            r#"10.0.0.9 - - [27/Nov/2026:11:00:00 +0100] "{asked} HTTP/1.1" {status} 14 "-" "Mozilla/5.0" -"#
        )
    };
    check(
        &format!("{NGINX}/gitlab_access.log"),
        &[
            (&access("GET /-/cable", 101), &[], ""),
            (&access("GET /-/cable", 502), &[Trace::NginxUpstream], "status 502"),
            (&access("GET /gitlab/-/cable?a=b", 400), &[Trace::CableUpgrade], "status 400"),
            (&access("GET /api/v4/ai/duo_workflows/ws", 403), &[Trace::WorkflowRefused], "status 403"),
            (&access("GET /x", 502), &[], ""),
        ],
    );
    let error = |said: &str, path: &str| {
        format!(
            r#"2026/11/27 10:00:00 [error] 12#0: *34 {said}, client: 10.0.0.9, server: gitlab.example.com, request: "GET {path} HTTP/1.1", upstream: "http://unix:/var/opt/gitlab/gitlab-workhorse/sockets/socket:/", host: "gitlab.example.com""#
        )
    };
    let refused = "connect() to unix:/var/opt/gitlab/gitlab-workhorse/sockets/socket failed (2: No such file or directory) while connecting to upstream";
    let closed = "upstream prematurely closed connection while reading response header from upstream";
    let large = "client intended to send too large body: 1234567 bytes";
    check(
        &format!("{NGINX}/gitlab_error.log"),
        &[
            (&error(closed, "/-/cable"), &[Trace::NginxUpstream], "upstream prematurely closed connection"),
            (&error(closed, "/x"), &[], ""),
            (&error(refused, "/x"), &[Trace::NginxConnect], "while connecting to upstream"),
            (
                &error(large, "/api/v4/code_suggestions/completions"),
                &[Trace::NginxBodyLimit],
                "client intended to send too large body",
            ),
        ],
    );
}
