#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# deps.sh CACHE: everything the build needs that is not in this tree.
#
# Installs the Debian packages of packages.txt that are missing, and fetches, checks, unpacks and builds
# the third-party sources named by *.recipe into CACHE. With nothing missing it neither writes nor
# touches the network: CACHE/stamp changes only when something was done, so make rebuilds only then.
#
# Takes KFLAGS (the kernel's compiler flags) from the environment. Several builds may share a CACHE.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
[ $# = 1 ] || { echo "usage: $0 CACHE" >&2; exit 2; }
mkdir -p "$1"
cache=$(cd "$1" && pwd)

say() { echo "deps: $*" >&2; }
die() { say "$*"; exit 1; }

missing_packages() {
	local wanted
	wanted=$(awk '!/^#/ && NF { print $1 }' "$here/packages.txt")
	# shellcheck disable=SC2086 # a list of words
	comm -23 <(printf '%s\n' $wanted | sort -u) \
		<(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
			awk '$1 == "installed" { print $2 }' | sort -u)
}

install_packages() {
	local missing as_root=()
	missing=$(missing_packages | xargs)
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null ||
			die "missing Debian packages, and no sudo to install them. As root: apt-get install $missing"
		as_root=(sudo)
	fi
	say "installing Debian packages: $missing"
	# shellcheck disable=SC2086
	{
		"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y update &&
		"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
			--no-install-recommends install $missing
	} </dev/null >&2 || die "could not install: $missing"
	changed=1
}

# apt options for a private set of source lists. The machine's own configuration is only read: many
# machines have no deb-src line, and an ordinary user may not add one. Sources come from the mirrors
# the machine already uses. Mirrors' signatures are not asked for because the recipes' sha256, which
# says more, is.
private_apt() {
	local codename apt=$cache/apt
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	[ -n "$codename" ] || die "/etc/os-release names no release: is this Debian?"
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk -v c="$codename" '$2 == c && $3 == "main" { print "deb-src [trusted=yes]", $1, $2, $3 }' |
		sort -u >"$apt/sources.list"
	[ -s "$apt/sources.list" ] || die "no apt source for $codename main is configured, or 'apt-get update' never ran"
	apt_options=(-q -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=- \
		-o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User= \
		-o Acquire::Retries=3)
	apt-get "${apt_options[@]}" update >&2 || die "could not fetch the list of source packages"
}

matches() { # FILE SHA256
	[ -f "$1" ] && echo "$2  $1" | sha256sum --status -c -
}

apt_options=()
fetch() { # the recipe's variables are set
	local f=$cache/dl/$file
	mkdir -p "$cache/dl"
	matches "$f" "$sha256" && return
	say "fetching $source $version"
	[ ${#apt_options[@]} != 0 ] || private_apt
	(cd "$cache/dl" && rm -f "$file" &&
		apt-get "${apt_options[@]}" --download-only --tar-only source "$source" >&2) ||
		die "could not fetch the source package $source"
	[ -f "$f" ] || die "$source: the mirror has another version than $file; update third_party/$source.recipe"
	matches "$f" "$sha256" || { rm -f "$f"; die "$file: wrong sha256, not used"; }
}

unpack() {
	say "unpacking $file"
	rm -rf "$new"
	mkdir -p "$new/src"
	tar -xf "$cache/dl/$file" -C "$new/src" --strip-components=1
}

want_stamp() { # RECIPE: a library is rebuilt when its recipe, its script or the flags change
	{ cat "$1" "${1%.recipe}.sh" 2>/dev/null || true; echo "${KFLAGS-}"; } | sha256sum | cut -d' ' -f1
}

exec 9>"$cache/lock"
flock 9
changed=
install_packages
for recipe in "$here"/*.recipe; do
	source='' version='' file='' sha256=''
	. "$recipe"
	want=$(want_stamp "$recipe")
	[ "$(cat "$cache/$source/stamp" 2>/dev/null || true)" != "$want" ] || continue
	new=$cache/$source.new # takes the old one's place only when it is complete
	fetch
	unpack
	script=${recipe%.recipe}.sh
	if [ -f "$script" ]; then
		say "building $source"
		bash "$script" "$new/src" "$new" >&2 || die "$source did not build"
	fi
	echo "$want" >"$new/stamp"
	rm -rf "${cache:?}/$source"
	mv "$new" "$cache/$source"
	changed=1
done
if [ -n "$changed" ] || [ ! -f "$cache/stamp" ]; then
	touch "$cache/stamp"
fi
