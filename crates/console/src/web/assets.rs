//! Files that pages need, in the binary, each under a name that tells its content.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use sha2::{Digest, Sha256};

struct Asset {
    address: String,
    content_type: &'static str,
    content: &'static [u8],
}

impl Asset {
    fn new(stem: &str, extension: &str, content_type: &'static str, content: &'static [u8]) -> Self {
        let digest = hex::encode(&Sha256::digest(content)[..8]);
        Self { address: format!("/assets/{stem}.{digest}.{extension}"), content_type, content }
    }
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("console", "css", "text/css; charset=utf-8", include_bytes!("../../assets/console.css"))
});
static DARK: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("dark", "css", "text/css; charset=utf-8", include_bytes!("../../assets/dark.css"))
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("console", "js", "text/javascript; charset=utf-8", include_bytes!("../../assets/console.js"))
});
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_bytes!("../../assets/icon.svg")));

pub(crate) fn style() -> &'static str {
    &STYLE.address
}

pub(crate) fn dark() -> &'static str {
    &DARK.address
}

pub(crate) fn script() -> &'static str {
    &SCRIPT.address
}

pub(crate) fn icon() -> &'static str {
    &ICON.address
}

pub(super) async fn serve(Path(file): Path<String>) -> Response {
    let wanted = format!("/assets/{file}");
    let Some(asset) = [&*STYLE, &*DARK, &*SCRIPT, &*ICON].into_iter().find(|asset| asset.address == wanted)
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(asset.content_type)),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    (headers, asset.content).into_response()
}
