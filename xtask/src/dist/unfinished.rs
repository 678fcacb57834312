//! Files on the way to what they become.

use std::path::{Path, PathBuf};

/// A file that is gone once this is, unless it was renamed.
pub(super) struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    /// Beside the file that it becomes, which is where renaming is one step. Its name
    /// holds the number of the process: another run may be at it at the same time.
    pub(super) fn of(goal: &Path, step: &str) -> Self {
        let process = std::process::id();
        Self {
            path: goal.with_extension(format!("{process}.{step}")),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Most often it is not there; and whoever failed has more to say than this.
        drop(std::fs::remove_file(&self.path));
    }
}

#[cfg(test)]
mod tests {
    use super::Unfinished;

    #[test]
    fn what_is_not_finished_leaves_nothing_behind() {
        let goal = std::env::temp_dir().join("sluice-unfinished.wasm");
        let unfinished = Unfinished::of(&goal, "part");
        let path = unfinished.path().to_owned();
        std::fs::write(&path, b"half").unwrap();
        drop(unfinished);
        assert!(!path.exists());
    }

    #[test]
    fn what_is_renamed_stays() {
        let process = std::process::id();
        let goal = std::env::temp_dir().join(format!("sluice-finished-{process}.wasm"));
        let unfinished = Unfinished::of(&goal, "part");
        std::fs::write(unfinished.path(), b"whole").unwrap();
        std::fs::rename(unfinished.path(), &goal).unwrap();
        drop(unfinished);
        assert_eq!(std::fs::read(&goal).unwrap(), b"whole");
        std::fs::remove_file(&goal).unwrap();
    }
}
