use std::collections::VecDeque;

use super::*;

/// What a keypad does next.
enum Next {
    Keys(&'static str),
    Unplugged,
}

use Next::{Keys as Typed, Unplugged};

struct Script(VecDeque<Next>);

fn unplugged() -> DeviceError {
    DeviceError::NotFound { path: "keypad".into() }
}

impl Keys for Script {
    fn wait(&mut self, _: Duration) -> Result<Vec<Key>, DeviceError> {
        match self.0.pop_front() {
            Some(Typed(keys)) => Ok(keys
                .bytes()
                .map(|key| match key {
                    b'#' => Key::Enter,
                    b'*' => Key::Clear,
                    digit => Key::Digit(digit - b'0'),
                })
                .collect()),
            Some(Unplugged) | None => Err(unplugged()),
        }
    }
}

/// The plugs of a keypad one after another, what was sent, and what was said of it. Ends after the last plug.
struct Plugs {
    scripts: VecDeque<Vec<Next>>,
    asked: Vec<String>,
    said: Vec<News>,
}

impl World for Plugs {
    fn take(&mut self) -> Result<Box<dyn Keys>, DeviceError> {
        let script = self.scripts.pop_front().ok_or_else(unplugged)?;
        Ok(Box::new(Script(script.into())))
    }

    fn now(&self) -> Moment {
        Moment::default()
    }

    fn judge(&mut self, pin: Pin) -> Result<Outcome, String> {
        let pin = pin.into_text();
        let outcome = if pin == "4711" { Outcome::Match } else { Outcome::NoMatch };
        self.asked.push(pin);
        Ok(outcome)
    }

    fn tell(&mut self, news: News) -> bool {
        self.said.push(news);
        !self.scripts.is_empty()
            || self.said.last() != Some(&News::Device { lost: Some(unplugged().to_string()) })
    }

    fn pause(&mut self) {}
}

fn play(scripts: Vec<Vec<Next>>) -> (Vec<String>, Vec<News>) {
    let mut plugs = Plugs { scripts: scripts.into(), asked: Vec::new(), said: Vec::new() };
    watch(&mut plugs);
    (plugs.asked, plugs.said)
}

const THERE: News = News::Device { lost: None };

fn lost() -> News {
    News::Device { lost: Some(unplugged().to_string()) }
}

fn judged(outcome: Outcome) -> News {
    News::Judged(Ok(outcome))
}

#[test]
fn what_is_typed_is_judged_and_only_the_verdict_goes_on() {
    let (asked, said) = play(vec![vec![Typed("47"), Typed("11#"), Typed("0000#")]]);
    assert_eq!(asked, ["4711", "0000"]);
    assert_eq!(said, [THERE, judged(Outcome::Match), judged(Outcome::NoMatch), lost()]);
    assert!(!format!("{said:?}").contains("47"));
}

#[test]
fn a_keypad_that_is_unplugged_in_the_middle_forgets_what_was_typed() {
    let (asked, said) = play(vec![vec![Typed("47"), Unplugged], vec![Typed("11#"), Typed("*4711#")]]);
    assert_eq!(asked, ["11", "4711"], "two digits of the one and two of the other are not four");
    assert_eq!(said, [THERE, lost(), THERE, judged(Outcome::NoMatch), judged(Outcome::Match), lost()]);
}

#[test]
fn a_keypad_that_stays_away_is_reported_once() {
    let mut plugs = Plugs { scripts: VecDeque::new(), asked: Vec::new(), said: Vec::new() };
    struct Away<'a>(&'a mut Plugs, u32);
    impl World for Away<'_> {
        fn take(&mut self) -> Result<Box<dyn Keys>, DeviceError> {
            self.1 += 1;
            if self.1 < 5 { Err(unplugged()) } else { Ok(Box::new(Script(VecDeque::new()))) }
        }
        fn now(&self) -> Moment {
            self.0.now()
        }
        fn judge(&mut self, pin: Pin) -> Result<Outcome, String> {
            self.0.judge(pin)
        }
        fn tell(&mut self, news: News) -> bool {
            self.0.said.push(news);
            self.0.said.len() < 2
        }
        fn pause(&mut self) {}
    }
    watch(&mut Away(&mut plugs, 0));
    assert_eq!(plugs.said, [lost(), THERE]);
}
