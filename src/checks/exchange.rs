//! Group System exchange: Code Suggestions end to end: the gateway's own words to who has no credentials, the instance's
//! token, GitLab's own health check, one real completion where that was allowed.

pub(super) mod completion;
pub(super) mod direct_access;
pub(super) mod gateway;
pub(super) mod gitlab_check;
pub(super) mod headers;
mod refusal;
