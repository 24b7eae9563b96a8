# shellcheck shell=bash
# The steps of `cargo xtask vm --door`: facelatch-door with Linux's own simulated GPIO chip. steps.sh reads this file.

# shellcheck source=tests/vm/witness.sh
. "${BASH_SOURCE[0]%/*}/witness.sh"

CONFIG=/etc/facelatch/door.toml
door_says() { journalctl -q -u facelatch-door --since "@$(cat /run/door.since)" -o cat | grep -e "$1"; }
door_is() { systemctl show -p StatusText --value facelatch-door | grep -q -e "$1"; }
# From here on only what is said later counts.
now_only() {
    sleep 1.1
    date +%s >/run/door.since
}
door_pid() { systemctl show -p MainPID --value facelatch-door | grep -x '[1-9][0-9]*'; }

ticks() { awk '{ print $14 + $15 }' "/proc/$(door_pid)/stat"; }
ticks_in_10_s() {
    local before
    before=$(ticks)
    sleep 10
    echo $(($(ticks) - before))
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
pulse_s = $((PULSE / 1000))
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
    note "processor time at rest $(ticks_in_10_s)0 ms in 10 s"
}

# judges STATUS COMMAND...: the first look that sees a face ends so. On this machine one may see too few pictures in its time.
judges() {
    local wanted=$1 got=3 n
    shift
    for n in $(seq 8); do
        got=$(status "$@")
        [ "$got" = 3 ] || break
    done
    [ "$got" = "$wanted" ] || fail "\`$*\` ended with $got in look $n, not $wanted"
}

step_door_grant() {
    show $ALICE_AGAIN
    record
    judges 0 facelatch identify
    within 20 is_over
    pulses 1
}

step_door_stranger() {
    show $STRANGER
    record
    judges 1 facelatch identify
    # Nor does a match that is somebody's login.
    show $ALICE_AGAIN
    judges 0 facelatch verify alice
    sleep 1
    pulses 0
}

let_in() {
    was_active || press TRIGGER
    within 15 was_active
}

step_door_trigger() {
    show $ALICE_AGAIN
    record
    within 100 let_in
    opens_door
    sleep 0.2
    closes_door
    within 20 is_over
    pulses 1
    # Opened and closed again: the rest of the pulse was not needed.
    [ "$(recorded)" -lt $((PULSE - 200)) ]
}

# From the first frame with a face, while the daemon looks already, to the line.
step_door_soon() {
    local shown
    for _ in 1 2 3; do
        show coffee
        sleep 2
        pull TRIGGER down
        # By then the camera is open.
        sleep 2.5
        record
        show $ALICE_AGAIN
        within 60 was_active
        pull TRIGGER up
        shown=$(stat -c %.6Y /run/show.now)
        since_record | awk -v shown="$shown" -v now="$(date +%s.%6N)" -v up="$(cut -d' ' -f1 /proc/uptime)" '
            $5 == 1 { printf "note: active %.0f ms after the first frame with the face\n", $3 / 1000 - (up - now + shown) * 1000; exit }'
        within 20 is_over
    done
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
    within 20 events_come
}

# is_back PID: another program than this one works the door.
is_back() { systemctl -q is-active facelatch-door && [ "$(door_pid)" != "$1" ]; }

step_door_killed() {
    local pid
    pid=$(door_pid)
    record
    pull EXIT down
    within 20 was_active
    kill -KILL "$pid"
    pull EXIT up
    within 20 is_over
    within 60 is_back "$pid"
    pulses 1
    leaves
}

# A program that is stopped cannot end a pulse: systemd does.
step_door_hangs() {
    local pid
    pid=$(door_pid)
    may_last STRIKE $((PULSE + 6000))
    record
    pull EXIT down
    within 20 was_active
    kill -STOP "$pid"
    pull EXIT up
    within 30 is_over
    pulses 1
    may_last STRIKE $((PULSE + LATE))
    within 60 is_back "$pid"
    leaves
}

# As a shutdown does.
step_door_stops() {
    record
    pull EXIT down
    within 20 was_active
    systemctl stop facelatch-door
    pull EXIT up
    within 5 is_over
    pulses 1
    systemctl start facelatch-door
    leaves
}

# The chip is pulled out in the middle of a pulse, as one on USB can be.
step_door_chip_gone() {
    now_only
    record
    pull EXIT down
    within 20 was_active
    echo 0 >$CHIP/live
    within 20 is_over
    within 30 door_says 'front: strike: '
    within 30 door_says 'front: exit: '
    show $ALICE_AGAIN
    judges 0 facelatch identify
    within 10 door_says 'front: stays locked for "alice"'
    pulses 1
    now_only
    plug_in
    witness
    within 20 events_come
    within 30 door_says 'front: strike: works again'
    within 30 door_says 'front: exit: works again'
    strike_is 0
    leaves
}

# says_in FILE TEXT: the setup has come that far.
says_in() { grep -q -e "$2" "$1"; }

