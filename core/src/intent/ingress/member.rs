//! One Ingress of a group being read, with its class's parameters.

use elbow_crds::annotation::Annotations;
use elbow_crds::annotation::ingress::PREFIX;
use elbow_crds::ingress_class_params::IngressClassParamsSpec;

use crate::intent::Objects;
use crate::intent::reader::Reader;
use crate::key::StackKey;
use crate::settings::Settings;
use crate::view::Ingress;

/// A member of a group being read.
pub type Member<'a> = Reader<'a, Membership<'a>>;

/// An Ingress and where it belongs.
pub struct Membership<'a> {
    /// The Ingress.
    pub ingress: &'a Ingress,
    /// Parameters of its class.
    pub params: Option<&'a IngressClassParamsSpec>,
    /// The group.
    pub group: &'a StackKey,
}

impl<'a> Reader<'a, Membership<'a>> {
    /// A member about to be read.
    pub fn new(of: Membership<'a>, objects: &'a dyn Objects, settings: &'a Settings) -> Self {
        let annotations = Annotations::new(&of.ingress.meta.annotations, PREFIX);
        let object = of.ingress.object();
        Self::open(of, object, annotations, objects, settings)
    }
}
