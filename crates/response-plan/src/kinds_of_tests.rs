//! Kinds that the tests of this crate read plans with: what the shipped plans name, and one that takes nothing back.

use crate::kind::{Arguments, Field, Kinds, MitigationKind, Wrong};

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
};

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
