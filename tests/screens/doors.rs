//! The doors in as pictures and as behaviour: the way in of a WebSocket, what was sent and what came, the matrix.

use super::inward::{NO_GITLAB, SOCKET, Way, events};
use super::story::{self, Plot};
use super::{ASCII, LOOK, SIZES, at, model, picture, press, tell};
use duo_doctor::check::Group;
use duo_doctor::failure::{Failure, WebSocketFailure};
use duo_doctor::finding::{Code, Finding};
use duo_doctor::probe::Outcome;
use duo_doctor::run::event::{Event, Settled, Skip};
use duo_doctor::tui::keys::Key;
use duo_doctor::tui::model::list::Selected;
use duo_doctor::tui::model::message::{Cmd, Msg, Rerun};
use duo_doctor::tui::model::{Model, Screen};
use duo_doctor::tui::theme::Look;
use duo_doctor::tui::update::update;
use std::time::Duration;

fn finished(size: (u16, u16), look: Look, way: Way) -> Model {
    let mut model = model(size, look);
    update(&mut model, Msg::Ready);
    tell(&mut model, events(way));
    update(&mut model, Msg::Ended(at("02:47:08")));
    model
}

/// The drill-down of a check at a door.
fn drilled(size: (u16, u16), look: Look, way: Way, id: &str) -> Model {
    let mut model = finished(size, look, way);
    let step = model.run.steps.iter().position(|s| s.id() == id).expect("a step");
    model.list.selected = Selected::Step(step);
    press(&mut model, &[Key::Enter]);
    model
}

fn doors_in(size: (u16, u16), look: Look, way: Way) -> Model {
    let mut model = finished(size, look, way);
    model.list.selected = Selected::Group(Group::Inbound);
    press(&mut model, &[Key::Char('d')]);
    model
}

#[test]
fn a_websocket_that_is_not_let_through_shows_its_way_in_and_what_was_sent_and_came() {
    for size in SIZES {
        let model = drilled(size, LOOK, Way::FrontEnd, "cable@public");
        insta::assert_snapshot!(format!("way_in_{}x{}", size.0, size.1), picture(&model));
    }
    let ascii = drilled((80, 24), ASCII, Way::FrontEnd, "cable@public");
    insta::assert_snapshot!("way_in_ascii_80x24", picture(&ascii));
}

