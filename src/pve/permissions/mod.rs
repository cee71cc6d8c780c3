//! The paths of objects that permissions are granted on.

pub mod acl_path;
