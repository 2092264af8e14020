//! Two teams, contacts of two time zones, and one who cannot be woken.

use super::*;

fn ask(service: &str, at: Option<&str>) -> Report {
    let plans = concat!(env!("CARGO_MANIFEST_DIR"), "/src/who/plans").into();
    run(&Who { service: service.to_owned(), at: at.map(|at| at.parse().unwrap()), plans }).unwrap()
}

#[test]
fn each_owner_has_its_steps() {
    let report = ask("checkout", None);
    let expect = "\
checkout is the service of 3 plans:

plan             environment  severity  owner
checkout-errors  prod         SEV2      payments
checkout-nodes   prod         SEV1      platform
checkout-slow    prod         SEV3      payments

payments is told, one after the other until someone acknowledges:

after    contact             woken by  also told by
at once  ada                 sns       slack
5m       bo                  -         slack
15m      the fallback topic

platform is told, one after the other until someone acknowledges:

after    contact             woken by   also told by
at once  platform-on-call    pagerduty  -
15m      the fallback topic
";
    assert_eq!(report.text, expect);
    assert!(!report.wrong);
    let object = &report.objects[0];
    assert_eq!((&object["v"], &object["at"]), (&json!(1), &Value::Null));
    let plan = json!({
        "plan": "checkout-errors", "type": "bad-deployment", "environment": "prod", "severity": "SEV2",
        "engage": "page", "owner": "payments",
    });
    assert_eq!(object["plans"][0], plan);
    let second = json!({
        "contact": "bo", "after": "5m", "at": null, "time_zone": null,
        "channels": [{"kind": "slack", "wakes": false}],
    });
    assert_eq!(object["teams"][0]["steps"][1], second);
    assert_eq!(object["teams"][0]["steps"][2]["after"], "15m");
}

#[test]
fn a_time_is_shown_as_the_contact_reads_it() {
    let report = ask("checkout", Some("2026-11-28T02:58:00Z"));
    for part in [
        "Sat 03:58:00 CET  2026-11-28 02:58:00Z\n",
        "Fri 21:58:00 EST  2026-11-28 02:58:00Z\n",
        "slack         -                 2026-11-28 03:03:00Z\n",
        "There are no on-call schedules yet",
    ] {
        assert!(report.text.contains(part), "{part}:\n{}", report.text);
    }
    assert_eq!(report.objects[0]["teams"][0]["steps"][1]["at"], "2026-11-28T03:03:00Z");
    assert!(report.text.lines().all(|line| line.chars().count() <= 100), "{}", report.text);
}

#[test]
fn a_service_that_no_plan_is_for_is_said() {
    let report = ask("chekout", None);
    assert!(report.wrong && report.text.contains("did you mean `checkout`?"), "{}", report.text);
    assert_eq!(report.objects[0]["nearest"], "checkout");
    let report = ask("billing", None);
    assert!(report.wrong && report.text.contains("there are plans for checkout, search"), "{}", report.text);
    assert_eq!(report.objects[0]["services"], json!(["checkout", "search"]));
}

#[test]
fn rules_and_plans_without_an_owner_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    let plans = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/who/plans");
    std::fs::copy(plans.join("teams.yaml"), dir.path().join("teams.yaml")).unwrap();
    let plan = std::fs::read_to_string(plans.join("search-errors.yaml")).unwrap();
    let open: String =
        plan.lines().filter(|line| !line.starts_with("owner:")).map(|line| format!("{line}\n")).collect();
    write("search-errors.yaml", &open);
    let rule =
        |service: &str| format!("  - {{ arn: \"arn:aws:rds:*:{service}-*\", owner: platform, service: {service} }}\n");
    write("owners.yaml", &format!("rules:\n{}{}", rule("ledger"), rule("search")));
    let ask = |service: &str| run(&Who { service: service.into(), at: None, plans: dir.path().into() }).unwrap();

    let report = ask("ledger");
    let expect = "\
ledger is the service of 1 rule of owners.yaml:

line  environment  owner     resources
2     -            platform  arn:aws:rds:*:ledger-*

platform is told, one after the other until someone acknowledges:
";
    assert!(report.text.starts_with(expect) && !report.wrong, "{}", report.text);
    let object = &report.objects[0];
    let rule = json!({"arn": "arn:aws:rds:*:ledger-*", "line": 2, "environment": null, "owner": "platform"});
    assert_eq!((&object["plans"], &object["rules"]), (&json!([]), &json!([rule])));
    assert_eq!(object["teams"][0]["team"], "platform");

    let report = ask("search");
    for part in
        ["by tag or rule", "Where a plan names no owner, a tag", "search is the service of 1 rule", "platform is told"]
    {
        assert!(report.text.contains(part), "{part}:\n{}", report.text);
    }
    assert_eq!(report.objects[0]["plans"][0]["owner"], Value::Null);
    assert_eq!(ask("billing").objects[0]["services"], json!(["ledger", "search"]));
}
