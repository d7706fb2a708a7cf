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
            // `2>&1`, `>&2` and `&>file` redirect; they end no command.
            (None, '&') if word.as_ref().is_some_and(|word| word.ends_with('>')) || chars.peek() == Some(&'>') => {
                word.get_or_insert_default().push('&');
            }
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
        let words: Vec<&str> = words.iter().map(String::as_str).skip_while(|word| is_before_command(word)).collect();
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
            // A signal that stops nothing is sent at once.
            name if QUICK.contains(&name) || SENDERS.contains(&name) => {}
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

/// `exec`, and assignments, which hold for the command behind them.
fn is_before_command(word: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    word == "exec" || word.split_once('=').is_some_and(|(name, _)| is_name(name))
}

/// They send signals.
const SENDERS: [&str; 4] = ["kill", "skill", "killall", "pkill"];

/// Whether the program stops the server, and then whether it lets it finish.
fn stops(program: &str, arguments: &[&str]) -> Option<bool> {
    let has = |word: &str| arguments.contains(&word);
    match program {
        "nginx" | "openresty" if has("quit") => Some(true),
        "nginx" | "openresty" if has("stop") => Some(false),
        "apachectl" | "apache2ctl" | "httpd" if has("graceful-stop") => Some(true),
        name if SENDERS.contains(&name) && !arguments.is_empty() => match signal(arguments) {
            Some("QUIT" | "3") => Some(true),
            None | Some("TERM" | "15" | "INT" | "2" | "KILL" | "9") => Some(false),
            Some(_) => None,
        },
        _ => None,
    }
}

/// Options behind which stands what is no signal: `pkill -u www`.
const OTHER_OPTIONS: [&str; 12] = ["-f", "-x", "-n", "-o", "-u", "-U", "-g", "-P", "-e", "-q", "-v", "-w"];

/// The signal that is asked for, without `SIG`; none is TERM.
fn signal<'a>(arguments: &[&'a str]) -> Option<&'a str> {
    let options = arguments.iter().position(|argument| *argument == "--").map_or(arguments, |end| &arguments[..end]);
    let behind = |index: usize| options.get(index + 1).copied();
    let named = options.iter().enumerate().find_map(|(index, argument)| match *argument {
        "-s" | "--signal" => behind(index),
        "-n" if behind(index).is_some_and(|next| next.parse::<u32>().is_ok()) && options.len() > index + 2 => {
            behind(index)
        }
        option => option.strip_prefix("--signal=").or_else(|| {
            let is_signal = !option.starts_with("--") && !OTHER_OPTIONS.contains(&option);
            option.strip_prefix('-').filter(|_| is_signal)
        }),
    });
    named.map(|name| name.strip_prefix("SIG").unwrap_or(name))
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
    fn a_redirection_was_taken_for_the_end_of_a_command() {
        for script in
            ["exec java -jar a.jar >/dev/null 2>&1", "exec java -jar a.jar >&2", "exec java -jar a.jar &>/log"]
        {
            assert_eq!(simple_commands(script).len(), 1, "{script}");
        }
        assert_eq!(simple_commands("a & b 2>&1 && c").len(), 3);
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
    fn what_stands_behind_an_assignment_is_run() {
        check_sleep(&["sh", "-c", "DELAY=x sleep 15"], 15.0);
        check_sleep(&["sh", "-c", "A=1 B='2 3' exec sleep 5"], 5.0);
        check_sleep(&["sh", "-c", "N=15; sleep 2"], 2.0);
    }

    fn check_stops(command: &[&str], graceful: Option<bool>) {
        let stops = read(command).stops_server.map(|(_, graceful)| graceful);
        assert_eq!(stops, graceful, "{command:?}");
    }

    #[test]
    fn a_signal_that_reports_or_reopens_does_not_stop_the_server() {
        for signal in ["-USR1", "-SIGUSR2", "-HUP", "-0", "-1", "-10"] {
            check_stops(&["kill", signal, "1"], None);
        }
        check_stops(&["kill", "-s", "USR1", "1"], None);
        check_stops(&["pkill", "--signal=HUP", "nginx"], None);
        check_sleep(&["sh", "-c", "kill -USR1 1; sleep 15"], 15.0);
        for command in [["kill", "-TERM", "1"], ["kill", "-2", "1"], ["kill", "-SIGKILL", "1"], ["pkill", "-f", "java"]]
        {
            check_stops(&command, Some(false));
        }
        check_stops(&["kill", "1"], Some(false));
        check_stops(&["kill", "-n", "3", "1"], Some(true));
        check_stops(&["killall", "-s", "SIGQUIT", "nginx"], Some(true));
        check_stops(&["pkill", "-n", "nginx"], Some(false));
    }

    #[test]
    fn what_cannot_be_told_is_unknown() {
        assert_eq!(read(&["/wait-shutdown"]).unknown, ["wait-shutdown"]);
        assert_eq!(read(&["sh", "-c", "while pgrep nginx; do sleep 1; done"]).unknown[0], "while");
        assert_eq!(read(&["sleep", "$DELAY"]).unknown, ["sleep $DELAY"]);
        assert_eq!(read(&["sh", "-c", "rm -f /tmp/ready"]).removes, ["/tmp/ready"]);
    }
}
