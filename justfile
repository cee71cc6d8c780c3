# Recipes for development. `just` lists them. Their commands also work without `just`.

# List the recipes
default:
    @just --list

# Run all checks that a change must pass
ci:
    .ci/run

# Format all code
fmt:
    cargo fmt --all

# Run clippy, with warnings as errors
lint:
    cargo clippy --locked --workspace --all-targets -- -D warnings

# Build the documentation of all items, including private ones
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items

# Run the unit tests
unit *args:
    cargo test --lib {{ args }}

# Test the plugin server over gRPC
protocol *args:
    cargo test --test protocol {{ args }}

# Test the framework with a toy provider, over the protocol and under the command lines
toy *args:
    cargo test --test toy -- {{ args }}

# Test the commands `check` and `login`
commands *args:
    cargo test --test commands {{ args }}

# Run the acceptance scenarios whose names contain `name`, such as `just acceptance drift::`
acceptance name='':
    cargo test --test acceptance -- '{{ name }}'

# Run random schedules of operations, faults and kills, and a soak (`just schedules --seed 42 --trace` repeats one)
schedules *args='--schedules 500 --soak 1000':
    cargo test --test schedules -- {{ args }}

# Search all output, logs and files of the acceptance scenarios for secrets
leak-scan:
    LEAK_SCAN=1 cargo test --test acceptance

# Compare the simulator with the recordings, and print a report
conformance:
    cargo test --workspace conformance -- --nocapture

# Build the pinned versions of Terraform and OpenTofu for the acceptance tests (requires Go)
command-lines:
    cargo run -p cli-harness

# Render the reference documentation into docs/ (requires Go)
docs *args:
    cargo xtask docs {{ args }}

# Start a simulated Proxmox VE, and print its endpoint and credentials
simulator *args:
    cargo run -p proxmox-simulator -- {{ args }}

# Create, use and revoke a token on a simulated Proxmox VE
quickstart *args:
    cargo run --example quickstart -- {{ args }}

# Measure time, memory and requests
bench *args:
    cargo bench --bench provider -- {{ args }}

# Check licenses, advisories, duplicates and sources of the dependencies
deny:
    cargo deny check

# Save the state that this version writes, for the tests of later versions
save-state version cli='terraform 1.11.4':
    SAVE_STATE={{ version }} cargo test --test acceptance -- '{{ cli }}: saved_states::a_state_of_this'

# Make the files of a release in target/package
package *args:
    cargo xtask package {{ args }}
