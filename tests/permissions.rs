//! A function is denied what its role does not give. The emulator enforces the roles of the functions, so a small function
//! under the role of a real one tries what that one must not be able to do.

use std::io::{Cursor, Write as _};

use anyhow::{Context as _, Result, anyhow};
use blackbox::{ACCOUNT, REGION, World};
use serde_json::{Value, json};
use zip::{ZipWriter, write::SimpleFileOptions};

/// Makes each call that it is given as `[service, operation, arguments]`, as an assumed role where one is named, and says of
/// each `allowed`, `denied`, or the service's own error, which is an error of one that was allowed to ask.
const PROBE: &str = r#"
import botocore.exceptions
import botocore.session

DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}


def client(service, keys):
    return botocore.session.get_session().create_client(service, region_name="us-east-1", **keys)


def handler(event, context):
    keys = {}
    if event.get("assume"):
        sts = client("sts", {})
        given = sts.assume_role(RoleArn=event["assume"], RoleSessionName="probe")["Credentials"]
        keys = dict(
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )
    said = []
    for service, operation, arguments in event["calls"]:
        try:
            getattr(client(service, keys), operation)(**arguments)
            said.append("allowed")
        except botocore.exceptions.ClientError as error:
            code = error.response["Error"]["Code"]
            # A HEAD has no body, and so no code.
            said.append("denied" if code in DENIED or code == "403" else code)
    return said
"#;

/// The role that only mitigations of the Lambda family have.
fn mitigate_role() -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/tourniquet-mitigate-lambda")
}

#[tokio::test]
async fn notify_is_denied_what_its_role_does_not_give() -> Result<()> {
    let world = World::get()?;
    let (table, bucket) = (world.stack.output("Table")?, world.stack.output("Bucket")?);
    let key = json!({"pk": {"S": "INC#inc-20200101-0123456789"}, "sk": {"S": "META"}});
    let alias = json!({"FunctionName": world.stack.output("TriageFunction")?.trim_end_matches(":live"), "Name": "live", "FunctionVersion": "1"});
    let parent = world.stack.output("IncidentResponse")?;
    let calls = [
        (json!(["dynamodb", "get_item", {"TableName": table, "Key": key}]), "allowed"),
        (json!(["dynamodb", "delete_item", {"TableName": table, "Key": key}]), "denied"),
        (json!(["dynamodb", "delete_table", {"TableName": table}]), "denied"),
        (json!(["dynamodb", "scan", {"TableName": table}]), "denied"),
        (json!(["s3", "get_object", {"Bucket": bucket, "Key": "v1/incidents/x"}]), "denied"),
        (json!(["s3", "list_buckets", {}]), "denied"),
        (json!(["lambda", "update_alias", alias]), "denied"),
        (json!(["stepfunctions", "start_execution", {"stateMachineArn": parent}]), "denied"),
        (json!(["secretsmanager", "get_secret_value", {"SecretId": "tourniquet/slack"}]), "allowed"),
        (json!(["secretsmanager", "get_secret_value", {"SecretId": "somebody/elses"}]), "denied"),
        (json!(["sts", "assume_role", {"RoleArn": mitigate_role(), "RoleSessionName": "probe"}]), "denied"),
    ];
    check(&world, "blackbox-as-notify", &world.role_of("NotifyFunction").await?, None, &calls).await
}

#[tokio::test]
async fn triage_may_start_and_page_and_nothing_else() -> Result<()> {
    let world = World::get()?;
    let table = world.stack.output("Table")?;
    let key = json!({"pk": {"S": "CONTROL#brake"}, "sk": {"S": "META"}});
    let calls = [
        (json!(["dynamodb", "get_item", {"TableName": table, "Key": key}]), "allowed"),
        (json!(["dynamodb", "delete_item", {"TableName": table, "Key": key}]), "denied"),
        (json!(["stepfunctions", "start_execution", {"stateMachineArn": world.stack.output("Mitigate")?}]), "denied"),
        (json!(["secretsmanager", "get_secret_value", {"SecretId": "tourniquet/slack"}]), "denied"),
        (json!(["sts", "assume_role", {"RoleArn": mitigate_role(), "RoleSessionName": "probe"}]), "denied"),
    ];
    check(&world, "blackbox-as-triage", &world.role_of("TriageFunction").await?, None, &calls).await
}

