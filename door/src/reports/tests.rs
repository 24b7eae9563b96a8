use super::*;

/// The daemon of a test: it is away for some calls, and refuses a note.
struct Told {
    heard: VecDeque<Option<Report>>,
    away: usize,
    now: u64,
    sent: Vec<call::Report>,
    said: Vec<String>,
}

impl World for Told {
    fn now(&self) -> Moment {
        Moment(Duration::from_secs(self.now))
    }

    fn hear(&mut self, at_most: Option<Duration>) -> Result<(Moment, Report), RecvTimeoutError> {
        match self.heard.pop_front() {
            Some(Some(report)) => Ok((self.now(), report)),
            Some(None) => {
                self.now += at_most.expect("it waits for ever with a report to send").as_secs();
                Err(RecvTimeoutError::Timeout)
            }
            None => Err(RecvTimeoutError::Disconnected),
        }
    }

    fn send(&mut self, calls: &[call::Report]) -> (usize, Option<ClientError>) {
        if self.away > 0 {
            self.away -= 1;
            return (0, Some(ClientError::Closed));
        }
        let bad = calls.iter().position(|call| call.note.as_deref() == Some("bad"));
        let answered = bad.unwrap_or(calls.len());
        self.sent.extend_from_slice(&calls[..answered]);
        let parameter = "note".to_owned();
        (answered, bad.map(|_| ClientError::Refused(Fault::InvalidParameter { parameter })))
    }

    fn say(&mut self, text: &str) {
        self.said.push(text.to_owned());
    }
}

fn report(change: DoorChange, note: Option<&str>) -> Option<Report> {
    Some(Report { door: "front".into(), change, user: None, note: note.map(str::to_owned) })
}

fn delivered(heard: Vec<Option<Report>>, away: usize) -> Told {
    let mut told = Told { heard: heard.into(), away, now: 100, sent: Vec::new(), said: Vec::new() };
    deliver(&mut told);
    told
}

#[test]
fn what_happened_together_goes_out_together_and_in_order() {
    let heard = vec![report(DoorChange::Opened, None), report(DoorChange::Closed, None), None];
    let told = delivered(heard, 0);
    let changes: Vec<DoorChange> = told.sent.iter().map(|call| call.change).collect();
    assert_eq!(changes, [DoorChange::Opened, DoorChange::Closed]);
    assert!(told.sent.iter().all(|call| call.note.is_none() && call.door == "front"));
}

#[test]
fn while_the_daemon_is_away_reports_wait_and_say_how_late_they_are() {
    let mut heard = vec![report(DoorChange::Forced, None)];
    heard.extend([const { None }; 4]);
    heard.extend([report(DoorChange::Held, None), None]);
    let told = delivered(heard, 3);
    assert_eq!(told.sent.len(), 2);
    assert_eq!(told.sent[0].note.as_deref(), Some("(6 s ago)"));
    assert_eq!(told.sent[1].note, None);
    assert!(told.said.is_empty());
}

#[test]
fn the_newest_are_kept_and_the_others_counted() {
    let mut heard: Vec<_> =
        (0..KEPT + 10).map(|n| report(DoorChange::Opened, Some(&n.to_string()))).collect();
    heard.extend([const { None }; 4]);
    let told = delivered(heard, 3);
    assert_eq!((told.sent.len(), told.sent[0].note.as_deref()), (KEPT, Some("10 (6 s ago)")));
    assert!(told.said[0].starts_with("10 reports"), "{:?}", told.said);
}

#[test]
fn a_report_that_is_refused_does_not_hold_up_the_others() {
    let heard = vec![report(DoorChange::Fault, Some("bad")), report(DoorChange::Exit, None), None, None];
    let told = delivered(heard, 0);
    assert_eq!(told.sent.iter().map(|call| call.change).collect::<Vec<_>>(), [DoorChange::Exit]);
    assert!(told.said[0].contains("note"), "{:?}", told.said);
}

#[test]
fn a_note_is_cut_where_a_letter_ends() {
    let long = Report { note: Some("ä".repeat(150)), ..report(DoorChange::Fault, None).expect("a report") };
    let note = long.call(Duration::from_secs(7)).note.expect("a note");
    assert!(note.len() <= MAX_NOTE && note.starts_with("ää") && note.ends_with("ä (7 s ago)"), "{note}");
    let lines = Report { note: Some("two\nlines".into()), ..long };
    assert_eq!(lines.call(Duration::ZERO).note.as_deref(), Some("two lines"));
}
