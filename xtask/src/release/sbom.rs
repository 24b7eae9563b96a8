//! placeholder
use anyhow::Result;
pub(super) fn write(_: &super::Release) -> Result<()> {
    Ok(())
}
