#!/bin/sh
# Stands for an image's program of slots: beside its link lie the answers (VERB, VERB.code), and what was asked of it (asked).
here=$(dirname "$0")
for word; do printf '<%s>' "$word"; done >>"$here/asked"
cat "$here/$1"
[ ! -e "$here/$1.then" ] || cp "$here/$1.then" "$here/status"
exit "$(cat "$here/$1.code" 2>/dev/null || echo 0)"
