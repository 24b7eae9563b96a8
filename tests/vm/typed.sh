# shellcheck shell=bash disable=SC2086
# docs/install.md as it is written: alice types its commands at a terminal, then Enter after each question. steps.sh reads this file.

# types COMMAND: alice does, at the desk. What she sees goes to /run/typed.
types() {
    rm -f /run/typed /run/typed.in
    mkfifo /run/typed.in
    exec 7<>/run/typed.in
    (at_the_desk && cd /home/alice && exec runuser -u alice -- script -qefc "$1" /dev/null <&7 >/run/typed 2>&1) &
    typist=$!
    seen=0
}

# asked QUESTION: until it stands in what was not seen yet. answers QUESTION [LINE]: the same, then types the line.
asked() { within 300 sh -c 'tail -c "+$0" /run/typed | grep "$1" >/dev/null || { cat /run/typed; false; }' $((seen + 1)) "$1"; }
answers() {
    asked "$1"
    seen=$(stat -c %s /run/typed)
    echo "${2-}" >&7
}

# ends_with WORDS: the command does, without an error.
ends_with() {
    wait $typist || fail "it ended with $?: $(cat /run/typed)"
    grep -q "$1" /run/typed || fail "$(cat /run/typed)"
}

# A login; busybox is her curl.
step_typed() {
    serve /payload/archive
    show $ALICE
    rm -f /home/alice/install.sh
    types '/payload/busybox wget -q http://127.0.0.1:8080/install.sh && sudo sh install.sh'
    answers 'password for alice:' "$PASSWORD"
    answers 'Show what it sees, to find out how it is mounted? Sit in front of it \[yes\]:'
    asked 'What is it for? Several with commas \[login\]:'
    slow_machine
    answers 'What is it for? Several with commas \[login\]:'
    answers 'Enrol somebody now, in front of the camera? \[yes\]:'
    answers 'Their name \[alice\]:'
    asked 'Try it: alice, look at the camera. Ready? \[yes\]:'
    sed -i 's/pam_facelatch.so/& timeout=10/' /etc/pam.d/common-auth
    show $ALICE_AGAIN
    answers 'Try it: alice, look at the camera. Ready? \[yes\]:'
    answers 'Try it as alice: sudo looks for the face, then asks for the password. Ready? \[yes\]:'
    ends_with 'sudo knew the face and let you in. It works.'
}

# A door, on the machine of the login, with lines named as those of a Pi. Her face lets her use sudo.
step_typed_door() {
    # shellcheck disable=SC2034
    DOOR_LINES=(GPIO17 GPIO27 GPIO22)
    make_chip
    show $ALICE_AGAIN
    types 'sudo facelatch setup door'
    answers 'What is the door called? \[front\]:'
    answers 'Line of the relay \[GPIO17\]:'
    answers 'May the relay be switched on for half a second, twice at most? \[yes\]:'
    answers 'The line was high for half a second. Did the relay click on, then off? \[yes\]:'
    answers 'Is the door shut while the relay is on, as with a magnet on its NO contact? \[no\]:'
    answers 'Line of the door contact, or none \[GPIO27\]:'
    answers 'Close the door, then press Enter:'
    asked 'Now open it'
    pull GPIO27 down
    asked 'Close it again'
    pull GPIO27 up
    answers 'Line of the exit button inside, or none \[GPIO22\]:'
    asked 'Press the exit button'
    press GPIO22
    answers 'Look by itself when something moves in front of the camera? \[yes\]:'
    answers 'Line of a button or motion sensor outside, or none \[none\]:'
    answers 'Enrol somebody who may come in? \[no\]:'
    [ "$(value GPIO17)" = 0 ] || fail "the relay is on before anybody was seen"
    answers 'Try it: stand in front of the camera. Ready? \[yes\]:'
    within 300 relay_is_on
    ends_with 'The door is unlocked. It works.'
}
relay_is_on() { [ "$(value GPIO17)" = 1 ] || { cat /run/typed; false; }; }
