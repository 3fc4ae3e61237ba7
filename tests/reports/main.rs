//! Reports by behaviour: what is written, what is hidden, what is read back. Runs are folded from events made
//! by hand; nothing here touches the network.

mod hiding;
mod reading;
mod shape;
mod story;
mod wording;
