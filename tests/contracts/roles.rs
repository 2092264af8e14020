//! The role of each state machine allows what its tasks need, and nothing else.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::repository::{Machine, found, machines, none, policies, template};

const ARN: &str = "arn:${AWS::Partition}";
const HERE: &str = "${AWS::Region}:${AWS::AccountId}";

/// What Step Functions documents for delivering logs; none of these actions knows resources.
const LOG_DELIVERY: [&str; 8] = [
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
];

type Permissions = BTreeSet<(String, String)>;

/// What the machine's tasks need, and its logging.
fn needed(machine: &Machine) -> Permissions {
    let mut needed: Permissions = machine.tasks().flat_map(|(_, task)| needed_by(machine, task)).collect();
    if !machine.properties["Logging"].is_null() {
        needed.extend(LOG_DELIVERY.map(|action| (action.to_owned(), "*".to_owned())));
    }
    needed
}

fn needed_by(machine: &Machine, task: &Value) -> Vec<(String, String)> {
    let arguments = &task["Arguments"];
    let to = |name: &str| machine.substituted(&arguments[name]).to_owned();
    let table = |item: &Value| format!("{}.Arn", machine.substituted(&item["TableName"]));
    let pair = |action: &str, resource: String| vec![(action.to_owned(), resource)];
    match Machine::integration(task) {
        "lambda:invoke" => pair("lambda:InvokeFunction", to("FunctionName")),
        "sns:publish" => pair("sns:Publish", to("TopicArn")),
        "dynamodb:getItem" => pair("dynamodb:GetItem", table(arguments)),
        "aws-sdk:dynamodb:updateItem.waitForTaskToken" => pair("dynamodb:UpdateItem", table(arguments)),
        "aws-sdk:dynamodb:transactWriteItems" => {
            let items =
                arguments["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object).flatten();
            let action =
                |kind: &str| if kind == "ConditionCheck" { "ConditionCheckItem".into() } else { format!("{kind}Item") };
            items.map(|(kind, item)| (format!("dynamodb:{}", action(kind)), table(item))).collect()
        }
        "states:startExecution" => pair("states:StartExecution", to("StateMachineArn")),
        "states:startExecution.sync:2" => {
            let child = to("StateMachineArn");
            let executions = format!("{ARN}:states:{HERE}:execution:${{{child}.Name}}:*");
            let rule = format!("{ARN}:events:{HERE}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule");
            let mut pairs = pair("states:StartExecution", child);
            for action in ["states:DescribeExecution", "states:StopExecution"] {
                pairs.push((action.to_owned(), executions.clone()));
            }
            for action in ["events:PutTargets", "events:PutRule", "events:DescribeRule"] {
                pairs.push((action.to_owned(), rule.clone()));
            }
            pairs
        }
        other => pair("an integration that this contract does not know", other.to_owned()),
    }
}

fn problems(machine: &Machine) -> Vec<String> {
    let (needed, allowed) = (needed(machine), policies(&machine.properties));
    let missing = needed.difference(&allowed).map(|(action, on)| format!("{}: lacks {action} on {on}", machine.name));
    let idle = allowed.difference(&needed).map(|(action, on)| format!("{}: needs no {action} on {on}", machine.name));
    missing.chain(idle).collect()
}

#[test]
fn roles_equal_task_resources() {
    none(&machines(&template()).iter().flat_map(problems).collect::<Vec<_>>());
}

#[test]
fn each_check_finds_what_it_is_for() {
    let machines = machines(&template());
    let engage = machines.iter().find(|m| m.name == "Engage").unwrap();

    let mut broken = engage.clone();
    broken.properties["Policies"] = json!([]);
    found(&problems(&broken), "Engage: lacks lambda:InvokeFunction on NotifyFunctionAliaslive");

    let mut broken = engage.clone();
    let more = json!({ "Effect": "Allow", "Action": "dynamodb:DeleteItem", "Resource": "Table.Arn" });
    broken.properties["Policies"][0]["Statement"].as_array_mut().unwrap().push(more);
    found(&problems(&broken), "Engage: needs no dynamodb:DeleteItem on Table.Arn");

    let mut broken = engage.clone();
    broken.definition["States"]["ReadIncident"]["Resource"] = json!("arn:aws:states:::sqs:sendMessage");
    found(&problems(&broken), "Engage: lacks an integration that this contract does not know on sqs:sendMessage");
    found(&problems(&broken), "Engage: needs no dynamodb:GetItem");
}
