//! Amazon Resource Names: taken apart, built, and kept only where every part of them is sound.

use std::fmt;

/// An ARN in its parts. Region and account may be empty: a bucket has neither, a role no Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arn {
    pub(crate) partition: String,
    pub(crate) service: String,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) resource: String,
}

impl Arn {
    /// `None` unless it is an ARN with every part in its place. Documents write `<account>`, a zone for a Region, or put
    /// the Region where the account belongs: none of these names a resource. Blanks around a part come from printers that
    /// put one behind each colon.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let [prefix, partition, service, region, account, resource] =
            text.splitn(6, ':').map(str::trim).collect::<Vec<_>>().try_into().ok()?;
        if prefix != "arn" || !partition.starts_with("aws") || service.is_empty() {
            return None;
        }
        if !(region.is_empty() || is_region(region)) || !(account.is_empty() || account == "aws" || is_account(account))
        {
            return None;
        }
        let [partition, service, region, account] = [partition, service, region, account].map(str::to_owned);
        is_name(resource).then(|| Arn { partition, service, region, account, resource: resource.to_owned() })
    }

    /// The ARN of a resource of a Region. The partition follows from the Region.
    pub(crate) fn regional(service: &str, region: &str, account: &str, resource: &str) -> Option<Self> {
        if !is_region_code(region) || !is_account(account) || !is_name(resource) {
            return None;
        }
        let [partition, service, region, account, resource] =
            [partition(region), service, region, account, resource].map(str::to_owned);
        Some(Arn { partition, service, region, account, resource })
    }

    /// The same with another resource of the same place.
    pub(crate) fn sibling(&self, resource: impl Into<String>) -> Self {
        Arn { resource: resource.into(), ..self.clone() }
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Arn { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

/// Whether a text can be part of an identity. Hashes join their parts by line feeds, so an identity must not hold any.
pub(crate) fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= 1024 && !text.contains(char::is_control)
}

/// Account ids have 12 digits. Documents and tests shorten and lengthen them, and what they say should still come through;
/// a placeholder should not.
pub(crate) fn is_account(text: &str) -> bool {
    (4..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `eu-west-1`, or `global` for what has no Region.
pub(crate) fn is_region(text: &str) -> bool {
    text == "global" || is_region_code(text)
}

/// `eu-west-1`, not `EU (Ireland)`.
pub(crate) fn is_region_code(region: &str) -> bool {
    region.split('-').count() >= 3
        && region.ends_with(|c: char| c.is_ascii_digit())
        && region.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// The partition that a Region is in.
pub(crate) fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// A page of the console, where we know the domain. `page` begins behind the slash.
pub(crate) fn console(region: &str, page: &str) -> Option<String> {
    let domain = match partition(region) {
        "aws" => "console.aws.amazon.com",
        "aws-cn" => "console.amazonaws.cn",
        _ => "console.amazonaws-us-gov.com",
    };
    is_region_code(region).then(|| format!("https://{region}.{domain}/{page}"))
}

/// A text as a part of an address.
pub(crate) fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_go_there_and_back() {
        for text in [
            "arn:aws:ecs:us-west-2:111122223333:service/default/checkout",
            "arn:aws-cn:rds:cn-north-1:111122223333:db:orders",
            "arn:aws:s3:::reports",
            "arn:aws:iam::111122223333:role/checkout",
            "arn:aws:health:global::event/ABUSE/AWS_ABUSE_DOS_REPORT/1",
            "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a: b",
        ] {
            assert_eq!(Arn::parse(text).unwrap().to_string(), text);
        }
        let spread = Arn::parse("arn:aws:cloudwatch:us-east-1: 111122223333:alarm:main").unwrap();
        assert_eq!(spread.to_string(), "arn:aws:cloudwatch:us-east-1:111122223333:alarm:main");
    }

    #[test]
    fn what_names_no_resource_is_none() {
        for text in [
            "",
            "i-0abc",
            "auto-scaling-group-arn",
            "arn:aws:ec2::us-west-2:snapshot/snap-01234567",
            "arn:aws:ec2:us-east-2a:instance/i-1234567890abcdef0",
            "arn:aws:ec2:us-east-1:<<aws_account_id>>:instance/i-1",
            "arn:aws:acm:region:account:certificate/certificate_ID",
            "arn:{{{partition}}}:events:us-east-1:111122223333:rule/r",
            "arn:aws:s3:::",
            "arn:aws:s3:::a\nb",
        ] {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_partition_follows_from_the_region() {
        let arn = |region| Arn::regional("rds", region, "111122223333", "db:orders").map(|arn| arn.to_string());
        assert_eq!(arn("us-gov-west-1").unwrap(), "arn:aws-us-gov:rds:us-gov-west-1:111122223333:db:orders");
        assert_eq!(arn("eu-west-1").unwrap(), "arn:aws:rds:eu-west-1:111122223333:db:orders");
        assert_eq!(arn("EU (Ireland)"), None);
        assert_eq!(console("eu-west-1", "x").unwrap(), "https://eu-west-1.console.aws.amazon.com/x");
        assert_eq!(console("global", "x"), None);
    }
}
