//! `INC#<id>` / `SENT#<opening>#<engagement>#<step>#<contact>#<channel>`, and `TOLD#<opening>#<n>#<contact>#<channel>` for
//! what is told beside the escalation: a page is claimed before it is sent. A claim is
//! a lease: claimed and not recorded as sent means send again, since a lost page is worse than a repeated one.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};
use step::{StepError, sdk_error};

use crate::item::{Item, Row, at, key, n, s};
use crate::{Store, keys};

/// How long a claim keeps others from sending.
const LEASE: SignedDuration = SignedDuration::from_secs(20);

/// The idempotency key of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageKey {
    /// The incident, or the digest.
    pub incident_id: String,
    /// Its opening.
    pub opening: u32,
    /// The engagement of this opening.
    pub engagement: u32,
    /// The step of the engagement, from 1; 0 for an announcement.
    pub step: u32,
    /// Who is told.
    pub contact: String,
    /// By which channel.
    pub channel: String,
}

/// What came of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Send it.
    Mine {
        /// Somebody claimed it before, and it is not known whether they sent it.
        repeat: bool,
    },
    /// Somebody else is sending it; after `until`, claim again.
    Held {
        /// End of their lease.
        until: Timestamp,
    },
    /// It is sent.
    Sent,
}

/// A page as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentPage {
    /// Which page.
    pub key: PageKey,
    /// When it was last claimed.
    pub claimed_at: Timestamp,
    /// When the channel accepted it.
    pub sent_at: Option<Timestamp>,
    /// What the channel answered: a message id.
    pub reference: Option<String>,
}

impl PageKey {
    fn sort_key(&self) -> String {
        let Self { opening, engagement, step, contact, channel, .. } = self;
        match step {
            // What is told beside the escalation is no page: announcements, and what `sweep` has to say.
            0 => format!("TOLD#{opening}#{engagement}#{contact}#{channel}"),
            _ => format!("SENT#{opening}#{engagement}#{step}#{contact}#{channel}"),
        }
    }
}

impl Store {
    /// Claims a page for 20 s.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written; the page is then sent all the same, as a possible repeat.
    pub async fn claim_page(&self, page: &PageKey, now: Timestamp) -> Result<Claim, StepError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&keys::of(&page.incident_id), &page.sort_key())))
            .update_expression(
                "SET v = :v, opening = :opening, engagement = :engagement, step = :step, contact = :contact, \
                 channel = :channel, claimed_at = :now, lease_until_ms = :until ADD claims :one",
            )
            .condition_expression(
                "attribute_not_exists(pk) OR (attribute_not_exists(sent_at) AND lease_until_ms < :now_ms)",
            )
            .expression_attribute_values(":v", n(incident::V))
            .expression_attribute_values(":opening", n(page.opening))
            .expression_attribute_values(":engagement", n(page.engagement))
            .expression_attribute_values(":step", n(page.step))
            .expression_attribute_values(":contact", s(&page.contact))
            .expression_attribute_values(":channel", s(&page.channel))
            .expression_attribute_values(":now", at(now))
            .expression_attribute_values(":now_ms", n(ms(now)))
            .expression_attribute_values(":until", n(ms(now + LEASE)))
            .expression_attribute_values(":one", n(1_u64))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::UpdatedNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.send().await {
            Ok(answer) => {
                let claims = Row(&answer.attributes.unwrap_or_default()).number("claims")?;
                Ok(Claim::Mine { repeat: claims > 1 })
            }
            Err(error) => lost_claim(error),
        }
    }

    /// Records that a channel accepted a page, and on the incident the first acceptance, and the first by a channel that
    /// wakes.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written; the page is out, so the caller only logs it.
    pub async fn page_sent(
        &self,
        page: &PageKey,
        now: Timestamp,
        wakes: bool,
        reference: &str,
    ) -> Result<(), StepError> {
        // The incident first: killed in between, the page is sent again, and is not taken for one that never went out.
        let set = if wakes {
            "SET paged_at = if_not_exists(paged_at, :now), paged_engagement = :engagement, \
             woken_at = if_not_exists(woken_at, :now), woken_engagement = :engagement"
        } else {
            "SET paged_at = if_not_exists(paged_at, :now), paged_engagement = :engagement"
        };
        let update = self.update_incident(&page.incident_id).update_expression(set);
        let update = update
            .condition_expression("opening = :opening") // of another one it says nothing
            .expression_attribute_values(":opening", n(page.opening))
            .expression_attribute_values(":now", at(now))
            .expression_attribute_values(":engagement", n(page.engagement));
        crate::transitions::changed(update).await?;
        self.announcement_sent(page, now, reference).await
    }

    /// Records that a channel accepted something that wakes nobody: an announcement.
    ///
    /// # Errors
    /// As [`Store::page_sent`].
    pub async fn announcement_sent(&self, page: &PageKey, now: Timestamp, reference: &str) -> Result<(), StepError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&keys::of(&page.incident_id), &page.sort_key())))
            .update_expression("SET sent_at = :now, #reference = :reference")
            .expression_attribute_names("#reference", "reference")
            .expression_attribute_values(":now", at(now))
            .expression_attribute_values(":reference", s(reference));
        update.send().await.map_err(|e| sdk_error("that a page was sent could not be recorded", e)).map(drop)
    }

    /// Gives a claim back: the channel certainly did not take the page, so the next try sends at once, as the first.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be written; the lease then ends by itself.
    pub async fn release_page(&self, page: &PageKey) -> Result<(), StepError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&keys::of(&page.incident_id), &page.sort_key())))
            .update_expression("SET lease_until_ms = :zero ADD claims :less")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(sent_at)")
            .expression_attribute_values(":zero", n(0_u64))
            .expression_attribute_values(":less", AttributeValue::N("-1".to_owned()));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(e) if matches!(e.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_))) => {
                Ok(())
            }
            Err(e) => Err(sdk_error("the claim of a page could not be given back", e)),
        }
    }

    /// Every page of an incident's escalations, claimed or sent.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where the table cannot be read.
    pub async fn pages(&self, id: &str) -> Result<Vec<SentPage>, StepError> {
        let items = self.all(&keys::incident(id), "SENT#").await?;
        items.iter().map(|item| read(id, Row(item))).collect()
    }
}

fn ms(instant: Timestamp) -> u64 {
    u64::try_from(instant.as_millisecond()).unwrap_or(0)
}

fn lost_claim(error: SdkError<UpdateItemError>) -> Result<Claim, StepError> {
    let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
        return Err(sdk_error("a page could not be claimed", error));
    };
    let empty = Item::new();
    let held = Row(failed.item().unwrap_or(&empty));
    if held.find_instant("sent_at")?.is_some() {
        return Ok(Claim::Sent);
    }
    let until = i64::try_from(held.number("lease_until_ms")?).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    Ok(Claim::Held { until: until.ok_or_else(|| StepError::stuck("the lease of a page is no instant"))? })
}

fn read(id: &str, item: Row<'_>) -> Result<SentPage, StepError> {
    Ok(SentPage {
        key: PageKey {
            incident_id: id.to_owned(),
            opening: item.small("opening")?,
            engagement: item.small("engagement")?,
            step: item.small("step")?,
            contact: item.text("contact")?,
            channel: item.text("channel")?,
        },
        claimed_at: item.instant("claimed_at")?,
        sent_at: item.find_instant("sent_at")?,
        reference: item.find_text("reference"),
    })
}
