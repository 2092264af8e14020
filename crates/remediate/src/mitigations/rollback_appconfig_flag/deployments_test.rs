use serde_json::json;

use crate::mitigations::rollback_appconfig_flag::tests::*;
use crate::mitigations::{Mitigation as _, Set};
use crate::testing::{at, replay};

#[tokio::test]
async fn another_profiles_deployments_are_passed_over() {
    let mut others = listed(8, "9", "DEPLOYING", at(0));
    others["ConfigurationProfileId"] = json!("pro0002");
    let (_, config) = replay(&[(200, &page(&[others, listed(7, "2", "COMPLETE", at(0))]))]);
    assert_eq!(target(&config).read().await.unwrap(), prior());

    // Where the list does not say whose a deployment is, the deployment does; equal names mean nothing.
    let unsaid = |number, version| {
        let mut unsaid = listed(number, version, "COMPLETE", at(0));
        unsaid.as_object_mut().unwrap().remove("ConfigurationProfileId");
        unsaid
    };
    let (http, config) = replay(&[
        (200, &page(&[unsaid(8, "9"), unsaid(7, "2")])),
        (200, r#"{"DeploymentNumber":8,"ConfigurationProfileId":"pro0002"}"#),
        (200, r#"{"DeploymentNumber":7,"ConfigurationProfileId":"pro0001"}"#),
    ]);
    assert_eq!(target(&config).read().await.unwrap(), prior());
    assert_eq!(asked(&http), [look(), format!("GET {DEPLOYMENTS}/8"), format!("GET {DEPLOYMENTS}/7")]);
}

#[tokio::test]
async fn pages_are_read_until_they_tell_what_was_before() {
    let first = json!({"Items": [listed(7, "2", "ROLLED_BACK", at(0))], "NextToken": "more"}).to_string();
    let second = json!({"Items": [listed(3, "1", "COMPLETE", at(0))], "NextToken": "and more"}).to_string();
    let (http, config) = replay(&[(200, &first), (200, &second)]);
    assert_eq!(target(&config).read().await.unwrap(), json!({"deployment": 7, "version": "1"}));
    assert_eq!(asked(&http), [look(), format!("GET {DEPLOYMENTS}?max_results=50&next_token=more")]);
}

#[tokio::test]
async fn deployments_that_cannot_be_read_are_named() {
    for (status, body, name) in [
        (404, r#"{"__type":"ResourceNotFoundException","Message":"no environment"}"#, "Stuck"),
        (403, NO_ANSWER, "Stuck"),
        (429, r#"{"__type":"TooManyRequestsException","Message":"slow down"}"#, "Transient"),
        (500, r#"{"__type":"InternalServerException","Message":"oops"}"#, "Transient"),
    ] {
        let (_, config) = replay(&[(status, body)]);
        let error = target(&config).read().await.unwrap_err();
        assert_eq!(error.name(), name, "{body}");
        assert!(error.to_string().contains("the deployments of flags of checkout in prod"), "{error}");
    }
}

#[tokio::test]
async fn a_start_names_the_environments_latest_deployment_whosever_it_is() {
    let mut others = listed(9, "5", "COMPLETE", at(0));
    others["ConfigurationProfileId"] = json!("pro0002");
    let deployments = page(&[others, listed(7, "2", "COMPLETE", at(-999_999))]);
    let (http, config) = replay(&[(200, &deployments), (201, r#"{"DeploymentNumber":10}"#)]);
    assert!(matches!(target(&config).set(&wanted(), &prior()).await.unwrap(), Set::Done(_)));
    assert_eq!(body(&http, 1)["LatestDeploymentNumber"], json!(9));
}
