//! A captured file of any size in constant memory: at most one part and what came last is held.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use evidence_bundle::Hashing;
use step::StepError;

use crate::bucket::{Bucket, NOTHING_THERE, Stored, Taken, already, checksum, failed};

/// The size of every part but the last.
pub(crate) const PART: usize = 8 * 1024 * 1024;

/// A file that is being written. What fits one part is one `PutObject`; anything larger is uploaded part by part, and a
/// failure gives the parts up.
#[derive(Debug)]
pub(crate) struct Upload<'a> {
    bucket: &'a Bucket,
    key: String,
    taken: Taken,
    held: Vec<u8>,
    hashing: Hashing,
    multipart: Option<Multipart>,
}

#[derive(Debug)]
struct Multipart {
    id: String,
    parts: Vec<CompletedPart>,
}

impl Bucket {
    /// Begins a file; nothing is asked of the network yet.
    pub(crate) fn upload(&self, key: String, taken: Taken) -> Upload<'_> {
        Upload { bucket: self, key, taken, held: Vec::new(), hashing: Hashing::new(), multipart: None }
    }
}

impl Upload<'_> {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where a part cannot be written. The upload is given up; do not go on with it.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), StepError> {
        self.hashing.update(bytes);
        self.held.extend_from_slice(bytes);
        while self.held.len() > PART {
            let rest = self.held.split_off(PART);
            let part = std::mem::replace(&mut self.held, rest);
            if let Err(error) = self.part(part).await {
                self.give_up().await;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Ends the file; where its key is there, describes what is there.
    ///
    /// # Errors
    /// `Transient` or `Stuck` where it cannot be written or read. The upload is given up.
    pub(crate) async fn finish(mut self) -> Result<Stored, StepError> {
        let last = std::mem::take(&mut self.held);
        if self.multipart.is_none() {
            return self.bucket.put(&self.key, last, self.taken).await;
        }
        let done = self.complete(last).await;
        self.give_up().await;
        done
    }

    async fn complete(&mut self, last: Vec<u8>) -> Result<Stored, StepError> {
        self.part(last).await?;
        let (sha256, bytes) = self.hashing.clone().finish();
        let Multipart { id, parts } = self.begun().await?;
        let (id, parts) = (id.clone(), std::mem::take(parts));
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let Bucket { client, name } = self.bucket;
        let complete = client.complete_multipart_upload().bucket(name).key(&self.key).upload_id(id);
        match complete.if_none_match(NOTHING_THERE).multipart_upload(parts).send().await {
            Ok(done) => {
                self.multipart = None;
                Ok(Stored { version_id: done.version_id, bytes, sha256, taken: self.taken, differs: false })
            }
            Err(e) if already(&e) || completed_before(&e) => self.bucket.there(&self.key, &sha256, self.taken).await,
            Err(e) => Err(failed(&self.key, e)),
        }
    }

    async fn part(&mut self, content: Vec<u8>) -> Result<(), StepError> {
        let (bucket, key) = (self.bucket, self.key.clone());
        let Multipart { id, parts } = self.begun().await?;
        // S3 takes 10,000 parts, far more than the cap of a file.
        let number = i32::try_from(parts.len() + 1).unwrap_or(i32::MAX);
        let sha256 = checksum(&content);
        let upload = bucket.client.upload_part().bucket(&bucket.name).key(&key).upload_id(id.as_str());
        let upload = upload.part_number(number).checksum_sha256(&sha256).body(ByteStream::from(content));
        let done = upload.send().await.map_err(|e| failed(&key, e))?;
        let part = CompletedPart::builder().part_number(number).set_e_tag(done.e_tag).checksum_sha256(sha256);
        parts.push(part.build());
        Ok(())
    }

    async fn begun(&mut self) -> Result<&mut Multipart, StepError> {
        let multipart = match self.multipart.take() {
            Some(multipart) => multipart,
            None => self.begin().await?,
        };
        Ok(self.multipart.insert(multipart))
    }

    async fn begin(&self) -> Result<Multipart, StepError> {
        let Bucket { client, name } = self.bucket;
        let mut create = client.create_multipart_upload().bucket(name).key(&self.key);
        for (name, value) in self.taken.metadata() {
            create = create.metadata(name, value);
        }
        let begun = create.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await;
        let id = begun.map_err(|e| failed(&self.key, e))?.upload_id;
        let id = id.ok_or_else(|| StepError::stuck(format!("S3 gave no upload id for {}", self.key)))?;
        Ok(Multipart { id, parts: Vec::new() })
    }

    /// Frees the parts of what was not completed. What stays behind all the same is the bucket's lifecycle rule to remove.
    async fn give_up(&mut self) {
        let Some(Multipart { id, .. }) = self.multipart.take() else { return };
        let Bucket { client, name } = self.bucket;
        let aborted = client.abort_multipart_upload().bucket(name).key(&self.key).upload_id(id).send().await;
        if let Err(error) = aborted {
            let error = failed(&self.key, error);
            tracing::warn!(chain = format!("{:#}", error.cause()), "the parts of an upload were not given up");
        }
    }
}

/// Completing is repeated when its answer is lost, and then the upload is not there any more: the object tells.
fn completed_before(error: &SdkError<CompleteMultipartUploadError, HttpResponse>) -> bool {
    error.as_service_error().is_some_and(|e| e.code() == Some("NoSuchUpload"))
}
