//! What is up for users, and what is asked for so that more is known: a token, a word to ask Rails.

use super::story::{Log, Plot, events_with_every_way, lost_at, planned};
use super::{ASCII, LOOK, SIZES, at, model, picture, press, tell, typed};
use duo_doctor::check::{Group, Note, Want};
use duo_doctor::run::Run;
use duo_doctor::run::event::{Event, Planned, Settled, Skip};
use duo_doctor::secret::Secret;
use duo_doctor::tui::keys::Key;
use duo_doctor::tui::model::asking::{Call, Offer};
use duo_doctor::tui::model::dialog::Dialog;
use duo_doctor::tui::model::message::{Cmd, Msg};
use duo_doctor::tui::model::{Model, Origin, Phase};
use duo_doctor::tui::theme::Look;
use duo_doctor::tui::update::{open_saved, update};
use std::time::Duration;

/// Whether the run had a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Given,
    Missing,
}

const CANARY: &str = "glpat-canary-0123456789";

/// The story with every way, and with what only a token tells.
fn events(plot: Plot, token: Token) -> Vec<Event> {
    let mut events = events_with_every_way(plot);
    let end = events.pop();
    let sync = |id: &str, title: &str| planned(id, Group::Synchronization, title, &[]);
    let new: [Planned; 7] = [
        planned("workflow-socket@public", Group::Inbound, "agent WebSocket opens", &[12]),
        sync("token@instance", "token is accepted"),
        sync("licence@instance", "licence is online and valid"),
        sync("sync@instance", "sync is fresh"),
        sync("access-token@instance", "access token is valid"),
        planned("completion@instance", Group::Exchange, "one real completion", &[]),
        planned("workflow@workflow/workhorse", Group::AgentPlatform, "workflow service answers", &[]),
    ];
    let mut from = 0;
    if let Some(Event::Planned { steps, .. }) = events.first_mut() {
        from = steps.len();
        steps.extend(new);
    }
    let mut log = Log(events);
    let skip = |want, why: &str| Settled::Skip { kind: Skip::NotAsked, why: why.into(), want: Some(want) };
    match (token, plot) {
        (Token::Missing, _) => {
            log.settle(from, skip(Want::Token, "needs a token with the scope ai_workflows or api"), 70);
            log.settle(from + 1, skip(Want::Token, "no token was given"), 70);
            for step in [from + 2, from + 3, from + 4] {
                log.settle(step, skip(Want::TokenOrRunner, "needs an administrator's token"), 70);
            }
        }
        (Token::Given, plot) => {
            match plot {
                Plot::Healthy => log.pass(from, "101, and kept open", "101", 70),
                Plot::Broken => {
                    let lost = lost_at("front end", "Apache", "400");
                    log.settle(from, Settled::Findings(vec![lost]), 70);
                }
            }
            log.pass(from + 1, "root, administrator, read_api", "read_api", 70);
            log.pass(from + 2, "an online licence", "Ultimate", 70);
            log.pass(from + 3, "synchronized 3 h ago", "3 h", 70);
            let until = Some("2026-11-23T09:14:00Z".parse().expect("a time"));
            let (summary, figure) = ("valid until Mon 09:14".to_owned(), Some("30 h left".to_owned()));
            log.settle(from + 4, Settled::Pass(Note { summary, figure, until }), 70);
        }
    }
    log.settle(from + 5, skip(Want::Completion, "costs one completion"), 70);
    log.pass(from + 6, "SERVING", "61 ms", 70);
    log.0.extend(end);
    log.0
}

fn finished(size: (u16, u16), look: Look, plot: Plot, token: Token) -> Model {
    let mut model = model(size, look);
    update(&mut model, Msg::Offered(offer()));
    update(&mut model, Msg::Ready);
    tell(&mut model, events(plot, token));
    update(&mut model, Msg::Ended(at("02:47:08")));
    model
}

fn offer() -> Offer {
    let command = "nice -n 19 /opt/gitlab/bin/gitlab-rails runner -".to_owned();
    Offer { runner: Some(Call { command, free: Some(5_200_000_000) }), token: None }
}

fn paste(model: &mut Model, text: &str) -> Vec<Cmd> {
    update(model, Msg::Paste(Secret::new(text), at("02:49:30")))
}

fn line<'a>(picture: &'a str, label: &str) -> &'a str {
    picture.lines().find(|l| l.trim_start().starts_with(label)).unwrap_or_default()
}

#[test]
fn what_is_up_for_users_stands_below_the_list_and_beside_it() {
    for size in SIZES {
        for (name, plot) in [("broken", Plot::Broken), ("healthy", Plot::Healthy)] {
            let text = picture(&finished(size, LOOK, plot, Token::Given));
            insta::assert_snapshot!(format!("users_{name}_{}x{}", size.0, size.1), text);
        }
        let text = picture(&finished(size, ASCII, Plot::Broken, Token::Missing));
        insta::assert_snapshot!(format!("users_without_a_token_ascii_{}x{}", size.0, size.1), text);
    }
}

