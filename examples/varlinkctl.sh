#!/bin/sh
# A client without any code of ours: varlinkctl, of systemd 255 and newer.
#
#   examples/varlinkctl.sh status
#   examples/varlinkctl.sh verify [USER]     # without a name: you
#   examples/varlinkctl.sh events            # until Ctrl-C; managers only
#
# FACELATCH_SOCKET names another socket. `verify` ends with 0 for a match and 1 otherwise.
set -eu
socket=${FACELATCH_SOCKET:-/run/facelatch/facelatch.sock}
interface=io.facelatch.v1
# Begins each reply of a stream (RFC 7464).
separator=$(printf '\036')

case ${1:-} in
status)
    varlinkctl call --json=pretty "$socket" $interface.Status '{}'
    ;;
verify)
    user=${2:-$(id -un)}
    case $user in *[!A-Za-z0-9._@-]*) echo "$0: $user: not quoted for JSON here; use facelatch verify" >&2 && exit 2 ;; esac
    # With --more the daemon reports progress, and the last reply has the verdict. `latch` false: a match opens nothing.
    varlinkctl call --more --json=short "$socket" $interface.Verify "{\"user\":\"$user\",\"latch\":false}" | {
        while read -r reply; do
            last=${reply#"$separator"}
            printf '%s\n' "$last"
        done
        case ${last:-} in *'"verdict":"match"'*) exit 0 ;; *) exit 1 ;; esac
    }
    ;;
events)
    varlinkctl call --more --json=short "$socket" $interface.Events '{}'
    ;;
*)
    echo "usage: $0 status | verify [USER] | events" >&2
    exit 2
    ;;
esac
