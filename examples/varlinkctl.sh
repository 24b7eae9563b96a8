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

case ${1:-} in
status)
    varlinkctl call --json=pretty "$socket" $interface.Status '{}'
    ;;
verify)
    # With --more the daemon reports progress; the last reply has the verdict. `latch` false: a match opens nothing.
    # A name holds neither quotes nor backslashes (the daemon refuses others), so it can be put in as it is.
    user=${2:-$(id -un)}
    varlinkctl call --more --json=short "$socket" $interface.Verify "{\"user\":\"$user\",\"latch\":false}" |
        { while read -r reply; do
            printf '%s\n' "$reply"
            last=$reply
        done
        case ${last:-} in *'"verdict":"match"'*) exit 0 ;; *) exit 1 ;; esac; }
    ;;
events)
    varlinkctl call --more --json=short "$socket" $interface.Events '{}'
    ;;
*)
    echo "usage: $0 status | verify [USER] | events" >&2
    exit 2
    ;;
esac