#[test]
fn a_feature_that_fails_carries_its_letters_and_one_that_is_not_known_is_never_a_tick() {
    let users = |plot, token| {
        let text = picture(&finished((120, 40), LOOK, plot, token));
        line(&text, "For users").trim_start_matches(" For users").trim_start().to_owned()
    };
    assert_eq!(users(Plot::Healthy, Token::Given), "Code Suggestions ✓   Chat ✓   Agentic Chat ✓   Flows ✓");
    assert_eq!(
        users(Plot::Healthy, Token::Missing),
        "Code Suggestions ✓   Chat ✓   Agentic Chat ? not known   Flows ? not known"
    );
    assert_eq!(
        users(Plot::Broken, Token::Given),
        "Code Suggestions ✓ until Mon 09:14   Chat ✗ A B   Agentic Chat ✗ C   Flows ✗ C"
    );
}

#[test]
fn a_healthy_run_says_what_was_not_asked_and_which_key_or_option_asks() {
    let text = picture(&finished((120, 40), LOOK, Plot::Healthy, Token::Missing));
    let asked = "2 checks (key t); 3 checks (key t L); one real completion (--allow-completion)";
    assert!(line(&text, "Not asked").contains(asked), "{text}");
    let text = picture(&finished((80, 24), LOOK, Plot::Healthy, Token::Given));
    assert!(text.contains("Next due    access token renews by 23 Nov 2026"), "{text}");
}

#[test]
fn a_line_that_a_token_or_rails_would_tell_names_its_key() {
    let mut model = finished((80, 60), LOOK, Plot::Healthy, Token::Missing);
    press(&mut model, &[Key::Char('v'), Key::Char('v')]);
    let text = picture(&model);
    let ends = |words: &str, end: &str| text.lines().any(|l| l.contains(words) && l.ends_with(end));
    assert!(
        ends("needs a token with the scope", "key t") && ends("administrator's token", "key t L"),
        "{text}"
    );
    assert!(ends("costs one completion", "not asked"), "{text}");
    let mut saved = Model::new((80, 60), LOOK, Origin::Saved("duo.json".to_owned()), at("09:00:00"));
    open_saved(&mut saved, Run::of(&events(Plot::Healthy, Token::Missing)));
    press(&mut saved, &[Key::Char('v'), Key::Char('v'), Key::Char('t'), Key::Char('L')]);
    assert!(saved.dialog.is_none() && !picture(&saved).contains("key t"), "{}", picture(&saved));
}

#[test]
fn the_field_for_a_token_says_what_is_gained_and_shows_stars() {
    for (name, size, look) in [
        ("80x24", (80, 24), LOOK),
        ("200x60", (200, 60), LOOK),
        ("ascii_80x24", (80, 24), ASCII),
        ("40x10", (40, 10), LOOK),
    ] {
        let mut model = finished(size, look, Plot::Healthy, Token::Missing);
        press(&mut model, &[Key::Char('t')]);
        paste(&mut model, CANARY);
        insta::assert_snapshot!(format!("token_{name}"), picture(&model));
    }
}

#[test]
fn a_token_is_used_once_and_kept_nowhere() {
    let mut model = finished((80, 24), LOOK, Plot::Healthy, Token::Missing);
    press(&mut model, &[Key::Char('t')]);
    typed(&mut model, "glpat-wrong");
    assert!(picture(&model).contains("Token   ***********_"), "{}", picture(&model));
    press(&mut model, &[Key::Ctrl('u')]);
    assert!(picture(&model).contains("Token   _"), "{}", picture(&model));
    assert_eq!(press(&mut model, &[Key::Enter]), [], "nothing was typed");
    paste(&mut model, &format!("  {CANARY}\n"));
    assert!(picture(&model).contains(&format!("Token   {}_", "*".repeat(20))), "{}", picture(&model));
    assert!(!format!("{model:?}").contains("canary"));
    let cmds = press(&mut model, &[Key::Enter]);
    assert_eq!(cmds, [Cmd::UseToken(Secret::new(CANARY))]);
    assert!(!format!("{cmds:?}").contains("canary"));
    assert!(model.dialog.is_none() && model.phase == Phase::Running(Duration::ZERO));
    tell(&mut model, events(Plot::Healthy, Token::Given));
    assert!(
        picture(&model).contains("✓ accepted: root, administrator, read_api. 5 checks run now."),
        "{}",
        picture(&model)
    );
    update(&mut model, Msg::Ended(at("02:50:00")));
    assert!(!picture(&model).contains("canary"));
    assert!(model.session.iter().any(|(_, what)| what == "a token was given"));
}

