//! An in-memory Proxmox VE.
