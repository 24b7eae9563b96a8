//! Process figures.
pub(crate) fn main(_: &[String]) -> anyhow::Result<()> {
    anyhow::bail!("not yet")
}
