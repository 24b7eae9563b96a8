# shellcheck shell=bash disable=SC2086
# What happens in the machine, one function a step: `cargo xtask vm` calls them in the order of xtask/src/vm.rs, as
# root, with `set -euo pipefail`. A step passes when it returns 0; lines that begin with "note: " go to the report.

# shellcheck source=tests/vm/door.sh
. "${BASH_SOURCE[0]%/*}/door.sh"
# shellcheck source=tests/vm/typed.sh
. "${BASH_SOURCE[0]%/*}/typed.sh"

PASSWORD=correct-horse
# Pictures of alice in tests/data/faces: the first to enrol with, the second not seen before.
ALICE="obama-enrol-1 obama-enrol-2 obama-enrol-3 obama-enrol-4 obama-enrol-5 obama-enrol-6"
ALICE_AGAIN=obama-3b
STRANGER=astronaut

note() { echo "note: $*"; }
fail() {
    echo "$*"
    return 1
}

# status COMMAND...: runs it and prints its exit status, its output to the log.
status() {
    local status=0
    "$@" >&2 || status=$?
    echo "$status"
}

# expect STATUS COMMAND...
expect() {
    local wanted=$1 got
    shift
    got=$(status "$@")
    [ "$got" = "$wanted" ] || fail "\`$*\` ended with $got, not $wanted"
}

# within SECONDS COMMAND...: until it succeeds.
within() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/tmp/within 2>&1; do
        if [ $SECONDS -ge $end ]; then
            cat /tmp/within
            fail "\`$*\` never succeeded"
            return 1
        fi
        sleep 0.3
    done
}

now_ms() { echo $(($(date +%s%N) / 1000000)); }
since() { awk -v ms=$(($(now_ms) - $1)) 'BEGIN { printf "%.1f s", ms / 1000 }'; }

# show NAME...: before the camera from now on, each for a second in turn. Returns when one of them is.
show() {
    echo "$*" >/run/show
    [ "$(systemctl is-active vm-camera)" != active ] || within 10 shown "$@"
}
shown() { [[ " $* " == *" $(cat /run/show.now) "* ]]; }

# alice at the machine: a session of logind's on the console, held open by a program that does nothing. A face is asked
# for in an active session at a seat only.
at_the_desk() {
    if ! systemctl -q is-active vm-desk; then
        systemd-run --quiet --unit=vm-desk -p PAMName=login -p User=alice -p TTYPath=/dev/tty1 sleep infinity
    fi
    within 120 move_to_desk
}
# Moves this shell into the session at the seat. Logind writes the session's file before there is a control group.
move_to_desk() {
    local file
    for file in /run/systemd/sessions/*; do
        if grep -q '^SEAT=seat0' "$file" && grep -q '^STATE=active' "$file"; then
            echo "$BASHPID" >"/sys/fs/cgroup/user.slice/user-$(id -u alice).slice/session-$(basename "$file").scope/cgroup.procs"
            return
        fi
    done
    cat /run/systemd/sessions/*
    return 1
}
as_alice() { (at_the_desk && exec runuser -u alice -- "$@"); }
# sudo without a word from the person: only the face can open it.
sudo_by_face() { as_alice sudo -S -p '' -k true </dev/null; }
sudo_by_password() { as_alice sudo -S -p '' -k true <<<"$PASSWORD"; }

# Never 0, which `kill` would take for us all.
daemon_pid() { systemctl show -p MainPID --value facelatchd | grep -x '[1-9][0-9]*'; }
templates() { facelatch list "$1" --json | grep -o '"id"' | wc -l; }

step_booted() {
    systemctl is-system-running --wait || { systemctl --failed --no-legend; return 1; }
    note "$(systemd-analyze time | sed -n 's/^Startup finished in //p')"
}

step_why() {
    systemctl status facelatchd facelatchd.socket facelatch-door vm-camera --no-pager -l -n 0 || true
    journalctl -b -q --no-pager -o short-monotonic -n 60
}

export DEBIAN_FRONTEND=noninteractive

# An archive of packages is at its address, on loopback.
serve() {
    [ ! -e /run/served ] || systemctl stop vm-archive
    touch /run/served
    systemd-run --quiet --unit=vm-archive /payload/busybox httpd -f -p 127.0.0.1:8080 -h "$1"
    within 20 /payload/busybox wget -q -O /dev/null http://127.0.0.1:8080/facelatch.sources
}

# The packages, as a person would install them. What follows is for the emulator alone: it is some ten times slower
# than a Pi, so an attempt gets more time.
step_install() {
    # Nothing else can be reached from here.
    rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
    serve /payload/archive
    sh /payload/archive/install.sh --no-setup | tee /tmp/said
    grep -q 'there is no camera yet' /tmp/said || fail "install.sh does not say that there is no camera"
    apt-cache policy facelatch | grep 'http://127.0.0.1:8080 stable/main' || fail "it comes from somewhere else"
    within 60 systemctl -q is-active facelatchd
    # All three packages are unpacked before the daemon's is set up and starts.
    ! journalctl -b -q --no-pager _PID=1 | grep -iE 'facelatch.*fail|fail.*facelatch' || fail "a unit failed on the way"
    systemctl -q is-active facelatchd-door.socket
    locked_memory
    slow_machine
    useradd --create-home --groups sudo --shell /bin/bash alice
    echo "alice:$PASSWORD" | chpasswd
    pam-auth-update --enable facelatch
    grep -q pam_facelatch /etc/pam.d/common-auth
    sed -i 's/pam_facelatch.so/& timeout=10/' /etc/pam.d/common-auth
    # It ends with 1 here: there is no camera yet.
    (facelatch doctor || true) | grep 'sudo: asks' || fail "doctor does not say that sudo asks"
}

# Of the whole daemon, not only of the pages with its keys, under the sandbox as it is shipped.
locked_memory() {
    local locked
    locked=$(awk '/^VmLck/ { print $2 }' "/proc/$(daemon_pid)/status")
    [ "$locked" -gt 10000 ] || fail "only $locked kB of the daemon's memory are kept out of swap"
}

slow_machine() {
    sed -i 's/^deadline_ms = [0-9]*/deadline_ms = 9500/' /etc/facelatch/facelatch.toml
    systemctl restart facelatchd
}

