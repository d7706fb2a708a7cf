//! Comments that silence a finding: `# rollsim:ignore CODE reason`, in the object it is about, on the lines above it, or below
//! it in the same document. What stands in a string is no comment.

use super::catalogue::by_code;
use super::{Finding, Findings};
use crate::manifests::Objects;
use crate::scenario::Spot;

const MARK: &str = "rollsim:ignore";

/// A comment, taken apart.
#[derive(Debug)]
struct Comment<'a> {
    at: Spot,
    code: &'a str,
    reason: &'a str,
}

/// Marks what is silenced, and adds a finding for each comment that silences nothing since it has no reason.
pub(super) fn mark(objects: &Objects, found: &mut Vec<Finding>) {
    let mut wrong = Findings { objects, found: Vec::new() };
    for (index, text) in objects.texts.iter().enumerate() {
        let layout = Layout::new(objects, index, text.as_str());
        let all = comments(index, text.as_str());
        for comment in all.iter().filter(|comment| !layout.is_string(comment.at)) {
            let Some(extent) = layout.extent(objects, comment.at) else {
                let message = "this comment belongs to no object".to_owned();
                wrong.add("ignore-without-reason", String::new(), comment.at, message, None);
                continue;
            };
            if comment.reason.is_empty() || by_code(comment.code).is_none() {
                let message = complaint(comment);
                wrong.add("ignore-without-reason", String::new(), comment.at, message, None);
                continue;
            }
            let silenced =
                |finding: &&mut Finding| finding.hazard.code == comment.code && is_inside(finding.at, extent);
            found.iter_mut().filter(silenced).for_each(|finding| finding.ignored = Some(comment.reason.to_owned()));
        }
    }
    found.append(&mut wrong.found);
}

fn complaint(comment: &Comment<'_>) -> String {
    match by_code(comment.code) {
        Some(_) => format!("this comment gives no reason for {}", comment.code),
        None => format!("there is no hazard {:?}", comment.code),
    }
}

fn comments(index: usize, text: &str) -> Vec<Comment<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        found.extend(comment(line).map(|(hash, rest)| {
            let (code, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            let at = Spot { text: index, start: start + hash, end: start + line.trim_end().len() };
            Comment { at, code, reason: reason.trim() }
        }));
        start += line.len();
    }
    found
}

/// Where the comment of a line begins, and what follows the mark.
fn comment(line: &str) -> Option<(usize, &str)> {
    let mark = line.find(MARK)?;
    let before = line[..mark].trim_end();
    let hash = before.strip_suffix('#')?;
    let begins = hash.is_empty() || hash.ends_with(char::is_whitespace);
    begins.then(|| (hash.len(), line[mark + MARK.len()..].trim()))
}

/// What stands where in a text, found once: a file may have thousands of comments.
#[derive(Debug)]
struct Layout<'a> {
    text: &'a str,
    /// Strings with a `#`, in order; none lies in another.
    strings: Vec<Spot>,
    /// Where a new document begins.
    separators: Vec<usize>,
}

impl<'a> Layout<'a> {
    fn new(objects: &Objects, index: usize, text: &'a str) -> Layout<'a> {
        let mut strings: Vec<Spot> = objects.strings.iter().filter(|string| string.text == index).copied().collect();
        strings.sort_unstable();
        let newlines = text.match_indices("\n---").map(|(newline, _)| newline + 1);
        Layout { text, strings, separators: newlines.collect() }
    }

    /// Whether the `#` stands in a string, where it begins no comment. Behind the `|` or `>` of a block it does.
    fn is_string(&self, at: Spot) -> bool {
        let behind = self.strings.partition_point(|string| string.start <= at.start);
        let Some(string) = behind.checked_sub(1).map(|last| self.strings[last]) else { return false };
        let is_block = self.text[string.start..].starts_with(['|', '>']);
        let in_block = || self.text[string.start..at.start].contains('\n') && is_in_block(self.text, string, at);
        at.start < string.end && (!is_block || in_block())
    }

    /// Whether a new document begins between these bytes.
    fn separates(&self, from: usize, to: usize) -> bool {
        let next = self.separators.partition_point(|separator| *separator <= from);
        self.separators.get(next).is_some_and(|separator| *separator < to)
    }

    /// The object that a comment belongs to: the one around it, the one that ends on its line, the next one of its document, the
    /// one before it in its document, the next one of all.
    fn extent(&self, objects: &Objects, at: Spot) -> Option<Spot> {
        let same = objects.extents.iter().filter(|extent| extent.text == at.text);
        let ends_here = |extent: &Spot| extent.end <= at.start && !self.text[extent.end..at.start].contains('\n');
        let around =
            same.clone().find(|extent| (extent.start <= at.start && at.start < extent.end) || ends_here(extent));
        let next = same.clone().filter(|extent| extent.start > at.start).min_by_key(|extent| extent.start);
        let before = same.filter(|extent| extent.end <= at.start).max_by_key(|extent| extent.end);
        around
            .or_else(|| next.filter(|next| !self.separates(at.start, next.start)))
            .or_else(|| before.filter(|before| !self.separates(before.end, at.start)))
            .or(next)
            .copied()
    }
}

/// Whether the line is indented as far as the block: a comment may follow a block before the next key.
fn is_in_block(text: &str, block: Spot, at: Spot) -> bool {
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let first = text[block.start..].lines().skip(1).find(|line| !line.trim().is_empty());
    let line = text[..at.start].rfind('\n').map_or(0, |newline| newline + 1);
    first.is_none_or(|first| indent(&text[line..]) >= indent(first))
}

fn is_inside(at: Spot, extent: Spot) -> bool {
    at.text == extent.text && extent.start <= at.start && at.start <= extent.end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_taken_apart() {
        let text = "a: 1\n# rollsim:ignore no-budget one pod is enough\nb: 2   #rollsim:ignore grace-zero\nc: '#x'\n";
        let found = comments(0, text);
        let read: Vec<_> = found.iter().map(|comment| (comment.code, comment.reason)).collect();
        assert_eq!(read, [("no-budget", "one pod is enough"), ("grace-zero", "")]);
        assert_eq!(&text[found[1].at.start..found[1].at.end], "#rollsim:ignore grace-zero");
        assert!(comments(0, "a: x#rollsim:ignore y z\nb: rollsim:ignore y z").is_empty());
    }
}
