//! Secret values that pass through our own structs.

/// A secret value: a key, a token, a client secret. It can be neither printed nor stored, and neither can a
/// struct that holds it unless that struct says by hand what it shows; [`Redacted::expose`] marks the places
/// that use it. Memory is not wiped.
///
/// ```
/// use elbow_core::redacted::Redacted;
/// assert_eq!(*Redacted::new("token").expose(), "token");
/// ```
///
/// ```compile_fail,E0277
/// use elbow_core::redacted::Redacted;
/// format!("{:?}", Redacted::new("token"));
/// ```
///
/// ```compile_fail,E0277
/// use elbow_core::redacted::Redacted;
/// format!("{}", Redacted::new("token"));
/// ```
///
/// ```compile_fail,E0277
/// use elbow_core::redacted::Redacted;
/// let _ = serde_json::to_string(&Redacted::new("token"));
/// ```
///
/// ```compile_fail,E0277
/// use elbow_core::redacted::Redacted;
/// #[derive(Debug)]
/// struct Client {
///     secret: Redacted<String>,
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
#[allow(missing_debug_implementations)] // on purpose
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// Wraps a secret value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one that needs it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}
