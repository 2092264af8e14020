//! Wiring of the function; everything else is in the library.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let env = step::Env::read();
    step::init_tracing(&env);
    let ctx = &capture_evidence::Ctx::new(&env)?;
    step::serve(|input| capture_evidence::handle(ctx, input)).await
}
