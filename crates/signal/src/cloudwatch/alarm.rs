//! Which alarm it is.

use crate::arn::{console, is_region_code, partition, percent_encoded};

/// An alarm's ARN in its parts.
#[derive(Debug, PartialEq)]
pub(super) struct Alarm {
    pub(super) partition: String,
    pub(super) region: String,
    pub(super) account: String,
    pub(super) name: String,
}

impl Alarm {
    /// `None` unless it is an alarm's ARN with every part. Blanks around a part come from printers that put one behind
    /// each colon.
    pub(super) fn parse(arn: &str) -> Option<Self> {
        let [prefix, partition, service, region, account, kind, name] =
            arn.splitn(7, ':').map(str::trim).collect::<Vec<_>>().try_into().ok()?;
        if [prefix, service, kind] != ["arn", "cloudwatch", "alarm"] {
            return None;
        }
        Self::checked(partition, region, account, name)
    }

    /// The ARN that follows from the parts, for a door that gives no ARN. A Region's display name does not do.
    pub(super) fn of(account: &str, region: &str, name: &str) -> Option<Self> {
        is_region_code(region).then(|| Self::checked(partition(region), region, account, name))?
    }

    /// Hashes join their parts by line feeds, so an identity must not hold any.
    fn checked(partition: &str, region: &str, account: &str, name: &str) -> Option<Self> {
        let parts = [partition, region, account, name];
        if parts.iter().any(|part| part.is_empty() || part.len() > 1024 || part.contains(char::is_control)) {
            return None;
        }
        let [partition, region, account, name] = parts.map(str::to_owned);
        Some(Alarm { partition, region, account, name })
    }

    pub(super) fn arn(&self) -> String {
        format!("arn:{}:cloudwatch:{}:{}:alarm:{}", self.partition, self.region, self.account, self.name)
    }

    /// Its page in the console.
    pub(super) fn link(&self) -> Option<String> {
        // A partition of its own that we have no domain for, or one that belies its Region.
        if partition(&self.region) != self.partition {
            return None;
        }
        let (region, name) = (&self.region, percent_encoded(&self.name));
        console(region, &format!("cloudwatch/home?region={region}#alarmsV2:alarm/{name}"))
    }
}
