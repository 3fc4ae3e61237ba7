//! How requests come in at this node: its web server, Workhorse.

use super::gitlab_rb::Settings;
use super::listeners::workhorse;
use super::reading::Reading;
use super::web_server::{Known, web_server};
use crate::subject::address::BaseUrl;
use crate::subject::doors::{WaysIn, WebServer};
use crate::subject::{Install, Node};

/// What the node's files say.
pub(super) fn ways_in(
    reading: &Reading,
    install: Install,
    node: &Node,
    url: Option<&BaseUrl>,
    settings: Option<&Settings>,
) -> WaysIn {
    let web_server = match install {
        Install::Omnibus | Install::Docker => {
            let version = node.gitlab_version.as_deref();
            web_server(reading, &Known { settings, url, roles: &node.roles, version })
        }
        // Theirs is somebody else's, or runs in pods of its own.
        Install::Source | Install::Helm => WebServer::Unknown,
    };
    WaysIn { web_server, workhorse: workhorse(reading, install, settings, &node.roles), ..WaysIn::default() }
}
