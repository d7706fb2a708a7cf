#!/usr/bin/env bash
# Builds the simulator inside the page, src/report/html/rollsim.wasm, and notes the hash of its sources beside it.
#
#   wasm/build.sh           build and put into place
#   wasm/build.sh --into F  build and write the module to F alone
#   wasm/build.sh --check   say whether the module in place was built from these sources
#
# The target comes from rustup; where rustup cannot fetch it, from Debian's packages (rustc-web and what it needs), unpacked
# into target/debian-rust so that nothing is installed. WASM_TARGET=debian takes those in any case.
set -euo pipefail
cd "$(dirname "$0")/.."

module=src/report/html/rollsim.wasm
hash_file=src/report/html/rollsim.wasm.sources
# What the module is compiled from; of src/ the parts that are there without the feature `cli`.
sources=(Cargo.toml Cargo.lock wasm/Cargo.toml wasm/src src/lib.rs src/ids.rs src/record.rs src/run.rs src/explain.rs src/units
    src/engine src/dist src/model src/scenario src/world src/stats src/report src/playground)
# Renderers and files of the command line, and what only tests read.
left_out='^src/report/(picture|sink|sweep|font|html)/|/snapshots/|/tests(\.rs|/)|\.json$'

source_hash() {
    find "${sources[@]}" -type f | grep -vE "$left_out" | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d' ' -f1
}

if [[ ${1:-} == --check ]]; then
    if [[ ! -f $module || $(cat "$hash_file" 2>/dev/null) != "$(source_hash)" ]]; then
        echo "error: $module is older than its sources; run wasm/build.sh and commit what it writes" >&2
        exit 1
    fi
    echo "$module is that of its sources"
    exit 0
fi

build=(cargo build --locked --profile wasm --package rollsim-wasm --target wasm32-unknown-unknown)

has_rustup_target() {
    [[ ${WASM_TARGET:-} != debian ]] && command -v rustup >/dev/null || return 1
    rustup target list --installed 2>/dev/null | grep -qx wasm32-unknown-unknown && return 0
    rustup target add wasm32-unknown-unknown >/dev/null 2>&1
}

unpack_debian() {
    local into=$1
    [[ -x $into/usr/bin/rustc ]] && return
    if ! apt-cache show rustc-web >/dev/null 2>&1; then
        apt-get update >&2
    fi
    local std llvm packages
    std=$(apt-cache show --no-all-versions libstd-rust-web-dev | grep -oE 'libstd-rust-web-[0-9.]+[0-9]' | head -1)
    llvm=$(apt-cache show --no-all-versions "$std" | grep -oE 'libllvm[0-9]+' | head -1)
    packages=(rustc-web libstd-rust-web-dev rust-web-src "$std" "$llvm" "lld-${llvm#libllvm}")
    rm -rf "$into" "$into.part"
    mkdir -p "$into.part/packages"
    (cd "$into.part/packages" && apt-get -o APT::Sandbox::User=root download "${packages[@]}" >&2)
    for package in "$into.part"/packages/*.deb; do
        dpkg -x "$package" "$into.part"
    done
    rm -r "$into.part/packages"
    mv "$into.part" "$into"
}

build_with_debian() {
    local root=$PWD/target/debian-rust
    unpack_debian "$root"
    local libraries
    libraries=$(dirname "$(find "$root/usr/lib" -name 'librustc_driver-*.so' | head -1)")
    LD_LIBRARY_PATH=$libraries RUSTC=$root/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
        CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$(find "$root/usr/bin" -name 'wasm-ld-*' | head -1) \
        "${build[@]}" -Zbuild-std=std,panic_abort
}

if has_rustup_target; then
    "${build[@]}"
else
    echo "note: rustup has no wasm32-unknown-unknown here; Debian's rustc-web builds the module" >&2
    build_with_debian
fi

built=target/wasm32-unknown-unknown/wasm/rollsim_wasm.wasm
if [[ ${1:-} == --into ]]; then
    cp "$built" "$2"
else
    cp "$built" "$module"
    source_hash >"$hash_file"
fi
ls -l "$built" >&2
