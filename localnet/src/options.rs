//! What `assay localnet up` can be told.

use std::path::PathBuf;

/// Start authors, validators and miners as processes and show how they fare
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The folder of the task that the network works at
    #[arg(long, value_name = "FOLDER")]
    pub task: PathBuf,
    /// Stop after so many epochs of the subnet; without it, the network runs until Ctrl-C
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: Option<u32>,
    /// Write what came of it to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Where the other programs are; without it, beside this one
    #[arg(long, value_name = "FOLDER")]
    pub programs: Option<PathBuf>,
    /// Keep databases and logs in this folder, which must be empty or new; without it, they are
    /// deleted at the end
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}
