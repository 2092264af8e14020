//! Wiring of the function `triage`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let env = step::Env::read();
    step::init_tracing(&env);
    let ctx = &triage::Ctx::new(&env)?;
    step::serve(async |event| triage::handle(ctx, event).await).await
}
