//! `sync`, `access-data`, `access-token`: what was fetched from the portal, and how old it is.

use super::{HOUR, length, now, pass_until, shown};
use crate::check::{Check, Group, Seen, Verdict, Want};
use crate::checks::api::{self, Doc, Why};
use crate::checks::knowledge;
use crate::checks::serves;
use crate::finding::Code;
use crate::gitlab::facts::{Access, Kind, Token};
use crate::subject::Subject;
use crate::subject::place::Place;
use crate::subject::services::Deployment;

/// The seat link is sent every day.
pub(in crate::checks) static SYNC: Check = Check {
    id: "sync",
    title: "seat link is sent daily",
    group: Group::Synchronization,
    about: "The daily exchange with the customers portal, the seat link. Its hour is drawn anew at each start of Sidekiq, \
            so that 47 h between two may be normal.",
    codes: &[Code::SyncLate, Code::SeatLinkStale],
    needs: &[],
    serves: serves::nothing,
    places: |_| vec![Place::Instance],
    ask: |subject, _, seen| {
        api::ask(subject, seen, &[Doc::License, Doc::Graphql, Doc::Settings, Doc::OwnCheck])
    },
    judge: |subject, _, seen| sync(subject, seen),
};

/// The access data is fresh.
pub(in crate::checks) static ACCESS_DATA: Check = Check {
    id: "access-data",
    title: "access data is fresh",
    group: Group::Synchronization,
    about: "By the access data GitLab knows what it may use of GitLab's services. An hourly job looks after it; from 72 h \
            on GitLab itself calls it stale.",
    codes: &[Code::SyncNever, Code::SyncStale],
    needs: &[],
    serves: serves::nothing,
    places: |_| vec![Place::Instance],
    ask: |subject, _, seen| api::ask(subject, seen, &[Doc::OwnCheck]),
    judge: |subject, _, seen| access_data(subject, seen),
};

/// The access token is valid.
pub(in crate::checks) static ACCESS_TOKEN: Check = Check {
    id: "access-token",
    title: "access token is valid",
    group: Group::Synchronization,
    about: "The token that the instance shows to GitLab's services: it is there, can be read with this node's secrets, is \
            not over, and was issued to this instance. The token itself is never read.",
    codes: &[
        Code::AccessTokenMissing,
        Code::AccessTokenUndecryptable,
        Code::AccessTokenInvalid,
        Code::AccessTokenExpired,
        Code::InstanceMismatch,
    ],
    needs: &[],
    serves: serves::everything,
    places: |_| vec![Place::Instance],
    ask: |subject, _, seen| api::ask(subject, seen, &[Doc::OwnCheck]),
    judge: |subject, _, seen| access_token(subject, seen),
};

/// GitLab's own limit for access data (`STALE_PERIOD`).
const STALE: i64 = 72 * HOUR;

/// From here on the seat link is late: 47 h may be normal (`field-notes` 23).
const LATE: i64 = 50 * HOUR;

/// Why nothing is fetched here: with an offline licence and a gateway of one's own the instance signs its own tokens.
fn not_fetched(subject: &Subject, seen: Seen) -> Option<Verdict> {
    let kind = knowledge::license(subject, seen).ok().and_then(|(license, _)| license?.kind);
    match kind {
        Some(Kind::Offline) => {
            Some(Verdict::NotApplicable("an offline licence fetches nothing from the portal".to_owned()))
        }
        Some(Kind::Legacy) => {
            Some(Verdict::NotApplicable("a licence of the old kind does not synchronise".to_owned()))
        }
        Some(Kind::Online) | None => None,
    }
}

fn sync(subject: &Subject, seen: Seen) -> Verdict {
    let (license, source) = match knowledge::license(subject, seen) {
        Ok((Some(license), source)) => (license, source),
        Ok((None, _)) => return Verdict::NotApplicable("there is no licence to synchronise".to_owned()),
        Err(why) => return why.verdict(),
    };
    if let Some(verdict) = not_fetched(subject, seen) {
        return verdict;
    }
    let Some(last) = license.last_sync else {
        return match knowledge::access(subject, seen) {
            Ok((access, _)) if access.updated.is_some() => {
                Verdict::pass("No seat link was sent yet; the access data was fetched.")
            }
            Ok(_) | Err(_) => {
                Verdict::NotAsked("the instance does not say when it last synchronised".to_owned())
            }
        };
    };
    let age = now(subject) - last;
    let (ago, at) = (length(age.max(0)), shown(last));
    let args = [("ago", ago.as_str()), ("at", at.as_str())];
    let is_fresh = |access: &Access| age_of(access, now(subject)).is_some_and(|age| age <= STALE);
    let data_is_fresh = knowledge::access(subject, seen).is_ok_and(|(access, _)| is_fresh(&access));
    match age {
        age if age > STALE && data_is_fresh => Verdict::found(Code::SeatLinkStale, &args),
        age if age > LATE => Verdict::found(Code::SyncLate, &args),
        _ => Verdict::pass_with(format!("Last synchronised {ago} ago, says {}.", source.as_str()), ago),
    }
}

fn age_of(access: &Access, now: i64) -> Option<i64> {
    access.updated.map(|at| now - at)
}