#[tokio::test]
async fn remediate_changes_aliases_only_by_the_assumed_role_and_only_those_named() -> Result<()> {
    let world = World::get()?;
    let role = world.role_of("RemediateFunction").await?;
    // A function that mitigations may touch, and one that they may not; both have an alias.
    for name in ["checkout-blackbox-target", "billing-blackbox-target"] {
        world.probe(name, &role, zipped(PROBE)?).await?;
        world.aws(&["lambda", "publish-version", "--function-name", name]).await?;
        let alias = ["lambda", "create-alias", "--function-name", name, "--name", "live", "--function-version", "1"];
        world.aws(&alias).await?;
    }
    let update = |name: &str| {
        let arn = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}");
        json!(["lambda", "update_alias", {"FunctionName": arn, "Name": "live", "FunctionVersion": "1"}])
    };
    let (ours, others) = (update("checkout-blackbox-target"), update("billing-blackbox-target"));
    let evidence = format!("arn:aws:iam::{ACCOUNT}:role/tourniquet-read-evidence");
    let fallback = world.stack.output("FallbackTopic")?;
    let direct = [
        (json!(["sns", "publish", {"TopicArn": fallback, "Message": "from a probe"}]), "denied"),
        (ours.clone(), "denied"),
        (others.clone(), "denied"),
        (json!(["sts", "assume_role", {"RoleArn": mitigate_role(), "RoleSessionName": "probe"}]), "allowed"),
        (json!(["sts", "assume_role", {"RoleArn": evidence, "RoleSessionName": "probe"}]), "denied"),
    ];
    check(&world, "blackbox-as-remediate", &role, None, &direct).await?;
    let table = json!(["dynamodb", "get_item", {"TableName": world.stack.output("Table")?, "Key": {"pk": {"S": "x"}, "sk": {"S": "x"}}}]);
    let delete = json!(["lambda", "delete_function", {"FunctionName": "checkout-blackbox-target"}]);
    let assumed = [(ours, "allowed"), (others, "denied"), (delete, "denied"), (table, "denied")];
    check(&world, "blackbox-as-remediate", &role, Some(&mitigate_role()), &assumed).await
}

#[tokio::test]
async fn a_role_that_gives_too_much_would_be_seen() -> Result<()> {
    let world = World::get()?;
    // What is denied above is asked of things that are not there, under a role that may do everything.
    let name = format!("blackbox-everything-{}", step::now().as_millisecond());
    let document = |statement: Value| json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let trust = document(
        json!({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}),
    );
    let create = ["iam", "create-role", "--role-name", &name, "--assume-role-policy-document", &trust];
    let role = world.aws(&create).await?["Role"]["Arn"].as_str().context("no role")?.to_owned();
    let everything = document(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    let put = [
        "iam",
        "put-role-policy",
        "--role-name",
        &name,
        "--policy-name",
        "everything",
        "--policy-document",
        &everything,
    ];
    world.aws(&put).await?;
    let calls = [
        (json!(["dynamodb", "delete_table", {"TableName": "there-is-no-such-table"}]), "ResourceNotFoundException"),
        (json!(["s3", "get_object", {"Bucket": "there-is-no-such-bucket", "Key": "x"}]), "NoSuchBucket"),
        (json!(["s3", "list_buckets", {}]), "allowed"),
        (
            json!(["lambda", "update_alias", {"FunctionName": "there-is-none", "Name": "live", "FunctionVersion": "1"}]),
            "ResourceNotFoundException",
        ),
        // Its trust policy names remediate's role alone.
        (json!(["sts", "assume_role", {"RoleArn": mitigate_role(), "RoleSessionName": "probe"}]), "denied"),
    ];
    check(&world, "blackbox-as-everything", &role, None, &calls).await
}

/// Makes the calls under a role and compares what each one got.
async fn check(world: &World, name: &str, role: &str, assume: Option<&str>, calls: &[(Value, &str)]) -> Result<()> {
    world.probe(name, role, zipped(PROBE)?).await?;
    let asked: Vec<&Value> = calls.iter().map(|(call, _)| call).collect();
    let payload = json!({"assume": assume, "calls": asked}).to_string();
    let said = world.invoke_named(name, payload.as_bytes()).await?.map_err(|(e, why)| anyhow!("{name}: {e}: {why}"))?;
    let got: Vec<String> = serde_json::from_value(said).context("the probe said something else")?;
    let line = |(call, word): (&Value, &str)| format!("{} {}: {word}", call[0], call[1]);
    let got: Vec<String> = asked.iter().copied().zip(got.iter().map(String::as_str)).map(line).collect();
    let expected: Vec<String> = asked.iter().copied().zip(calls.iter().map(|(_, word)| *word)).map(line).collect();
    assert_eq!(got, expected, "{name}, {role}");
    Ok(())
}

fn zipped(probe: &str) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("probe.py", options)?;
    zip.write_all(probe.as_bytes())?;
    Ok(zip.finish()?.into_inner())
}
