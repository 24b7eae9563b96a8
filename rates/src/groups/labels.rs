//! Who is in which group: from a file of `person,group` lines, or from file names of UTKFace.
//!
//! UTKFace (Zhang, Song and Qi 2017) names its files `age_sex_race_time`: sex 0 male, 1 female; race 0 white, 1 black,
//! 2 Asian, 3 Indian, 4 other. These are guesses of a network that its authors had checked: judgements of others about a
//! picture, not what people say of themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::RatesError;

/// Ages of one group: from, to, name.
const AGES: [(u32, u32, &str); 9] = [
    (0, 2, "00 to 02"),
    (3, 5, "03 to 05"),
    (6, 9, "06 to 09"),
    (10, 12, "10 to 12"),
    (13, 15, "13 to 15"),
    (16, 19, "16 to 19"),
    (20, 39, "20 to 39"),
    (40, 59, "40 to 59"),
    (60, 200, "60 and over"),
];

/// From this age on people are parted by sex and race.
const ADULT: u32 = 16;

/// What a file name of UTKFace says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Utk {
    /// In years.
    pub age: u32,
    /// As labelled.
    pub sex: &'static str,
    /// As labelled.
    pub race: &'static str,
}

impl Utk {
    /// Of a path; `None` where its last part is no such name, as of the few files of UTKFace that lack a field.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let mut fields = name.split('_');
        let mut number = || fields.next()?.parse::<u32>().ok();
        let (age, sex, race) = (number()?, number()?, number()?);
        let time = fields.next()?.split('.').next()?;
        let known = fields.next().is_none() && time.len() > 8 && time.bytes().all(|b| b.is_ascii_digit());
        Some(Self {
            age: Some(age).filter(|age| *age <= 200 && known)?,
            sex: *["men", "women"].get(sex as usize)?,
            race: *["white", "black", "Asian", "Indian", "other"].get(race as usize)?,
        })
    }

    /// Kind of group, and group. Sex and race are those of grown people: small children are alike for a reason of their own.
    fn groups(self) -> Vec<(&'static str, String)> {
        let of_age = AGES.iter().find(|(from, to, _)| (*from..=*to).contains(&self.age));
        let mut groups: Vec<_> = of_age.map(|(_, _, name)| ("age", (*name).to_owned())).into_iter().collect();
        if self.age >= ADULT {
            groups.push(("sex, from 16", self.sex.to_owned()));
            groups.push(("race label, from 16", self.race.to_owned()));
            groups.push(("race label and sex, from 16", format!("{} {}", self.race, self.sex)));
        }
        groups
    }
}

/// One way to part people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// Such as "age".
    pub name: String,
    /// The group of each person, by number; `None` for people who are in none.
    pub group: Vec<Option<String>>,
}

impl Kind {
    /// Each group and the numbers of its people.
    pub fn groups(&self) -> impl Iterator<Item = (&str, Vec<usize>)> {
        let names: BTreeSet<&str> = self.group.iter().flatten().map(String::as_str).collect();
        names.into_iter().map(|name| {
            let here = |group: &Option<String>| group.as_deref() == Some(name);
            (name, (0..self.group.len()).filter(|person| here(&self.group[*person])).collect())
        })
    }
}

/// All ways to part the people of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// In the order of their names.
    pub kinds: Vec<Kind>,
    /// People without any.
    pub unlabelled: usize,
}

impl Labels {
    /// From people's names that are paths of UTKFace pictures.
    ///
    /// # Errors
    /// [`RatesError`]: nobody has such a name.
    pub fn of_utk(source: &Path, people: &[String]) -> Result<Self, RatesError> {
        Self::of(source, people, |person| Utk::of(Path::new(person)).map_or(Vec::new(), Utk::groups))
    }

    /// From lines of `person,group`; a header is one line that names nobody.
    ///
    /// # Errors
    /// [`RatesError`]: the file cannot be read, or names nobody of the set.
    pub fn of_file(file: &Path, people: &[String]) -> Result<Self, RatesError> {
        let text = std::fs::read_to_string(file).map_err(RatesError::file(file))?;
        let lines = text.lines().filter_map(|line| line.split_once(','));
        let group: BTreeMap<&str, &str> =
            lines.map(|(person, group)| (person.trim(), group.trim())).collect();
        Self::of(file, people, |person| {
            group.get(person).map(|group| ("group", (*group).to_owned())).into_iter().collect()
        })
    }

    fn of(
        source: &Path,
        people: &[String],
        groups: impl Fn(&str) -> Vec<(&'static str, String)>,
    ) -> Result<Self, RatesError> {
        let mut kinds: BTreeMap<&str, Vec<Option<String>>> = BTreeMap::new();
        let mut unlabelled = 0;
        for (number, person) in people.iter().enumerate() {
            let found = groups(person);
            unlabelled += usize::from(found.is_empty());
            for (kind, group) in found {
                kinds.entry(kind).or_insert_with(|| vec![None; people.len()])[number] = Some(group);
            }
        }
        if kinds.is_empty() {
            let why = "gives nobody in the set a group; wanted: lines of person,group, where a person is the name of a \
                       folder; or, without --groups, files named age_sex_race_time as in UTKFace";
            return Err(RatesError::data(source, why));
        }
        let kinds = kinds.into_iter().map(|(name, group)| Kind { name: name.to_owned(), group }).collect();
        Ok(Self { kinds, unlabelled })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utkface_names_tell_age_sex_and_race() {
        let of = |name: &str| Utk::of(Path::new(name));
        let anna = Utk { age: 26, sex: "women", race: "black" };
        assert_eq!(of("black-females/26_1_1_20170116174509010.jpg.chip.jpg"), Some(anna));
        for wrong in
            ["61_1_20170109142408075.jpg", "26_2_1_20170116174509010.jpg", "26_1_5_2017011617450.jpg"]
        {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        assert_eq!(of("26_1_1_cat.jpg"), None);
        assert_eq!(of("300_1_1_20170116174509010.jpg"), None);
    }

    #[test]
    fn children_are_parted_by_age_alone() {
        let names =
            ["2_0_3_20170116174509010.jpg", "40_1_3_20170116174509011.jpg", "x.jpg"].map(str::to_owned);
        let labels = Labels::of_utk(Path::new("utk"), &names).expect("two have labels");
        let of = |kind: &str| labels.kinds.iter().find(|k| k.name == kind).expect("a kind").group.clone();
        assert_eq!(of("age"), [Some("00 to 02".to_owned()), Some("40 to 59".to_owned()), None]);
        assert_eq!(of("race label and sex, from 16"), [None, Some("Indian women".to_owned()), None]);
        assert_eq!((labels.unlabelled, labels.kinds.len()), (1, 4));
    }

    #[test]
    fn a_file_that_names_nobody_is_refused() {
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), "person,group\nanna, a\nbert,b\n").expect("written");
        let people = ["anna", "bert", "carl"].map(str::to_owned);
        let labels = Labels::of_file(file.path(), &people).expect("names two");
        let groups: Vec<_> = labels.kinds[0].groups().collect();
        assert_eq!((groups, labels.unlabelled), (vec![("a", vec![0]), ("b", vec![1])], 1));
        let why = Labels::of_file(file.path(), &["dora".to_owned()]).expect_err("nobody").to_string();
        assert!(why.contains("nobody in the set"), "{why}");
    }
}
