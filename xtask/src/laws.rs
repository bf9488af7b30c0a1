//! docs/laws.md.
pub(crate) fn run(_check: bool) -> anyhow::Result<()> {
    Ok(())
}
