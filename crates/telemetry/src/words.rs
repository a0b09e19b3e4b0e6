//! Errors as people read them.

use std::error::Error;

/// An error with its causes, each said once: many errors quote their cause themselves.
pub fn in_words(error: &(dyn Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !words.contains(&said) {
            words.push_str(": ");
            words.push_str(&said);
        }
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug)]
    struct Wrapped(&'static str, io::Error);

    impl std::fmt::Display for Wrapped {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Wrapped {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.1)
        }
    }

    #[test]
    fn in_words_says_each_cause_once() {
        let quoting = Wrapped("a.json: no such file", io::Error::other("no such file"));
        assert_eq!(in_words(&quoting), "a.json: no such file");
        let adding = Wrapped("a.json can't be opened", io::Error::other("no such file"));
        assert_eq!(in_words(&adding), "a.json can't be opened: no such file");
    }
}
