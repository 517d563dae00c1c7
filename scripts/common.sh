# shellcheck shell=bash
# shellcheck disable=SC2034  # the lists of packages are used by the scripts
# Sourced by the other scripts: installs what is missing (Debian 12), configures and builds.
# Everything said here goes to stderr: stdout belongs to the program.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${LONGHAND_BUILD:-$root/build}
program_packages=(g++ cmake ninja-build ccache libxsimd-dev libcli11-dev libfmt-dev nlohmann-json3-dev libedit-dev libmd4c-dev
  libcurl4-openssl-dev libcpp-httplib-dev libssl-dev)
test_packages=(libgtest-dev libgmock-dev libbenchmark-dev python3)

say() { printf '%s\n' "$*" >&2; }

# install_missing PACKAGE...: leaves apt alone where everything is there.
install_missing() {
  if ! command -v dpkg-query >/dev/null; then
    say "This is no Debian; make sure that these are installed: $*"
    return
  fi
  local installed missing=() package
  installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "$@" 2>/dev/null || true)
  for package in "$@"; do
    grep -qxF "ii $package" <<<"$installed" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0

  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      say "Packages are missing, and there is neither root nor sudo to install them. As root:"
      say "  apt-get install ${missing[*]}"
      exit 1
    fi
    as_root=(sudo)
  fi
  say "Installing ${missing[*]}"
  "${as_root[@]}" apt-get update >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >&2
}

# configure [CMAKE ARGUMENT...]: a release build in build/; a tree that is there keeps its generator.
configure() {
  local generator=()
  if [ ! -f "$build/CMakeCache.txt" ] && command -v ninja >/dev/null; then generator=(-G Ninja); fi
  cmake -S "$root" -B "$build" "${generator[@]}" -DCMAKE_BUILD_TYPE=Release "$@" >&2
}

# compile TARGET
compile() {
  cmake --build "$build" --parallel "$(nproc)" --target "$1" >&2
}
