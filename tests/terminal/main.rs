//! The program in a real terminal, as a person meets it: what is on the screen, what a key does, how it ends.

mod asking;
mod keys;
mod leaving;
mod plain;
mod showing;

#[path = "../support/pty.rs"]
mod pty;