# The wizard, with answers from a file and somebody at the door. It asks for the chip's own pull-up, so that here a closed contact is
# high.
step_door_setup() {
    local before said=/run/door.setup
    before=$(sha256sum <$CONFIG)
    cat >/run/door.answers <<C
strike.click = true
strike.clicked = true
trigger.line = "none"
enroll.now = false
C
    show $ALICE_AGAIN
    may_last STRIKE $((SHORTEST + LATE))
    record
    systemd-run --quiet --unit=vm-setup -p StandardOutput="truncate:$said" -p StandardError=journal -p RemainAfterExit=yes \
        facelatch setup door --answers /run/door.answers
    within 60 says_in $said 'May the relay be switched on'
    echo "match $(now_us) STRIKE" >>$SEEN/clicks
    within 60 says_in $said 'Now open it'
    pulses 1
    may_last STRIKE $((PULSE + LATE))
    pull CONTACT down
    within 20 says_in $said 'Close it again'
    pull CONTACT up
    within 20 says_in $said 'Press the exit button'
    press EXIT
    within 200 says_in $said 'It works.'
    within 300 says_in $said 'takes all of this back'
    systemctl stop vm-setup
    grep -A1 '^\[door.contact\]' $CONFIG | grep -q '^active = "high"'
    systemctl -q is-active facelatch-door
    facelatch setup door --undo
    [ "$(sha256sum <$CONFIG)" = "$before" ] || fail "the file is not as it was"
    pull CONTACT down
    within 60 door_is 'all lines and the daemon are there'
    leaves
}

keypad_is_there() { ln -sfn "/dev/input/$(basename /sys/devices/virtual/input/input*/event*)" /dev/input/keypad && [ -c /dev/input/keypad ]; }
# Its characters come from /run/keys.
plug_in_keypad() {
    systemd-run --quiet --collect --unit=vm-keys -p StandardError=journal /payload/keys /run/keys
    within 10 keypad_is_there
}
# opens_by PIN: typed at the keypad, it opens the door for one pulse.
opens_by() {
    record
    echo "$1" >/run/keys
    within 20 is_over || return
    pulses 1
}

# A keypad of the kernel's, with somebody whose face is not asked for.
step_door_keypad() {
    local pin=407166 duress=860215
    modprobe -a uinput evdev
    [ -p /run/keys ] || mkfifo /run/keys
    plug_in_keypad
    printf '[door.keypad]\ndevice = "/dev/input/keypad"\n' >>$CONFIG
    now_only
    systemctl restart facelatch-door
    within 60 door_is 'all lines and the daemon are there'
    facelatch pin alice --stdin <<<$pin
    facelatch pin alice --duress --stdin <<<$duress
    record
    # No rule asks for it yet; then it is somebody's, and this is nobody's.
    echo $pin >/run/keys
    sleep 3
    facelatch allow alice --factor pin
    echo 918273 >/run/keys
    sleep 3
    pulses 0
    opens_by $pin
    opens_by $duress
    within 5 duress_is_told
    systemctl stop vm-keys
    within 30 door_says 'front: keypad: '
    leaves
    plug_in_keypad
    within 30 door_says 'front: keypad: works again'
    opens_by $pin
    facelatch pin alice --remove
    facelatch allow alice --clear
    sed -i '/^\[door.keypad\]$/,$d' $CONFIG
    systemctl restart facelatch-door
    systemctl stop vm-keys
    within 60 door_is 'all lines and the daemon are there'
}
duress_is_told() { [ "$(journalctl -q -b -u vm-events -o cat | grep -c '"duress": \?true')" = 1 ]; }

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
    judges 0 facelatch identify
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
    judges 0 facelatch identify
    pulses 0
    leaves
    sed -i "s/^pulse_s.*/pulse_s = $((PULSE / 1000))/" $CONFIG
    systemctl restart facelatch-door
    leaves
}

# COUNT grants for each of MANY doors, by a stand-in for the daemon (says.c); each door has a program of its own.
step_door_grants() {
    local number pulses lines=()
    systemctl stop facelatch-door
    for number in $(seq $MANY); do
        cat >"/run/door-$number.toml" <<C
socket = "/run/door.says"
[[door]]
name = "many"
rearm_s = 0
[door.strike]
chip = "door-sim"
line = "STRIKE$number"
pulse_s = 0.$((SHORTEST / 100))
C
        systemd-run --quiet --collect --unit="vm-door-$number" -p Nice=-10 \
            facelatch-door --config "/run/door-$number.toml"
        lines+=("$(line "STRIKE$number")")
    done
    within 60 many_are_ready
    systemd-run --quiet --unit=vm-says -p Type=exec -p RemainAfterExit=yes \
        -p StandardOutput=append:$SEEN/said -p StandardError=journal /payload/says /run/door.says "$1" "${lines[@]}"
    within 250 says_no_more
    [ "$(systemctl show -p Result --value vm-says)" = success ] || fail "$(journalctl -q -u vm-says -o cat)"
    for number in $(seq $MANY); do systemctl stop "vm-door-$number"; done
    pulses=$(grep -c ' STRIKE[1-9][0-9]* 1$' $SEEN/lines)
    note "$pulses pulses for $(($1 * MANY)) grants"
    # A grant is given up where the machine stands still for too long to begin the pulse in time.
    [ "$pulses" -ge $(($1 * MANY * 95 / 100)) ]
    systemctl start facelatch-door
}
many_are_ready() { [ "$(gpioinfo door-sim | grep -c '"STRIKE[1-9][0-9]*" *"facelatch-door"')" = $MANY ]; }
says_no_more() { [ "$(systemctl show -p SubState --value vm-says)" != running ]; }

# The service came up with the machine, without its chip; then the chip is plugged in.
step_door_after_reboot() {
    systemctl -q is-active facelatch-door
    date +%s >/run/door.since
    step_door_lines
    within 30 door_says 'front: strike: works again'
    within 30 door_says 'front: exit: works again'
    strike_is 0
    leaves
}
