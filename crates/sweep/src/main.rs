//! Wiring of the function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let env = step::Env::read();
    step::init_tracing(&env);
    let ctx = &sweep::Ctx::new(&env)?;
    step::serve(|input| sweep::handle(ctx, input)).await
}
