//! Texts by which a longer one may begin or end, found without trying them all.

/// Texts of one length with their values, sorted by text.
type Group<V> = Vec<(Box<[u8]>, V)>;

/// Values by text. A look-up costs one search for each distinct length, however many
/// texts there are.
#[derive(Debug, Clone)]
pub(crate) struct LengthTable<V> {
    /// Lengths with their texts, the longest first.
    groups: Vec<(usize, Group<V>)>,
}

impl<V> Default for LengthTable<V> {
    fn default() -> Self {
        Self { groups: Vec::new() }
    }
}

impl<V: Default> LengthTable<V> {
    /// The value of a text, made if there is none.
    pub(crate) fn entry(&mut self, text: &[u8]) -> Option<&mut V> {
        let length = text.len();
        let place = self.groups.partition_point(|(other, _)| *other > length);
        if self
            .groups
            .get(place)
            .is_none_or(|(other, _)| *other != length)
        {
            self.groups.insert(place, (length, Vec::new()));
        }
        let (_, group) = self.groups.get_mut(place)?;
        let place = match group.binary_search_by(|(other, _)| (**other).cmp(text)) {
            Ok(place) => place,
            Err(place) => {
                group.insert(place, (text.into(), V::default()));
                place
            }
        };
        group.get_mut(place).map(|(_, value)| value)
    }
}

impl<V> LengthTable<V> {
    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The value of exactly this text.
    pub(crate) fn exactly(&self, text: &[u8]) -> Option<&V> {
        let group = self.groups.iter().find(|(length, _)| *length == text.len());
        group.and_then(|(_, group)| find(group, text))
    }

    /// The values of the texts that `text` begins with, the longest first.
    pub(crate) fn prefixes<'s>(&'s self, text: &'s [u8]) -> impl Iterator<Item = &'s V> {
        self.parts(move |length| text.get(..length))
    }

    /// The values of the texts that `text` ends with, the longest first.
    pub(crate) fn suffixes<'s>(&'s self, text: &'s [u8]) -> impl Iterator<Item = &'s V> {
        self.parts(move |length| text.get(text.len().checked_sub(length)?..))
    }

    fn parts<'s>(
        &'s self,
        part: impl Fn(usize) -> Option<&'s [u8]> + 's,
    ) -> impl Iterator<Item = &'s V> {
        let groups = self.groups.iter();
        groups.filter_map(move |(length, group)| find(group, part(*length)?))
    }
}

fn find<'g, V>(group: &'g [(Box<[u8]>, V)], text: &[u8]) -> Option<&'g V> {
    let place = group.binary_search_by(|(other, _)| (**other).cmp(text));
    group.get(place.ok()?).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::LengthTable;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn table(texts: &[&str]) -> LengthTable<String> {
        let mut table = LengthTable::default();
        for &text in texts {
            *table.entry(text.as_bytes()).unwrap() += text;
        }
        table
    }

    #[test]
    fn what_a_text_begins_or_ends_with_is_found_the_longest_first() {
        let table = table(&["/", "/a", "/b", "/a/b", "", "a"]);
        let found: Vec<_> = table.prefixes(b"/a/bc").collect();
        assert_eq!(found, ["/a/b", "/a", "/", ""]);
        let found: Vec<_> = table.suffixes(b"x/a").collect();
        assert_eq!(found, ["/a", "a", ""]);
        assert_eq!(table.exactly(b"/b").unwrap(), "/b");
        assert_eq!(table.exactly(b"/c"), None);
        assert_eq!(table.exactly(b"/cd"), None);
    }

    #[test]
    fn a_text_has_one_value() {
        assert_eq!(table(&["x", "x"]).exactly(b"x").unwrap(), "xx");
    }
}
