//! What a hook's command does, as far as it can be read: how long it sleeps, whether it stops the server itself, which files
//! it removes. Not a shell: conditions and loops are not followed, and said to be unknown.

/// What a command does.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effects {
    /// Seconds of `sleep`, up to the command that stops the server.
    pub sleep_s: f64,
    /// The command runs in a shell.
    pub uses_shell: bool,
    /// The command that stops the server, and whether it lets the server finish.
    pub stops_server: Option<(String, bool)>,
    /// Files that it removes or moves away.
    pub removes: Vec<String>,
    /// Programs whose duration nobody can tell.
    pub unknown: Vec<String>,
    /// The first program that is run.
    pub program: String,
}

const SHELLS: [&str; 5] = ["sh", "bash", "ash", "dash", "busybox"];

/// They end at once.
const QUICK: [&str; 12] =
    ["echo", "true", ":", "date", "touch", "set", "cat", "printf", "export", "chmod", "test", "["];

/// Reads a command as it stands in `exec.command`.
pub fn effects(command: &[String]) -> Effects {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let mut effects =
        Effects { program: words.first().map(|word| base(word)).unwrap_or_default(), ..Effects::default() };
    match shell_script(&words) {
        Some(script) => {
            effects.uses_shell = true;
            simple_commands(script).iter().for_each(|command| effects.run(command));
        }
        None => effects.run(command),
    }
    effects
}

/// The script of `sh -c SCRIPT`.
pub fn shell_script<'a>(words: &[&'a str]) -> Option<&'a str> {
    let first = words.first()?;
    if !SHELLS.contains(&base(first).as_str()) {
        return None;
    }
    let is_command = |word: &&str| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c');
    let flag = words.iter().position(is_command)?;
    words.get(flag + 1).copied()
}

/// The name without its folders.
fn base(word: &str) -> String {
    word.rsplit('/').next().unwrap_or_default().to_owned()
}

/// The simple commands of a script, each as its words; quotes keep words together, comments are left out.
pub fn simple_commands(script: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let mut quote = None;
    let mut chars = script.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().extend(chars.next().filter(|next| *next != '\n')),
            (None, '#') if word.is_none() => while chars.next_if(|next| *next != '\n').is_some() {},
            (None, ';' | '&' | '|' | '\n' | '(' | ')') => {
                words.extend(word.take());
                commands.push(std::mem::take(&mut words));
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    commands.push(words);
    commands.retain(|command| !command.is_empty());
    commands
}

impl Effects {
    fn run(&mut self, words: &[String]) {
        let words: Vec<&str> = words.iter().map(String::as_str).skip_while(|word| *word == "exec").collect();
        let Some((first, arguments)) = words.split_first() else { return };
        let program = base(first);
        if self.stops_server.is_some() {
            return;
        }
        match program.as_str() {
            "sleep" => self.sleep(arguments),
            "rm" | "mv" | "unlink" => self.removes.extend(files(arguments)),
            _ if stops(&program, arguments).is_some() => {
                let graceful = stops(&program, arguments).unwrap_or_default();
                self.stops_server = Some((words.join(" "), graceful));
            }
            name if QUICK.contains(&name) || name.contains('=') => {}
            name => self.unknown.push(name.to_owned()),
        }
    }

    fn sleep(&mut self, arguments: &[&str]) {
        for argument in arguments {
            match seconds(argument) {
                Some(seconds) => self.sleep_s += seconds,
                None => self.unknown.push(format!("sleep {argument}")),
            }
        }
    }
}

fn files(arguments: &[&str]) -> Vec<String> {
    arguments.iter().filter(|argument| !argument.starts_with('-')).map(|argument| (*argument).to_owned()).collect()
}

/// `10`, `0.5`, `10s`, `2m`.
fn seconds(argument: &str) -> Option<f64> {
    let (number, factor) = match argument.strip_suffix(['s', 'm', 'h']) {
        Some(number) if argument.ends_with('m') => (number, 60.0),
        Some(number) if argument.ends_with('h') => (number, 3_600.0),
        Some(number) => (number, 1.0),
        None => (argument, 1.0),
    };
    let is_number = number.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    number.parse::<f64>().ok().filter(|value| is_number && value.is_finite()).map(|value| value * factor)
}

/// Whether the program stops the server, and then whether it lets it finish.
fn stops(program: &str, arguments: &[&str]) -> Option<bool> {
    let has = |word: &str| arguments.contains(&word);
    match program {
        "nginx" | "openresty" if has("quit") => Some(true),
        "nginx" | "openresty" if has("stop") => Some(false),
        "apachectl" | "apache2ctl" | "httpd" if has("graceful-stop") => Some(true),
        "kill" if has("1") => Some(has("-QUIT") || has("-3") || has("-SIGQUIT") || has("QUIT") || has("SIGQUIT")),
        "killall" | "pkill" => Some(has("-QUIT") || has("-3") || has("-SIGQUIT")),
        "kill" | "skill" if !arguments.is_empty() => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(command: &[&str]) -> Effects {
        effects(&command.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    fn check_sleep(command: &[&str], seconds: f64) {
        let effects = read(command);
        assert!((effects.sleep_s - seconds).abs() < 1e-9 && effects.unknown.is_empty(), "{command:?}: {effects:?}");
    }

    #[test]
    fn sleeps_are_added_up() {
        check_sleep(&["sleep", "10"], 10.0);
        check_sleep(&["/bin/sleep", "1m"], 60.0);
        check_sleep(&["/bin/sh", "-c", "sleep 5"], 5.0);
        check_sleep(&["bash", "-ec", "echo bye; sleep 0.5 && sleep 1s"], 1.5);
        check_sleep(&["sh", "-c", "# wait\nsleep '3'"], 3.0);
        check_sleep(&["/bin/sh", "-c", "rm /usr/share/nginx/html/healthy.html && sleep 10"], 10.0);
    }

    #[test]
    fn what_stops_the_server_ends_the_hook() {
        let effects = read(&["sh", "-c", "sleep 5; /usr/sbin/nginx -s quit; sleep 60"]);
        assert!((effects.sleep_s - 5.0).abs() < 1e-9);
        assert_eq!(effects.stops_server, Some(("/usr/sbin/nginx -s quit".to_owned(), true)));
        assert_eq!(read(&["kill", "-TERM", "1"]).stops_server, Some(("kill -TERM 1".to_owned(), false)));
        assert_eq!(read(&["kill", "-s", "QUIT", "1"]).stops_server.map(|(_, graceful)| graceful), Some(true));
    }

    #[test]
    fn what_cannot_be_told_is_unknown() {
        assert_eq!(read(&["/wait-shutdown"]).unknown, ["wait-shutdown"]);
        assert_eq!(read(&["sh", "-c", "while pgrep nginx; do sleep 1; done"]).unknown[0], "while");
        assert_eq!(read(&["sleep", "$DELAY"]).unknown, ["sleep $DELAY"]);
        assert_eq!(read(&["sh", "-c", "rm -f /tmp/ready"]).removes, ["/tmp/ready"]);
    }
}
