//! What the program asks of the instance's API and makes of its answers, against a server made of GitLab's published
//! GraphQL schema and of answers in the shape of its REST documentation, over real connections; and against servers that
//! answer badly.

mod bad;
mod documents;
mod frugal;
mod instance;
mod published;
mod rest;
