//! What the tests of this crate read: a plan and teams, whose lines they count, and kinds that these name, beside one that
//! takes nothing back.

use crate::kind::{Arguments, ChannelKind, CollectorKind, Field, Kinds, MitigationKind, Wrong, one_line, secret_name};

pub(crate) const PLAN: &str = include_str!("../fixtures/plan.yaml");
pub(crate) const TEAMS: &str = include_str!("../fixtures/teams.yaml");
pub(crate) const OWNERS: &str = include_str!("../fixtures/owners.yaml");

const NAME: Field =
    Field { name: "function", about: "name the function", example: "checkout", required: true, check: any };

pub(crate) const KINDS: Kinds<'static> = Kinds {
    mitigations: &[
        &MitigationKind {
            name: "rollback-lambda-alias",
            about: "Moves an alias back.",
            fields: &[
                NAME,
                Field { name: "alias", about: "name the alias", example: "live", required: true, check: no_number },
            ],
            rolls_back: true,
            takes_away: false,
            does: said,
        },
        &MitigationKind {
            name: "reduce",
            about: "Reduces.",
            fields: &[NAME, Field { name: "to", about: "say how far", example: "0", required: false, check: any }],
            rolls_back: false,
            takes_away: true,
            does: said,
        },
    ],
    channels: &[
        &ChannelKind {
            name: "sns",
            about: "A topic.",
            fields: &[Field { name: "topic", about: "name it", example: "pages", required: true, check: any }],
            wakes: true,
        },
        &ChannelKind {
            name: "slack",
            about: "A chat.",
            fields: &[
                Field { name: "channel", about: "name it", example: "C0", required: true, check: any },
                Field {
                    name: "token",
                    about: "name the secret",
                    example: "tourniquet/slack",
                    required: true,
                    check: token,
                },
            ],
            wakes: false,
        },
    ],
    collectors: &[
        &CollectorKind { name: "alarm", about: "The alarm.", fields: &[] },
        &CollectorKind {
            name: "logs",
            about: "Log groups.",
            fields: &[Field {
                name: "log_groups",
                about: "name log groups",
                example: "[/aws/lambda/checkout]",
                required: false,
                check: log_group,
            }],
        },
    ],
};

fn log_group(text: &str) -> Result<(), Wrong> {
    one_line(text, "log group")
}

fn token(text: &str) -> Result<(), Wrong> {
    secret_name(text, "token", "tourniquet/slack")
}

fn any(_: &str) -> Result<(), Wrong> {
    Ok(())
}

fn no_number(text: &str) -> Result<(), Wrong> {
    match text.parse::<u32>() {
        Ok(_) => Err((format!("`{text}` is no alias"), "write the bare name of the alias".to_owned())),
        Err(_) => Ok(()),
    }
}

fn said(with: &Arguments) -> String {
    format!("do something to {}", with.get("function").map_or("?", String::as_str))
}
