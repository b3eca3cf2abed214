//! Which Services are ours (upstream `pkg/service/service_utils.go`).

use elbow_crds::annotation::{Annotations, service::PREFIX};

use crate::settings::Settings;
use crate::view::Service;

/// Whether a Service asks this controller for a load balancer. A Service that is being deleted asks for
/// nothing. The class decides alone where it is set; values are compared exactly.
pub fn is_ours(service: &Service, settings: &Settings) -> bool {
    if service.meta.deleting {
        return false;
    }
    if settings.gates.service_type_load_balancer_only && service.type_ != "LoadBalancer" {
        return false;
    }
    if let Some(class) = &service.load_balancer_class {
        return *class == settings.scope.load_balancer_class;
    }
    let annotations = Annotations::new(&service.meta.annotations, PREFIX);
    match annotations.string("aws-load-balancer-type") {
        Some("nlb-ip") => true,
        Some("external") => matches!(
            annotations.string("aws-load-balancer-nlb-target-type"),
            Some("ip" | "instance")
        ),
        _ => false,
    }
}
