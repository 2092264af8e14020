//! The development tool: it builds the functions, runs the local stack, and puts every test through it.
//!
//! `cargo xtask demo | test | up | down | faults | bench | cost | sam-local | tools | build | template`. The modules are a library, so that the
//! demo and the black-box tests drive the stack with the same code. Nothing here is shipped.
//!
//! How the parts stand to each other while a stack runs:
//!
//! ```text
//!  tourniquet, aws, tests ──────────────▶ emulator ──starts──▶ functions (bootstrap)
//!                                            ▲                      │
//!                                            └────── proxy ◀────────┘ AWS_ENDPOINT_URL
//!                                     stack daemon: owns both, ends both
//! ```

pub mod aws;
pub mod bench;
pub mod build;
pub mod cost;
pub mod daemon;
pub mod demo;
pub mod emulator;
pub mod faults;
pub mod http;
pub mod plans;
pub mod proxy;
pub mod sam_local;
pub mod say;
pub mod stack;
pub mod suite;
pub mod template;
pub mod tools;
pub mod workspace;
