//! A description of the JSON face, by the OpenAPI specification 3.1, of any contracts: every method that is called with one message,
//! with the types, rules, titles and classifications that its contract says.

mod example;
mod operation;
mod parts;
mod schema;

use prost_reflect::ServiceDescriptor;
use serde_json::{Map, Value, json};

use schema::Schemas;

/// Where the gateway tells it.
pub const PATH: &str = "/openapi.json";

/// Describes these services of a hub of that version.
pub fn document(services: &[ServiceDescriptor], version: &str) -> Value {
    let mut schemas = Schemas::default();
    let (mut paths, mut tags) = (Map::new(), Vec::new());
    for service in services {
        let rules = lgsp_proto::options::service(service);
        tags.push(json!({
            "name": service.full_name(),
            "description": if rules.platform {
                format!("{} ({}). A service of the hub itself: opened by role.", rules.title_en, rules.title_vi)
            } else {
                format!("{} ({}). A data service: opened by sharing agreement.", rules.title_en, rules.title_vi)
            },
            "x-title-vi": rules.title_vi,
            "x-domain": rules.domain,
        }));
        for method in service.methods().filter(|method| !method.is_client_streaming()) {
            let path = format!("/{}/{}", service.full_name(), method.name());
            paths.insert(path, json!({ "post": operation::of(&method, &rules, &mut schemas) }));
        }
    }
    let mut components = parts::components();
    components["schemas"] = schemas.finished(parts::schemas()).into();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "LGSP Hub",
            "version": version,
            "summary": "Data services of agencies, called with JSON.",
            "description": parts::DESCRIPTION,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "The gateway that this document came from." }],
        "security": [{ "token": [] }, { "certificate": [] }],
        "tags": tags,
        "paths": paths,
        "components": components,
    })
}

#[cfg(test)]
mod tests;
