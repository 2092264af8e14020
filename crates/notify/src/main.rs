//! Wiring of the function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let env = step::Env::read();
    step::init_tracing(&env);
    let ctx = &notify::Ctx::new(&env)?;
    // Boxed: the futures of its clients nest too deep for the compiler otherwise.
    step::serve(|input| Box::pin(notify::handle(ctx, input))).await
}