/// The line on which the hops stand.
fn hops(picture: &str) -> String {
    let line = picture.lines().find(|l| l.trim_start().starts_with("client ")).unwrap_or_default();
    line.replace('─', "").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_break_stands_between_the_last_hop_that_had_the_upgrade_and_the_first_that_lacked_it() {
    for (way, expected) in [
        (Way::FrontEnd, "client Apache ✗ NGINX Workhorse Puma"),
        (Way::Unknown, "client ? ✗ NGINX Workhorse Puma"),
        (Way::Nginx, "client ? NGINX ✗ Workhorse Puma"),
        (Way::Puma, "client ? NGINX Workhorse ✗ Puma"),
        (Way::Healthy, "client ? NGINX Workhorse Puma"),
        (Way::NginxOff, "client Apache ✗ Workhorse Puma"),
        (Way::Client, "client Apache ✗ ? Puma"),
    ] {
        for id in ["cable@public", "pings@public", "workflow-socket@public"] {
            let text = picture(&drilled((80, 24), LOOK, way, id));
            // Workhorse connects an agent's socket with the workflow service, once Rails has let it in.
            let is_let_in = id.starts_with("workflow") && !matches!(way, Way::Puma | Way::Client);
            let expected = if is_let_in { expected.replace("Puma", "service") } else { expected.to_owned() };
            assert_eq!(hops(&text), expected, "{way:?} {id}:\n{text}");
        }
    }
}

/// The picture of a check after some of its neighbours settled otherwise.
fn settled_otherwise(id: &str, others: &[(&str, Settled)]) -> String {
    let mut model = finished((80, 24), LOOK, Way::Healthy);
    let number = |model: &Model, id: &str| model.run.steps.iter().position(|s| s.id() == id).expect("a step");
    for (id, how) in others {
        let step = number(&model, id);
        tell(&mut model, vec![Event::Settled { step, how: how.clone(), at: Duration::from_secs(3) }]);
    }
    model.list.selected = Selected::Step(number(&model, id));
    press(&mut model, &[Key::Enter]);
    picture(&model)
}

fn found(code: Code, args: &[(&str, &str)]) -> Settled {
    let args = args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Settled::Findings(vec![Finding { code, args }])
}

#[test]
fn a_warning_that_names_a_hop_is_marked_as_one() {
    let cut =
        found(Code::WebsocketIdleCut, &[("hop", "front end"), ("product", "HAProxy"), ("seconds", "60")]);
    let text = settled_otherwise("pings@public", &[("pings@public", cut)]);
    assert_eq!(hops(&text), "client HAProxy ! NGINX Workhorse Puma", "{text}");
}

#[test]
fn a_long_name_leaves_room_for_the_line() {
    let args = [("hop", "front end"), ("product", "Azure Application Gateway"), ("seconds", "7")];
    let text = settled_otherwise("pings@public", &[("pings@public", found(Code::WebsocketBuffered, &args))]);
    assert_eq!(hops(&text), "client Azure ✗ NGINX Workhorse Puma", "{text}");
    assert!(text.contains("                   Application Ga"), "{text}");
    assert!(text.lines().any(|l| l.contains(" Azure ──") && l.contains("─✗─")), "{text}");
}

#[test]
fn a_door_that_is_not_reached_breaks_the_line_before_it() {
    let gone = found(Code::InstanceUnreachable, &[("layer", "tcp")]);
    let step = story::steps().iter().position(|s| s.check == "reach").expect("a step");
    let blocked = Settled::Blocked { by: step };
    let text =
        settled_otherwise("cable@public", &[("reach@public", gone), ("cable@public", blocked.clone())]);
    assert_eq!(hops(&text), "client ✗ ? NGINX Workhorse Puma", "{text}");
    for (code, expected) in [
        (Code::WorkhorseDown, "client ? NGINX ✗ Workhorse Puma"),
        (Code::RailsDown, "client ? NGINX Workhorse ✗ Puma"),
    ] {
        let down = found(code, &[("door", SOCKET)]);
        let all =
            [("reach@public", down.clone()), ("reach@workhorse", down), ("cable@public", blocked.clone())];
        let text = settled_otherwise("cable@public", &all);
        assert_eq!(hops(&text), expected, "{text}");
    }
}

#[test]
fn a_public_door_that_is_not_seen_from_here_is_left_out_and_something_unknown_stands_there() {
    let why = "the public door is not seen from this node".to_owned();
    let skipped = Settled::Skip { kind: Skip::NotApplicable, why, want: None };
    let text = settled_otherwise("cable@nginx", &[("cable@public", skipped)]);
    assert_eq!(hops(&text), "client ? NGINX Workhorse Puma", "{text}");
    assert!(text.contains("left out        public: the public door is not seen from this node"), "{text}");
}

#[test]
fn each_door_has_its_answer_and_its_address_below_its_hop() {
    let text = picture(&drilled((80, 24), LOOK, Way::Nginx, "cable@nginx"));
    for line in [
        "door            public           nginx            workhorse",
        "answer          ✗ 400            ✗ 400            ✓ 101, 4.0 ms    ✓ welcome",
        "address         203.0.113.20     10.20.0.11       its socket",
        " sent to nginx ",
    ] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
}

#[test]
fn doors_that_this_node_lacks_are_left_out_and_named_with_the_reason() {
    let text = picture(&drilled((120, 40), LOOK, Way::NginxOff, "cable@public"));
    assert!(
        text.contains("left out        nginx: nginx['enable'] = false (/etc/gitlab/gitlab.rb, line 12)"),
        "{text}"
    );
    let text = picture(&drilled((120, 40), LOOK, Way::Client, "cable@public"));
    assert!(text.contains(&format!("left out        nginx, workhorse: {NO_GITLAB}")), "{text}");
}

#[test]
fn control_requests_say_in_words_what_they_were_and_what_follows() {
    let text = picture(&drilled((120, 40), LOOK, Way::FrontEnd, "cable@public"));
    let told = text.lines().skip_while(|l| !l.contains("how we tell it apart")).skip(1);
    let told: Vec<String> =
        told.take(6).map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        told,
        [
            "workhorse, Upgrade left out on purpose 400, in the very same words",
            "public, foreign Origin 400 again: not the Origin",
            "nginx, the same request 101: all behind Apache is well",
            "workhorse, the same request 101: all behind Apache is well",
            "public, by HTTP/2 the server takes no WebSocket over HTTP/2 (RFC 8441)",
            "public, a line that is no HTTP 400, written by Apache/2.4.57 (Debian)",
        ],
        "{text}"
    );
}

#[test]
fn a_handshake_that_is_taken_marks_nothing_and_shows_what_inner_doors_were_told() {
    let text = picture(&drilled((120, 40), LOOK, Way::Healthy, "cable@workhorse"));
    assert!(!text.contains('✗') && !text.contains("how we tell it apart"), "{text}");
    for line in ["X-Forwarded-Proto: https", "HTTP/1.1 101 Switching Protocols", "Connection: upgrade"] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
}

