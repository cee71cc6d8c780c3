//! The handshake line between Terraform and the process.

use std::os::unix::fs::PermissionsExt;

use crate::support::process::Launch;

#[tokio::test]
async fn the_handshake_line_has_the_six_fields_of_go_plugin() {
    let process = Launch::like_terraform().start();
    assert!(process.line.ends_with('\n'));
    let fields = process.fields();
    assert_eq!(fields.len(), 6);
    assert_eq!(fields[..3], ["1", "6", "unix"]);
    assert_eq!(fields[4], "grpc");
    let certificate = process.certificate();
    assert!(x509_parser::parse_x509_certificate(&certificate).is_ok());
}

#[tokio::test]
async fn the_socket_is_in_a_directory_that_only_its_owner_can_enter() {
    let process = Launch::like_terraform().start();
    let directory = process.socket().parent().unwrap().to_owned();
    assert!(directory.starts_with(process.temporary.path()));
    let mode = directory.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn a_directory_for_the_socket_that_the_parent_names_is_used() {
    let directory = tempfile::tempdir().unwrap();
    let launch = Launch::like_terraform();
    let launch = launch.with("PLUGIN_UNIX_SOCKET_DIR", directory.path().to_str().unwrap());
    let process = launch.start();
    assert_eq!(process.socket().parent(), Some(directory.path()));
}

#[tokio::test]
async fn each_process_has_a_certificate_of_its_own() {
    let (one, other) = (
        Launch::like_terraform().start(),
        Launch::like_terraform().start(),
    );
    assert_ne!(one.certificate(), other.certificate());
}

#[tokio::test]
async fn without_the_cookie_a_person_is_told_what_this_is() {
    let ended = Launch::by_hand(&[]).run().await;
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.starts_with("This is a Terraform provider"));
}

#[tokio::test]
async fn a_parent_that_does_not_speak_protocol_6_is_told_so() {
    let launch = Launch::like_terraform().with("PLUGIN_PROTOCOL_VERSIONS", "4,5");
    let ended = launch.run().await;
    assert_eq!(ended.status.code(), Some(1));
    // Terraform shows the first line of a plugin that does not start.
    assert_eq!(ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("version 6"));
    assert!(ended.stderr.contains("\"4,5\""));
}

#[tokio::test]
async fn a_parent_without_a_certificate_is_not_served() {
    let launch = Launch::like_terraform().without("PLUGIN_CLIENT_CERT");
    let ended = launch.run().await;
    assert_eq!(ended.status.code(), Some(1));
    // Terraform shows the first line of a plugin that does not start.
    assert_eq!(ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("PLUGIN_CLIENT_CERT"));
}

#[tokio::test]
async fn a_directory_that_cannot_hold_a_socket_is_a_plain_error() {
    let launch = Launch::like_terraform().with("PLUGIN_UNIX_SOCKET_DIR", "/nowhere/at/all");
    let ended = launch.run().await;
    assert_eq!(ended.status.code(), Some(1));
    // Terraform shows the first line of a plugin that does not start.
    assert_eq!(ended.stdout, ended.stderr);
    assert!(ended.stderr.starts_with("Unable to open a socket"));
}

#[tokio::test]
async fn a_directory_for_temporary_files_that_is_too_deep_or_missing_does_not_matter() {
    let root = tempfile::tempdir().unwrap();
    let deep = root.path().join("x".repeat(120));
    std::fs::create_dir(&deep).unwrap();
    for directory in [deep.to_str().unwrap(), "/nowhere/at/all"] {
        let process = Launch::like_terraform().with("TMPDIR", directory).start();
        assert!(process.socket().exists(), "{directory}");
        process.connect().await;
    }
}
