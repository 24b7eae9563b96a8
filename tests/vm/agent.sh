#!/bin/bash
# In the machine: reads commands from the host, one a line in base64, runs each by bash, and answers with its
# output ("| " before each line) and, at its end, "= STATUS".
port=/dev/virtio-ports/vm
# Opened before udev has named it, it would be made as a file.
until [ -c $port ]; do sleep 0.1; done
exec 3<>$port
udevadm settle --timeout=30
echo "= 0" >&3
while read -r line <&3; do
    bash -euo pipefail -c "$(base64 -d <<<"$line")" </dev/null 2>&1 | mawk -W interactive '{ print "| " $0 }' >&3
    echo "= ${PIPESTATUS[0]}" >&3
done