#[test]
fn what_comes_from_outside_stays_in_its_line_and_is_escaped() {
    let mut model = drilled((80, 24), LOOK, Way::FrontEnd, "cable@public");
    let long = format!("evil\u{202e}\x1b[2J{}", "x".repeat(500));
    for probe in &mut model.run.probes {
        for sample in &mut probe.samples {
            if let Outcome::Failed(Failure::WebSocket(WebSocketFailure::Refused(answer))) =
                &mut sample.outcome
            {
                answer.headers = story::headers(&[("server", &long), ("x-request-id", &long)]);
                answer.body.clone_from(&long);
                answer.reason.clone_from(&long);
            }
        }
    }
    for size in [(40, 10), (80, 24), (200, 60)] {
        update(&mut model, Msg::Resize(size.0, size.1));
        let text = picture(&model);
        assert!(!text.contains('\u{202e}') && !text.contains('\x1b'), "{text}");
        assert!(size.1 < 24 || text.contains("Server: evil\\u202e\\x1b[2Jx"), "{text}");
        press(&mut model, &[Key::Esc, Key::Char('d')]);
        let text = picture(&model);
        assert!(!text.contains('\u{202e}') && !text.contains('\x1b'), "{text}");
        press(&mut model, &[Key::Esc, Key::Enter]);
    }
}

#[test]
fn the_evidence_that_is_copied_holds_what_was_sent_and_what_came_uncut() {
    let mut model = drilled((80, 24), LOOK, Way::FrontEnd, "cable@public");
    let cmds = press(&mut model, &[Key::Char('y')]);
    let [Cmd::Copy(text)] = cmds.as_slice() else { panic!("one text is copied: {cmds:?}") };
    for line in [
        "  > Sec-WebSocket-Protocol: actioncable-v1-json\n",
        "  < HTTP/1.1 400 Bad Request (101 due)\n  < Server: Apache/2.4.57 (Debian)\n  < – (missing)\n",
        "  nginx, the same request: 101: all behind Apache is well\n",
    ] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
}

#[test]
fn the_doors_in_are_a_matrix_of_doors_and_questions_with_the_way_in_and_what_is_known_below() {
    for size in SIZES {
        let model = doors_in(size, LOOK, Way::FrontEnd);
        insta::assert_snapshot!(format!("doors_in_{}x{}", size.0, size.1), picture(&model));
    }
    insta::assert_snapshot!("doors_in_ascii_80x24", picture(&doors_in((80, 24), ASCII, Way::FrontEnd)));
    insta::assert_snapshot!("doors_in_client_80x24", picture(&doors_in((80, 24), LOOK, Way::Client)));
}

#[test]
fn a_matrix_of_doors_has_one_mark_and_no_blank_corner_at_any_size() {
    for size in [(40, 10), (41, 11), (60, 15), (79, 16), (80, 24), (100, 30), (160, 50), (200, 60)] {
        let mut model = doors_in(size, LOOK, Way::FrontEnd);
        for key in [Key::Home, Key::Right, Key::Down, Key::Left, Key::End, Key::PageDown, Key::Up] {
            press(&mut model, &[key]);
            let text = picture(&model);
            assert_eq!(text.matches('▌').count(), 1, "{size:?}:\n{text}");
            assert!(text.lines().last().is_some_and(|l| l.contains("Esc back")), "{size:?}:\n{text}");
        }
    }
}

#[test]
fn a_door_says_where_it_stands_how_that_is_known_and_what_it_would_be_told() {
    let mut model = doors_in((120, 40), LOOK, Way::FrontEnd);
    press(&mut model, &[Key::Home, Key::Right, Key::Right, Key::Right]);
    let text = picture(&model);
    for line in [
        "─ public, /-/cable takes the upgrade ─",
        "at        203.0.113.20:443, the address of gitlab.example.com:443",
        "known by  external_url",
        "tls       TLS 1.3, http/1.1; gitlab.example.com by CN=R11, to ",
        "answer    HTTP/1.1 400 Bad Request after 48 ms: \"websocket upgrade required\"",
        "product   Apache 2.4.57, by its Server header",
    ] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
    press(&mut model, &[Key::Down, Key::Down]);
    let text = picture(&model);
    for line in [
        &format!("at        {SOCKET}") as &str,
        "known by  /opt/gitlab/sv/gitlab-workhorse/run",
        "headers   X-Forwarded-For: 127.0.0.1, X-Forwarded-Proto: https, as the hop before would add",
        "answer    101, welcome, ping after 3.0 s",
    ] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
}

