//! What signals mean to this process.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal as Interrupt, Signal as Terminate, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC as Interrupt, CtrlClose as Terminate, ctrl_c, ctrl_close};

/// What Ctrl-C does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OnInterrupt {
    /// Nothing: the terminal tells the whole group of processes, and Terraform, which is in it
    /// too, says what is to happen to its plugins.
    Ignore,
    /// The same as a request of the system to end.
    End,
}

/// The signals that this process answers itself. From here on none of them kills it.
pub(super) struct Signals {
    interrupt: Interrupt,
    terminate: Terminate,
}

impl Signals {
    /// Takes the signals over. Needs a runtime.
    pub fn take_over() -> io::Result<Self> {
        #[cfg(unix)]
        let (interrupt, terminate) = (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        );
        #[cfg(windows)]
        let (interrupt, terminate) = (ctrl_c()?, ctrl_close()?);
        Ok(Self {
            interrupt,
            terminate,
        })
    }

    /// Waits for a signal that means the end.
    pub async fn end(mut self, on_interrupt: OnInterrupt) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => match on_interrupt {
                    OnInterrupt::End => return,
                    OnInterrupt::Ignore => tracing::debug!("An interrupt is left to Terraform"),
                },
            }
        }
    }
}
