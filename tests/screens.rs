//! The screens as pictures and as behaviour: what is seen at which size, and what a key does. The run is built
//! by hand; no terminal, no network.

#[path = "screens/asking.rs"]
mod asking;
#[path = "screens/doors.rs"]
mod doors;
#[path = "screens/inward.rs"]
mod inward;
#[path = "screens/story.rs"]
mod story;

use duo_doctor::check::Group;
use duo_doctor::finding::{Code, Finding};
use duo_doctor::report::file::{Overwrite, SaveError, Saved};
use duo_doctor::report::{FailOn, Redaction};
use duo_doctor::run::event::{Event, Planned, Settled};
use duo_doctor::run::{Run, StepState};
use duo_doctor::subject::place::Stack;
use duo_doctor::tui::keys::Key;
use duo_doctor::tui::model::dialog::{Dialog, Export, Outcome};
use duo_doctor::tui::model::list::Selected;
use duo_doctor::tui::model::message::{Cmd, Mended, Msg, Rerun};
use duo_doctor::tui::model::{DemoEntry, Model, Origin, Phase, Screen};
use duo_doctor::tui::theme::{Colour, Glyphs, Look};
use duo_doctor::tui::update::{open_saved, update};
use duo_doctor::tui::view;
use jiff::Timestamp;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof, proptest};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Modifier;
use std::path::PathBuf;
use std::time::Duration;
use story::Plot;

const LOOK: Look =
    Look { glyphs: Glyphs::Unicode, colour: Colour::On, redaction: Redaction::Share, fail_on: FailOn::Fail };
const ASCII: Look = Look { glyphs: Glyphs::Ascii, colour: Colour::Off, ..LOOK };

fn at(text: &str) -> Timestamp {
    format!("2026-11-22T{text}Z").parse().expect("a time")
}

fn model(size: (u16, u16), look: Look) -> Model {
    Model::new(size, look, Origin::Live, at("02:47:05"))
}

fn tell(model: &mut Model, events: Vec<Event>) {
    for event in events {
        update(model, Msg::Event(Box::new(event)));
    }
}

fn running(size: (u16, u16), look: Look) -> Model {
    let mut model = model(size, look);
    update(&mut model, Msg::Ready);
    tell(&mut model, story::half(Plot::Broken));
    update(&mut model, Msg::Tick(Duration::from_secs(1)));
    model
}

fn finished(size: (u16, u16), look: Look, plot: Plot) -> Model {
    let mut model = model(size, look);
    update(&mut model, Msg::Ready);
    tell(&mut model, story::events(plot));
    update(&mut model, Msg::Ended(at("02:47:08")));
    model
}

fn press(model: &mut Model, keys: &[Key]) -> Vec<Cmd> {
    keys.iter().flat_map(|key| update(model, Msg::Key(*key, at("02:49:30")))).collect()
}

fn typed(model: &mut Model, text: &str) -> Vec<Cmd> {
    let keys: Vec<Key> = text.chars().map(Key::Char).collect();
    press(model, &keys)
}

fn terminal(model: &Model) -> Terminal<TestBackend> {
    let (width, height) = model.size;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal in memory");
    terminal.draw(|frame| view::draw(model, frame.buffer_mut())).expect("a picture");
    terminal
}

/// The picture as lines, ends trimmed.
fn picture(model: &Model) -> String {
    let terminal = terminal(model);
    let buffer = terminal.backend().buffer();
    let line = |y: u16| {
        let cells = (0..buffer.area.width).filter_map(|x| buffer.cell((x, y)));
        cells.map(|c| c.symbol().to_owned()).collect::<String>().trim_end().to_owned()
    };
    (0..buffer.area.height).map(line).collect::<Vec<_>>().join("\n")
}

const SIZES: [(u16, u16); 4] = [(40, 10), (80, 24), (120, 40), (200, 60)];

