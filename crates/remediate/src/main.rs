//! Wiring of the function; everything else is in the library.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let env = step::Env::read();
    step::init_tracing(&env);
    let ctx = &remediate::Ctx::new(&env)?;
    // Boxed, since the compiler looks only so deep into futures within futures.
    step::serve(|input| Box::pin(remediate::handle(ctx, input))).await
}
