//! What our own mitigations cause: it belongs to the incident that they were made for, and opens none.

use signal::{Kind, Signal};

use crate::identity::is_incident_id;

/// The roles that only mitigations assume are named so, each for its family: see `template.yaml`.
const ROLE: &str = "tourniquet-mitigate-";

/// Whether a signal is of the kind that a mitigation causes. What says that something is still wrong is none of these,
/// whoever touches the thing: a page too many is better than one too few.
pub fn may_be_ours(signal: &Signal) -> bool {
    matches!(signal.kind, Kind::Change | Kind::Deployment)
}

/// The incident on whose behalf a call was made that CloudTrail tells of: a mitigation's session is named for it.
///
/// Who may assume the role may name the session, so it is as trustworthy as the role's trust policy.
pub fn on_behalf_of(signal: &Signal) -> Option<&str> {
    let arn = signal.event.pointer("/detail/userIdentity/arn")?.as_str()?;
    let mut parts = arn.split(':').nth(5)?.split('/');
    let (kind, role, session) = (parts.next()?, parts.next()?, parts.next()?);
    let ours = kind == "assumed-role" && role.starts_with(ROLE) && parts.next().is_none();
    Some(session).filter(|session| ours && is_incident_id(session))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(arn: &str) -> Signal {
        let event = json!({
            "version": "0", "id": "i", "source": "aws.lambda", "detail-type": "AWS API Call via CloudTrail",
            "account": "111122223333", "region": "eu-west-1", "time": "2026-11-23T10:00:00Z", "resources": [],
            "detail": {"eventName": "UpdateAlias20150331", "eventSource": "lambda.amazonaws.com",
                       "eventTime": "2026-11-23T10:00:00Z", "userIdentity": {"arn": arn}},
        });
        let origin = signal::Origin { own_account: None, hubs: &[] };
        signal::read_value(&event, &origin).remove(0).unwrap()
    }

    #[test]
    fn a_session_of_ours_is_named_for_its_incident() {
        let id = "inc-20261123-0123456789";
        let role = "arn:aws:sts::111122223333:assumed-role/tourniquet-mitigate-lambda";
        for (arn, expect) in [
            (format!("{role}/{id}"), Some(id)),
            (format!("arn:aws-cn:sts::1:assumed-role/tourniquet-mitigate-appconfig/{id}"), Some(id)),
            (format!("{role}/ana"), None),
            (format!("{role}/{id}/more"), None),
            (role.to_owned(), None),
            (format!("arn:aws:sts::111122223333:assumed-role/deploy/{id}"), None),
            (format!("arn:aws:iam::111122223333:user/tourniquet-mitigate-lambda/{id}"), None),
            (String::new(), None),
        ] {
            let signal = call(&arn);
            assert_eq!(on_behalf_of(&signal), expect, "{arn}");
            assert!(may_be_ours(&signal));
        }
    }
}
