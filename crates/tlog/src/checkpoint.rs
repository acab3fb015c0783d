//! Checkpoints: what a log says of its tree, as [tlog-checkpoint](https://c2sp.org/tlog-checkpoint), section "Note text",
//! writes it.

use std::fmt;

use crate::encoding;
use crate::note::{self, Note};
use crate::{Hash, SignerKey};

/// A log's origin, size and root, which it signs as the text of a [`Note`].
///
/// ```
/// use lgsp_tlog::{Checkpoint, leaf_hash};
///
/// let checkpoint = Checkpoint::new("example.com/log", 1, leaf_hash(b"leaf"))?;
/// assert_eq!(checkpoint.text(), "example.com/log\n1\nDSfif3gnzNdFGZ6Os6avNo4QZK9Crp+DdA6YEh4rwCU=\n");
/// assert_eq!(Checkpoint::parse(&checkpoint.text()), Ok(checkpoint));
/// # Ok::<(), lgsp_tlog::checkpoint::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

/// Why a text is no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There are not three lines, or the last one does not end.
    #[error("a checkpoint has at least three lines, each with its end")]
    Lines,
    /// An origin names a log.
    #[error("a checkpoint's origin is a line that is not empty and has no control characters")]
    Origin,
    /// The size is not written as it must be.
    #[error("a checkpoint's size is a decimal number below 2^64 without leading zeroes")]
    Size,
    /// The root is not written as it must be.
    #[error("a checkpoint's root is the base64 of 32 bytes")]
    Root,
    /// An extension would end the text, or be none.
    #[error("a checkpoint's extension is a line that is not empty and has no control characters")]
    Extension,
}

impl Checkpoint {
    /// The checkpoint of a tree. The origin should be a URL without its scheme.
    ///
    /// # Errors
    /// The origin is empty or has control characters.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, Error> {
        check_line(origin, Error::Origin)?;
        Ok(Self { origin: origin.to_owned(), size, root, extensions: Vec::new() })
    }

    /// The same checkpoint with lines of the log's own, which the specification advises against: nobody can check them.
    ///
    /// # Errors
    /// One of them is empty or has control characters.
    pub fn with_extensions(self, extensions: Vec<String>) -> Result<Self, Error> {
        extensions.iter().try_for_each(|line| check_line(line, Error::Extension))?;
        Ok(Self { extensions, ..self })
    }

    /// Which log it is of.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// The lines after the third one.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// The text that is signed: lines that all have their end.
    pub fn text(&self) -> String {
        let Self { origin, size, root, extensions } = self;
        let mut text = format!("{origin}\n{size}\n{root}\n");
        for line in extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Reads a [text](Self::text).
    ///
    /// # Errors
    /// It is anything else; also if it could be written otherwise.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut lines = text.strip_suffix('\n').ok_or(Error::Lines)?.split('\n');
        let mut line = || lines.next().ok_or(Error::Lines);
        let (origin, size, root) = (line()?, line()?, line()?);
        let size = encoding::decimal(size).ok_or(Error::Size)?;
        let root = root.parse().map_err(|_| Error::Root)?;
        Self::new(origin, size, root)?.with_extensions(lines.map(str::to_owned).collect())
    }

    /// Signs the text with the keys of the log: one, or both while one takes the other's place. A log must never sign
    /// what does not go on everything that it has signed before; the caller sees to that.
    ///
    /// # Errors
    /// There is no key, or one is a witness's.
    pub fn sign(&self, keys: &[&SignerKey]) -> Result<Note, note::Error> {
        Note::sign(&self.text(), keys)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

fn check_line(line: &str, error: Error) -> Result<(), Error> {
    let is_one = !line.is_empty() && !line.contains(note::is_control);
    if is_one { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    const EXAMPLE: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    #[test]
    fn the_specifications_example_is_read_and_written() {
        let checkpoint = Checkpoint::parse(EXAMPLE).expect("the example");
        assert_eq!(checkpoint.origin(), "example.com/behind-the-sofa");
        assert_eq!(checkpoint.size(), 20_852_163);
        assert_eq!(checkpoint.text(), EXAMPLE);

        let extended = format!("{EXAMPLE}one\ntwo\n");
        let checkpoint = Checkpoint::parse(&extended).expect("with extensions");
        assert_eq!(checkpoint.extensions(), ["one", "two"]);
        assert_eq!(checkpoint.text(), extended);
    }

    #[test]
    fn a_text_that_is_written_otherwise_is_refused() {
        let (size, root) = ("20852163", "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=");
        let cases = [
            ("", Error::Lines),
            ("\n", Error::Lines),
            ("a\n1\n", Error::Lines),
            (EXAMPLE.trim_end(), Error::Lines),
            (&format!("\n{size}\n{root}\n"), Error::Origin),
            (&format!("a\tb\n{size}\n{root}\n"), Error::Origin),
            (&format!("a\r\n{size}\n{root}\n"), Error::Origin),
            (&format!("a\n0{size}\n{root}\n"), Error::Size),
            (&format!("a\n+{size}\n{root}\n"), Error::Size),
            (&format!("a\n-1\n{root}\n"), Error::Size),
            (&format!("a\n\n{root}\n"), Error::Size),
            (&format!("a\n18446744073709551616\n{root}\n"), Error::Size),
            (&format!("a\n{size}\n{}\n", &root[..43]), Error::Root),
            (&format!("a\n{size}\n{root} \n"), Error::Root),
            (&format!("a\n{size}\nAAAA\n"), Error::Root),
            (&format!("{EXAMPLE}\n"), Error::Extension),
            (&format!("{EXAMPLE}one\n\ntwo\n"), Error::Extension),
        ];
        for (text, error) in cases {
            assert_eq!(Checkpoint::parse(text), Err(error), "{text:?}");
        }
    }
}