#[test]
fn the_overview_while_it_runs() {
    for size in SIZES {
        let name = format!("running_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, picture(&running(size, LOOK)));
    }
}

#[test]
fn the_overview_when_it_is_finished() {
    for size in SIZES {
        let name = format!("finished_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, picture(&finished(size, LOOK, Plot::Broken)));
    }
}

#[test]
fn the_overview_when_all_is_well() {
    for size in SIZES {
        let name = format!("healthy_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, picture(&finished(size, LOOK, Plot::Healthy)));
    }
}

#[test]
fn the_first_frame_knows_nothing_and_stands_already() {
    insta::assert_snapshot!(picture(&model((80, 24), LOOK)));
}

#[test]
fn a_check_drilled_into_shows_what_was_seen() {
    for size in [(40, 10), (80, 24), (120, 40)] {
        let mut model = finished(size, LOOK, Plot::Broken);
        press(&mut model, &[Key::Enter]);
        insta::assert_snapshot!(format!("seen_{}x{}", size.0, size.1), picture(&model));
    }
}

#[test]
fn a_refused_upgrade_shows_what_was_sent_and_what_came() {
    let mut model = finished((80, 24), LOOK, Plot::Broken);
    press(&mut model, &[Key::Down, Key::Enter]);
    insta::assert_snapshot!(picture(&model));
}

#[test]
fn the_guide_unfolds_one_step_and_keeps_ticks() {
    let mut model = finished((80, 24), LOOK, Plot::Broken);
    press(&mut model, &[Key::Char('g'), Key::Char(' ')]);
    let text = picture(&model);
    assert!(text.contains("[x] 1") && text.contains("02:49"), "{text}");
    assert!(text.contains("[>] 2"), "{text}");
    press(&mut model, &[Key::Esc, Key::Char('g')]);
    assert!(picture(&model).contains("[x] 1"));
    insta::assert_snapshot!(text);
}

#[test]
fn the_export_dialog_shows_the_text_before_it_is_written() {
    let mut model = finished((80, 24), LOOK, Plot::Broken);
    press(&mut model, &[Key::Char('e')]);
    let text = "# GitLab Duo on host-1: FAIL, 2 causes\n\nNode node-1 (rails, sidekiq).\n";
    update(&mut model, Msg::Rendered(text.to_owned()));
    insta::assert_snapshot!(picture(&model));
}

/// The ways out, opened from the first cause.
fn ways_out(size: (u16, u16), look: Look, plot: Plot) -> Model {
    let mut model = model(size, look);
    update(&mut model, Msg::Ready);
    tell(&mut model, story::events_with_every_way(plot));
    update(&mut model, Msg::Ended(at("02:47:08")));
    press(&mut model, &[Key::Char('o')]);
    model
}

/// The line of a stack in the matrix.
fn row_of<'a>(picture: &'a str, stack: &str) -> &'a str {
    picture.lines().find(|l| l.trim_start().starts_with(stack)).unwrap_or_default()
}

#[test]
fn the_ways_out_are_a_matrix_of_stacks_and_endpoints_with_the_reasons_below() {
    for size in SIZES {
        let model = ways_out(size, LOOK, Plot::Broken);
        insta::assert_snapshot!(format!("ways_out_{}x{}", size.0, size.1), picture(&model));
    }
    insta::assert_snapshot!("ways_out_ascii_80x24", picture(&ways_out((80, 24), ASCII, Plot::Broken)));
}

#[test]
fn a_matrix_of_ways_has_one_mark_and_no_blank_corner_at_any_size() {
    for size in [(40, 10), (41, 11), (60, 15), (79, 16), (80, 24), (100, 30), (160, 50), (200, 60)] {
        let mut model = ways_out(size, LOOK, Plot::Broken);
        for key in [Key::Home, Key::Right, Key::Down, Key::Left, Key::End, Key::PageDown, Key::Up] {
            press(&mut model, &[key]);
            let text = picture(&model);
            assert_eq!(text.matches('▌').count(), 1, "{size:?}:\n{text}");
            assert!(text.contains(" → "), "{size:?}:\n{text}");
            assert!(text.lines().last().is_some_and(|l| l.contains("Esc back")), "{size:?}:\n{text}");
        }
    }
}

#[test]
fn stacks_that_share_a_way_say_so_and_a_way_that_is_not_walked_has_no_state() {
    let model = ways_out((80, 24), LOOK, Plot::Broken);
    let text = picture(&model);
    assert!(row_of(&text, "sidekiq").contains("= rails            = rails            – not used"), "{text}");
    assert!(
        row_of(&text, "grpc").contains("– not used         – not used           direct own roots"),
        "{text}"
    );
    assert!(row_of(&text, "shell").contains("  squid  system      squid  system"), "{text}");
    assert!(row_of(&text, "workhorse").contains("✓ squid  + system"), "{text}");
    assert!(text.contains("─ rails, sidekiq → customers.gitlab.com:443"), "{text}");
}

#[test]
fn a_way_says_what_decided_what_does_not_whom_it_trusts_and_who_differs() {
    let mut model = ways_out((120, 40), LOOK, Plot::Broken);
    press(&mut model, &[Key::Right]);
    let text = picture(&model);
    for line in [
        "via       http://squid.example.com:3128",
        "because   http_proxy, from /opt/gitlab/etc/gitlab-rails/env/http_proxy",
        "and not   https_proxy is set too, but Ruby never reads it here",
        "trusts    GitLab's own store /opt/gitlab/embedded/ssl/cert.pem and certs/, 142 roots",
        "differs   workhorse trusts GitLab's certs/ and the system's store, 143 roots",
    ] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
    press(&mut model, &[Key::End, Key::Up]);
    let text = picture(&model);
    assert!(text.contains("─ grpc → workflow service ─") && text.contains("not walked ─"), "{text}");
    assert!(
        text.contains("workhorse goes through squid.example.com:3128, and trusts GitLab's certs/"),
        "{text}"
    );
    press(&mut model, &[Key::Left]);
    assert!(picture(&model).contains("Rails' gRPC sends nothing to this service."), "{}", picture(&model));
    press(&mut model, &[Key::Down]);
    assert!(picture(&model).contains("for comparison, not walked ─"), "{}", picture(&model));
}

#[test]
fn a_stack_that_runs_here_and_could_not_be_read_is_not_known() {
    let mut model = model((80, 24), LOOK);
    update(&mut model, Msg::Ready);
    let mut events = story::events_with_every_way(Plot::Broken);
    if let Some(Event::Planned { about, .. }) = events.first_mut() {
        about.routes.retain(|r| !r.stacks.contains(&Stack::Workhorse));
    }
    tell(&mut model, events);
    press(&mut model, &[Key::Char('o'), Key::Home, Key::Down, Key::Down, Key::Right]);
    let text = picture(&model);
    assert!(
        row_of(&text, "workhorse").contains("– not used        ▌? not known        ? not known"),
        "{text}"
    );
    assert!(text.contains("which way it takes could not"), "{text}");
}

#[test]
fn a_process_that_runs_with_other_proxies_stands_among_the_reasons() {
    let mut events = story::events_with_every_way(Plot::Broken);
    let args = [
        ("processes", "puma (pid 2114, since 2026-11-19 22:03 UTC)"),
        ("difference", "Rails runs without http_proxy"),
        ("service", "puma"),
        ("restart", "gitlab-ctl restart puma"),
    ];
    let finding = Finding::new(Code::ProxyNotApplied, &args);
    for event in &mut events {
        if let Event::Settled { step: 0, how, .. } = event {
            *how = Settled::Findings(vec![finding.clone()]);
        }
    }
    let mut model = model((120, 40), LOOK);
    tell(&mut model, events);
    press(&mut model, &[Key::Char('o'), Key::Home]);
    let line = "but       puma (pid 2114, since 2026-11-19 22:03 UTC) still as before: Rails runs";
    assert!(picture(&model).contains(line), "{}", picture(&model));
    update(&mut model, Msg::Resize(80, 24));
    press(&mut model, &[Key::Down, Key::Down, Key::Right]);
    assert!(!picture(&model).contains("still as before"), "{}", picture(&model));
}

#[test]
fn keys_on_the_ways_out_open_run_and_copy_the_selected_one() {
    let mut model = ways_out((80, 24), LOOK, Plot::Broken);
    press(&mut model, &[Key::Right, Key::Enter]);
    assert!(matches!(model.screen(), Screen::Drill(d) if d.step == 9), "{}", picture(&model));
    press(&mut model, &[Key::Esc]);
    assert_eq!(press(&mut model, &[Key::Char('r')]), [Cmd::Run(Rerun::Around(vec![8, 9, 10, 11]))]);
    let cmds = press(&mut model, &[Key::Char('y')]);
    let [Cmd::Copy(text)] = cmds.as_slice() else { panic!("one text is copied: {cmds:?}") };
    assert!(text.starts_with("rails, sidekiq to cloud.gitlab.com:443\n  pass proxy@cloud/rails\n"), "{text}");
    assert!(
        text.contains("\n  FAIL tls@cloud/rails\n") && text.contains("\n  via      http://squid"),
        "{text}"
    );
    press(&mut model, &[Key::Esc]);
    assert!(matches!(model.screen(), Screen::Overview));
}

#[test]
fn nothing_is_opened_or_run_on_a_way_that_is_not_walked() {
    let mut model = ways_out((80, 24), LOOK, Plot::Broken);
    assert_eq!(press(&mut model, &[Key::End, Key::Enter, Key::Char('r')]), []);
    assert!(matches!(model.screen(), Screen::Routes(_)));
    assert!(!picture(&model).contains("open the check"), "{}", picture(&model));
}

#[test]
fn the_ways_that_were_walked_say_who_shares_and_leave_out_the_shell() {
    for size in [(80, 24), (200, 60)] {
        let mut model = ways_out(size, LOOK, Plot::Healthy);
        press(&mut model, &[Key::Esc]);
        let text = picture(&model);
        assert!(text.contains("rails, sidekiq ── squid ── cloud.gitlab.com"), "{text}");
        assert!(text.contains("workhorse ── squid ── cloud.gitlab.com"), "{text}");
        assert!(!text.contains("shell ──") && !text.contains("grpc ──"), "{text}");
    }
}

#[test]
fn help_is_made_from_the_table_of_keys() {
    for size in [(40, 10), (80, 24)] {
        let mut model = finished(size, LOOK, Plot::Broken);
        press(&mut model, &[Key::Char('?')]);
        insta::assert_snapshot!(format!("help_{}x{}", size.0, size.1), picture(&model));
    }
}

#[test]
fn the_filter_shows_every_line_that_matches() {
    let mut model = finished((80, 24), LOOK, Plot::Broken);
    press(&mut model, &[Key::Char('/')]);
    typed(&mut model, "place:cloud cause:a");
    insta::assert_snapshot!(picture(&model));
}

#[test]
fn the_demos_are_a_list_to_choose_from() {
    let mut model = Model::new((80, 24), LOOK, Origin::Demos, at("02:47:05"));
    model.demos = demos();
    press(&mut model, &[Key::Down]);
    insta::assert_snapshot!(picture(&model));
}

#[test]
fn a_terminal_that_is_too_small_says_what_it_needs() {
    insta::assert_snapshot!("small_34x8", picture(&finished((34, 8), LOOK, Plot::Broken)));
}

#[test]
fn leaving_a_run_that_goes_on_is_asked_about() {
    let mut model = running((80, 24), LOOK);
    assert_eq!(press(&mut model, &[Key::Char('q')]), []);
    insta::assert_snapshot!(picture(&model));
    assert_eq!(press(&mut model, &[Key::Char('n')]), []);
    assert!(model.dialog.is_none());
    assert_eq!(press(&mut model, &[Key::Char('q'), Key::Char('y')]), [Cmd::Quit]);
    let mut done = finished((80, 24), LOOK, Plot::Broken);
    assert_eq!(press(&mut done, &[Key::Char('q')]), [Cmd::Quit]);
}

/// Every screen of this file in one look, after the keys that lead there.
fn every_screen(size: (u16, u16), look: Look) -> Vec<Model> {
    let mut models = vec![model(size, look), running(size, look), finished(size, look, Plot::Healthy)];
    let ways: [&[Key]; 10] = [
        &[],
        &[Key::Enter],
        &[Key::Enter, Key::Tab],
        &[Key::Enter, Key::Tab, Key::Tab],
        &[Key::Char('g')],
        &[Key::Char('o')],
        &[Key::Char('d')],
        &[Key::Char('e')],
        &[Key::Char('?')],
        &[Key::Char('/'), Key::Char('c')],
    ];
    for keys in ways {
        let mut model = finished(size, look, Plot::Broken);
        press(&mut model, keys);
        models.push(model);
    }
    models
}

#[test]
fn the_ascii_look_has_nothing_over_127() {
    for size in SIZES {
        for model in every_screen(size, ASCII) {
            let text = picture(&model);
            assert!(text.is_ascii(), "{text}");
        }
    }
    insta::assert_snapshot!("ascii_80x24", picture(&finished((80, 24), ASCII, Plot::Broken)));
}

#[test]
fn without_colour_there_is_none_and_every_state_has_its_word() {
    let look = Look { colour: Colour::Off, ..LOOK };
    for model in every_screen((80, 24), look) {
        let terminal = terminal(&model);
        let cells = &terminal.backend().buffer().content;
        assert!(cells.iter().all(|c| c.fg == ratatui::style::Color::Reset));
        assert!(cells.iter().all(|c| c.bg == ratatui::style::Color::Reset));
    }
    let broken = finished((80, 24), look, Plot::Broken);
    let terminal = terminal(&broken);
    let letters = terminal.backend().buffer().content.iter();
    assert!(letters.filter(|c| c.modifier.contains(Modifier::REVERSED)).any(|c| c.symbol() == "A"));
    assert!(picture(&broken).contains("✗ FAIL"));
}

#[test]
fn there_is_exactly_one_mark_on_a_list() {
    for size in [(40, 10), (80, 24), (120, 40), (200, 60)] {
        let text = picture(&finished(size, LOOK, Plot::Broken));
        assert_eq!(text.matches('▌').count(), 1, "{text}");
    }
}

#[test]
fn the_selection_stays_on_its_check_while_events_come() {
    let mut model = model((80, 24), LOOK);
    let events = story::events(Plot::Broken);
    tell(&mut model, events[..30].to_vec());
    let chosen = model.run.steps.iter().position(|s| s.plan.group == Group::Inbound).expect("a step");
    press(&mut model, &[Key::Char('v'), Key::Char('v')]);
    press(&mut model, &[Key::Char('3'), Key::Down]);
    assert_eq!(model.list.selected, Selected::Step(chosen));
    for event in events[30..].iter().cloned() {
        tell(&mut model, vec![event]);
        assert_eq!(model.list.selected, Selected::Step(chosen));
        assert!(picture(&model).lines().any(|l| l.starts_with('▌') && l.contains("answers over https")));
    }
    update(&mut model, Msg::Ended(at("02:47:08")));
    assert_eq!(model.list.selected, Selected::Step(chosen));
}

#[test]
fn a_list_that_does_not_fit_follows_the_newest_line_until_a_key_moves() {
    let mut model = model((40, 10), LOOK);
    let events = story::events(Plot::Broken);
    let cut = events.iter().position(|e| matches!(e, Event::Settled { step: 14, .. })).expect("that step");
    tell(&mut model, events[..=cut].to_vec());
    assert!(picture(&model).contains("/-/cable"), "{}", picture(&model));
    press(&mut model, &[Key::Char('<')]);
    assert!(picture(&model).contains("▌1 Instance"), "{}", picture(&model));
}

#[test]
fn a_finished_run_selects_the_first_cause_unless_a_key_chose_something() {
    assert_eq!(finished((80, 24), LOOK, Plot::Broken).list.selected, Selected::Cause('A'));
    let mut model = running((80, 24), LOOK);
    press(&mut model, &[Key::Char('3')]);
    tell(&mut model, story::events(Plot::Broken));
    update(&mut model, Msg::Ended(at("02:47:08")));
    assert_eq!(model.list.selected, Selected::Group(Group::Inbound));
}

#[test]
fn letters_are_fixed_when_a_run_ends_and_never_go_to_another_cause() {
    let mut model = finished((80, 24), LOOK, Plot::Broken);
    let letter =
        |m: &Model, code: &str| m.causes.iter().find(|c| c.root.code.as_str() == code).map(|c| c.letter);
    assert_eq!(letter(&model, "tls-unknown-issuer"), Some('A'));
    assert_eq!(letter(&model, "websocket-upgrade-stripped"), Some('B'));
    // The first cause is mended: the second keeps its letter.
    let network: Vec<usize> = (2..12).collect();
    tell(&mut model, vec![Event::Restarted { steps: network.clone(), at: Duration::ZERO }]);
    let healthy = story::events(Plot::Healthy).into_iter();
    let again = healthy.filter(|e| matches!(e, Event::Settled { step, .. } if network.contains(step)));
    tell(&mut model, again.collect());
    update(&mut model, Msg::Ended(at("02:58:08")));
    assert_eq!(letter(&model, "websocket-upgrade-stripped"), Some('B'));
    assert_eq!(model.causes.len(), 1);
    // It comes back: it is A again.
    tell(&mut model, story::events(Plot::Broken));
    update(&mut model, Msg::Ended(at("02:59:08")));
    assert_eq!(letter(&model, "tls-unknown-issuer"), Some('A'));
}

#[test]
fn the_guide_checks_its_cause_again_and_says_when_it_is_solved() {
    let mut model = finished((80, 24), LOOK, Plot::Broken);
    press(&mut model, &[Key::Char('g')]);
    let cmds = press(&mut model, &[Key::Char('r')]);
    assert_eq!(cmds, [Cmd::Run(Rerun::Around(vec![5, 9, 6, 7, 10, 11]))]);
    tell(&mut model, story::events(Plot::Broken));
    update(&mut model, Msg::Ended(at("02:56:00")));
    assert!(picture(&model).contains("Not solved yet"), "{}", picture(&model));
    let network: Vec<usize> = (2..12).collect();
    press(&mut model, &[Key::Char('r')]);
    tell(&mut model, vec![Event::Restarted { steps: network.clone(), at: Duration::ZERO }]);
    let again = story::events(Plot::Healthy).into_iter();
    tell(
        &mut model,
        again.filter(|e| matches!(e, Event::Settled { step, .. } if network.contains(step))).collect(),
    );
    update(&mut model, Msg::Ended(at("02:58:00")));
    let text = picture(&model);
    assert!(text.contains("✓ Solved. Of 6 checks, 6 pass."), "{text}");
    press(&mut model, &[Key::Enter]);
    assert!(picture(&model).contains("cause B of B"), "{}", picture(&model));
}

#[test]
fn one_key_samples_the_ranges_and_running_that_line_again_asks_for_them_too() {
    let mut model = finished((80, 24), LOOK, Plot::Healthy);
    assert_eq!(press(&mut model, &[Key::Char('S')]), [], "nothing to sample here");
    let plan = Planned {
        check: "cloudflare-ranges".into(),
        place: "cloud".parse().expect("a place"),
        group: Group::Network,
        title: "Cloudflare's ranges are let through".into(),
        needs: Vec::new(),
    };
    let step = model.run.steps.len();
    model.run.steps.push(StepState::of(plan));
    let asked = [Cmd::Run(Rerun::OnRequest(vec![step]))];
    let mut by_line = model.clone();
    assert_eq!(press(&mut model, &[Key::Char('S')]), asked);
    by_line.list.selected = Selected::Step(step);
    assert_eq!(press(&mut by_line, &[Key::Char('r')]), asked);
}

#[test]
fn an_earlier_result_stands_on_the_third_face() {
    let mut model = finished((80, 24), LOOK, Plot::Broken);
    assert_eq!(press(&mut model, &[Key::Char('a')]), [Cmd::Run(Rerun::All)]);
    tell(&mut model, story::events(Plot::Broken));
    update(&mut model, Msg::Ended(at("02:55:00")));
    press(&mut model, &[Key::Enter, Key::Tab, Key::Tab]);
    let text = picture(&model);
    assert!(text.contains("02:55:00  ✗ FAIL") && text.contains("02:47:08  ✗ FAIL"), "{text}");
}

#[test]
fn nothing_is_run_while_a_round_goes_on_nor_in_a_saved_report() {
    let mut model = running((80, 24), LOOK);
    assert_eq!(press(&mut model, &[Key::Char('r'), Key::Char('R'), Key::Char('a')]), []);
    assert_eq!(press(&mut model, &[Key::Char('x')]), [Cmd::Stop]);
    let run = Run::of(&story::events(Plot::Broken));
    let mut saved = Model::new((80, 24), LOOK, Origin::Saved("duo.json".to_owned()), at("09:00:00"));
    open_saved(&mut saved, run);
    assert_eq!(press(&mut saved, &[Key::Char('r'), Key::Char('R'), Key::Char('a')]), []);
    let text = picture(&saved);
    assert!(text.contains("duo.json, read only, offline") && text.contains("02:47:08 UTC"), "{text}");
}

#[test]
fn a_file_that_exists_is_kept_unless_somebody_says_so() {
    let mut model = finished((80, 24), LOOK, Plot::Broken);
    press(&mut model, &[Key::Char('e')]);
    update(&mut model, Msg::Rendered("text".to_owned()));
    let cmds = press(&mut model, &[Key::Enter]);
    assert!(matches!(&cmds[..], [Cmd::Save { path, .. }] if path == "duo-2026-11-22.md"), "{cmds:?}");
    let exists = SaveError::Exists("duo.md".into(), "5,902".into(), "21 Nov 22:10".into());
    update(&mut model, Msg::Saved(Err(exists)));
    let text = picture(&model);
    assert!(text.contains("[keep it, write duo-2026-11-22-2.md]"), "{text}");
    let cmds = press(&mut model, &[Key::Enter]);
    assert!(matches!(&cmds[..], [Cmd::Save { path, .. }] if path == "duo-2026-11-22-2.md"), "{cmds:?}");
    let saved = Saved { path: PathBuf::from("/root/duo-2026-11-22-2.md"), bytes: 4 };
    update(&mut model, Msg::Saved(Ok(saved)));
    assert!(matches!(&model.dialog, Some(Dialog::Export(Export { outcome: Outcome::Written(..), .. }))));
    assert!(view::farewell::lines(&model)[1].contains("report saved to /root/duo-2026-11-22-2.md"));
}

#[test]
fn w_writes_the_snippet_on_the_screen_to_a_file_named_after_what_it_mends() {
    let mut model = finished((80, 24), LOOK, Plot::Broken);
    press(&mut model, &[Key::Down, Key::Enter, Key::Tab, Key::Char('w')]);
    insta::assert_snapshot!(picture(&model));
    let name = "duo-doctor-websocket-upgrade-stripped.sh";
    let cmds = press(&mut model, &[Key::Enter]);
    assert!(
        matches!(&cmds[..], [Cmd::Save { path, text, over: Overwrite::Never }]
        if path == name && text.starts_with("sudo ")),
        "{cmds:?}"
    );
    let link = SaveError::Link(name.to_owned(), "/etc/motd".to_owned());
    update(&mut model, Msg::Saved(Err(link)));
    let text = picture(&model);
    assert!(text.contains(&format!("! {name} is a link to")) && text.contains(&format!("{name}_")), "{text}");
    update(
        &mut model,
        Msg::Saved(Err(SaveError::Exists(name.into(), "12".into(), "2026-11-21 22:10".into()))),
    );
    let text = picture(&model);
    assert!(text.contains("[keep it, write duo-doctor-websocket-upgrade-stripped-2.sh]"), "{text}");
    press(&mut model, &[Key::Right]);
    let cmds = press(&mut model, &[Key::Enter]);
    assert!(matches!(&cmds[..], [Cmd::Save { path, over: Overwrite::Yes, .. }] if path == name), "{cmds:?}");
    update(&mut model, Msg::Saved(Ok(Saved { path: PathBuf::from(name), bytes: 12 })));
    let text = picture(&model);
    assert!(
        text.contains(&format!("✓ Written to {name}, 12 bytes,")) && text.contains(" mode 0600."),
        "{text}"
    );
    press(&mut model, &[Key::Esc]);
    assert!(picture(&model).contains("[Mend]"), "{}", picture(&model));
    assert!(view::farewell::lines(&model)[1].contains("report not saved"));
}

#[test]
fn what_cannot_be_written_keeps_the_dialog_and_the_input() {
    let mut model = finished((80, 24), LOOK, Plot::Broken);
    press(&mut model, &[Key::Char('e')]);
    update(&mut model, Msg::Rendered("text".to_owned()));
    typed(&mut model, "x");
    update(&mut model, Msg::Saved(Err(SaveError::NoFolder("/srv/tickets".to_owned()))));
    let text = picture(&model);
    assert!(text.contains("! /srv/tickets does not exist") && text.contains("duo-2026-11-22.mdx"), "{text}");
}

#[test]
fn the_demos_fault_is_mended_and_broken_by_one_key() {
    let mut model = model((80, 24), LOOK);
    let mends = Some("puts the CA into the store".to_owned());
    update(&mut model, Msg::Begun { title: Some("A CA is missing".to_owned()), mends });
    tell(&mut model, story::events(Plot::Broken));
    update(&mut model, Msg::Ended(at("02:47:08")));
    assert_eq!(press(&mut model, &[Key::Char('f')]), [Cmd::Fault(Mended::Yes)]);
    let cmds = update(&mut model, Msg::Fault(Mended::Yes, at("02:48:00")));
    assert_eq!(cmds, [Cmd::Run(Rerun::Around(vec![5, 6, 7, 9, 10, 11, 14, 15]))]);
    tell(&mut model, story::events(Plot::Healthy));
    update(&mut model, Msg::Ended(at("02:48:04")));
    assert_eq!(press(&mut model, &[Key::Char('f')]), [Cmd::Fault(Mended::No)]);
    let cmds = update(&mut model, Msg::Fault(Mended::No, at("02:49:00")));
    assert_eq!(cmds, [Cmd::Run(Rerun::Around(vec![5, 6, 7, 9, 10, 11, 14, 15]))]);
}

#[test]
fn the_exit_code_is_that_of_the_run_shown() {
    assert_eq!(model((80, 24), LOOK).exit_code(), 3);
    assert_eq!(finished((80, 24), LOOK, Plot::Broken).exit_code(), 1);
    assert_eq!(finished((80, 24), LOOK, Plot::Healthy).exit_code(), 0);
    let mut started = model((80, 24), LOOK);
    tell(&mut started, story::events(Plot::Healthy)[..20].to_vec());
    assert_eq!(started.exit_code(), 3);
}

#[test]
fn a_node_that_cannot_be_found_out_is_a_sentence_on_the_screen() {
    let mut model = model((80, 24), LOOK);
    update(&mut model, Msg::Unready("the resolver's file cannot be read".to_owned()));
    assert_eq!(model.phase, Phase::Unready("the resolver's file cannot be read".to_owned()));
    assert!(picture(&model).contains("the resolver's file cannot be read"));
    assert_eq!(press(&mut model, &[Key::Char('q')]), [Cmd::Quit]);
}

#[test]
fn three_lines_stay_behind_with_the_result() {
    let mut model = finished((80, 24), LOOK, Plot::Broken);
    press(&mut model, &[Key::Char('g'), Key::Char(' ')]);
    let lines = view::farewell::lines(&model);
    assert_eq!(lines[0], "duo-doctor  FAIL  2 causes: A tls-unknown-issuer, B websocket-upgrade-stripped");
    assert_eq!(lines[1], "            report not saved");
    assert!(lines[2].starts_with("            guide: cause A, step 2 of"), "{}", lines[2]);
}

fn demos() -> Vec<DemoEntry> {
    let entry = |name: &str, title: &str, layer: &str, expects| DemoEntry {
        name: name.to_owned(),
        title: title.to_owned(),
        layer: layer.to_owned(),
        about: "A proxy re-signs TLS. The system trusts its CA, GitLab's own store does not.".to_owned(),
        expects,
    };
    vec![
        entry("healthy", "Everything works", "", 0),
        entry("tls-unknown-issuer", "Rails does not know the company CA", "tls", 1),
        entry("tls-expired", "The certificate ran out last night", "tls", 1),
    ]
}

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![
        12 => proptest::char::range(' ', '~').prop_map(Key::Char),
        1 => proptest::char::range('a', 'z').prop_map(Key::Ctrl),
        8 => proptest::sample::select(vec![
            Key::Enter, Key::Esc, Key::Tab, Key::BackTab, Key::Up, Key::Down, Key::Left, Key::Right,
            Key::PageUp, Key::PageDown, Key::Home, Key::End, Key::Backspace, Key::Delete,
        ]),
        1 => Just(Key::Char('é')),
    ]
}