#[test]
fn every_wss_address_that_was_tried_is_named_and_that_no_other_is_known() {
    let text = picture(&doors_in((120, 40), LOOK, Way::Client)).replace('\n', " ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = "wss://gitlab.example.com/-/cable, wss://gitlab.example.com/api/v4/ai/duo_workflows/ws. \
                No other wss address of this instance is known.";
    assert!(text.contains(line), "{text}");
}

#[test]
fn keys_on_the_doors_open_run_and_copy_the_selected_cell() {
    let mut model = doors_in((80, 24), LOOK, Way::FrontEnd);
    press(&mut model, &[Key::Home, Key::Down, Key::Right, Key::Right, Key::Right, Key::Enter]);
    assert!(matches!(model.screen(), Screen::Drill(d) if model.run.steps[d.step].id() == "cable@nginx"));
    press(&mut model, &[Key::Esc]);
    let step = model.run.steps.iter().position(|s| s.id() == "cable@nginx").expect("a step");
    let cmds = press(&mut model, &[Key::Char('y')]);
    let [Cmd::Copy(text)] = cmds.as_slice() else { panic!("one text is copied: {cmds:?}") };
    let way = "  way in   client -> Apache [FAIL 400] -> (lost here) NGINX [pass 101, 9.0 ms] -> Workhorse";
    assert!(text.starts_with(&format!("cable at nginx\n{way}")), "{text}");
    assert_eq!(press(&mut model, &[Key::Char('r')]), [Cmd::Run(Rerun::Around(vec![step]))]);
    press(&mut model, &[Key::Esc]);
    assert!(matches!(model.screen(), Screen::Overview));
}

#[test]
fn the_doors_open_at_what_was_looked_at() {
    for (id, door) in [("pings@nginx", "nginx, pings arrive"), ("tls@cloud/rails", "public, /-/cable takes")]
    {
        let mut model = drilled((80, 24), LOOK, Way::FrontEnd, id);
        press(&mut model, &[Key::Char('d')]);
        assert!(picture(&model).contains(&format!("─ {door}")), "{id}: {}", picture(&model));
    }
}

#[test]
fn where_nothing_is_asked_at_an_inner_door_its_cell_is_blank_and_says_so_below() {
    let mut model = doors_in((80, 24), LOOK, Way::Healthy);
    press(&mut model, &[Key::Home, Key::Down, Key::Right]);
    let text = picture(&model);
    assert!(text.contains("nginx, https, h2 ─") && text.contains("not asked ─"), "{text}");
    assert!(text.contains("this is not asked at this door") && !text.contains("open the check"), "{text}");
    assert_eq!(press(&mut model, &[Key::Enter, Key::Char('r')]), []);
}

#[test]
fn without_an_instance_the_doors_say_that_none_is_known() {
    let mut events = story::events(Plot::Healthy);
    if let Some(Event::Planned { about, steps }) = events.first_mut() {
        about.instance = None;
        steps.truncate(2);
    }
    for size in SIZES {
        let mut model = model(size, LOOK);
        tell(&mut model, events[..1].to_vec());
        assert_eq!(
            press(&mut model, &[Key::Char('d'), Key::Down, Key::Enter, Key::Char('y'), Key::Char('r')]),
            []
        );
        let text = picture(&model);
        assert!(text.contains("No instance is known") && text.contains("Esc back"), "{text}");
        press(&mut model, &[Key::Esc]);
        assert!(matches!(model.screen(), Screen::Overview));
    }
}

#[test]
fn a_service_of_which_nothing_is_known_yet_has_no_doors() {
    let mut model = model((80, 24), LOOK);
    press(&mut model, &[Key::Char('d')]);
    assert!(matches!(model.screen(), Screen::Overview), "{}", picture(&model));
}

#[test]
fn the_third_column_draws_the_way_in_from_top_to_bottom() {
    insta::assert_snapshot!("inward_200x60", picture(&finished((200, 60), LOOK, Way::FrontEnd)));
    let healthy = picture(&finished((200, 60), LOOK, Way::Healthy));
    assert!(healthy.contains("Workhorse its socket         101 ✓  4.0 ms   ping 3.0 s"), "{healthy}");
    assert!(!healthy.contains("the upgrade goes in here"), "{healthy}");
}

#[test]
fn a_healthy_list_ends_with_the_way_in() {
    let text = picture(&finished((80, 24), LOOK, Way::Healthy));
    assert!(
        text.contains(" in    client ─── ? ───────────── NGINX ────────── Workhorse ────── Puma\n"),
        "{text}"
    );
    assert!(
        text.contains("✓ https    ✓ 101, 12 ms    ✓ 101, 9.0 ms    ✓ 101, 4.0 ms    ✓ welcome\n"),
        "{text}"
    );
}

#[test]
fn beside_the_group_inbound_the_way_in_stands_in_one_line() {
    let mut model = finished((120, 40), LOOK, Way::Healthy);
    model.list.selected = Selected::Group(Group::Inbound);
    let text = picture(&model);
    assert!(text.contains("│ client ──── ? ──── NGINX ──── Workhorse ──── Puma"), "{text}");
}
