//! Contracts between files that no compiler checks: `template.yaml`, the state machines, and the crates.
//!
//! Each module has the checks as functions of values, which return what is wrong in sentences; a test that the
//! repository as it is passes, and a test that each check finds what it is for.

#[cfg(test)]
mod cost;
#[cfg(test)]
mod invocations;
#[cfg(test)]
mod machines;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod repository;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod size;
#[cfg(test)]
mod template;
