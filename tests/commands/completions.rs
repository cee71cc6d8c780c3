//! The command `completions`, in a shell.

use crate::shell::Shell;

/// What bash proposes behind these words, of which the last one is being typed.
fn proposed(words: &[&str]) -> Vec<String> {
    let line = format!(
        r#"exec bash -c 'source <("$BINARY" completions bash)
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_terraform_provider_proxmox
printf "%s\n" "${{COMPREPLY[@]}}"' - terraform-provider-proxmox {}"#,
        words
            .iter()
            .map(|word| format!("'{word}'"))
            .collect::<Vec<_>>()
            .join(" ")
    );
    let ended = Shell::new().with("PATH", "/usr/bin:/bin").sh(&line, &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    assert_eq!(proposed(&["c"]), ["check", "completions"]);
    assert_eq!(proposed(&["check", "--api"]), ["--api-token-id"]);
    assert_eq!(proposed(&["login", "--api"]), [""]);
    assert_eq!(proposed(&["login", "--shell", "f"]), ["fish"]);
    assert_eq!(proposed(&["completions", "z"]), ["zsh"]);
    assert_eq!(proposed(&["check", "--endpoint", "--"]), [""]);
    assert_eq!(proposed(&["check", "--ca-certificate", "/bi"]), ["/bin"]);
}

#[test]
fn a_shell_without_completions_is_refused() {
    let ended = Shell::new().run(&["completions", "csh"], &[]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("bash, zsh, fish, powershell"));
    let help = Shell::new().run(&["completions", "--help"], &[]);
    assert!(help.stdout.contains("~/.bashrc"), "{help:?}");
}
