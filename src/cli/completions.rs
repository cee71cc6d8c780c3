//! The command `completions`: what a shell needs to complete the command line, from the table of
//! the options.

use std::ffi::OsString;

use crate::cli::exit::{Exit, Failure};
use crate::cli::options::{Command, CommandOption, HELP, OPTIONS, SHELL};
use crate::cli::shell::Shell;
use crate::cli::terminal::print;

const BINARY: &str = "terraform-provider-proxmox";

const HELP_TEXT: &str = "\
NAME
  terraform-provider-proxmox completions - print the completions for a shell

SYNOPSIS
  terraform-provider-proxmox completions bash|zsh|fish|powershell

EXAMPLES
  bash, in ~/.bashrc:

    source <(terraform-provider-proxmox completions bash)

  zsh, in ~/.zshrc behind `compinit`:

    source <(terraform-provider-proxmox completions zsh)

  fish:

    terraform-provider-proxmox completions fish > ~/.config/fish/completions/terraform-provider-proxmox.fish

  PowerShell, in $PROFILE:

    terraform-provider-proxmox completions powershell | Out-String | Invoke-Expression
";

/// The commands, and what each of them is for.
const COMMANDS: [(&str, &str); 3] = [
    ("check", "Check the connection to Proxmox VE"),
    ("login", "Log in and print a ticket"),
    ("completions", "Print the completions for a shell"),
];

/// Runs the command.
pub fn run(arguments: Vec<OsString>) -> Result<Exit, Failure> {
    let arguments: Vec<_> = arguments.iter().map(|one| one.to_str()).collect();
    let text = match arguments.as_slice() {
        [Some(HELP | "-h")] => HELP_TEXT.to_owned(),
        [Some(name)] => script(Shell::named(name).ok_or_else(unknown_shell)?),
        _ => return Err(unknown_shell()),
    };
    print(&text)?;
    Ok(Exit::Ok)
}

fn unknown_shell() -> Failure {
    let names = Shell::names();
    Failure::configuration(format!("`completions` takes one of these shells: {names}."))
}

fn script(shell: Shell) -> String {
    match shell {
        Shell::Bash => bash(),
        Shell::Zsh => zsh(),
        Shell::Fish => fish(),
        Shell::Powershell => powershell(),
    }
}

fn options(command: Command) -> impl Iterator<Item = &'static CommandOption> {
    let has = move |option: &&CommandOption| option.commands.contains(&command);
    OPTIONS.iter().filter(has)
}

fn names(command: Command) -> String {
    let names: Vec<&str> = options(command).map(|option| option.name).collect();
    names.join(" ")
}

/// The values of an option, if they are known.
fn values(option: &CommandOption) -> Option<String> {
    (option.name == SHELL).then(|| Shell::ALL.map(Shell::name).join(" "))
}

fn takes_file(option: &CommandOption) -> bool {
    option.value == "FILE"
}

/// The help of an option in one line. No help contains a quote or a bracket, which would have to be
/// escaped (`a_help_needs_no_escape`).
fn description(option: &CommandOption) -> String {
    option.help.join(" ")
}

fn bash() -> String {
    let (shells, check, login) = (
        Shell::ALL.map(Shell::name).join(" "),
        names(Command::Check),
        names(Command::Login),
    );
    let commands = COMMANDS.map(|(name, _)| name).join(" ");
    let free = OPTIONS.iter().filter(|option| {
        !option.value.is_empty() && values(option).is_none() && !takes_file(option)
    });
    let free: Vec<&str> = free.map(|option| option.name).collect();
    let free = free.join("|");
    let files = OPTIONS.iter().filter(|option| takes_file(option));
    let files: Vec<&str> = files.map(|option| option.name).collect();
    let files = files.join("|");
    format!(
        r#"_terraform_provider_proxmox() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} words
  COMPREPLY=()
  case $previous in
    {files}) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    {free}) return ;;
  esac
  if [[ $previous == {SHELL} ]]; then
    words="{shells}"
  elif (( COMP_CWORD == 1 )); then
    words="{commands} --debug --version --help"
  else
    case ${{COMP_WORDS[1]}} in
      check) words="{check}" ;;
      login) words="{login}" ;;
      completions) words="{shells}" ;;
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -F _terraform_provider_proxmox {BINARY}
"#
    )
}

