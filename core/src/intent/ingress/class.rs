//! Which Ingresses are ours (upstream `pkg/ingress/class_loader.go`, `class_annotation_matcher.go`).

use std::sync::Arc;

use elbow_crds::problem::{Problem, ProblemCode};

use crate::intent::Objects;
use crate::settings::Settings;
use crate::targets::selector::Selector;
use crate::view::{ClassParameters, Ingress, IngressClass, IngressClassParams};

/// `spec.controller` of the classes that are ours, whatever they are called.
pub const CONTROLLER: &str = "ingress.k8s.aws/alb";
/// The annotation that was there before IngressClass.
pub const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";
/// Where the class is named.
pub(super) const CLASS_FIELD: &str = "spec.ingressClassName";

const DEFAULT_ANNOTATION: &str = "ingressclass.kubernetes.io/is-default-class";
const PARAMETERS_GROUP: &str = "elbv2.k8s.aws";
const PARAMETERS_KIND: &str = "IngressClassParams";

/// What an Ingress's class says.
pub(super) enum Class {
    /// The Ingress is ours; parameters of its class, if it has any.
    Ours(Option<Arc<IngressClassParams>>),
    /// It is somebody else's.
    NotOurs,
}

/// Why an Ingress's class says nothing.
pub(super) enum Unclear {
    /// The class, or what it refers to, is missing or may not be used.
    Invalid(Box<Problem>),
    /// It cannot be told which class is meant.
    Unresolvable(Box<Problem>),
}

/// Looks up whose an Ingress is. `Err` if its class does not tell.
pub(super) fn classify(
    ingress: &Ingress,
    objects: &dyn Objects,
    settings: &Settings,
) -> Result<Class, Unclear> {
    let wanted = settings.scope.ingress_class.as_str();
    if let Some(named) = ingress.meta.annotations.get(CLASS_ANNOTATION) {
        // Without a name of our own the usual one is ours, too.
        let ours = named == wanted || (wanted.is_empty() && named == "alb");
        return Ok(if ours { Class::Ours(None) } else { Class::NotOurs });
    }
    let Some(class) = class_of(ingress, objects)? else {
        return Ok(if wanted.is_empty() {
            Class::Ours(None)
        } else {
            Class::NotOurs
        });
    };
    let params = params_of(ingress, &class, objects)?;
    Ok(if class.controller == CONTROLLER {
        Class::Ours(params)
    } else {
        Class::NotOurs
    })
}

fn invalid(ingress: &Ingress, code: ProblemCode, message: String) -> Unclear {
    Unclear::Invalid(Box::new(Problem::fault(
        &ingress.object(),
        CLASS_FIELD,
        code,
        message,
    )))
}

/// The class by name, or the default one.
fn class_of(ingress: &Ingress, objects: &dyn Objects) -> Result<Option<Arc<IngressClass>>, Unclear> {
    if let Some(name) = &ingress.class {
        let message = format!("the IngressClass '{name}' does not exist; create it or name another one");
        return match objects.ingress_class(name) {
            Some(class) => Ok(Some(class)),
            None => Err(invalid(ingress, ProblemCode::NotFound, message)),
        };
    }
    let mut defaults = objects.ingress_classes();
    defaults
        .retain(|class| class.meta.annotations.get(DEFAULT_ANNOTATION).map(String::as_str) == Some("true"));
    if defaults.len() > 1 {
        let names: Vec<&str> = defaults.iter().map(|class| class.meta.name.as_str()).collect();
        let message = format!(
            "it names no class, and the IngressClasses {} are all marked as default ({DEFAULT_ANNOTATION}); name one \
             of them, or mark only one",
            names.join(", ")
        );
        let problem = Problem::fault(&ingress.object(), CLASS_FIELD, ProblemCode::Conflict, message);
        return Err(Unclear::Unresolvable(Box::new(problem)));
    }
    Ok(defaults.pop())
}

fn params_of(
    ingress: &Ingress,
    class: &IngressClass,
    objects: &dyn Objects,
) -> Result<Option<Arc<IngressClassParams>>, Unclear> {
    let Some(reference) = class
        .parameters
        .as_ref()
        .filter(|_| class.controller == CONTROLLER)
    else {
        return Ok(None);
    };
    let name = &class.meta.name;
    if !is_ours(reference) {
        let message = format!(
            "the parameters of the IngressClass '{name}' are of kind {} in the group '{}'; refer to \
             {PARAMETERS_KIND} in the group {PARAMETERS_GROUP}",
            reference.kind,
            reference.api_group.as_deref().unwrap_or_default()
        );
        return Err(invalid(ingress, ProblemCode::NotAllowed, message));
    }
    let Some(params) = objects.class_params(&reference.name) else {
        let message = format!(
            "the {PARAMETERS_KIND} '{}' of the IngressClass '{name}' do not exist; create them",
            reference.name
        );
        return Err(invalid(ingress, ProblemCode::NotFound, message));
    };
    check_namespace(ingress, &params, objects)?;
    Ok(Some(params))
}

fn is_ours(reference: &ClassParameters) -> bool {
    reference.api_group.as_deref() == Some(PARAMETERS_GROUP) && reference.kind == PARAMETERS_KIND
}

/// Whether Ingresses of this namespace may use the class.
fn check_namespace(
    ingress: &Ingress,
    params: &IngressClassParams,
    objects: &dyn Objects,
) -> Result<(), Unclear> {
    let Some(wanted) = &params.spec.namespace_selector else {
        return Ok(());
    };
    let name = &params.meta.name;
    let selector = Selector::parse(Some(wanted)).map_err(|rule| {
        let message =
            format!("the namespaceSelector of the {PARAMETERS_KIND} '{name}' cannot be read: {rule}");
        invalid(ingress, ProblemCode::Malformed, message)
    })?;
    let namespace = &ingress.meta.namespace;
    let Some(found) = objects.namespace(namespace) else {
        let message = format!(
            "the namespace {namespace} is not known, so the namespaceSelector of the {PARAMETERS_KIND} '{name}' \
             cannot be checked"
        );
        return Err(invalid(ingress, ProblemCode::NotFound, message));
    };
    if selector.matches(&found.meta.labels) {
        return Ok(());
    }
    let message = format!(
        "the {PARAMETERS_KIND} '{name}' of its class do not allow the namespace {namespace}; label the namespace as \
         their namespaceSelector wants it, or name another class"
    );
    Err(invalid(ingress, ProblemCode::NotAllowed, message))
}
