//! The binary, with a shell script in place of Python.
#![cfg(unix)]

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

const BINARY: &str = env!("CARGO_BIN_EXE_pycandle");

/// Runs `pycandle` where `python3` is this script, once it has answered the search.
fn pycandle(arguments: &[&str], script: Option<&str>) -> io::Result<Output> {
    let folder = tempfile::tempdir()?;
    let python = folder.path().join("python3");
    if let Some(script) = script {
        let version = env!("CARGO_PKG_VERSION");
        let answer = format!("[ \"$1 $2\" = '-I -c' ] && echo 3.12.1 && echo {version} && exit");
        fs::write(&python, format!("#!/bin/sh\n{answer}\n{script}\n"))?;
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755))?;
    }
    Command::new(BINARY)
        .args(arguments)
        .env_clear()
        .env("PATH", folder.path())
        .current_dir(folder.path())
        .output()
}

/// Checks the exit status (or the signal, as a negative number), stdout and stderr.
fn check(output: &Output, status: i32, stdout: &str, stderr: &str) {
    let found = output.status;
    let number = found.code().or(found.signal().map(|signal| -signal));
    assert_eq!(number, Some(status));
    assert_eq!(String::from_utf8_lossy(&output.stdout), stdout);
    assert_eq!(String::from_utf8_lossy(&output.stderr), stderr);
}

#[test]
fn arguments_and_exit_status_are_forwarded() -> io::Result<()> {
    let output = pycandle(
        &["codegen", "--manifest", "a b'\"$x\n.json", "", "--", "-I"],
        Some("printf '<%s>' \"$@\"; echo said >&2; exit 7"),
    )?;
    let stdout = "<-P><-m><pycandle><codegen><--manifest><a b'\"$x\n.json><><--><-I>";
    check(&output, 7, stdout, "said\n");
    Ok(())
}

#[test]
fn a_signal_ends_the_command_itself() -> io::Result<()> {
    let output = pycandle(&["dashboard"], Some("kill -TERM $$"))?;
    check(&output, -15, "", "");
    Ok(())
}

#[test]
fn without_python_the_way_out_is_named() -> io::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let stderr = format!(
        "error: no Python with pycandle was found\n\
         \x20 where: python3 (from PATH): not in PATH\n\
         \x20 where: python (from PATH): not in PATH\n\
         \x20 fix:   `pip install pycandle-rs=={version}` and name that Python in \
         PYCANDLE_PYTHON\n"
    );
    check(&pycandle(&["--help"], None)?, 4, "", &stderr);
    Ok(())
}
