//! Logs, on standard error: standard output belongs to what a program was asked for.

use serde::{Deserialize, Serialize};
use std::{
    fmt,
    io::{stderr, IsTerminal as _},
    panic::{self, PanicHookInfo},
    str::FromStr,
};
use tracing_subscriber::{
    layer::SubscriberExt as _, util::SubscriberInitExt as _, EnvFilter, Layer as _,
};

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for programs.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("`{text}` is no log format: use text or json")),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// Why logging can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter can't be read.
    #[error("log filter `{filter}` can't be read: {why}; try `info` or `info,assay_miner=debug`")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        why: String,
    },
    /// Something else logs already.
    #[error("logging was set up before")]
    Again,
}

/// Starts logging for the whole process, by `filter` in the syntax of `tracing`'s `EnvFilter`.
pub fn init_logging(format: LogFormat, filter: &str) -> Result<(), LoggingError> {
    let filter = EnvFilter::try_new(filter).map_err(|why| LoggingError::Filter {
        filter: filter.to_owned(),
        why: why.to_string(),
    })?;
    // Colours are for people; a journal or a file would keep them as litter.
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal());
    let layer = match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init()
        .map_err(|_| LoggingError::Again)?;
    if format == LogFormat::Json {
        // Every line is for a program: what is said elsewhere in plain words would be none.
        panic::set_hook(Box::new(log_panic));
    }
    Ok(())
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    tracing::error!(why = %panic, "a thread panicked");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    #[test]
    fn init_logging_names_the_filter_when_it_cannot_be_read() {
        let error = init_logging(LogFormat::Text, "info,assay=loudest").unwrap_err();
        assert!(error.to_string().contains("assay=loudest"), "{error}");
    }

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn log_panic_makes_one_line_of_it() {
        let written = Written::default();
        let log = written.clone();
        let layer = tracing_subscriber::fmt::layer().with_writer(move || log.clone());
        let subscriber = tracing_subscriber::registry().with(layer.json().flatten_event(true));
        let before = panic::take_hook();
        panic::set_hook(Box::new(log_panic));
        let outcome = tracing::subscriber::with_default(subscriber, || {
            panic::catch_unwind(|| panic!("of two\nlines"))
        });
        panic::set_hook(before);
        outcome.unwrap_err();
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("of two\\nlines"), "{text}");
    }
}
