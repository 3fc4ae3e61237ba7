//! Node discovery, on fixture nodes below `tests/nodes` and on trees that tests make: what is read, how what cannot
//! be read is said, and that nothing hostile in a tree stops or slows it.

mod broken;
mod components;
mod facts;
mod installs;
mod logs;
mod ruby;
mod stores;
mod tree;
mod ways_in;
mod web_server;
mod workhorse;
