//! The script, run by the real Ruby against stand-ins for GitLab's classes in several versions.
//!
//! The stand-ins end the program when anything writes, enqueues or connects, and say `canary` in every place that must
//! not be printed.

use duo_doctor::node::runner::document;
use duo_doctor::subject::runner::{Failed, SCRIPT, lines};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Runs Ruby with `arguments` and nothing of this environment but these variables; `text` is its standard input.
fn ruby(arguments: &[&str], variables: &[(&str, &str)], text: &str) -> Output {
    let mut command = Command::new("ruby");
    command.args(arguments).env_clear().env("LANG", "C.UTF-8");
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).envs(variables.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("`ruby` is not installed: apt-get install -y ruby");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("Ruby reads its script");
    child.wait_with_output().expect("Ruby ends")
}

/// Asks a stand-in as `gitlab-rails runner -` would, after `change` has changed it.
fn ask(version: &str, change: &str, variables: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let changes = folder.path().join("changes.rb");
    fs::write(&changes, change).expect("a file");
    let stand_in = format!("{}/tests/runner/{version}.rb", env!("CARGO_MANIFEST_DIR"));
    let secret = [("GITLAB_SECRET", "canary"), ("HOME", "/canary")];
    let variables: Vec<(&str, &str)> = secret.iter().chain(variables).copied().collect();
    ruby(&["-r", &stand_in, "-r", &changes.display().to_string(), "-"], &variables, SCRIPT)
}

/// The facts of a changed stand-in. Nothing wrote, nothing was warned about, and no canary was heard.
fn facts_with(version: &str, change: &str, variables: &[(&str, &str)]) -> Value {
    let output = ask(version, change, variables);
    let (said, warned) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && warned.is_empty(), "{version}: {change}\n{warned}");
    // `canary` in the middle of a text in base64, at each of the three places where it can begin.
    for canary in ["canary", "Y2FuYXJ5", "NhbmFye", "jYW5hcn"] {
        assert!(!said.contains(canary), "{version}: {change}\n{canary} in {said}");
    }
    document(&output.stdout).expect("a document")
}

fn facts(version: &str, change: &str) -> Value {
    facts_with(version, change, &[])
}

#[test]
fn the_script_is_ruby_without_a_warning() {
    let output = ruby(&["-w", "-c", "-"], &[], SCRIPT);
    let warned = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && warned.is_empty(), "{warned}");
    assert!(lines() <= 210, "people read it before they say yes: {} lines", lines());
}

#[test]
fn a_healthy_instance_of_18_9_tells_everything() {
    let expected = json!({
        "duo_doctor": 1, "version": "18.9.1-ee", "enterprise": true,
        "license": {
            "present": true, "type": "online_cloud", "plan": "premium", "starts_at": "2026-01-01",
            "expires_at": "2027-01-01", "block_changes_at": "2027-01-15", "expired": false,
            "grace_period_expired": false, "trial": false, "last_synced_at": "2026-11-22T03:04:05Z",
        },
        "access": { "present": true, "has_catalog": true, "updated_at": "2026-11-22T09:30:00Z" },
        "token": {
            "present": true, "decryptable": true, "decodes": true, "expires_at": "2026-11-25T00:00:00Z",
            "created_at": "2026-11-22T00:00:00Z", "subject_is_this_instance": true, "realm": "self-managed",
        },
        "settings": {
            "duo_features_enabled": true, "lock_duo_features_enabled": false, "duo_availability": "default_on",
            "silent_mode_enabled": false, "maintenance_mode": false,
            "instance_level_ai_beta_features_enabled": false, "disabled_direct_code_suggestions": false,
            "deny_all_requests_except_allowed": true, "dns_rebinding_protection_enabled": true,
            "allow_local_requests_from_web_hooks_and_services": false,
            "duo_remote_flows_enabled": true, "duo_foundational_flows_enabled": false,
            "allowed_duo_hosts": ["cloud.gitlab.com", "customers.gitlab.com:443", "ai.example.com:5052"],
        },
        "ai": {
            "ai_gateway_url": "http://ai.example.com:5052/base",
            "duo_agent_platform_service_url": "duo.example.com:50052", "duo_core_features_enabled": null,
            "duo_agent_platform_enabled": true, "composite_identity": true,
            "self_hosted_models": 2, "vendored_features": 1,
        },
        "add_ons": [{ "name": "code_suggestions", "purchased": 10, "assigned": 5, "expires_on": "2027-01-01" }],
        "flags": { "ai_global_switch": true, "ai_duo_code_suggestions_switch": true },
        "sidekiq": {
            "processes": 2, "queues": ["default", "mailers"], "llm_queue": "default",
            "llm_latency": 2.3, "llm_size": 7,
        },
        "errors": {},
    });
    assert_eq!(facts("v18_9", ""), expected);
}

