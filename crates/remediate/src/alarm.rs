//! The opening alarm, read now and by its ARN: what a signal said is never the ground for a change.

use aws_sdk_cloudwatch::types::{AlarmType, CompositeAlarm, MetricAlarm, StateValue};
use aws_smithy_types::DateTime;
use aws_types::SdkConfig;
use aws_types::region::Region;
use jiff::Timestamp;
use step::{StepError, sdk_error};

use crate::guards::Place;

/// An alarm's ARN, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AlarmArn {
    region: String,
    name: String,
}

/// What an alarm says now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It fires.
    Firing,
    /// It is OK.
    Clear,
    /// It has too few data to say.
    Unknown,
}

/// An alarm as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Alarm {
    /// What it says.
    pub(crate) state: State,
    /// Since when, as far as CloudWatch tells.
    pub(crate) since: Option<Timestamp>,
}

/// The alarm whose ARN a fingerprint is, if it is one in the incident's own account: another account's is out of the
/// role's reach.
pub(crate) fn of(fingerprint: &str, place: &Place) -> Result<AlarmArn, String> {
    let parts: Vec<&str> = fingerprint.splitn(7, ':').collect();
    let ["arn", _, "cloudwatch", region, account, "alarm", name] = parts[..] else {
        return Err(
            "the incident was not opened by a CloudWatch alarm, so nothing says whether it fires now; act by hand"
                .into(),
        );
    };
    if account != place.account {
        return Err(format!("the alarm is in account {account} and the resource in {}; act by hand", place.account));
    }
    Ok(AlarmArn { region: region.to_owned(), name: name.to_owned() })
}

/// Reads the alarm; `None` where it does not exist any more.
///
/// # Errors
/// `Transient` or `Stuck` where it cannot be read.
pub(crate) async fn read(config: &SdkConfig, arn: &AlarmArn) -> Result<Option<Alarm>, StepError> {
    let config = config.to_builder().region(Region::new(arn.region.clone())).build();
    let request = aws_sdk_cloudwatch::Client::new(&config).describe_alarms().alarm_names(&arn.name);
    let request = request.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm);
    let failed = format!("the alarm {} could not be read", arn.name);
    let answer = request.send().await.map_err(|e| sdk_error(failed, e))?;
    let metric = answer.metric_alarms().iter().map(of_metric);
    Ok(metric.chain(answer.composite_alarms().iter().map(of_composite)).next())
}

/// An instant of the SDK; `None` where it is out of every calendar's reach.
pub(crate) fn instant(at: &DateTime) -> Option<Timestamp> {
    Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).ok()?).ok()
}

// An update may bring no more than another reason for the same state: the transition counts, where it is told.

fn of_metric(read: &MetricAlarm) -> Alarm {
    alarm(read.state_value(), read.state_transitioned_timestamp().or(read.state_updated_timestamp()))
}

fn of_composite(read: &CompositeAlarm) -> Alarm {
    alarm(read.state_value(), read.state_transitioned_timestamp().or(read.state_updated_timestamp()))
}

fn alarm(state: Option<&StateValue>, since: Option<&DateTime>) -> Alarm {
    let state = match state {
        Some(StateValue::Alarm) => State::Firing,
        Some(StateValue::Ok) => State::Clear,
        _ => State::Unknown,
    };
    Alarm { state, since: since.and_then(instant) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { partition: "aws".into(), account: "111122223333".into(), region: "eu-west-1".into() }
    }

    #[test]
    fn only_an_alarm_of_the_same_account_is_read() {
        let found = of("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout: errors", &place()).unwrap();
        assert_eq!((found.region.as_str(), found.name.as_str()), ("eu-west-1", "checkout: errors"));
        for (fingerprint, why) in [
            ("arn:aws:cloudwatch:eu-west-1:999988887777:alarm:checkout-errors", "in account 999988887777"),
            ("arn:aws:lambda:eu-west-1:111122223333:function:checkout", "not opened by a CloudWatch alarm"),
            ("acme/aws/111122223333/eu-west-1/checkout", "not opened by a CloudWatch alarm"),
            ("", "not opened by a CloudWatch alarm"),
        ] {
            let no = of(fingerprint, &place()).unwrap_err();
            assert!(no.contains(why), "{fingerprint}: {no}");
        }
    }

    #[test]
    fn a_state_counts_from_its_transition_and_not_from_a_new_reason() {
        let (early, late) = (DateTime::from_secs(1_700_000_000), DateTime::from_secs(1_700_000_600));
        let metric = |transitioned| {
            let read = MetricAlarm::builder().state_value(StateValue::Ok).state_updated_timestamp(late);
            of_metric(&read.set_state_transitioned_timestamp(transitioned).build()).since
        };
        let composite = |transitioned| {
            let read = CompositeAlarm::builder().state_value(StateValue::Ok).state_updated_timestamp(late);
            of_composite(&read.set_state_transitioned_timestamp(transitioned).build()).since
        };
        for (transitioned, expect) in [(Some(early), instant(&early)), (None, instant(&late))] {
            assert_eq!((metric(transitioned), composite(transitioned)), (expect, expect));
        }
    }

    #[test]
    fn a_state_that_is_not_known_is_neither_firing_nor_clear() {
        let since = DateTime::from_secs_and_nanos(1_700_000_000, 5_000_000);
        let read = alarm(Some(&StateValue::Ok), Some(&since));
        assert_eq!(read.since.unwrap().to_string(), "2023-11-14T22:13:20.005Z");
        assert_eq!(read.state, State::Clear);
        assert_eq!(alarm(Some(&StateValue::Alarm), None), Alarm { state: State::Firing, since: None });
        assert_eq!(alarm(Some(&StateValue::InsufficientData), None).state, State::Unknown);
        assert_eq!(alarm(Some(&StateValue::from("NEW_WORD")), None).state, State::Unknown);
        assert_eq!(alarm(None, None).state, State::Unknown);
    }
}
