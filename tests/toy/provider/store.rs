//! The directory in which the notes are.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

/// The notes of one directory. Clones share it.
#[derive(Clone, Default)]
pub struct Store(Arc<Mutex<PathBuf>>);

/// The content of a note's file.
#[derive(Serialize, Deserialize)]
pub struct Content {
    pub text: String,
    pub signed: bool,
}

impl Store {
    pub fn open(&self, directory: PathBuf) {
        *self.0.lock().unwrap() = directory;
    }

    pub fn is_open(&self) -> bool {
        !self.0.lock().unwrap().as_os_str().is_empty()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.lock().unwrap().join(name)
    }

    pub fn read(&self, name: &str) -> Option<Content> {
        let json = fs::read(self.path(name)).ok()?;
        serde_json::from_slice(&json).ok()
    }

    pub fn write(&self, name: &str, text: &str, signed: bool) {
        let text = text.to_owned();
        let json = serde_json::to_vec(&Content { text, signed }).unwrap();
        fs::write(self.path(name), json).unwrap();
    }

    pub fn remove(&self, name: &str) {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("{error}"),
            _ => {}
        }
    }

    /// The names of all notes, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }
}
