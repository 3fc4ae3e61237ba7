//! An instance for the tests: HTTP on loopback, its GraphQL executed by a real implementation against the published
//! schema, and any answer replaced by a bad one. It counts what it is asked.

use super::published::schema;
use apollo_compiler::resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::validation::DiagnosticList;
use apollo_compiler::{ExecutableDocument, Schema};
use duo_doctor::checks::CHECKS;
use duo_doctor::cli::subject::rig;
use duo_doctor::engine::{Rig, Round, run};
use duo_doctor::plan::{Selection, What};
use duo_doctor::run::Run;
use duo_doctor::secret::Secret;
use duo_doctor::subject::doors::{Aim, Certainty, Doors, Entrance};
use duo_doctor::subject::limits::Limits;
use duo_doctor::subject::place::Door;
use duo_doctor::subject::{Node, Subject, Via, address::Scheme};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The token that the tests give.
pub(crate) const TOKEN: &str = "glpat-canary-token-4f1c2ab9";

/// An answer as bytes behind the status line: whatever it says of its length.
#[derive(Clone)]
pub(crate) struct Bad {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// Ends the connection after so many bytes of the body.
    pub(crate) cut: Option<usize>,
}

impl Bad {
    pub(crate) fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Bad { status, headers: vec![("content-type", kind.to_owned())], body: body.into(), cut: None }
    }
}

/// What the instance is like.
#[derive(Clone)]
pub(crate) struct Instance {
    pub(crate) version: (u32, u32),
    /// Answers in place of the usual ones, by path; a path of GraphQL stands for both of its documents.
    pub(crate) bad: BTreeMap<&'static str, Bad>,
    /// What the root fields of GraphQL hold.
    pub(crate) data: Value,
    /// The version that it claims, where it is not its own.
    pub(crate) claims: Option<&'static str>,
}

impl Instance {
    pub(crate) fn of(major: u32, minor: u32) -> Self {
        Instance { version: (major, minor), bad: BTreeMap::new(), data: data(), claims: None }
    }

    pub(crate) fn with(mut self, path: &'static str, bad: Bad) -> Self {
        self.bad.insert(path, bad);
        self
    }

    /// Starts it; it ends with the process.
    pub(crate) fn start(self) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("its address");
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = asked.clone();
        let instance = Arc::new(self);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (instance, log) = (instance.clone(), log.clone());
                std::thread::spawn(move || instance.serve(&stream, &log));
            }
        });
        Running { at, asked }
    }

    fn serve(&self, stream: &TcpStream, log: &Mutex<Vec<String>>) {
        let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let (mut length, mut is_known) = (0, false);
            let mut header = String::new();
            while reader.read_line(&mut header).unwrap_or(0) > 0 && header.trim() != "" {
                let low = header.to_ascii_lowercase();
                if let Some(value) = low.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
                is_known |= header.trim().ends_with(&format!("Bearer {TOKEN}"));
                header.clear();
            }
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).is_err() {
                return;
            }
            let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
            log.lock().expect("the log").push(format!("{path} {}", String::from_utf8_lossy(&body)));
            let answer = match self.bad.get(path.as_str()) {
                Some(bad) => bad.clone(),
                None if !is_known => Bad::new(401, "application/json", r#"{"message":"401 Unauthorized"}"#),
                None => self.answer(&path, &body),
            };
            if !say(stream, &answer) {
                return;
            }
        }
    }

    fn answer(&self, path: &str, body: &[u8]) -> Bad {
        let json = |status: u16, body: &str| Bad::new(status, "application/json", body);
        let (major, minor) = self.version;
        match path {
            "/api/v4/metadata" => {
                let claimed = self.claims.map_or(format!("{major}.{minor}.1-ee"), str::to_owned);
                let shown = include_str!("../gitlab/rest/metadata.json").replace("18.9.1-ee", &claimed);
                json(200, &shown)
            }
            "/api/v4/license" => json(200, include_str!("../gitlab/rest/license.json")),
            "/api/v4/application/settings" => json(200, include_str!("../gitlab/rest/settings_exposed.json")),
            "/api/v4/sidekiq/compound_metrics" => {
                json(200, include_str!("../gitlab/rest/sidekiq_compound_metrics.json"))
            }
            "/api/v4/code_suggestions/direct_access" => {
                json(201, include_str!("../gitlab/rest/direct_access.json"))
            }
            "/api/v4/code_suggestions/connection_details" => {
                json(201, include_str!("../gitlab/rest/connection_details.json"))
            }
            "/api/graphql" => json(200, &self.graphql(body).to_string()),
            _ => json(404, r#"{"error":"404 Not Found"}"#),
        }
    }

    /// The document, validated and executed; what is wrong with it in graphql-ruby's words.
    fn graphql(&self, body: &[u8]) -> Value {
        let sent: Value = serde_json::from_slice(body).expect("a JSON body");
        let query = sent["query"].as_str().expect("a query");
        let schema = schema(self.version);
        match ExecutableDocument::parse_and_validate(&schema, query, "sent.graphql") {
            Err(wrong) => json!({ "errors": undefined(&wrong.errors) }),
            Ok(document) => {
                let root = Object { schema: &schema, kind: "Query".to_owned(), value: &self.data };
                let answer = Execution::new(&schema, &document).execute_sync(&root).expect("it is valid");
                serde_json::to_value(&answer).expect("an answer is JSON")
            }
        }
    }
}

