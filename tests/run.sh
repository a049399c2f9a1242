#!/usr/bin/env bash
# Runs every test. Where no Vulkan adapter is found, it first installs Mesa's software one (lavapipe), because GPU tests
# without an adapter fail rather than being skipped; likewise a headless browser for the page. Debian and Ubuntu are set up by it;
# elsewhere it says what to install.
set -euo pipefail
cd "$(dirname "$0")/.."

has_vulkan_adapter() {
    compgen -G '/usr/share/vulkan/icd.d/*.json' >/dev/null || compgen -G '/etc/vulkan/icd.d/*.json' >/dev/null
}

# Installs the packages that are named behind the first argument, which says what is missing and what to install elsewhere.
install() {
    if ! command -v apt-get >/dev/null; then
        echo "$1" >&2
        exit 1
    fi
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${@:2}"
}

if [ "$(uname -s)" = Linux ] && ! has_vulkan_adapter; then
    install "No Vulkan driver found. Install Mesa's lavapipe (Fedora: mesa-vulkan-drivers, Arch: vulkan-swrast, macOS and Windows: none is needed) and run this again." \
        mesa-vulkan-drivers libvulkan1
fi
if ! command -v chromedriver >/dev/null; then
    install "No chromedriver found. Install Chromium with its driver (Fedora: chromium chromedriver, Arch: chromium, macOS: brew install chromedriver) and run this again." \
        chromium chromium-driver
fi

# Property tests draw the same cases every time; another seed explores others.
export PROPTEST_RNG_SEED="${PROPTEST_RNG_SEED:-2024}"

# A failure does not hide the others.
cargo test --release --workspace --locked --no-fail-fast "$@"
