//! Labels of Kubernetes objects.

/// Labels, in the order of their keys, each key once.
///
/// A list, not a map: an object has a dozen of them, and the code of one more kind of map
/// is 3 KB of a Wasm module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels(Vec<(String, String)>);

impl Labels {
    /// Adds a label, or puts it in the place of the one with that key.
    pub fn insert(&mut self, key: String, value: String) {
        match self.find(&key) {
            Ok(found) => {
                if let Some((_, old)) = self.0.get_mut(found) {
                    *old = value;
                }
            }
            Err(place) => self.0.insert(place, (key, value)),
        }
    }

    /// The value of a label.
    pub fn get(&self, key: &str) -> Option<&String> {
        let (_, value) = self.0.get(self.find(key).ok()?)?;
        Some(value)
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(known, _)| known.as_str().cmp(key))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The keys.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.iter().map(|(key, _)| key)
    }
}

impl FromIterator<(String, String)> for Labels {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(labels: I) -> Self {
        let mut all = Self::default();
        for (key, value) in labels {
            all.insert(key, value);
        }
        all
    }
}

impl<const N: usize> From<[(String, String); N]> for Labels {
    fn from(labels: [(String, String); N]) -> Self {
        labels.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn each_key_is_there_once_and_in_order() {
        let text = |text: &str| text.to_owned();
        let mut labels: Labels = ["b", "c", "a"].map(|key| (text(key), text("1"))).into();
        labels.insert(text("b"), text("2"));
        let all: Vec<_> = labels
            .iter()
            .map(|(key, value)| [key.as_str(), value])
            .collect();
        assert_eq!(all, [["a", "1"], ["b", "2"], ["c", "1"]]);
        assert_eq!(labels.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!((labels.get("c"), labels.get("d")), (Some(&text("1")), None));
        assert!(!labels.is_empty() && Labels::default().is_empty());
    }
}
