//! The customers of all services: what they pay is the proof that a service is alive.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::json;

use super::stage::Stage;

/// How often they pay: several times in a period of the plans.
const EVERY: Duration = Duration::from_secs(2);

/// Customers who pay as often as they are told.
#[derive(Debug, Default)]
pub(super) struct Customers {
    orders: Mutex<BTreeMap<String, u32>>,
}

impl Customers {
    /// So many orders of this service are paid from now on, each time that anybody pays.
    pub(super) fn pay(&self, name: &str, orders: u32) {
        self.lock().insert(name.to_owned(), orders);
    }

    /// Nobody buys there any more.
    pub(super) fn leave(&self, name: &str) {
        self.lock().remove(name);
    }

    /// Pays until told to stop.
    pub(super) fn pay_on(&self, stage: &Stage, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let orders: BTreeMap<_, _> = self.lock().iter().map(|(name, n)| (format!("{name}-orders"), *n)).collect();
            if !orders.is_empty() {
                // A customer who cannot pay once pays the next time.
                let _ = stage.ask("metrics", json!({"namespace": "Faults", "values": orders}));
            }
            thread::sleep(EVERY);
        }
    }

    /// What a panic elsewhere left behind is still whole.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u32>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