#[test]
fn every_version_answers_with_the_same_fields_and_null_for_what_it_does_not_have() {
    fn names(value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| (name.clone(), names(value))).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Value::Null
            }
        }
    }
    let newest = names(&facts("v18_9", ""));
    for version in ["v17_2", "v18_2", "v19_4", "community"] {
        let facts = facts(version, "");
        assert_eq!((names(&facts), &facts["errors"]), (newest.clone(), &json!({})), "{version}");
    }
    let old = facts("v17_2", "");
    assert_eq!((&old["access"]["has_catalog"], &old["ai"]["ai_gateway_url"]), (&json!(true), &Value::Null));
    assert_eq!(old["ai"]["composite_identity"], Value::Null);
    let core = facts("v18_2", "");
    assert_eq!(core["ai"]["duo_core_features_enabled"], json!(true));
    assert_eq!(core["settings"]["duo_availability"], json!("default_off"));
    let add_ons: Vec<&Value> = core["add_ons"].as_array().into_iter().flatten().map(|a| &a["name"]).collect();
    assert_eq!(add_ons, ["duo_core", "duo_enterprise"]);
}

#[test]
fn the_gateway_is_told_by_the_environment_the_settings_of_duo_or_the_applications() {
    let gateway = |version, change, variables: &[_]| {
        let facts = facts_with(version, change, variables);
        facts["ai"]["ai_gateway_url"].as_str().map(str::to_owned)
    };
    let set = [("AI_GATEWAY_URL", "https://canary:canary@env.example.com/?key=canary")];
    assert_eq!(gateway("v17_2", "", &set).as_deref(), Some("https://env.example.com/"));
    assert_eq!(gateway("v18_2", "", &set), None, "a row decides, also when it is empty");
    assert_eq!(gateway("v18_2", "Ai::Setting.rows = []", &set).as_deref(), Some("https://env.example.com/"));
    assert_eq!(gateway("v18_9", "", &set).as_deref(), Some("http://ai.example.com:5052/base"));
    assert_eq!(gateway("v19_4", "", &set).as_deref(), Some("https://ai.example.com"));
    let newer = &facts("v19_4", "")["ai"];
    assert_eq!(newer["duo_agent_platform_service_url"], json!("duo.example.com:443"));
    assert_eq!(
        (&newer["duo_core_features_enabled"], &newer["duo_agent_platform_enabled"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(facts("v19_4", "")["settings"]["duo_availability"], json!("never_on"));
}

#[test]
fn of_the_allow_list_only_the_hosts_of_duo_are_told() {
    let list = "ApplicationSetting.last.define_singleton_method(:outbound_local_requests_whitelist) do
      %w[mirror.example.com mirror.example.com:8443 pay.example.com canary.example.com ai.example.com cloud.gitlab.com:80]
    end";
    let urls = [
        ("CLOUD_CONNECTOR_BASE_URL", "https://mirror.example.com:8443/cloud"),
        ("CUSTOMER_PORTAL_URL", "https://canary:canary@pay.example.com"),
    ];
    let told =
        |variables: &[_]| facts_with("v17_2", list, variables)["settings"]["allowed_duo_hosts"].clone();
    assert_eq!(told(&[]), json!(["cloud.gitlab.com:80"]));
    let all = ["mirror.example.com", "mirror.example.com:8443", "pay.example.com", "cloud.gitlab.com:80"];
    assert_eq!(told(&urls), json!(all));
    let none = "ApplicationSetting.last.define_singleton_method(:outbound_local_requests_whitelist) { nil }";
    assert_eq!(facts("v18_9", none)["settings"]["allowed_duo_hosts"], Value::Null);
}

#[test]
fn the_community_edition_has_no_licence_and_no_add_ons_to_tell_of() {
    let facts = facts("community", "");
    assert_eq!((&facts["enterprise"], &facts["version"]), (&json!(false), &json!("18.9.1")));
    for field in
        ["/license/present", "/access/present", "/add_ons", "/sidekiq/llm_queue", "/ai/self_hosted_models"]
    {
        assert_eq!(facts.pointer(field), Some(&Value::Null), "{field}");
    }
    assert_eq!(facts["settings"]["silent_mode_enabled"], json!(false));
}

#[test]
fn each_kind_of_licence_is_told_and_none_is_not_unknown() {
    for kind in ["online_cloud", "offline_cloud", "legacy_license"] {
        let facts = facts("v18_9", &format!("License.loaded = license_row(license_type: '{kind}')"));
        assert_eq!(facts["license"]["type"], json!(kind));
    }
    let none = facts("v18_9", "License.loaded = nil");
    assert_eq!((&none["license"]["present"], &none["license"]["expired"]), (&json!(false), &Value::Null));
    let unknown = facts("v18_9", "License.loaded = -> { raise IOError, 'canary' }");
    assert_eq!(
        (&unknown["license"]["present"], &unknown["errors"]),
        (&Value::Null, &json!({"license": "IOError"}))
    );
    let endless =
        "License.loaded = license_row(expires_at: nil, block_changes_at: nil, trial?: true, expired?: true)";
    let endless = &facts("v18_9", endless)["license"];
    let fields = ["expires_at", "block_changes_at", "trial", "expired"].map(|field| endless[field].clone());
    assert_eq!(fields, [Value::Null, Value::Null, json!(true), json!(true)]);
}

#[test]
fn a_field_that_cannot_be_read_takes_no_other_with_it() {
    let broken = "License.loaded = license_row(license_type: -> { raise NoMethodError, 'canary' },
      expired?: -> { raise NotImplementedError, 'canary' }, plan: { canary: 'canary' })
      Feature.define_singleton_method(:enabled?) { |*, **| raise ArgumentError, 'canary' }";
    let facts = facts("v18_9", broken);
    let errors = json!({
        "license.type": "NoMethodError", "license.expired": "NotImplementedError",
        "flags.ai_global_switch": "ArgumentError", "flags.ai_duo_code_suggestions_switch": "ArgumentError",
    });
    assert_eq!(facts["errors"], errors);
    let license = ["type", "expired", "plan", "trial"].map(|field| facts["license"][field].clone());
    assert_eq!(license, [Value::Null, Value::Null, Value::Null, json!(false)], "a hash is no plan");
    assert_eq!(facts["access"]["present"], json!(true));
}

#[test]
fn nothing_is_known_of_an_instance_whose_database_is_down_and_the_script_still_answers() {
    let down = "[ApplicationSetting, CloudConnector::Access, CloudConnector::ServiceAccessToken, Ai::Setting].each do |type|
        %i[first last].each { |name| type.define_singleton_method(name) { raise IOError, 'canary' } }
      end
      License.loaded = -> { raise IOError, 'canary' }
      GitlabSubscriptions::AddOnPurchase.define_singleton_method(:active) { raise IOError, 'canary' }";
    let facts = facts("v18_9", down);
    for field in ["license", "access", "token"] {
        assert_eq!(facts[field]["present"], Value::Null, "{field}");
    }
    assert_eq!(facts["settings"]["silent_mode_enabled"], Value::Null);
    let errors = json!({
        "settings": "IOError", "ai": "IOError", "license": "IOError", "access": "IOError", "token": "IOError",
        "add_ons": "IOError",
    });
    assert_eq!((&facts["errors"], &facts["sidekiq"]["processes"]), (&errors, &json!(2)));
}

#[test]
fn what_is_wrong_with_the_token_is_told_without_it() {
    let token = |version: &str, columns: &str| {
        let rows = format!("CloudConnector::ServiceAccessToken.rows = [token_row({columns})]");
        let facts = facts(version, &rows);
        let token = &facts["token"];
        let told =
            ["decryptable", "decodes", "subject_is_this_instance", "realm"].map(|field| token[field].clone());
        assert_eq!((&token["present"], &token["expires_at"]), (&json!(true), &json!("2026-11-25T00:00:00Z")));
        (told, facts["errors"].clone())
    };
    let (yes, no, null, none) = (json!(true), json!(false), Value::Null, json!({}));
    let of_self_managed = json!("self-managed");
    let healthy = [yes.clone(), yes.clone(), yes.clone(), of_self_managed.clone()];
    assert_eq!(token("v18_9", ""), (healthy, none.clone()));
    let cloned = token("v18_9", "token: jwt(claims(sub: 'canary-other'))");
    assert_eq!(cloned, ([yes.clone(), yes.clone(), no.clone(), of_self_managed], none.clone()));
    let foreign = token("v18_9", "token: jwt(claims(gitlab_realm: 'canary'))");
    assert_eq!(foreign, ([yes.clone(), yes.clone(), yes.clone(), null.clone()], none.clone()));
    for garbage in ["'canary'", "'canary.canary.canary'", "'a.WyJjYW5hcnkiXQ.c'", "''"] {
        let (told, errors) = token("v18_9", &format!("token: {garbage}"));
        assert_eq!(
            (told, errors),
            ([yes.clone(), no.clone(), null.clone(), null.clone()], none.clone()),
            "{garbage}"
        );
    }
    let unreadable = |version, class: &str, decryptable: Value| {
        let (told, errors) = token(version, &format!("token: -> {{ raise {class}, 'canary' }}"));
        assert_eq!(told, [decryptable, null.clone(), null.clone(), null.clone()], "{class}");
        assert_eq!(errors, json!({ "token.decryptable": class }));
    };
    unreadable("v18_9", "OpenSSL::Cipher::CipherError", no.clone());
    unreadable("v19_4", "ActiveRecord::Encryption::Errors::Decryption", no);
    unreadable("v18_9", "NoMethodError", Value::Null);
}

#[test]
fn composite_identity_needs_an_account_that_enforces_it_and_an_application() {
    let identity = |columns: &str| {
        let row = format!(
            "Ai::Setting.rows = [Row.new({{ duo_workflow_service_account_user: service_account,
              duo_workflow_oauth_application: Row.new({{ secret: 'canary' }}) }}.merge({columns}))]"
        );
        facts("v18_9", &row)["ai"]["composite_identity"].clone()
    };
    assert_eq!(identity("{}"), json!(true));
    assert_eq!(identity("{ duo_workflow_service_account_user: nil }"), json!(false));
    assert_eq!(identity("{ duo_workflow_oauth_application: nil }"), json!(false));
    let lax = "{ duo_workflow_service_account_user: service_account(composite_identity_enforced: false) }";
    assert_eq!(identity(lax), json!(false));
}