step_camera() {
    show $ALICE
    systemctl start vm-camera
    within 20 test -c /dev/video9
    within 20 facelatch status
    facelatch doctor || true
    facelatch status
}

step_enrol() {
    show $ALICE
    local start
    start=$(now_ms)
    facelatch enroll alice
    note "5 templates in $(since "$start")"
    [ "$(templates alice)" = 5 ]
}

step_unlock_sudo() {
    show $ALICE_AGAIN
    local start
    start=$(now_ms)
    sudo_by_face
    note "in $(since "$start")"
}

# Where the time goes, on this emulated processor.
step_speed() {
    show $ALICE_AGAIN
    local reply stage
    reply=$(facelatch verify alice --json)
    echo "$reply"
    for stage in detect align embed score; do
        note "$stage $(sed -n "s/.*\"$stage\": *\([0-9]*\).*/\1/p" <<<"$reply" | head -1) ms"
    done
    note "memory $(awk '/^VmHWM/ { printf "%.0f MB", $2 / 1024 }' "/proc/$(daemon_pid)/status")"
}

step_unlock_pamtester() {
    show $ALICE_AGAIN
    local start
    start=$(now_ms)
    pamtester -I tty=/dev/tty1 login alice authenticate acct_mgmt
    note "login in $(since "$start")"
}

step_stranger_denied() {
    show $STRANGER
    expect 1 facelatch verify alice
    expect 1 sudo_by_face
    sudo_by_password
    expect 1 pamtester -I tty=/dev/tty1 login alice authenticate
    show $ALICE_AGAIN
    sudo_by_face
}

step_empty_room() {
    show coffee
    expect 3 facelatch verify alice
    expect 1 sudo_by_face
    sudo_by_password
}

step_camera_lost() {
    show $ALICE_AGAIN
    facelatch verify alice
    systemctl stop vm-camera
    local start
    start=$(now_ms)
    sudo_by_password
    note "password after $(since "$start")"
    expect 1 sudo_by_face
    systemctl -q is-active facelatchd
}

step_camera_back() {
    local start pid
    pid=$(daemon_pid)
    systemctl start vm-camera
    start=$(now_ms)
    within 60 facelatch verify alice
    note "recognised $(since "$start") after the camera came back"
    sudo_by_face
    [ "$(daemon_pid)" = "$pid" ] || fail "the daemon was restarted meanwhile"
}

step_daemon_killed() {
    local pid start
    pid=$(daemon_pid)
    show $ALICE_AGAIN
    kill -KILL "$pid"
    start=$(now_ms)
    within 60 facelatch verify alice
    note "recognised $(since "$start") after kill -9"
    [ "$(daemon_pid)" != "$pid" ]
    [ "$(templates alice)" = 5 ]
    sudo_by_face
}

# A daemon that is stopped says nothing; PAM's own deadline must free the person.
step_daemon_hangs() {
    local pid start
    pid=$(daemon_pid)
    kill -STOP "$pid"
    start=$(now_ms)
    sudo_by_password
    note "password after $(since "$start")"
    kill -CONT "$pid"
    within 60 facelatch verify alice
}

step_daemon_away() {
    local start
    systemctl stop facelatchd.socket facelatchd.service
    start=$(now_ms)
    sudo_by_password
    note "password after $(since "$start")"
    expect 1 sudo_by_face
    systemctl start facelatchd.socket facelatchd.service
    show $ALICE_AGAIN
    sudo_by_face
}

