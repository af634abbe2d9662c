#!/usr/bin/env bash
# Tests the .deb where nothing else is: scripts/package_test.sh [DEB]. Makes an empty Debian 12 with debootstrap, installs the
# package with apt, uses it as a user would, builds a project against it, removes it and looks for what is left.
#
# Run by hand: it needs root, debootstrap, a Debian mirror (BERTJIT_DEBIAN_MIRROR, default deb.debian.org), 2 GB in
# TMPDIR and about five minutes. Without DEB the package is built first. Exit: 0 all held, 1 something did not, 2 not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  echo "package_test: $*" >&2
  exit 2
}
((EUID == 0)) || fail "needs root, for chroot and mount"
command -v debootstrap >/dev/null || fail "no debootstrap found; install it (Debian: debootstrap)"
if (($#)); then
  package=$1
else
  package=$(scripts/package.sh | grep '\.deb$')
fi
torch=$(sed -n 's/^TORCH_INSTALL_PREFIX:.*=//p;s/^Torch_DIR:PATH=\(.*\)\/share\/cmake\/Torch$/\1/p' build/release/CMakeCache.txt)
[[ -d $torch/lib ]] || fail "no libtorch at '$torch'"

root=$(mktemp -d "${TMPDIR:-/tmp}/bertjit-debian.XXXXXX")
cleanup() {
  local point
  for point in opt/libtorch mnt proc dev/pts dev; do
    mountpoint -q "$root/$point" && umount -l "$root/$point"
  done
  rm -rf --one-file-system "$root"
}
trap cleanup EXIT

echo "empty Debian 12 by debootstrap"
debootstrap --variant=minbase bookworm "$root" "${BERTJIT_DEBIAN_MIRROR:-http://deb.debian.org/debian}" \
  >"$root.log" 2>&1 || { tail "$root.log" >&2; fail "debootstrap failed"; }
rm -f "$root.log"
mkdir -p "$root/opt/libtorch"
mount --bind "$torch" "$root/opt/libtorch"
mount -o remount,ro,bind "$root/opt/libtorch"
mount --bind "$PWD" "$root/mnt"
mount -o remount,ro,bind "$root/mnt"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount --bind /dev/pts "$root/dev/pts"
cp "$package" "$root/root/bertjit.deb"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"

inside() {
  env -i HOME=/root TERM=dumb LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin ${http_proxy:+http_proxy="$http_proxy"} \
    chroot "$root" bash -c "cd /root; $1" 2>&1
}
failed=0
# check WHAT COMMAND [PATTERN]: the command ends well inside, and prints what matches.
check() {
  local output status=0
  output=$(inside "$2") || status=$?
  if ((status == 0)) && [[ -z ${3:-} || $output =~ $3 ]]; then
    echo "ok    $1"
  else
    echo "FAIL  $1 (exit $status, expected ${3:-success})"
    sed 's/^/        /' <<<"$output" | tail -n 30
    failed=1
  fi
}
# Every file but what apt, dpkg and caches write for any package.
list_files() {
  inside "find / -xdev -not -path '/proc/*' -not -path '/var/lib/apt/*' -not -path '/var/lib/dpkg/*' \
    -not -path '/var/cache/*' -not -path '/var/log/*' -not -path '/root/*' -not -path '/tmp/*' -not -path '/mnt/*' \
    -not -path /etc/ld.so.cache | sort"
}
quiet_apt() {
  inside "apt-get install -y --no-install-recommends $*" >"$root/root/apt.log" || {
    tail "$root/root/apt.log" >&2
    fail "apt could not install $*"
  }
}

inside 'apt-get update' >/dev/null
quiet_apt man-db bash-completion zsh fish
list_files >"$root/root/before"

check 'apt installs the package and what it depends on' 'apt-get install -y ./bertjit.deb'
inside "dpkg -s bertjit | grep -E '^(Depends|Installed-Size):'; ls -l bertjit.deb | awk '{print \"Package-Size:\", \$5}'" | sed 's/^/      /'
check 'bertjit --version' 'bertjit --version' '^bertjit [0-9]'
check 'man bertjit-verify' 'man bertjit-verify | cat' 'Judge a TorchScript file'
check 'man -k finds the commands' 'mandb -q; man -k bertjit' 'bertjit-trace'
# A key for a key: what is typed, Tab included, goes to a shell on a terminal.
check 'Tab completes in bash' \
  "printf '%s\n' 'source /usr/share/bash-completion/bash_completion' $'bertjit veri\t--help | head -n 1' exit | script -qec 'bash --norc -i' /dev/null" \
  'Judge a TorchScript file'
check 'Tab completes in zsh' \
  "(printf '%s\n' 'autoload -Uz compinit; compinit -u'; sleep 3; printf '%s\n' $'bertjit veri\t--help | head -n 1'; sleep 2; echo exit) | script -qec 'zsh -f -i' /dev/null" \
  'Judge a TorchScript file'
check 'fish completes' "fish -c \"complete -C 'bertjit veri'\"" '^verify'
check 'checksum needs nothing else' 'bertjit checksum /mnt/LICENSE && bertjit checksum /mnt/LICENSE | sha512sum --check' 'OK'
check 'tokenize finds ICU' 'bertjit tokenize --tokenizer /mnt/testdata/tiny-bert hello' '"input_ids"'
check 'without libtorch trace says what to do' \
  '! bertjit trace /mnt/testdata/tiny-bert -o t.pt' 'no libtorch .*BERTJIT_LIBTORCH is not set.*pip install torch=='
check 'without libtorch env answers' 'bertjit env' 'NOT LOADED'
check 'trace with BERTJIT_LIBTORCH' \
  'BERTJIT_LIBTORCH=/opt/libtorch bertjit trace /mnt/testdata/tiny-bert -o t.pt --quiet' 'wrote +t.pt'
check 'verify with a libtorch where Python has it' \
  'mkdir -p venv/lib/python3.11/site-packages && ln -s /opt/libtorch venv/lib/python3.11/site-packages/torch &&
   VIRTUAL_ENV=/root/venv bertjit verify t.pt --source /mnt/testdata/tiny-bert --quiet' 't.pt: pass'

check 'apt purges the package' 'apt-get purge -y --auto-remove bertjit'
list_files >"$root/root/after"
if left=$(diff "$root/root/before" "$root/root/after"); then
  echo "ok    nothing is left: the same $(wc -l <"$root/root/after") files as before"
else
  printf 'FAIL  nothing is left\n%s\n' "$left"
  failed=1
fi
check 'the program is gone' '! command -v bertjit && ! dpkg -s bertjit' 'not installed'
quiet_apt ./bertjit.deb g++ cmake ninja-build catch2 libssl-dev libicu-dev zlib1g-dev nlohmann-json3-dev
check 'a project builds against the package and its test passes' \
  'cmake -S /mnt/docs/examples/cpp-api -B consumer -G Ninja -D CHECKPOINT=/mnt/testdata/tiny-bert \
     -D CMAKE_PREFIX_PATH=/opt/libtorch && cmake --build consumer && ctest --test-dir consumer --output-on-failure' \
  '100% tests passed'
check 'apt removes it beside what it needed' 'apt-get remove -y bertjit'
check 'no file of its name is left' '! find / -xdev -iname "*bertjit*" -not -path "/root/*" -not -path "/mnt/*" -not -path "/var/lib/dpkg/*" -not -path "/var/log/*" | grep .'
exit "$failed"
