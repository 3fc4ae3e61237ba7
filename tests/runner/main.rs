//! What Rails is asked, and how: the script run by the real Ruby against stand-ins for GitLab's classes, and the call
//! against stand-ins for `gitlab-rails` that answer, hang, fail or talk too much.
//!
//! What GitLab's own classes do is not tested here.

mod call;
mod facts;
