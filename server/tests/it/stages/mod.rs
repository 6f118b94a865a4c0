//! The stages of a sequence through the real commands, on a tree of its own, with the stand-ins.

mod calibration;
mod interrupted;
mod site;
mod subrun;
mod traces;
