//! `owners.yaml`, field by field, in the words of docs/response-plans.md.

use serde_json::{Value, json};

use super::{Mapping, described, list, name};
use crate::owners::{LONGEST_TAG, MOST_NAMES, MOST_RULES, TAGS};

pub(super) fn owners() -> Value {
    let abouts = [
        "Tags whose value names the team, the one that is asked first in front.",
        "Tags whose value is the service.",
        "Tags whose value is the environment.",
    ];
    let tags = TAGS.iter().zip(abouts).fold(Mapping::default(), |mapping, ((field, default), about)| {
        let mut names = list(json!({"type": ["string", "number"], "pattern": "[^ ]", "maxLength": LONGEST_TAG}));
        (names["maxItems"], names["default"]) = (json!(MOST_NAMES), json!(default));
        mapping.may(field, about, names)
    });
    let mut rules = list(rule());
    rules["maxItems"] = json!(MOST_RULES);
    let whole = Mapping::default().may("tags", "The names of tags, whatever their case.", tags.closed()).may(
        "rules",
        "What is asked where no tag says it: the first that is for a resource wins.",
        rules,
    );
    described("Whose a resource is where no plan names an owner.", whole.closed())
}

fn rule() -> Value {
    let arn = json!({
        "type": "string", "pattern": "^(arn:|[*])", "maxLength": 512,
        "examples": ["arn:aws:rds:*:111122223333:cluster:orders-*"],
    });
    Mapping::default()
        .must("arn", "Which resources: full ARNs, in which `*` stands for any characters, or for none.", arn)
        .must("owner", "Who owns them: a team of teams.yaml.", name())
        .may("service", "The service that they are part of.", name())
        .may("environment", "The environment that they are in.", name())
        .closed()
}

#[cfg(test)]
mod tests {
    use crate::owners::{OwnerRuleWire, OwnersWire, TagNamesWire};
    use crate::schema::owners_schema;
    use crate::schema::tests::{fields, names};

    #[test]
    fn every_field_that_the_reader_takes_is_there_and_no_other() {
        let schema = owners_schema();
        let rule = "/properties/rules/items";
        for (place, fields) in [
            ("", fields::<OwnersWire>()),
            ("/properties/tags", fields::<TagNamesWire>()),
            (rule, fields::<OwnerRuleWire>()),
        ] {
            let mapping = schema.pointer(place).unwrap();
            assert_eq!(names(mapping, "properties"), fields, "at `{place}`");
            assert_eq!(mapping["additionalProperties"], false, "at `{place}`");
        }
        assert_eq!(names(schema.pointer(rule).unwrap(), "required"), ["arn", "owner"]);
    }
}
