# shellcheck shell=bash
# The steps of `cargo xtask vm --door`: facelatch-door with Linux's own simulated GPIO chip. steps.sh reads this file.

# The lines of the chip, by number: each has a file `pull`, which the test sets as a switch would, and a file `value`.
DOOR_LINES=(STRIKE CONTACT EXIT TRIGGER TAMPER)
# What the file below says, in milliseconds.
PULSE=1500
CONFIG=/etc/facelatch/door.toml

sim() { echo "$(cat /run/door.sim)/sim_gpio$1"; }
line() {
    local number
    for number in "${!DOOR_LINES[@]}"; do
        if [ "${DOOR_LINES[$number]}" = "$1" ]; then sim "$number"; fi
    done
}
pull() { echo "pull-$2" >"$(line "$1")/pull"; }
value() { cat "$(line "$1")/value"; }
strike_is() { [ "$(value STRIKE)" = "$1" ]; }
closes_door() { pull CONTACT down; }
opens_door() { pull CONTACT up; }
press() {
    pull "$1" down
    sleep 0.5
    pull "$1" up
}
door_says() { journalctl -q -u facelatch-door --since "@$(cat /run/door.since)" -o cat | grep -e "$1"; }
door_is() { systemctl show -p StatusText --value facelatch-door | grep -q -e "$1"; }
# From here on only what is said later counts.
now_only() {
    sleep 1.1
    date +%s >/run/door.since
}
door_pid() { systemctl show -p MainPID --value facelatch-door | grep -x '[1-9][0-9]*'; }

# record: from now on, when the strike's line changes, in milliseconds; recorded ends it.
record() {
    stop_recording
    /payload/watch "$(line STRIKE)/value" </dev/null >/run/door.record 2>/dev/null &
    echo $! >/run/door.recorder
    within 10 test -s /run/door.record
}
stop_recording() {
    [ ! -e /run/door.recorder ] || kill "$(cat /run/door.recorder)" 2>/dev/null || true
    rm -f /run/door.recorder
}
# The line was active since `record`, and is not any more.
was_active() { grep -q ' 1$' /run/door.record; }
is_over() { was_active && tail -1 /run/door.record | grep -q ' 0$'; }
# Prints the length of each pulse.
recorded() {
    stop_recording
    cat /run/door.record >&2
    awk '$2 == 1 { start = $1 } $2 == 0 && start { print $1 - start; start = 0 } END { if (start) print "active" }' /run/door.record
}
# pulses COUNT: so many were recorded, each as long as it may be.
pulses() {
    local lengths length
    lengths=$(recorded)
    [ "$(wc -w <<<"$lengths")" = "$1" ] || fail "not $1 pulses: $lengths" || return
    for length in $lengths; do
        [ "$length" -le $((PULSE + 100)) ] || fail "the line was active for $length ms" || return
        note "pulse of $length ms"
    done
}

step_door_lines() {
    local chip=/sys/kernel/config/gpio-sim/door number
    mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
    modprobe gpio-sim
    mkdir -p $chip/bank0
    echo door-sim >$chip/bank0/label
    echo "${#DOOR_LINES[@]}" >$chip/bank0/num_lines
    for number in "${!DOOR_LINES[@]}"; do
        mkdir -p "$chip/bank0/line$number"
        echo "${DOOR_LINES[$number]}" >"$chip/bank0/line$number/name"
    done
    echo 1 >$chip/live
    echo "/sys/devices/platform/$(cat $chip/dev_name)/$(cat $chip/bank0/chip_name)" >/run/door.sim
    udevadm settle
    for number in EXIT TRIGGER; do pull $number up; done
    for number in CONTACT TAMPER; do pull $number down; done
}

step_door_starts() {
    # As it is shipped it names no door, and says so.
    expect 1 facelatch-door --check
    cat >$CONFIG <<C
[[door]]
name = "front"
rearm_s = 0.5
held_open_s = 2
[door.strike]
chip = "door-sim"
line = "STRIKE"
pulse_s = 1.5
[door.contact]
line = "CONTACT"
bias = "as-is"
[door.exit]
line = 2
chip = "door-sim"
bias = "as-is"
[door.trigger]
line = "TRIGGER"
bias = "as-is"
[door.tamper]
line = "TAMPER"
bias = "as-is"
C
    facelatch-door --check
    strike_is 0
    now_only
    systemctl enable --now facelatch-door
    within 30 door_says 'daemon: its events come in'
    within 10 door_is 'all lines and the daemon are there'
    strike_is 0
    note "memory $(awk '/^VmHWM/ { printf "%.1f MB", $2 / 1024 }' "/proc/$(door_pid)/status")"
}

