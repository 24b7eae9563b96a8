# shellcheck shell=bash
# The steps of `cargo xtask vm --door`: facelatch-door with Linux's own simulated GPIO chip. steps.sh reads this file.

# The lines of the chip, by number: each has a file `pull`, which the test sets as a switch would, and a file `value`.
# SEEN is wired to STRIKE, and so are the strikes of MANY doors to lines of their own.
MANY=8
DOOR_LINES=(STRIKE CONTACT EXIT TRIGGER TAMPER SEEN)
for number in $(seq $MANY); do DOOR_LINES+=("STRIKE$number" "SEEN$number"); done
# In milliseconds; the file below says so. Long enough for this slow machine to open and close the door meanwhile.
PULSE=4000
SHORTEST=500
# What a line may be active for beyond its pulse.
LATE=100
CONFIG=/etc/facelatch/door.toml
CHIP=/sys/kernel/config/gpio-sim/door
# What the witnesses saw: see judge.rs.
SEEN=/var/lib/vm-door

sim() { echo "$(cat /run/door.sim)/sim_gpio$1"; }
number_of() {
    local number
    for number in "${!DOOR_LINES[@]}"; do
        if [ "${DOOR_LINES[$number]}" = "$1" ]; then echo "$number"; fi
    done
}
line() { sim "$(number_of "$1")"; }
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
now_us() { awk '{ printf "%.0f\n", $1 * 1e6 }' /proc/uptime; }
# may_last NAME MS: from now on a pulse of this line may be so long.
may_last() { echo "limit $(now_us) $1 $2" >>$SEEN/limits; }

# Those who see what the lines do, whatever facelatch-door says: `watch` reads them, gpiomon of libgpiod sees the edges
# that `watch` passes on, and `facelatch events` tells of matches.
witness() {
    local name watched=() numbers=()
    for name in "${DOOR_LINES[@]}"; do
        case $name in
        SEEN*) numbers+=("$(number_of "$name")") ;;
        STRIKE*) watched+=("$name:$(line "$name"):$(line "${name/STRIKE/SEEN}")/pull") ;;
        *) watched+=("$name:$(line "$name")") ;;
        esac
    done
    mkdir -p $SEEN
    dismiss
    systemd-run --quiet --collect --unit=vm-watch -p StandardOutput=append:$SEEN/lines \
        -p StandardError=journal /payload/watch "${watched[@]}"
    within 10 sh -c "tail -1 $SEEN/lines | grep '^first .* STRIKE$MANY '"
    systemd-run --quiet --collect --unit=vm-stalls -p StandardOutput=append:$SEEN/stalls /payload/stalls
    systemd-run --quiet --collect --unit=vm-gpiomon \
        -p StandardOutput=append:$SEEN/edges -p StandardError=journal \
        gpiomon --line-buffered --format='gpiomon %o %e %s %n' door-sim "${numbers[@]}"
    within 10 sh -c "gpioinfo door-sim | grep '\"SEEN$MANY\" *\"gpiomon\"'"
    systemd-run --quiet --collect --unit=vm-events -p Restart=always -p RestartSec=300ms \
        -p StartLimitIntervalSec=0 facelatch events --json
}
dismiss() { systemctl stop vm-watch vm-stalls vm-gpiomon vm-events 2>/dev/null || true; }
# Matches are heard of, by the program that runs now. What doors report may follow its first line at once.
events_come() {
    journalctl -q "_SYSTEMD_INVOCATION_ID=$(systemctl show -p InvocationID --value vm-events)" -o cat | grep -q listening
}

# record: what the strike's line does from now on; recorded prints the length of each pulse in milliseconds.
record() { wc -l <$SEEN/lines >/run/door.from; }
since_record() { tail -n "+$(($(cat /run/door.from) + 1))" $SEEN/lines | grep '^line .* STRIKE '; }
# The line was active since `record`, and is not any more.
was_active() { since_record | grep -q ' 1$'; }
is_over() { was_active && since_record | tail -1 | grep -q '[-0]$'; }
recorded() {
    since_record | tee /dev/stderr |
        awk '$5 == 1 { start = $3 } $5 != 1 && start { print int(($3 - start) / 1000); start = 0 } END { if (start) print "active" }'
}
# pulses COUNT: so many were recorded. How long they may be is for judge.rs.
pulses() {
    local lengths length
    lengths=$(recorded || true)
    [ "$(wc -w <<<"$lengths")" = "$1" ] || fail "not $1 pulses: $lengths" || return
    for length in $lengths; do note "pulse of $length ms"; done
}

# What the judge gets.
step_door_seen() {
    local number
    dismiss
    for number in "${!DOOR_LINES[@]}"; do
        case ${DOOR_LINES[$number]} in
        SEEN*) echo "wire $number ${DOOR_LINES[$number]/SEEN/STRIKE}" ;;
        esac
    done
    cat $SEEN/limits $SEEN/lines $SEEN/stalls $SEEN/edges
    journalctl -q -b -u vm-events -o short-monotonic |
        awk '/"kind": ?"identify"/ && /"verdict": ?"match"/ { sub(/^\[ */, ""); printf "match %.0f STRIKE\n", $1 * 1e6 }'
    [ ! -e $SEEN/said ] || awk -v many=$MANY '{ for (n = 1; n <= many; n++) print $0, "STRIKE" n }' $SEEN/said
    rm -r $SEEN
}

step_door_lines() {
    local number
    mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
    modprobe gpio-sim
    mkdir -p $CHIP/bank0
    echo door-sim >$CHIP/bank0/label
    echo "${#DOOR_LINES[@]}" >$CHIP/bank0/num_lines
    for number in "${!DOOR_LINES[@]}"; do
        mkdir -p "$CHIP/bank0/line$number"
        echo "${DOOR_LINES[$number]}" >"$CHIP/bank0/line$number/name"
    done
    plug_in
    rm -rf $SEEN
    witness
    may_last STRIKE $((PULSE + LATE))
    for number in $(seq $MANY); do may_last "STRIKE$number" $((SHORTEST + LATE)); done
}
plug_in() {
    local name
    echo 1 >$CHIP/live
    echo "/sys/devices/platform/$(cat $CHIP/dev_name)/$(cat $CHIP/bank0/chip_name)" >/run/door.sim
    udevadm settle
    for name in EXIT TRIGGER; do pull $name up; done
    for name in CONTACT TAMPER; do pull $name down; done
}

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
# high. It clicks nothing: no pulse of the strike may be without a cause.
step_door_setup() {
    local before said=/run/door.setup
    before=$(sha256sum <$CONFIG)
    cat >/run/door.answers <<C
strike.click = false
trigger.line = "none"
enroll.now = false
C
    show $ALICE_AGAIN
    systemd-run --quiet --unit=vm-setup -p StandardOutput="truncate:$said" -p StandardError=journal -p RemainAfterExit=yes \
        facelatch setup door --answers /run/door.answers
    within 60 says_in $said 'Now open it'
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
        systemd-run --quiet --collect --unit="vm-door-$number" facelatch-door --config "/run/door-$number.toml"
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
    # A grant is given up where the machine was too busy to begin the pulse in time.
    [ "$pulses" -gt $(($1 * MANY / 2)) ]
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