/// One thing that happens to the screens.
#[derive(Clone, Debug)]
enum Happening {
    Key(Key),
    Resize(u16, u16),
    Events(usize),
    Ended,
    Rendered,
    Saved,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        20 => key().prop_map(Happening::Key),
        3 => (1u16..200, 1u16..60).prop_map(|(w, h)| Happening::Resize(w, h)),
        3 => (0usize..40).prop_map(Happening::Events),
        2 => Just(Happening::Ended),
        1 => Just(Happening::Rendered),
        1 => Just(Happening::Saved),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_pressed_and_however_large_nothing_panics(
        happenings in proptest::collection::vec(happening(), 1..60),
        saved in proptest::bool::ANY,
        inward in proptest::bool::ANY,
    ) {
        let all = if inward { inward::events(inward::Way::FrontEnd) } else { story::events_with_every_way(Plot::Broken) };
        let mut model = if saved {
            let mut model = Model::new((80, 24), ASCII, Origin::Saved("x".to_owned()), at("02:47:05"));
            open_saved(&mut model, Run::of(&all));
            model
        } else {
            let mut model = Model::new((80, 24), LOOK, Origin::Demos, at("02:47:05"));
            model.demos = demos();
            update(&mut model, Msg::Begun { title: None, mends: Some("it".to_owned()) });
            model
        };
        let mut left = all.into_iter().collect::<std::collections::VecDeque<_>>();
        for happening in happenings {
            match happening {
                Happening::Key(key) => drop(press(&mut model, &[key])),
                Happening::Resize(w, h) => drop(update(&mut model, Msg::Resize(w, h))),
                Happening::Events(n) => {
                    let some: Vec<Event> = left.drain(..n.min(left.len())).collect();
                    tell(&mut model, some);
                }
                Happening::Ended => drop(update(&mut model, Msg::Ended(at("02:50:00")))),
                Happening::Rendered => drop(update(&mut model, Msg::Rendered("a\nb\n".to_owned()))),
                Happening::Saved => {
                    drop(update(&mut model, Msg::Saved(Err(SaveError::Exists("there".into(), "1".into(), "now".into())))));
                }
            }
            terminal(&model);
        }
        assert!(!matches!(model.screen(), Screen::Demos { .. }) || model.origin == Origin::Demos);
    }
}
