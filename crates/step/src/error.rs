//! The error names: an API between handlers and state machines.

use std::fmt;

use anyhow::anyhow;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use lambda_runtime::Diagnostic;

/// How a step failed. The name is what `Retry` and `Catch` of the state machines match; the person gets the outermost
/// sentence, the log the whole chain.
#[derive(Debug)]
pub enum StepError {
    /// The input is bad. Never retried: the same input fails again.
    Rejected(anyhow::Error),
    /// Throttled, timed out, a 5xx, a lost connection. Retried with full jitter.
    Transient(anyhow::Error),
    /// A guard said no. Nothing was changed, and a person is paged.
    Refused(anyhow::Error),
    /// The world is in a state that the code cannot name. A person is paged, and nothing more is touched.
    Stuck(anyhow::Error),
}

impl StepError {
    /// Bad input, in one sentence.
    pub fn rejected(sentence: impl fmt::Display) -> Self {
        Self::Rejected(anyhow!("{sentence}"))
    }

    /// Something that may work again soon, in one sentence.
    pub fn transient(sentence: impl fmt::Display) -> Self {
        Self::Transient(anyhow!("{sentence}"))
    }

    /// A guard's no, in one sentence with the remedy.
    pub fn refused(sentence: impl fmt::Display) -> Self {
        Self::Refused(anyhow!("{sentence}"))
    }

    /// A state that has no name, in one sentence.
    pub fn stuck(sentence: impl fmt::Display) -> Self {
        Self::Stuck(anyhow!("{sentence}"))
    }

    /// The name that state machines match.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rejected(_) => "Rejected",
            Self::Transient(_) => "Transient",
            Self::Refused(_) => "Refused",
            Self::Stuck(_) => "Stuck",
        }
    }

    /// The cause, for the log.
    pub fn cause(&self) -> &anyhow::Error {
        match self {
            Self::Rejected(e) | Self::Transient(e) | Self::Refused(e) | Self::Stuck(e) => e,
        }
    }

    /// The same failure under a sentence that says what was being done.
    #[must_use]
    pub fn context(self, sentence: impl fmt::Display + Send + Sync + 'static) -> Self {
        match self {
            Self::Rejected(e) => Self::Rejected(e.context(sentence)),
            Self::Transient(e) => Self::Transient(e.context(sentence)),
            Self::Refused(e) => Self::Refused(e.context(sentence)),
            Self::Stuck(e) => Self::Stuck(e.context(sentence)),
        }
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cause())
    }
}

impl std::error::Error for StepError {}

impl From<StepError> for Diagnostic {
    fn from(error: StepError) -> Self {
        Self { error_type: error.name().to_owned(), error_message: error.to_string() }
    }
}

/// Service error codes that go away by themselves. `TransactionConflict` is among them: it never means "exists".
const TRANSIENT_CODES: [&str; 16] = [
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// Names the failure of an SDK call: what may pass is `Transient`; an answer that says no (access, validation, a missing
/// table) is `Stuck`, since trying again changes nothing and a person has to look.
pub fn sdk_error<E>(doing: impl fmt::Display + Send + Sync + 'static, error: SdkError<E, HttpResponse>) -> StepError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let transient = match &error {
        SdkError::ServiceError(answer) => {
            answer.raw().status().as_u16() >= 500
                || answer.err().code().is_some_and(|code| TRANSIENT_CODES.contains(&code))
        }
        SdkError::ConstructionFailure(_) => false,
        _ => true,
    };
    let said = error.as_service_error().map(|e| match (e.code(), e.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => "an answer without an error code".to_owned(),
    });
    let chain = match said {
        Some(said) => anyhow::Error::from(error).context(said),
        None => anyhow::Error::from(error),
    };
    let chain = chain.context(doing);
    if transient { StepError::Transient(chain) } else { StepError::Stuck(chain) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_the_outermost_sentence_and_the_log_the_chain() {
        let error = StepError::stuck("socket closed").context("the table could not be read");
        let shown = Diagnostic::from(error);
        assert_eq!(shown.error_type, "Stuck");
        assert_eq!(shown.error_message, "the table could not be read");
        let error = StepError::transient("socket closed").context("the table could not be read");
        assert_eq!(format!("{:#}", error.cause()), "the table could not be read: socket closed");
    }
}
