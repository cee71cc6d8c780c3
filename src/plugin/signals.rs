//! The signals of this process.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal as Interrupt, Signal as Terminate, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC as Interrupt, CtrlClose as Terminate, ctrl_c, ctrl_close};

/// The effect of Ctrl-C, and of the end of the terminal.
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
    interrupts: Interrupts,
    terminate: Terminate,
}

/// The signals that a terminal sends to a whole process group.
struct Interrupts {
    interrupt: Interrupt,
    #[cfg(unix)]
    hangup: Interrupt,
}

impl Signals {
    /// Installs the handlers. Requires a runtime.
    pub fn take_over() -> io::Result<Self> {
        #[cfg(unix)]
        return Ok(Self {
            interrupts: Interrupts {
                interrupt: signal(SignalKind::interrupt())?,
                hangup: signal(SignalKind::hangup())?,
            },
            terminate: signal(SignalKind::terminate())?,
        });
        #[cfg(windows)]
        return Ok(Self {
            interrupts: Interrupts {
                interrupt: ctrl_c()?,
            },
            terminate: ctrl_close()?,
        });
    }

    /// Waits for a signal that ends the process.
    pub async fn end(mut self, on_interrupt: OnInterrupt) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                () = self.interrupts.next() => match on_interrupt {
                    OnInterrupt::End => return,
                    OnInterrupt::Ignore => tracing::debug!("Ignored an interrupt: Terraform handles it"),
                },
            }
        }
    }
}

impl Interrupts {
    async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.hangup.recv() => {}
        }
        #[cfg(not(unix))]
        self.interrupt.recv().await;
    }
}