# The plug is pulled as soon as this returns. /root/unsynced shows that the cut is real: it is written last and
# nobody asks the disk to keep it.
step_enrol_before_power_cut() {
    show biden
    facelatch enroll bob --templates 3
    echo "nobody flushed this" >/root/unsynced
}

step_after_power_cut() {
    [ ! -s /root/unsynced ] || fail "what was never flushed is there: no power cut was simulated"
    [ "$(templates alice)" = 5 ]
    [ "$(templates bob)" = 3 ]
    # The camera comes after the daemon, as at a machine where it is plugged in late.
    systemctl start vm-camera
    show $STRANGER
    within 60 facelatch status
    expect 1 facelatch verify alice
}

step_after_reboot() {
    systemctl -q is-active facelatchd
    systemctl start vm-camera
    [ "$(templates alice)" = 5 ]
    [ "$(templates bob)" = 3 ]
}

step_install_again() {
    dpkg -i /payload/archive/pool/*.deb
    within 60 systemctl -q is-active facelatchd
    grep -q 'deadline_ms = 9500' /etc/facelatch/facelatch.toml || fail "the configuration was overwritten"
    grep -q 'pam_facelatch.*timeout=10' /etc/pam.d/common-auth || fail "the PAM profile was reset"
    [ "$(templates alice)" = 5 ]
}

step_upgrade() {
    local before
    before=$(dpkg-query -W -f '${Version}' facelatch)
    serve /payload/later
    apt-get update
    apt-get upgrade --yes
    [ "$(dpkg-query -W -f '${Version}' facelatch)" = "$before+later" ]
    within 60 systemctl -q is-active facelatchd
    grep -q 'deadline_ms = 9500' /etc/facelatch/facelatch.toml || fail "the configuration was overwritten"
    grep -q 'pam_facelatch.*timeout=10' /etc/pam.d/common-auth || fail "the PAM profile was reset"
    [ "$(templates alice)" = 5 ]
}

step_purge() {
    dpkg --purge libpam-facelatch
    ! grep -rq facelatch /etc/pam.d || fail "PAM still names the module"
    sudo_by_password
    dpkg --purge facelatch-door
    dpkg --purge facelatch | tee /tmp/said
    grep -q 'removing all enrolled faces' /tmp/said || fail "the templates went without a word"
    # The way back that install.sh names.
    rm -f /etc/apt/sources.list.d/facelatch.sources
    local left
    left=$(find /etc /usr /var/lib /run -xdev -iname '*facelatch*' -not -path '/var/lib/dpkg/*' -not -path '/run/systemd/*' \
        -not -path '/run/udev/*')
    [ -z "$left" ] || fail "left behind: $left"
    [ "$(systemctl show -p LoadState --value facelatchd.service)" = not-found ] || fail "systemd still knows the unit"
    systemctl is-system-running || { systemctl --failed --no-legend; return 1; }
}

# A key pair of this test, and of nothing else.
BACKUP_FOR=age1ptfhxyaq2xytkgc9wkqjddl7u7lp8v289zv3mmkyjgrnvcmrd3wqfjfzuf
BACKUP_KEY=AGE-SECRET-KEY-14FWVXDVLLC5386S7P7TPT9W89WUJV6H7M6JNZZZ22M65Q66FZ9KS3N02LX

# A backup, kept where a purge does not reach.
step_backup() {
    rm -f /root/backup.age
    facelatch backup --to /root/backup.age --recipient $BACKUP_FOR
    [ "$(stat -c %a /root/backup.age)" = 600 ] || fail "others may read the backup"
    note "$(stat -c %s /root/backup.age) bytes"
}

# Another machine from the next start on: its id and the secret of its credentials are new.
step_new_card() {
    rm -f /var/lib/systemd/credential.secret
    tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
}

# The way of a person without a keyboard: the script, the answers of a file, the backup of the old card.
step_set_up() {
    systemctl start vm-camera
    show $ALICE
    within 20 test -c /dev/video9
    serve /payload/archive
    printf 'for = "login"\nenroll.now = false\n' >/root/answers.toml
    sh /payload/archive/install.sh --yes /root/answers.toml
    grep -q pam_facelatch /etc/pam.d/common-auth || fail "sudo does not ask for the face"
    sudo_by_password
    (umask 077 && echo $BACKUP_KEY >/root/backup.key)
    facelatch restore /root/backup.age --identity /root/backup.key
    within 60 systemctl -q is-active facelatchd
    [ "$(templates alice)" = 5 ] || fail "alice is not here"
    grep -q 'deadline_ms = 9500' /etc/facelatch/facelatch.toml || fail "the configuration is not that of the old card"
    sed -i 's/pam_facelatch.so/& timeout=10/' /etc/pam.d/common-auth
}
