//! Which services this instance's Duo uses and where they are: GitLab's own hosts unless the node's environment
//! names others, and how far a failure of each matters.

use super::address::{BaseUrl, Scheme, Target};
use super::facts::Facts;
use super::place::Endpoint;
use std::str::FromStr;

/// Where the services are reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Services {
    /// Licence, activation, sync; `CUSTOMER_PORTAL_URL` names another.
    pub customers: BaseUrl,
    /// The AI gateway that GitLab hosts; `CLOUD_CONNECTOR_BASE_URL` names another.
    pub cloud: BaseUrl,
    /// The workflow service, gRPC.
    pub workflow: BaseUrl,
    /// A self-hosted AI gateway; `None`: none is configured on this node.
    pub gateway: Option<BaseUrl>,
}

impl Default for Services {
    fn default() -> Self {
        let at = |host: &str| BaseUrl {
            scheme: Scheme::Https,
            target: Target::new(host, 443),
            root: String::new(),
        };
        Self {
            customers: at("customers.gitlab.com"),
            cloud: at("cloud.gitlab.com"),
            workflow: at("duo-workflow-svc.runway.gitlab.net"),
            gateway: None,
        }
    }
}

impl Services {
    /// The services as the node's files name them (GitLab's `1_settings.rb`; `AI_GATEWAY_URL` stands for the
    /// setting of the same meaning, which only the instance's API tells).
    pub fn of(facts: &Facts) -> Self {
        let usual = Self::default();
        let workflow = facts.workflow_service.as_ref().and_then(|(at, _)| at.parse().ok());
        // `DUO_AGENT_PLATFORM_SERVICE_SECURE=false`: a service of one's own without TLS.
        let is_plain = facts.variable("DUO_AGENT_PLATFORM_SERVICE_SECURE").is_some_and(|v| v == "false");
        let workflow =
            workflow.map(|at: BaseUrl| if is_plain { BaseUrl { scheme: Scheme::Http, ..at } } else { at });
        Self {
            customers: facts.service("CUSTOMER_PORTAL_URL").unwrap_or(usual.customers),
            cloud: facts.service("CLOUD_CONNECTOR_BASE_URL").unwrap_or(usual.cloud),
            workflow: workflow.unwrap_or(usual.workflow),
            gateway: facts.service("AI_GATEWAY_URL"),
        }
    }

    /// The base URL of an endpoint; `None` for the instance, and for a gateway that is not configured.
    pub fn base(&self, endpoint: Endpoint) -> Option<&BaseUrl> {
        match endpoint {
            Endpoint::Customers => Some(&self.customers),
            Endpoint::Cloud => Some(&self.cloud),
            Endpoint::Workflow => Some(&self.workflow),
            Endpoint::Gateway => self.gateway.as_ref(),
            Endpoint::Instance => None,
        }
    }

    /// Whether an endpoint is GitLab's own host, and not one that somebody put in its place.
    pub fn is_gitlabs(&self, endpoint: Endpoint) -> bool {
        self.base(endpoint).is_some_and(|at| Self::default().base(endpoint) == Some(at))
    }
}

/// Which services an instance needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deployment {
    /// Not known: what fails counts, and the report says what to pass.
    #[default]
    Unknown,
    /// The gateway that GitLab hosts.
    Cloud,
    /// A gateway and models of one's own.
    SelfHosted,
    /// Both.
    Hybrid,
    /// GitLab Dedicated: GitLab runs the node, only the client's side can be seen.
    Dedicated,
}

impl Deployment {
    /// The word of options and reports; `None`: not known.
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Deployment::Unknown => None,
            Deployment::Cloud => Some("cloud"),
            Deployment::SelfHosted => Some("self-hosted"),
            Deployment::Hybrid => Some("hybrid"),
            Deployment::Dedicated => Some("dedicated"),
        }
    }
}

impl FromStr for Deployment {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "auto" => Ok(Deployment::Unknown),
            "cloud" => Ok(Deployment::Cloud),
            "self-hosted" => Ok(Deployment::SelfHosted),
            "hybrid" => Ok(Deployment::Hybrid),
            "dedicated" => Ok(Deployment::Dedicated),
            _ => Err(()),
        }
    }
}

impl Deployment {
    /// What can be found out without asking anybody: by the instance's name, and by a gateway that the node's
    /// environment names. Only the instance's API tells the rest.
    pub fn detected(instance: Option<&BaseUrl>, services: &Services) -> Self {
        let dedicated = |at: &BaseUrl| at.target.host.ends_with(".gitlab-dedicated.com");
        if instance.is_some_and(dedicated) {
            Deployment::Dedicated
        } else if services.gateway.is_some() {
            Deployment::SelfHosted
        } else {
            Deployment::Unknown
        }
    }
}

/// How far a failure on the way to an endpoint matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// It is not used from here at all.
    NotUsed(&'static str),
    /// Duo needs it.
    Needed,
    /// It is used for something beside Duo's own work, or may not be used at all: a failure is a warning.
    Optional(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::environment::Environment;
    use crate::subject::facts::Component;
    use crate::subject::place::Stack;

    fn with(variables: &[(&str, &str)]) -> Services {
        let pairs = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let rails = Component {
            stack: Stack::Rails,
            configured: Some(Environment::of(pairs, "a test")),
            configured_in: String::new(),
            changed: None,
            running: Vec::new(),
        };
        Services::of(&Facts { components: vec![rails], ..Facts::default() })
    }

    #[test]
    fn the_environment_of_rails_names_other_services() {
        let usual = with(&[]);
        assert!(usual.is_gitlabs(Endpoint::Cloud) && !usual.is_gitlabs(Endpoint::Gateway));
        let own = with(&[
            ("CLOUD_CONNECTOR_BASE_URL", "https://mirror.example.com/cloud"),
            ("AI_GATEWAY_URL", "http://ai.example.com:5052"),
        ]);
        assert!(!own.is_gitlabs(Endpoint::Cloud) && own.is_gitlabs(Endpoint::Customers));
        assert_eq!(own.cloud.path("/ai/x"), "/cloud/ai/x");
        assert_eq!(own.gateway.map(|g| g.to_string()).as_deref(), Some("http://ai.example.com:5052"));
    }

    #[test]
    fn a_deployment_is_found_out_by_name_and_by_a_gateway() {
        let at = |url: &str| url.parse::<BaseUrl>().ok();
        let detected = |url, services: &Services| Deployment::detected(at(url).as_ref(), services);
        assert_eq!(detected("https://a.gitlab-dedicated.com", &with(&[])), Deployment::Dedicated);
        assert_eq!(detected("https://git.example.com", &with(&[])), Deployment::Unknown);
        let own = with(&[("AI_GATEWAY_URL", "https://ai.example.com")]);
        assert_eq!(detected("https://git.example.com", &own), Deployment::SelfHosted);
    }
}
