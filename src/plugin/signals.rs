//! The signals of this process.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal as Interrupt, Signal as Terminate, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC as Interrupt, CtrlClose as Terminate, ctrl_c, ctrl_close};

/// The effect of Ctrl-C.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OnInterrupt {
    /// None. The terminal sends it to the whole process group, and Terraform, which belongs to it,
    /// decides about its plugins.
    Ignore,
    /// The end of the process, as for a termination signal.
    End,
}

/// The signals that this process handles. None of them kills it any more.
pub(super) struct Signals {
    interrupt: Interrupt,
    terminate: Terminate,
}

impl Signals {
    /// Installs the handlers. Requires a runtime.
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

    /// Waits for a signal that ends the process.
    pub async fn end(mut self, on_interrupt: OnInterrupt) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => match on_interrupt {
                    OnInterrupt::End => return,
                    OnInterrupt::Ignore => tracing::debug!("Ignored an interrupt: Terraform handles it"),
                },
            }
        }
    }
}
