//! What people write in `owners.yaml`, field by field.

use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::wire::Word;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnersWire {
    pub(crate) tags: Option<TagNamesWire>,
    #[serde(default)]
    pub(crate) rules: Vec<Spanned<OwnerRuleWire>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TagNamesWire {
    pub(crate) owner: Option<Spanned<Vec<Word>>>,
    pub(crate) service: Option<Spanned<Vec<Word>>>,
    pub(crate) environment: Option<Spanned<Vec<Word>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnerRuleWire {
    pub(crate) arn: Word,
    pub(crate) owner: Word,
    pub(crate) service: Option<Word>,
    pub(crate) environment: Option<Word>,
}