fn access_data(subject: &Subject, seen: Seen) -> Verdict {
    if let Some(verdict) = not_fetched(subject, seen) {
        return verdict;
    }
    let (access, source) = match knowledge::access(subject, seen) {
        Ok(known) => known,
        Err(why) => return otherwise(subject, why),
    };
    if access.present == Some(false) {
        return Verdict::found(Code::SyncNever, &[("by", source.as_str())]);
    }
    match (age_of(&access, now(subject)), access.updated) {
        (Some(age), Some(at)) if age > STALE || access.stale == Some(true) => {
            Verdict::found(Code::SyncStale, &[("ago", &length(age)), ("at", &shown(at))])
        }
        (Some(age), Some(_)) => {
            let ago = length(age.max(0));
            Verdict::pass_with(format!("Fetched {ago} ago, says {}.", source.as_str()), ago)
        }
        _ if access.stale == Some(true) => {
            Verdict::found(Code::SyncStale, &[("ago", "more than 72 h"), ("at", "")])
        }
        _ if access.stale == Some(false) => {
            Verdict::pass("GitLab's own health check calls it fresh: less than 72 h old.")
        }
        _ => Verdict::Unknown("the instance does not say how old its access data is".to_owned()),
    }
}

/// Why it is not known: only GitLab's own check and Rails tell.
fn otherwise(subject: &Subject, why: Why) -> Verdict {
    match (why, subject.deployment) {
        (Why::Unanswered(_), Deployment::SelfHosted) => Verdict::NotApplicable(
            "with a gateway of one's own GitLab's check does not look at it".to_owned(),
        ),
        (Why::NoToken, _) => {
            Verdict::wants(Want::TokenOrRunner, "needs an administrator's token, or --rails-runner")
        }
        (why, _) => why.verdict(),
    }
}

fn access_token(subject: &Subject, seen: Seen) -> Verdict {
    if let Some(verdict) = not_fetched(subject, seen) {
        return verdict;
    }
    let (token, source) = match knowledge::token(subject, seen) {
        Ok(known) => known,
        Err(why) => return otherwise(subject, why),
    };
    judge_token(&token, now(subject), source.as_str())
}

fn judge_token(token: &Token, now: i64, by: &str) -> Verdict {
    if token.present == Some(false) {
        return Verdict::found(Code::AccessTokenMissing, &[("by", by)]);
    }
    if token.decryptable == Some(false) {
        return Verdict::found(Code::AccessTokenUndecryptable, &[("words", "OpenSSL::Cipher::CipherError")]);
    }
    if token.decodes == Some(false) {
        return Verdict::found(Code::AccessTokenInvalid, &[("words", "Invalid access credentials")]);
    }
    match token.expires {
        Some(at) if at <= now => {
            return Verdict::found(
                Code::AccessTokenExpired,
                &[("ended", &shown(at)), ("ago", &length(now - at))],
            );
        }
        None if token.expired == Some(true) => {
            return Verdict::found(Code::AccessTokenExpired, &[("ended", "an unknown time"), ("ago", "")]);
        }
        Some(_) | None => {}
    }
    if token.is_ours == Some(false) {
        let words = "the token was issued to another instance id than this instance has";
        return Verdict::found(Code::InstanceMismatch, &[("words", words)]);
    }
    match token.expires {
        Some(at) => {
            let words =
                format!("Valid until {}, says {by}; it is renewed when two days are left.", shown(at));
            pass_until(words, format!("{} left", length(at - now)), at)
        }
        None if token.present == Some(true) => Verdict::pass(format!("Valid, says {by}.")),
        None => Verdict::Unknown("the instance does not say whether it has a token".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Finding;

    const NOW: i64 = 1_795_000_000;

    fn code(token: &Token) -> Option<Code> {
        match judge_token(token, NOW, "Rails") {
            Verdict::Findings(found) => found.first().map(|f: &Finding| f.code),
            Verdict::Pass(_)
            | Verdict::NotApplicable(_)
            | Verdict::NotAsked(_)
            | Verdict::Wants(..)
            | Verdict::Unknown(_) => None,
        }
    }

    #[test]
    fn a_token_is_judged_by_the_first_thing_that_is_wrong_with_it() {
        let good = Token {
            present: Some(true),
            decryptable: Some(true),
            decodes: Some(true),
            expires: Some(NOW + 48 * HOUR),
            expired: None,
            is_ours: Some(true),
        };
        let rows = [
            (good.clone(), None),
            (Token { present: Some(false), ..Token::default() }, Some(Code::AccessTokenMissing)),
            (Token { decryptable: Some(false), ..good.clone() }, Some(Code::AccessTokenUndecryptable)),
            (Token { decodes: Some(false), ..good.clone() }, Some(Code::AccessTokenInvalid)),
            (Token { expires: Some(NOW - 1), ..good.clone() }, Some(Code::AccessTokenExpired)),
            (Token { expires: None, expired: Some(true), ..good.clone() }, Some(Code::AccessTokenExpired)),
            (Token { is_ours: Some(false), ..good.clone() }, Some(Code::InstanceMismatch)),
            (Token { is_ours: None, ..good }, None),
        ];
        for (token, wanted) in rows {
            assert_eq!(code(&token), wanted, "{token:?}");
        }
        assert!(matches!(judge_token(&Token::default(), NOW, "Rails"), Verdict::Unknown(_)));
    }
}