#[test]
fn sidekiq_that_is_down_has_no_processes_and_without_redis_nothing_is_known() {
    let sidekiq = |change| {
        let facts = facts("v18_9", change);
        (facts["sidekiq"].clone(), facts["errors"].clone())
    };
    let (down, errors) = sidekiq("Sidekiq::ProcessSet.held = []");
    let none =
        json!({"processes": 0, "queues": [], "llm_queue": "default", "llm_latency": 2.3, "llm_size": 7});
    assert_eq!((down, errors), (none, json!({})));
    let (unknown, errors) = sidekiq(
        "Sidekiq::ProcessSet.held = -> { raise IOError, 'canary' }
        Sidekiq::Queue.define_method(:latency) { raise IOError, 'canary' }
        Sidekiq::Queue.define_method(:size) { raise IOError, 'canary' }",
    );
    let null = json!({
        "processes": null, "queues": null, "llm_queue": "default", "llm_latency": null, "llm_size": null,
    });
    assert_eq!(unknown, null);
    let all = ["sidekiq.processes", "sidekiq.llm_latency", "sidekiq.llm_size"];
    let all: Value = all.iter().map(|field| ((*field).to_owned(), json!("IOError"))).collect();
    assert_eq!(errors, all);
    let (routed, _) = sidekiq(
        "Llm::CompletionWorker.define_singleton_method(:queue) { 'llm_completion' }
        Sidekiq::ProcessSet.held = processes(%w[default], nil, %w[default other])
        Sidekiq::Queue.held = { 'llm_completion' => [3600, 90] }",
    );
    let told = json!({
        "processes": 3, "queues": ["default", "other"], "llm_queue": "llm_completion",
        "llm_latency": 3600.0, "llm_size": 90,
    });
    assert_eq!(routed, told);
    let (without, errors) = sidekiq("Sidekiq.send(:remove_const, :ProcessSet)");
    assert_eq!((&without["processes"], &errors["sidekiq"]), (&Value::Null, &json!("LoadError")));
}

#[test]
fn a_stand_in_that_is_written_to_ends_the_script() {
    for change in [
        "ApplicationSetting.define_singleton_method(:last) { current }",
        "ApplicationSetting.last.define_singleton_method(:silent_mode_enabled) { update!(uuid: 'x') }",
        "Ai::Setting.define_singleton_method(:first) { instance }",
        "License.loaded = -> { Llm::CompletionWorker.perform_async }",
        "License.loaded = -> { TCPSocket.new('127.0.0.1', 1) }",
        "License.loaded = -> { Net::HTTP.get(URI('http://127.0.0.1:1/')) }; require 'net/http'",
        "License.loaded = -> { system('true') }",
        "License.loaded = -> { File.write('/dev/null', '') }",
    ] {
        let output = ask("v18_9", change, &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("(Wrote)"), "{change}: {said}");
        assert_eq!(document(&output.stdout), Err(Failed::NoDocument), "{change}");
    }
}
