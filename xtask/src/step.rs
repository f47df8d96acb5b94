//! One step of a command: a child process with a progress line, its log, and one line when it fails.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const HEARTBEAT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(50);
const SHOWN_LINES: usize = 20;

/// Runs `command` quietly. `label` says what it does, `fix` what the reader does when it fails.
/// Its output goes to `.pycandle/last-step.log`; the end of it is shown on failure.
pub fn quiet(root: &Path, label: &str, mut command: Command, fix: &str) -> Result<()> {
    let folder = root.join(".pycandle");
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let log = folder.join("last-step.log");
    let output =
        File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
    command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);

    let start = Instant::now();
    eprintln!("{label} ...");
    let mut child = command
        .spawn()
        .with_context(|| not_started(label, &command, fix))?;
    let mut next = HEARTBEAT;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() >= next {
            eprintln!("{label} ... {:.0} s so far", start.elapsed().as_secs_f64());
            next += HEARTBEAT;
        }
        thread::sleep(POLL);
    };
    if !status.success() {
        let text = fs::read(&log).unwrap_or_default();
        eprint!("{}", last_lines(&String::from_utf8_lossy(&text)));
        bail!("{label} failed ({status}); {fix}");
    }
    eprintln!("{label}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Runs `command` with its output shown as it comes.
pub fn shown(label: &str, mut command: Command, fix: &str) -> Result<()> {
    let start = Instant::now();
    eprintln!("{label} ...");
    let status = command
        .status()
        .with_context(|| not_started(label, &command, fix))?;
    if !status.success() {
        bail!("{label} failed ({status}); {fix}");
    }
    eprintln!("{label}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

fn not_started(label: &str, command: &Command, fix: &str) -> String {
    let program = command.get_program().to_string_lossy();
    format!("{label} failed: `{program}` did not start; {fix}")
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(SHOWN_LINES);
    lines[from..]
        .iter()
        .map(|line| format!("  {line}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_the_end_of_the_output() {
        let text: String = (0..30).map(|line| format!("{line}\n")).collect();

        let shown = last_lines(&text);

        assert_eq!(shown.lines().count(), SHOWN_LINES);
        assert_eq!(shown.lines().last(), Some("  29"));
    }
}