fn zsh() -> String {
    let arguments = |command| {
        let lines = options(command).map(|option| {
            let (name, about) = (option.name, description(option).replace(':', r"\:"));
            let value = match (option.value, values(option)) {
                ("", _) => String::new(),
                (value, Some(values)) => format!(":{value}:({values})"),
                (value, None) if takes_file(option) => format!(":{value}:_files"),
                (value, None) => format!(":{}: ", value.replace(['[', ']'], "")),
            };
            format!("      '*{name}[{about}]{value}'")
        });
        lines.collect::<Vec<_>>().join(" \\\n")
    };
    let commands = COMMANDS.map(|(name, about)| format!("'{name}:{about}'"));
    format!(
        r#"_terraform_provider_proxmox() {{
  if (( CURRENT == 2 )); then
    local -a commands=({commands})
    _describe command commands
    return
  fi
  case $words[2] in
    check)
      _arguments '1: :' \
{check} ;;
    login)
      _arguments '1: :' \
{login} ;;
    completions) _values shell {shells} ;;
  esac
}}
compdef _terraform_provider_proxmox {BINARY}
"#,
        commands = commands.join(" "),
        check = arguments(Command::Check),
        login = arguments(Command::Login),
        shells = Shell::ALL.map(Shell::name).join(" "),
    )
}

fn fish() -> String {
    let mut lines = vec![format!("complete -c {BINARY} -f")];
    for (name, about) in COMMANDS {
        lines.push(format!(
            "complete -c {BINARY} -n __fish_use_subcommand -a {name} -d '{about}'"
        ));
    }
    for (command, name) in [(Command::Check, "check"), (Command::Login, "login")] {
        for option in options(command) {
            let value = match (option.value, values(option)) {
                ("", _) => String::new(),
                (_, Some(values)) => format!(" -x -a '{values}'"),
                (_, None) if takes_file(option) => " -r -F".to_owned(),
                (_, None) => " -x".to_owned(),
            };
            lines.push(format!(
                "complete -c {BINARY} -n '__fish_seen_subcommand_from {name}' -l {}{value} -d '{}'",
                option.name.trim_start_matches('-'),
                description(option)
            ));
        }
    }
    let shells = Shell::ALL.map(Shell::name).join(" ");
    lines.push(format!(
        "complete -c {BINARY} -n '__fish_seen_subcommand_from completions' -a '{shells}'"
    ));
    lines.join("\n") + "\n"
}

fn powershell() -> String {
    let list = |text: String| {
        let words: Vec<String> = text.split(' ').map(|word| format!("'{word}'")).collect();
        words.join(", ")
    };
    format!(
        r#"Register-ArgumentCompleter -Native -CommandName {BINARY} -ScriptBlock {{
  param($word, $line, $position)
  $typed = @($line.CommandElements | Select-Object -Skip 1 | ForEach-Object {{ "$_" }})
  $command = if ($typed.Count -gt 1 -or ($typed.Count -eq 1 -and $word -eq '')) {{ $typed[0] }}
  $words = switch ($command) {{
    'check' {{ {check} }}
    'login' {{ {login} }}
    'completions' {{ {shells} }}
    default {{ {commands} }}
  }}
  $words | Where-Object {{ $_ -like "$word*" }} | ForEach-Object {{
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }}
}}
"#,
        check = list(names(Command::Check)),
        login = list(names(Command::Login)),
        shells = list(Shell::ALL.map(Shell::name).join(" ")),
        commands = list(COMMANDS.map(|(name, _)| name).join(" ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_completes_every_option() {
        for shell in Shell::ALL {
            let script = script(shell);
            for option in &OPTIONS {
                let name = match shell {
                    Shell::Fish => option.name.replacen("--", "-l ", 1),
                    _ => option.name.to_owned(),
                };
                assert!(script.contains(&name), "{shell:?}: {name}");
            }
        }
    }

    #[test]
    fn a_help_needs_no_escape() {
        for option in &OPTIONS {
            let about = description(option);
            assert!(!about.contains(['\'', '[', ']', '\\', '$']), "{about}");
        }
    }

    #[test]
    fn what_is_no_shell_is_refused_with_their_names() {
        for arguments in [vec![], vec!["csh"], vec!["bash", "zsh"]] {
            let arguments = arguments.into_iter().map(OsString::from).collect();
            let failure = run(arguments).unwrap_err();
            assert!(failure.text.contains("bash, zsh, fish, powershell"));
        }
    }
}
