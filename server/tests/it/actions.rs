//! `osa why`, `osa decide` and `osa resubmit`: what stands in the way is reported, and what is offered
//! helps.

mod remedies;
mod slurm;