/// At most five at a time, as GitLab has it (`validate_max_errors`).
fn undefined(errors: &DiagnosticList) -> Vec<Value> {
    let error = |text: String| {
        let mut quoted = text.split('`').skip(1).step_by(2).map(str::to_owned);
        let (kind, field) = (quoted.next()?, quoted.next()?);
        let (kind, field) = if text.starts_with("type") { (kind, field) } else { (field, kind) };
        Some(json!({
            "message": format!("Field '{field}' doesn't exist on type '{kind}'"),
            "extensions": { "code": "undefinedField", "typeName": kind, "fieldName": field },
        }))
    };
    errors.iter().filter_map(|e| error(e.error.to_string())).take(5).collect()
}

/// A value as a type of the schema.
struct Object<'a> {
    schema: &'a Schema,
    kind: String,
    value: &'a Value,
}

impl ObjectValue for Object<'_> {
    fn type_name(&self) -> &str {
        &self.kind
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let value = self.value.get(info.field_name()).unwrap_or(&Value::Null);
        let kind = info.field_definition().ty.inner_named_type().to_string();
        let is_object = self.schema.get_object(&kind).is_some();
        let one = move |value: &'a Value| {
            let node = Object { schema: self.schema, kind: kind.clone(), value };
            if value.is_null() { ResolvedValue::null() } else { ResolvedValue::object(node) }
        };
        Ok(match value {
            Value::Array(all) if is_object => ResolvedValue::list(all.iter().map(one).collect::<Vec<_>>()),
            value if is_object => one(value),
            Value::Array(all) => {
                let leaf = |v: &Value| ResolvedValue::leaf(serde_json_bytes::Value::from(v.clone()));
                ResolvedValue::list(all.iter().map(leaf).collect::<Vec<_>>())
            }
            value => ResolvedValue::leaf(serde_json_bytes::Value::from(value.clone())),
        })
    }
}

