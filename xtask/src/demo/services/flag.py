"""A `checkout` service that reads its feature flags from AppConfig with every order. Version 2 of the flags is bad."""

import json
import sys

import shop
from shop import lambda_, say

HANDLER = '''
import json

import boto3

appconfig = boto3.client("appconfigdata")
token, flags = None, {}

def read_flags():
    """The flags as they are now; AppConfig answers with nothing where they are as they were."""
    global token, flags
    if token is None:
        names = {"ApplicationIdentifier": "NAME", "EnvironmentIdentifier": "prod", "ConfigurationProfileIdentifier": "flags"}
        token = appconfig.start_configuration_session(**names)["InitialConfigurationToken"]
    used, token = token, None  # A token is good for one call, also where that fails.
    answer = appconfig.get_latest_configuration(ConfigurationToken=used)
    token = answer["NextPollConfigurationToken"]
    flags = json.loads(answer["Configuration"].read() or "null") or flags
    return flags

def handler(event, context):
    express = read_flags()["express"]["enabled"]
    # What is behind the flag needs a wallet, which the shops in the field do not send yet.
    paid = not express or "wallet" in event
    print(json.dumps({"order": event["order"], "express": express, "paid": paid}))
    return {"paid": paid}
'''

# The one flag in each profile: off in version 1, on in version 2.
PROFILES = {"flags": "express", "banners": "sale"}

name, errors_metric, orders_metric, topic, pause = sys.argv[1:6]
appconfig = shop.client("appconfig")
made, profiles = {}, {}


def deploy(_):
    """The flags at version 1, the function that reads them, and the alarm on the errors of flagged orders."""
    made["ApplicationId"] = appconfig.create_application(Name=name)["Id"]
    made["EnvironmentId"] = appconfig.create_environment(ApplicationId=made["ApplicationId"], Name="prod")["Id"]
    strategy = {"DeploymentDurationInMinutes": 0, "GrowthFactor": 100, "FinalBakeTimeInMinutes": 0, "ReplicateTo": "NONE"}
    made["DeploymentStrategyId"] = appconfig.create_deployment_strategy(Name=f"{name}-at-once", **strategy)["Id"]
    reads = ("appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration")
    shop.function(name, HANDLER.replace("NAME", name), *reads, Timeout=30)
    shop.alarm(f"{name}-flag-errors", errors_metric, topic)
    also("flags")


def also(profile):
    """A profile at version 1."""
    of = {"ApplicationId": made["ApplicationId"], "Name": profile, "LocationUri": "hosted", "Type": "AWS.AppConfig.FeatureFlags"}
    profiles[profile] = appconfig.create_configuration_profile(**of)["Id"]
    say("deployed", **change(profile, on=False))


def release(profile):
    """Version 2 of a profile, all at once."""
    say("released", **change(profile or "flags", on=True))


def change(profile, on):
    """One more version of a profile, deployed."""
    flag = PROFILES[profile]
    content = {"version": "1", "flags": {flag: {"name": flag}}, "values": {flag: {"enabled": on}}}
    of = {"ApplicationId": made["ApplicationId"], "ConfigurationProfileId": profiles[profile]}
    version = appconfig.create_hosted_configuration_version(
        Content=json.dumps(content).encode(), ContentType="application/json", **of
    )["VersionNumber"]
    appconfig.start_deployment(ConfigurationVersion=str(version), ConfigurationProfileId=profiles[profile], **made)
    return {"resource": arn(profile), "version": str(version)}


def arn(profile):
    """What is deployed to an environment, as the ledger of changes names it."""
    ids = f"application/{made['ApplicationId']}/environment/{made['EnvironmentId']}/configuration/{profiles[profile]}"
    account = shop.client("sts").get_caller_identity()["Account"]
    return f"arn:aws:appconfig:{appconfig.meta.region_name}:{account}:{ids}"


def served(profile):
    """What AppConfig serves of a profile at this moment, to whoever asks for it anew."""
    data = shop.client("appconfigdata")
    names = {"EnvironmentIdentifier": "prod", "ConfigurationProfileIdentifier": profile}
    token = data.start_configuration_session(ApplicationIdentifier=name, **names)["InitialConfigurationToken"]
    content = json.loads(data.get_latest_configuration(ConfigurationToken=token)["Configuration"].read())
    say("flag", on=content[PROFILES[profile]]["enabled"])


def order(number):
    """One customer: True where the order was paid."""
    answer = lambda_.invoke(FunctionName=name, Payload=json.dumps({"order": number}))
    return json.loads(answer["Payload"].read()).get("paid", False)


shop.serve(
    {"deploy": deploy, "also": also, "release": release, "flag": served},
    shop.Customers(order, errors_metric, orders_metric, float(pause)),
)
