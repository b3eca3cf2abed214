#!/usr/bin/env bash
# Keeps compiled dependencies (the AWS SDK above all) outside the clone, one folder per lock file,
# toolchain and profile.
#
#   rust-cache.sh restore|save TARGET CACHE
#
# Only dependencies are kept: cargo tells apart neither two clones nor their changes inside one shared target
# folder, so what is ours is compiled in every clone.
set -euo pipefail
verb=$1 target=$2 cache=$3

profile=$(sed -n '/^\[profile/,/^\[package/p' Cargo.toml)
inputs=$(cat Cargo.lock rust-toolchain.toml <(echo "$profile") | sha256sum | cut -c1-16)
kept=$cache/rust-$inputs

restore() {
  [ ! -e "$target/debug/.fingerprint" ] && [ -d "$kept" ] || return 0
  echo "taking compiled dependencies from $kept"
  mkdir -p "$target"
  cp -a "$kept/." "$target/"
}

save() {
  [ ! -d "$kept" ] || return 0
  mkdir -p "$cache"
  exec 9> "$cache/rust.lock"
  flock 9
  [ ! -d "$kept" ] || return 0
  echo "keeping compiled dependencies in $kept"
  local fresh=$kept.$$
  mkdir -p "$fresh/debug/deps"
  cp -a "$target/.rustc_info.json" "$fresh/" 2> /dev/null || true
  cp -a "$target/debug/.fingerprint" "$target/debug/build" "$fresh/debug/"
  rm -rf "$fresh"/debug/.fingerprint/elbow* "$fresh"/debug/build/elbow*
  find "$target/debug/deps" -maxdepth 1 -type f \( -name '*.rlib' -o -name '*.rmeta' -o -name '*.so' -o -name '*.d' \) \
    ! -name '*elbow*' -exec cp -a -t "$fresh/debug/deps" {} +
  mv -T "$fresh" "$kept"
}

"$verb"