/// What the root fields hold: a healthy instance in September 2026, with canaries for all that names somebody.
pub(crate) fn data() -> Value {
    let probe = |name: &str, message: &str, details: Value| json!({ "name": name, "success": true, "message": message, "errors": [], "details": details });
    json!({
        "currentLicense": {
            "id": "gid://gitlab/License/1", "type": "online_cloud", "plan": "premium", "startsAt": "2026-01-01",
            "expiresAt": "2027-01-01", "blockChangesAt": "2027-01-15", "activatedAt": "2026-01-01", "trial": false,
            "lastSync": "2026-09-30T03:14:00Z", "name": "canary-name", "email": "canary@acme.corp",
            "company": "canary-company",
        },
        "addOnPurchases": [
            { "id": "gid://x/1", "name": "DUO_CORE", "purchasedQuantity": 1, "assignedQuantity": 0 },
            { "id": "gid://x/2", "name": "CODE_SUGGESTIONS", "purchasedQuantity": 50, "assignedQuantity": 12 },
        ],
        "duoSettings": { "updatedAt": "2026-09-01T00:00:00Z", "duoCoreFeaturesEnabled": true },
        "currentUser": {
            "id": "gid://gitlab/User/1", "username": "canary-user", "name": "canary-person", "state": "active",
            "duoChatAvailable": true, "duoCodeSuggestionsAvailable": true,
        },
        "cloudConnectorStatus": {
            "success": true,
            "probeResults": [
                probe("license_probe", "Subscription can be synchronized.", json!({ "instance_id": "canary-id",
                    "license": { "plan": "premium", "licensee": { "Email": "canary@acme.corp" } } })),
                probe("host_probe", "customers.gitlab.com reachable.", json!({})),
                probe("host_probe", "cloud.gitlab.com reachable.", json!({})),
                probe("access_probe", "Subscription synchronized successfully.",
                    json!({ "updated_at": "2026-09-30T09:00:00Z", "catalog": { "x": "canary-catalog" } })),
                probe("token_probe", "Access credentials are valid.",
                    json!({ "expires_at": "2026-10-02T09:00:00Z", "token": { "sub": "canary-sub" } })),
                probe("end_to_end_probe", "Authentication with the AI gateway services succeeded.", json!({})),
            ],
        },
    })
}

/// Writes an answer; whether the connection goes on.
fn say(mut stream: &TcpStream, bad: &Bad) -> bool {
    let lines: String =
        bad.headers.iter().flat_map(|(name, value)| [name, ": ", value.as_str(), "\r\n"]).collect();
    let head = format!("HTTP/1.1 {} Words\r\ncontent-length: {}\r\n{lines}", bad.status, bad.body.len());
    let body = &bad.body[..bad.cut.unwrap_or(bad.body.len())];
    let sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(b"\r\n"));
    sent.and_then(|()| stream.write_all(body)).is_ok() && bad.cut.is_none()
}

/// An instance that runs.
pub(crate) struct Running {
    at: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Running {
    /// What it was asked so far: a line a request, with its body.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("the log").clone()
    }

    /// A run of some checks on a node whose Workhorse this is.
    pub(crate) async fn check(&self, only: &[&str]) -> Run {
        let rig = self.rig(only);
        let mut run_of = Run::default();
        let (_go_on, stop) = tokio::sync::watch::channel(false);
        run(&rig, Round::Whole, |event| run_of.apply(&event), stop).await;
        run_of
    }

    fn rig(&self, only: &[&str]) -> Rig {
        let entrance = Entrance {
            door: Door::Workhorse,
            aim: Aim::Address(self.at),
            via: Via::Direct,
            scheme: Scheme::Http,
            headers: Vec::new(),
            shown: self.at.to_string(),
            from: "a test".to_owned(),
            certainty: Certainty::Configured,
            http2: None,
        };
        let subject = Subject {
            instance: "http://gitlab.example.com".parse().ok(),
            node: Node { install: Some(duo_doctor::subject::Install::Omnibus), ..Node::default() },
            doors: Doors { open: vec![entrance], ..Doors::default() },
            token: Some(Secret::new(TOKEN)),
            // In the time of the data: its licence runs, its token has two days left.
            started_at: "2026-09-30T10:00:00Z".parse().expect("a moment"),
            limits: Limits { timeout: Duration::from_secs(5), ..Limits::DEFAULT },
            ..Subject::default()
        };
        let only = only.iter().map(|text| What::parse(text, CHECKS).expect("a check")).collect();
        rig(subject, &Selection { only, skip: Vec::new() })
    }
}

/// Checks that ask the API for everything that is known of it.
pub(crate) const ALL: [&str; 15] = [
    "token",
    "silent-mode",
    "maintenance-mode",
    "duo-settings",
    "outbound-filter",
    "composite-identity",
    "licence",
    "sync",
    "access-data",
    "access-token",
    "add-ons",
    "seats",
    "sidekiq",
    "direct-access",
    "gitlab-check",
];
