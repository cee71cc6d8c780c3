# The tasks of this repository: `just` lists them. Each is a command line that also works without
# `just`; everything a change has to pass is `.ci/run`.

# List the tasks
default:
    @just --list

# Everything a change has to pass
ci:
    .ci/run

# Format all code
fmt:
    cargo fmt --all

# Lints, as errors
lint:
    cargo clippy --locked --workspace --all-targets -- -D warnings

# The documentation of all items, also private ones
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items

# Unit tests: seconds
unit *args:
    cargo test --lib {{ args }}

# The plugin server, over gRPC
protocol *args:
    cargo test --test protocol {{ args }}

# The framework with a toy provider, over the protocol and under the command lines
toy *args:
    cargo test --test toy -- {{ args }}

# `check` and `login`, as a shell runs them
commands *args:
    cargo test --test commands {{ args }}

# Acceptance scenarios with this in their name, such as `just acceptance drift::`
acceptance name='':
    cargo test --test acceptance -- '{{ name }}'

# The simulator against the recordings, with a report
conformance:
    cargo test --workspace conformance -- --nocapture

# Build the pinned versions of Terraform and OpenTofu for the acceptance tests (needs Go)
command-lines:
    cargo run -p cli-harness

# Start a simulated Proxmox VE, and print its endpoint and credentials
simulator *args:
    cargo run -p proxmox-simulator -- {{ args }}

# Mint, use and revoke a token on a simulated Proxmox VE
quickstart *args:
    cargo run --example quickstart -- {{ args }}

# Measure time, memory and requests
bench *args:
    cargo bench --bench provider -- {{ args }}

# Licences, advisories, duplicates and sources of the dependencies
deny:
    cargo deny check

# Save the state that this version writes, for the versions after it
save-state version cli='terraform 1.11.4':
    SAVE_STATE={{ version }} cargo test --test acceptance -- '{{ cli }}: saved_states::a_state_of_this'

# The binary to release
release:
    cargo build --locked --release
