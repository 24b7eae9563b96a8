# shellcheck shell=bash
# The lines of Linux's simulated GPIO chip, and those who see what they do. door.sh reads this file.

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
    cat $SEEN/{limits,lines,stalls,edges}
    [ ! -e $SEEN/clicks ] || cat $SEEN/clicks
    journalctl -q -b -u vm-events -o short-monotonic |
        awk '/"kind": ?"(identify|pin)"/ && /"verdict": ?"match"/ { sub(/^\[ */, ""); printf "match %.0f STRIKE\n", $1 * 1e6 }'
    [ ! -e $SEEN/said ] || awk -v many=$MANY '{ for (n = 1; n <= many; n++) print $0, "STRIKE" n }' $SEEN/said
    rm -r $SEEN
}

# The chip, with the lines of DOOR_LINES.
make_chip() {
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
    switch_on
}
switch_on() {
    echo 1 >$CHIP/live
    echo "/sys/devices/platform/$(cat $CHIP/dev_name)/$(cat $CHIP/bank0/chip_name)" >/run/door.sim
    udevadm settle
}

step_door_lines() {
    local number
    make_chip
    at_rest
    rm -rf $SEEN
    witness
    may_last STRIKE $((PULSE + LATE))
    for number in $(seq $MANY); do may_last "STRIKE$number" $((SHORTEST + LATE)); done
}
plug_in() {
    switch_on
    at_rest
}
at_rest() {
    local name
    for name in EXIT TRIGGER; do pull $name up; done
    for name in CONTACT TAMPER; do pull $name down; done
}
