//! Writing XML answers.

/// An XML element under construction. Text is escaped; an absent optional value writes nothing.
#[derive(Clone, Debug, Default)]
pub struct Xml {
    out: String,
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "callers pass numbers and references alike"
)]
impl Xml {
    /// An empty fragment.
    pub fn new() -> Self {
        Self::default()
    }

    /// `<name>text</name>`.
    pub fn text(&mut self, name: &str, text: impl ToString) -> &mut Self {
        self.element(name, |xml| {
            xml.data(text);
        })
    }

    /// `<name>text</name>` where there is a text.
    pub fn opt(&mut self, name: &str, text: Option<impl ToString>) -> &mut Self {
        if let Some(text) = text {
            self.text(name, text);
        }
        self
    }

    /// `<name>...</name>` with what `fill` writes inside.
    pub fn element(&mut self, name: &str, fill: impl FnOnce(&mut Xml)) -> &mut Self {
        self.out.extend(["<", name, ">"]);
        fill(self);
        self.out.extend(["</", name, ">"]);
        self
    }

    /// `<name>` holding one `<item>` per value (`member` for ELBv2, `item` for EC2).
    pub fn list<T>(
        &mut self,
        name: &str,
        item: &str,
        values: impl IntoIterator<Item = T>,
        fill: impl Fn(&mut Xml, T),
    ) -> &mut Self {
        self.element(name, |xml| {
            for value in values {
                xml.element(item, |xml| fill(xml, value));
            }
        })
    }

    /// Raw character data, escaped, without an element of its own.
    pub fn data(&mut self, text: impl ToString) -> &mut Self {
        self.out.push_str(&quick_xml::escape::escape(text.to_string()));
        self
    }

    /// What was written.
    pub fn finish(self) -> String {
        self.out
    }
}
