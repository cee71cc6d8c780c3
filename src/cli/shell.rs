//! The shells that evaluate what `login` prints, and that complete the command line.

/// A shell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shell {
    /// bash, and any other POSIX shell.
    #[default]
    Bash,
    /// zsh, which is a POSIX shell with completions of its own.
    Zsh,
    /// fish.
    Fish,
    /// PowerShell on any system.
    Powershell,
}

impl Shell {
    /// All shells.
    pub const ALL: [Self; 4] = [Self::Bash, Self::Zsh, Self::Fish, Self::Powershell];

    /// The shell with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shell| shell.name() == name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
        }
    }

    /// The names of all shells, for a message.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// A line that sets an environment variable. An empty variable counts as not set, and in
    /// PowerShell it is removed.
    pub fn assignment(self, name: &str, value: &str) -> String {
        match self {
            Self::Bash | Self::Zsh => format!("export {name}={}\n", quoted(value)),
            Self::Fish => format!("set -gx {name} {}\n", quoted(value)),
            Self::Powershell => format!("$env:{name} = {}\n", quoted_for_powershell(value)),
        }
    }

    /// A line that fails, for a shell that evaluates the output of a failed command: the exit
    /// status of the command is lost there.
    pub const fn failure(self) -> &'static str {
        match self {
            Self::Bash | Self::Zsh | Self::Fish => "false\n",
            Self::Powershell => "throw 'The login failed.'\n",
        }
    }
}

/// The text in single quotes. In them, a POSIX shell interprets only the quote itself, and fish
/// also the backslash. Both stand outside of them.
fn quoted(text: &str) -> String {
    let outside = |c: char| match c {
        '\'' | '\\' => format!("'\\{c}'"),
        c => c.to_string(),
    };
    format!("'{}'", text.chars().map(outside).collect::<String>())
}

/// The text in single quotes, each of them doubled inside. PowerShell also takes the typographic
/// ones for quotes.
fn quoted_for_powershell(text: &str) -> String {
    let doubled = |c: char| match c {
        '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}' => format!("{c}{c}"),
        c => c.to_string(),
    };
    format!("'{}'", text.chars().map(doubled).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        assert_eq!(
            quoted("PVE:o'hara@pve:6B::a/b=="),
            "'PVE:o'\\''hara@pve:6B::a/b=='"
        );
        assert_eq!(quoted(r"ad\jo"), r"'ad'\\'jo'");
        let line = Shell::Powershell.assignment("A", "o'hara\u{2019}$(x)\\");
        assert_eq!(line, "$env:A = 'o''hara\u{2019}\u{2019}$(x)\\'\n");
        assert_eq!(Shell::Fish.assignment("A", "b"), "set -gx A 'b'\n");
    }

    #[test]
    fn each_shell_is_found_by_its_name() {
        for shell in Shell::ALL {
            assert_eq!(Shell::named(shell.name()), Some(shell));
        }
        assert_eq!(Shell::named("csh"), None);
    }
}