step_door_grant() {
    show $ALICE_AGAIN
    record
    facelatch identify
    within 20 is_over
    pulses 1
}

step_door_stranger() {
    show $STRANGER
    record
    expect 1 facelatch identify
    # Nor does a match that is somebody's login.
    show $ALICE_AGAIN
    facelatch verify alice
    sleep 1
    pulses 0
}

step_door_trigger() {
    show $ALICE_AGAIN
    record
    press TRIGGER
    within 60 was_active
    opens_door
    sleep 0.2
    closes_door
    within 20 is_over
    pulses 1
    # Opened and closed again: the rest of the pulse was not needed.
    [ "$(awk '$2 == 1 { start = $1 } $2 == 0 && start { print $1 - start }' /run/door.record)" -lt $((PULSE - 200)) ]
}

step_door_alarms() {
    sleep 2
    now_only
    opens_door
    within 10 door_says 'front: forced'
    within 10 door_says 'front: held open'
    closes_door
    within 10 door_says 'front: closed'
    pull TAMPER up
    within 10 door_says 'front: tampered with'
    pull TAMPER down
}

# leaves: the exit button opens the door for a pulse.
leaves() {
    record
    press EXIT
    within 20 is_over || return
    pulses 1
}

step_door_exit() {
    leaves
    kill -STOP "$(daemon_pid)"
    leaves
    kill -KILL "$(daemon_pid)"
    systemctl stop facelatchd.socket facelatchd.service
    leaves
    systemctl start facelatchd.socket facelatchd.service
    now_only
    within 60 door_is 'all lines and the daemon are there'
}

step_door_killed() {
    local pid
    pid=$(door_pid)
    record
    pull EXIT down
    within 20 was_active
    kill -KILL "$pid"
    pull EXIT up
    within 20 is_over
    within 30 door_is 'all lines and the daemon are there'
    [ "$(door_pid)" != "$pid" ]
    pulses 1
    leaves
}

# A program that is stopped cannot end a pulse: systemd does.
step_door_hangs() {
    local length pid
    pid=$(door_pid)
    record
    pull EXIT down
    within 20 was_active
    kill -STOP "$pid"
    pull EXIT up
    within 30 is_over
    length=$(recorded)
    note "line active for $length ms, with the program stopped"
    [ "$length" -le $((PULSE + 6000)) ]
    within 30 door_is 'all lines and the daemon are there'
    leaves
}

# Somebody else holds the contact's line.
step_door_line_taken() {
    local base chip=/sys/class/gpio/gpiochip
    base=$(grep -l door-sim $chip*/label | sed 's/[^0-9]*\([0-9]*\).label/\1/')
    systemctl stop facelatch-door
    strike_is 0
    echo $((base + 1)) >/sys/class/gpio/export
    now_only
    systemctl start facelatch-door
    within 30 door_says 'front: contact: line CONTACT: "sysfs" uses it'
    show $ALICE_AGAIN
    record
    facelatch identify
    within 10 door_says 'front: stays locked for "alice"'
    pulses 0
    leaves
    echo $((base + 1)) >/sys/class/gpio/unexport
    within 10 door_says 'front: contact: works again'
}

step_door_bad_file() {
    sed -i 's/^pulse_s.*/pulse_s = 60/' $CONFIG
    now_only
    systemctl restart facelatch-door
    within 10 door_says 'strike.pulse_s = 60.0 is not allowed; use 0.5 to 10.0 seconds'
    within 10 door_is 'the configuration is refused'
    show $ALICE_AGAIN
    record
    facelatch identify
    pulses 0
    leaves
    sed -i 's/^pulse_s.*/pulse_s = 1.5/' $CONFIG
    systemctl restart facelatch-door
    leaves
}

counted() { [ "$(grep -c ' 1$' /run/door.record)" = "$1" ]; }

step_door_presses() {
    local n
    record
    for n in $(seq 10); do
        press EXIT
        within 20 is_over
        within 20 counted "$n"
    done
    pulses 10
}

# The service came up with the machine, without its chip; then the chip is plugged in.
step_door_after_reboot() {
    systemctl -q is-active facelatch-door
    date +%s >/run/door.since
    step_door_lines
    within 10 door_says 'front: strike: works again'
    within 10 door_says 'front: exit: works again'
    strike_is 0
    leaves
}
