use super::*;
use crate::testing::replay;

const NAMES: Names<'_> = Names { application: "checkout", environment: "prod", profile: "flags" };
const APPLICATIONS: &str = r#"{"Items":[{"Id":"app0002","Name":"orders"},{"Id":"app0001","Name":"checkout"}]}"#;
const ENVIRONMENTS: &str =
    r#"{"Items":[{"ApplicationId":"app0001","Id":"env0001","Name":"prod","State":"DEPLOYING"}]}"#;
const PROFILES: &str = r#"{"Items":[{"ApplicationId":"app0001","Id":"pro0001","Name":"flags"}]}"#;

fn ids() -> Ids {
    Ids { application: "app0001".into(), environment: "env0001".into(), profile: "pro0001".into() }
}

#[tokio::test]
async fn names_and_ids_both_lead_to_the_ids() {
    for names in [
        NAMES,
        Names { application: "app0001", environment: "env0001", profile: "pro0001" },
        Names { profile: "pro0001", ..NAMES },
    ] {
        let (http, config) = replay(&[(200, APPLICATIONS), (200, ENVIRONMENTS), (200, PROFILES)]);
        assert_eq!(resolve(&Client::new(&config), names).await.unwrap(), ids(), "{names:?}");
        let asked: Vec<_> = http.actual_requests().map(|request| request.uri().to_owned()).collect();
        for (asked, path) in asked.iter().zip([
            "/applications",
            "/applications/app0001/environments",
            "/applications/app0001/configurationprofiles",
        ]) {
            assert!(asked.ends_with(path), "{asked} is not {path}");
        }
    }
}

#[tokio::test]
async fn every_page_is_read() {
    let first = r#"{"Items":[{"Id":"app0002","Name":"orders"}],"NextToken":"more"}"#;
    let (http, config) = replay(&[(200, first), (200, APPLICATIONS), (200, ENVIRONMENTS), (200, PROFILES)]);
    assert_eq!(resolve(&Client::new(&config), NAMES).await.unwrap(), ids());
    let second = http.actual_requests().nth(1).unwrap().uri().to_owned();
    assert!(second.ends_with("/applications?next_token=more"), "{second}");
}

#[tokio::test]
async fn what_is_missing_or_ambiguous_is_refused_by_its_name() {
    let twice = r#"{"Items":[{"Id":"app0001","Name":"checkout"},{"Id":"app0003","Name":"checkout"}]}"#;
    // One's id is the other's name.
    let crossed = r#"{"Items":[{"Id":"flags","Name":"old"},{"Id":"pro0001","Name":"flags"}]}"#;
    let none = r#"{"Items":[]}"#;
    for (answers, why) in [
        (vec![(200, none)], "AppConfig has no application `checkout` here; mend the plan"),
        (vec![(200, twice)], "`checkout` means more than one application (app0001, app0003); name it by its id"),
        (vec![(200, APPLICATIONS), (200, none)], "AppConfig has no environment `prod`"),
        (vec![(200, APPLICATIONS), (200, ENVIRONMENTS), (200, none)], "AppConfig has no configuration profile `flags`"),
        (
            vec![(200, APPLICATIONS), (200, ENVIRONMENTS), (200, crossed)],
            "`flags` means more than one configuration profile (flags, pro0001)",
        ),
    ] {
        let (_, config) = replay(&answers);
        let no = resolve(&Client::new(&config), NAMES).await.unwrap_err();
        assert_eq!(no.name(), "Refused");
        assert!(no.to_string().contains(why), "{no}");
    }
}

#[tokio::test]
async fn what_cannot_be_listed_is_named() {
    let denied = r#"{"__type":"AccessDeniedException","Message":"not authorized"}"#;
    let slow = r#"{"__type":"TooManyRequestsException","Message":"slow down"}"#;
    for (answers, name, what) in [
        (vec![(403, denied)], "Stuck", "the applications of AppConfig"),
        (vec![(429, slow)], "Transient", "the applications of AppConfig"),
        (vec![(200, APPLICATIONS), (500, "{}")], "Transient", "the environments of the application checkout"),
        (vec![(200, APPLICATIONS), (403, denied)], "Stuck", "the environments of the application checkout"),
        (
            vec![(200, APPLICATIONS), (200, ENVIRONMENTS), (403, denied)],
            "Stuck",
            "the configuration profiles of the application checkout",
        ),
    ] {
        let (_, config) = replay(&answers);
        let error = resolve(&Client::new(&config), NAMES).await.unwrap_err();
        assert_eq!(error.name(), name, "{answers:?}");
        assert!(error.to_string().contains(what), "{error}");
    }
}