#[test]
fn a_token_may_be_given_while_the_run_goes_on() {
    let mut model = model((80, 24), LOOK);
    update(&mut model, Msg::Ready);
    tell(&mut model, events(Plot::Healthy, Token::Missing)[..30].to_vec());
    press(&mut model, &[Key::Char('t')]);
    paste(&mut model, CANARY);
    assert_eq!(press(&mut model, &[Key::Enter]), [Cmd::UseToken(Secret::new(CANARY))]);
    assert!(model.is_running());
}

#[test]
fn what_is_no_token_is_not_taken_and_esc_goes_on_without() {
    let mut model = finished((80, 24), LOOK, Plot::Healthy, Token::Missing);
    press(&mut model, &[Key::Char('t')]);
    for (text, said) in [
        ("two words", "More than one word was pasted: a token is one."),
        ("\n", "What was pasted is empty."),
        ("gl\u{202e}pat", "What was pasted holds characters that no token has."),
        (&"x".repeat(600), "What was pasted is longer than any token."),
    ] {
        paste(&mut model, text);
        assert!(picture(&model).contains(&format!("! {said}")), "{}", picture(&model));
        assert_eq!(press(&mut model, &[Key::Enter]), []);
    }
    assert_eq!(press(&mut model, &[Key::Esc]), []);
    assert!(model.dialog.is_none() && model.phase == Phase::Rest);
}

#[test]
fn a_pasted_text_goes_into_the_field_with_the_focus_and_is_no_row_of_keys() {
    let mut model = finished((80, 24), LOOK, Plot::Healthy, Token::Missing);
    assert_eq!(paste(&mut model, "qxaR"), []);
    assert!(model.dialog.is_none() && model.phase == Phase::Rest);
    press(&mut model, &[Key::Char('/')]);
    paste(&mut model, "clock\n");
    assert_eq!(model.list.filter, "clock");
}

#[test]
fn the_question_to_rails_says_what_it_reads_and_costs_and_shows_its_ruby() {
    for (name, size, look) in
        [("80x24", (80, 24), LOOK), ("200x60", (200, 60), LOOK), ("ascii_80x24", (80, 24), ASCII)]
    {
        let mut model = finished(size, look, Plot::Healthy, Token::Missing);
        press(&mut model, &[Key::Char('L')]);
        insta::assert_snapshot!(format!("rails_{name}"), picture(&model));
    }
    let mut model = finished((80, 24), LOOK, Plot::Healthy, Token::Missing);
    press(&mut model, &[Key::Char('L'), Key::Char('v')]);
    assert!(picture(&model).contains("# frozen_string_literal: true"), "{}", picture(&model));
    press(&mut model, &[Key::End]);
    let text = picture(&model);
    let all = duo_doctor::subject::runner::lines();
    assert!(text.contains(&format!("to {all} of {all}")), "{text}");
    press(&mut model, &[Key::Esc]);
    assert!(picture(&model).contains("Run it now?"), "{}", picture(&model));
}

#[test]
fn rails_is_asked_by_yes_alone() {
    let opened = || {
        let mut model = finished((80, 24), LOOK, Plot::Healthy, Token::Missing);
        press(&mut model, &[Key::Char('L')]);
        model
    };
    for key in [Key::Enter, Key::Char(' '), Key::Char('x')] {
        let mut model = opened();
        assert_eq!(press(&mut model, &[key]), []);
        assert!(matches!(model.dialog, Some(Dialog::Runner(_))), "{key:?}");
    }
    for key in [Key::Char('n'), Key::Esc] {
        let mut model = opened();
        assert_eq!(press(&mut model, &[key]), []);
        assert!(model.dialog.is_none());
    }
    let mut model = opened();
    press(&mut model, &[Key::Char('t')]);
    assert!(matches!(model.dialog, Some(Dialog::Token(_))));
    let mut model = opened();
    assert_eq!(press(&mut model, &[Key::Char('y')]), [Cmd::AskRails]);
    assert!(model.dialog.is_none() && model.is_running());
}

#[test]
fn rails_is_offered_only_where_it_can_be_asked_and_would_tell() {
    let mut elsewhere = finished((80, 24), LOOK, Plot::Healthy, Token::Missing);
    update(&mut elsewhere, Msg::Offered(Offer::default()));
    let mut told = finished((80, 24), LOOK, Plot::Healthy, Token::Given);
    for model in [&mut elsewhere, &mut told] {
        assert_eq!(press(model, &[Key::Char('L')]), []);
        assert!(model.dialog.is_none());
    }
    let mut unknown = finished((80, 24), LOOK, Plot::Healthy, Token::Missing);
    let runner = offer().runner.map(|call| Call { free: None, ..call });
    update(&mut unknown, Msg::Offered(Offer { runner, token: None }));
    press(&mut unknown, &[Key::Char('L')]);
    assert!(picture(&unknown).contains("not said by this node"), "{}", picture(&unknown));
}
